"""Networks of jax whose passes, forward and back, are answered by something else, whatever jax makes of the program.

Each pass is a call back to the host, so that ``jit``, ``grad``, ``vmap`` and ``scan`` around it are as they were.
Nothing is kept from one call to the next: every pass is asked of what was there at the start.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ltdcheck.adapters.form import Form
from ltdcheck.adapters.jax_model import names_of
from ltdcheck.adapters.stand_in import CannotStandInError, Shapes, Standing, arguments, question, units, widened
from ltdcheck.adapters.state import arrays_of, build
from ltdcheck.problem import Array

Named = Mapping[str, Any]


class JaxPasses:
    """The one method by which a class is called: ``apply``, which is given the parameters, or that of a module."""

    name = "apply"

    def __init__(self, original: Any, form: Form, shapes: Shapes, start: Callable[[], Standing]) -> None:
        self.original, self.form, self.shapes, self.start = original, form, shapes, start()

    def methods(self) -> dict[str, Callable[..., Any]]:
        """What is to be set on the class."""
        passes = self

        def method(self: Any, *given: Any, **named: Any) -> Any:
            return passes.called(self, given, named)

        return {self.name: method}

    def called(self, instance: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """The answer of an object with ``init`` and ``apply``."""
        params, *rest = given
        x, state = arguments(partial(self.original.apply, instance), params, tuple(rest), named)
        return self.answer(names_of(params), x, state)

    def answer(self, params: Named, x: Any, state: Any) -> Any:
        """``(y, state)``, or what a cell answers."""
        form, cell = self.form, self.form.kind == "cell"
        if x.ndim != (2 if cell else 3):
            raise CannotStandInError(f"x has the shape {x.shape}")
        steps = x[None] if cell else _swapped(x, form)
        outlines: Any = {name: np.broadcast_to(np.float32(0), leaf.shape) for name, leaf in params.items()}
        H = units(self.shapes, outlines, steps.shape[2])
        B, widths = steps.shape[1], form.widths(H)
        given = None
        if state is not None:
            given = [jnp.asarray(s, x.dtype) for s in arrays_of(form.state, state, (B, H), "the state")]
        y, *final = self._passed(dict(params), steps, given, widths)
        tree = build(form.state, final, jnp.stack)
        if cell:
            return (y[0], tree) if form.emits else tree
        return _swapped(y, form), tree

    def _passed(self, params: dict[str, Any], x: Any, state: Sequence[Any] | None, widths: tuple[int, ...]) -> Any:
        """y and the arrays of the final state, with a derivative that is asked as well."""
        names, given = list(params), state is not None
        T, B, _ = x.shape
        outline = [jax.ShapeDtypeStruct((T, B, self.form.width * min(widths)), x.dtype)]
        outline += [jax.ShapeDtypeStruct((B, width), x.dtype) for width in widths]

        def ask(x: Array, state: Sequence[Array], values: Sequence[Array]) -> Any:
            held = dict(zip(names, map(_numbers, values), strict=True))
            states = [_numbers(s) for s in state] if given else None
            asked = question(self.form, self.shapes, held, _numbers(x), states, {})
            return copy.deepcopy(self.start).forward(asked)

        def forward(*arrays: Array) -> Any:
            out, _ = ask(*_apart(arrays, len(state or ())))
            return tuple(np.asarray(a, o.dtype) for a, o in zip((out.y, *out.state), outline, strict=True))

        def backward(cotangents: Sequence[Array], *arrays: Array) -> Any:
            _, pull = ask(*_apart(arrays, len(state or ())))
            dy, *dstate = map(_numbers, cotangents)
            out = pull(dy, tuple(dstate), {})
            found = [out.dx, *(out.dstate or ())[: len(state or ())], *((out.dparams or {})[name] for name in names)]
            return tuple(np.asarray(g, a.dtype) for g, a in zip(found, arrays, strict=True))

        @jax.custom_vjp  # type: ignore[untyped-decorator]
        def passed(*arrays: Any) -> Any:
            return jax.pure_callback(forward, tuple(outline), *arrays, vmap_method="sequential")

        def back(arrays: Any, cotangents: Any) -> Any:
            like = tuple(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in arrays)
            return jax.pure_callback(backward, like, cotangents, *arrays, vmap_method="sequential")

        passed.defvjp(lambda *arrays: (passed(*arrays), arrays), back)
        return passed(x, *(state or ()), *params.values())


def _apart(arrays: Sequence[Array], states: int) -> tuple[Array, Sequence[Array], Sequence[Array]]:
    """x, the arrays of the state, and the parameters."""
    return arrays[0], arrays[1 : 1 + states], arrays[1 + states :]


def _numbers(array: Any) -> Array:
    """Memory of our own, in single precision where it is of half."""
    return np.array(widened(np.asarray(array)))


def _swapped(array: Any, form: Form) -> Any:
    return jnp.swapaxes(array, 0, 1) if form.batch_first else array
