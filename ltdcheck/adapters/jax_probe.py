"""What is learned about a network of jax before it is checked: its form and sizes, from shapes alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp

from ltdcheck.adapters.adapted import raising
from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.form import B, Call, H, I, T
from ltdcheck.adapters.jax_arrays import held
from ltdcheck.adapters.jax_model import Model, bits, is_real, names_of
from ltdcheck.adapters.precisions import Found
from ltdcheck.adapters.sizes import learn_with_sizes, probing
from ltdcheck.adapters.state import build


def learn_form(
    target: str, blueprint: Blueprint, model_of: Callable[[Any, str], Model], precision: str, known: Found | None
) -> Found:
    """The form, and the input size with which it was found; nothing is computed, only shapes.

    What is ``known`` from another precision is called in that way.

    Raises
    ------
    TargetFailure
        When it raised, however it was called.
    TargetUnusableError
        When what it answers fits no form.
    """
    with bits(precision):
        with raising():
            instance = blueprint.make(I, H)
            model = model_of(instance, precision)

        probe = probing(lambda values: held(values, precision))

        @lru_cache
        def tree(shape: tuple[int, ...]) -> Any:
            return _rounded(model.shapes(probe(*shape)), precision)

        def call(x: Any, *state: Any) -> Any:
            return jax.eval_shape(model.apply, tree(x.shape), x, *state)

        if known is not None:
            with raising():
                call(*_arguments(known, probe))
            return known
        asked = Call(call, model.takes_state, model.needs_state)
        sizes = _axes(model) if blueprint.fixed else None
        return learn_with_sizes(asked, probe, target, instance, sizes)


def _arguments(known: Found, probe: Callable[..., Any]) -> Iterator[Any]:
    """x, and a state where one is needed."""
    form, inputs = known
    yield probe(T, B, inputs) if form.kind == "layer" else probe(B, inputs)
    if form.needs_state:
        rows = T if form.batch_first else B
        yield build(form.state, [probe(rows, width) for width in form.widths(form.hidden)], jnp.stack)


def _rounded(tree: Any, precision: str) -> Any:
    """The shapes of parameters in the precision, which is what they are filled with."""
    dtype = jnp.dtype(precision)
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, dtype) if is_real(leaf) else leaf, tree)


def _axes(model: Model) -> list[tuple[int, ...]]:
    """The shapes of the parameters; where they follow the input, that may be I wide."""
    try:
        return [leaf.shape for leaf in names_of(model.shapes(None)).values()]
    except Exception:  # noqa: BLE001  (whatever it raises on no input, it waits for one)
        return [(I,)]
