"""flax.linen: cells, ``nn.RNN`` and ``nn.Bidirectional``, which take the carry by another place or name than x.

A module of a user's own is called with ``(x, state=None)``. Only its parameters are kept from one call to
the next. Double precision makes parameters and carries of it where a module says ``param_dtype=float32``, its default.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.flax_carry import called_on, carried
from ltdcheck.adapters.jax import KEY, JaxNetwork
from ltdcheck.adapters.jax_forms import by_names, by_place
from ltdcheck.adapters.jax_model import Model, arguments

LAYERS = (nn.RNN, nn.Bidirectional)
FORMS = (by_names(), by_place)


def _in_precision(value: Any, precision: str) -> Any:
    """The module with what it holds in the precision, and everything else as it is."""
    if not isinstance(value, nn.Module):
        return value
    fields = {f.name for f in dataclasses.fields(value) if f.init} - {"parent", "name"}
    changed = {name: _in_precision(getattr(value, name), precision) for name in fields}
    if changed.get("param_dtype") == jnp.float32:
        changed["param_dtype"] = jnp.dtype(precision)
    return value.clone(**changed)


def _start(cell: Any, x: Any) -> Any:
    return cell.initialize_carry(jax.random.key(KEY), x.shape)


_cell = called_on(_start)


def _model(instance: Any, precision: str) -> Model:
    module = _in_precision(instance, precision)
    known = _cell if isinstance(module, nn.RNNCellBase) else carried if isinstance(module, LAYERS) else None
    call = known or type(module).__call__

    def init(x: Any) -> Any:
        return module.init(jax.random.key(KEY), x, method=call)["params"]

    def apply(tree: Any, x: Any, *state: Any) -> Any:
        return module.apply({"params": tree}, x, *state, method=call)

    def ragged(tree: Any, x: Any, lengths: Any, *state: Any) -> Any:
        return module.apply({"params": tree}, x, *state, lengths=lengths, method=carried)

    takes, needs = (True, False) if known else arguments(module.__call__)
    start = partial(_start, module) if known is _cell else None
    return Model(init, apply, takes, needs, start, ragged if known is carried else None)


def adapt(blueprint: Blueprint, first: Any) -> JaxNetwork:
    """A module as an implementation, from the way to make it and the first one made.

    Raises
    ------
    TargetUnusableError
        When it has no parameters, or is neither a layer nor a cell.
    """
    return JaxNetwork(blueprint.target, blueprint, first, _model, "flax")
