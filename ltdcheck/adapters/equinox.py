"""equinox: modules of one row, without a batch axis, which ``jax.vmap`` gives them.

A cell takes x (I,) and a state of arrays (H,), a layer x (T, I) and arrays (.., H). Its parameters are the real arrays
that it holds; the rest of it stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax

from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.jax import KEY, JaxNetwork
from ltdcheck.adapters.jax_forms import by_names, by_place
from ltdcheck.adapters.jax_model import Model, arguments, is_real
from ltdcheck.adapters.jax_outline import outlining

FORMS = (by_names(key=lambda: jax.random.key(KEY)), by_place)
ROWS = -2  # the batch axis of x (B, I) or (T, B, I), of y and of every state


def _is_parameter(leaf: Any) -> bool:
    return isinstance(leaf, (jax.Array, jax.ShapeDtypeStruct)) and is_real(leaf)


def _outline(make: Callable[[], Any]) -> Any:
    """With shapes alone.

    Raises
    ------
    TypeError
        When something else than parameters has a shape alone, too.
    """
    outline = eqx.filter_eval_shape(make)
    shapes = [leaf for leaf in jax.tree.leaves(outline) if isinstance(leaf, jax.ShapeDtypeStruct)]
    if not all(map(is_real, shapes)):
        raise TypeError("it has arrays that are no parameters")
    return outline


def _model(module: Any, _precision: str) -> Model:
    parameters, rest = eqx.partition(module, _is_parameter)

    def apply(tree: Any, x: Any, *state: Any) -> Any:
        return jax.vmap(eqx.combine(tree, rest), in_axes=ROWS, out_axes=ROWS)(x, *state)

    return Model(lambda _x: parameters, apply, *arguments(module))


def adapt(blueprint: Blueprint, first: Any) -> JaxNetwork:
    """A module as an implementation, from the way to make it and the first one made.

    Raises
    ------
    TargetUnusableError
        When it has no parameters, or is neither a layer nor a cell.
    """
    outlining(blueprint, _outline)
    return JaxNetwork(blueprint.target, blueprint, first, _model, "equinox")
