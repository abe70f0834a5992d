"""flax.nnx: cells, ``nnx.RNN`` and ``nnx.Bidirectional``, which take the carry by another place or name than x.

A module of a user's own is called with ``(x, state=None)``. Its parameters are its ``nnx.Param``; what else it holds is
at every call as it was when it was made. Double precision makes carries of it where a module says
``param_dtype=float32``, its default.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from flax.nnx.nn.recurrent import RNNCellBase

from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.flax_carry import called_on, carried
from ltdcheck.adapters.jax import KEY, JaxNetwork
from ltdcheck.adapters.jax_forms import by_names, by_place
from ltdcheck.adapters.jax_model import Model, arguments
from ltdcheck.adapters.jax_outline import outlining

LAYERS = (nnx.RNN, nnx.Bidirectional)
FORMS = (by_names(rngs=lambda: nnx.Rngs(KEY)), by_place)


def _start(cell: Any, x: Any) -> Any:
    return cell.initialize_carry(x.shape, nnx.Rngs(KEY))


_cell = called_on(_start)


def _model(instance: Any, precision: str) -> Model:
    for _, part in nnx.iter_graph(instance):
        if isinstance(part, nnx.Module) and getattr(part, "param_dtype", None) == jnp.float32:
            part.param_dtype = jnp.dtype(precision)
    definition, parameters, rest = nnx.split(instance, nnx.Param, ...)
    known = _cell if isinstance(instance, RNNCellBase) else carried if isinstance(instance, LAYERS) else None

    def apply(tree: Any, x: Any, *state: Any) -> Any:
        module = nnx.merge(definition, tree, rest, copy=True)  # variables of this trace
        return known(module, x, *state) if known else module(x, *state)

    def ragged(tree: Any, x: Any, lengths: Any, *state: Any) -> Any:
        return carried(nnx.merge(definition, tree, rest, copy=True), x, *state, lengths=lengths)

    takes, needs = (True, False) if known else arguments(instance)
    start = partial(_start, instance) if known is _cell else None
    return Model(lambda _x: parameters, apply, takes, needs, start, ragged if known is carried else None)


def _outline(make: Callable[[], Any]) -> Any:
    """With shapes alone for its ``nnx.Param``."""
    definition, parameters, rest = nnx.split(nnx.eval_shape(make), nnx.Param, ...)
    if jax.tree.leaves(rest):
        rest = jax.jit(lambda: nnx.split(make(), nnx.Param, ...)[2])()
    return nnx.merge(definition, parameters, rest)


def adapt(blueprint: Blueprint, first: Any) -> JaxNetwork:
    """A module as an implementation, from the way to make it and the first one made.

    Raises
    ------
    TargetUnusableError
        When it has no parameters, or is neither a layer nor a cell.
    """
    outlining(blueprint, _outline)
    return JaxNetwork(blueprint.target, blueprint, first, _model, "flax")
