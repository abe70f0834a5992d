"""Functions of jax as functions of one vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from ltdcheck.adapters.functions import (
    Block,
    How,
    Named,
    Rows,
    Vector,
    called,
    counts,
    joined,
    leaves,
    rebuilt,
    refuse_other_numbers,
    split,
    stacked,
)
from ltdcheck.adapters.functions_jax_numbers import interpret
from ltdcheck.errors import NotAnalyticError

# what jax raises where it has no rule for the numbers it is given, or code asks for the value of one
REFUSALS = (TypeError, ValueError, NotImplementedError, jax.errors.JAXTypeError)


AT_LEAST = 64  # rows in one pass


class JaxFunction:
    """``f`` at ``x``, an array or a tree of arrays."""

    framework: str = "jax"
    own: str = "jax.vjp"

    def __init__(self, f: Callable[..., Any], x: Any) -> None:
        self.f, self.tree, self.evaluations = f, x, 0
        self._program: Any = None
        self._programs: dict[int, Any] = {}  # for so many points at once
        parts = [(name, jnp.asarray(part)) for name, part in leaves(x)]
        self.blocks: Sequence[Block] = [_block(name, part) for name, part in parts]
        self._dtypes = [part.dtype for _, part in parts]
        self.point = joined([_numbers(part) for _, part in parts])
        answer = self._called(self.f, self._arrays(self.point))
        self.outputs: Sequence[Block] = [_block(name, part) for name, part in _floating(answer)]
        self.first = joined([_numbers(part) for _, part in _floating(answer)])

    def value(self, x: Vector, *, raised: bool = False) -> Vector:
        """f(x), in the precision of x or in float64."""
        with _precision(raised=raised):
            return joined([_numbers(p) for _, p in _floating(self._called(self.f, self._arrays(x, raised=raised)))])

    def step(self, x: Vector, dx: Vector, how: How) -> Vector:
        """The imaginary part of f(x + i*dx)."""
        try:
            with _precision(raised=True):
                real = self._arrays(x, raised=True)
                if self._program is None:
                    self._program = jax.make_jaxpr(self._outputs)(real)
                moved = [a + 1j * b for a, b in zip(real, self._arrays(dx, raised=True), strict=True)]
                answers = self._interpreted(self._program, moved, how)
                return np.concatenate([np.imag(np.asarray(part)).reshape(-1) for part in answers])
        except REFUSALS as refusal:
            raise NotAnalyticError(f"f does not run on complex arrays: {str(refusal).splitlines()[0]}") from None

    def steps(self, x: Vector, D: Rows, how: How) -> Rows:
        """As step, for every row of D at once."""
        size = max(AT_LEAST, 1 << (len(D) - 1).bit_length())  # a program traced once serves several numbers of rows
        rows = np.concatenate([D, np.zeros((size - len(D), D.shape[1]))])
        how.rows = size if how.rows else 0
        with _side_by_side():
            if size not in self._programs:
                real = [jnp.repeat(a[None], size, axis=0) for a in self._arrays(x, raised=True)]
                self._programs[size] = jax.make_jaxpr(jax.vmap(self._outputs))(real)
            parts = zip(split(x, self.blocks), stacked(rows, self.blocks), strict=True)
            answers = self._interpreted(self._programs[size], [jnp.asarray(a + 1j * b) for a, b in parts], how)
            found = np.concatenate([np.imag(np.asarray(part)).reshape(size, -1) for part in answers], axis=1)
        if how.rows:
            how.rows, how.tied = len(D), None if how.tied is None else how.tied[: len(D)]
        return found[: len(D)]

    def answer(self, g: Callable[..., Any], x: Vector, how: How | None = None) -> Named:
        """The arrays that g returns."""
        names: list[str] = []

        def parts(arguments: Any) -> list[Any]:
            found = list(leaves(self._called(g, arguments)))
            names[:] = [name for name, _ in found]
            return [jnp.asarray(part) for _, part in found]

        answers = [_numbers(part) for part in self._run(parts, x, how)]
        return list(zip(names, answers, strict=True))

    def pull(self, x: Vector, C: Rows, how: How | None = None) -> Rows:
        """jax's vector-Jacobian products."""

        def pulled(parts: Any) -> Any:
            values, back = jax.vjp(self._outputs, parts)
            return self._backward(values, back, C)

        if how is not None and how.copies:
            return self._copied(pulled, x, how)
        return np.concatenate([_numbers(p).reshape(len(C), -1) for p in self._run(pulled, x, how)], axis=1)

    def twice(self, C: Rows) -> tuple[Vector, Rows, Rows]:
        """jax's, from two forward passes."""
        values, back = jax.vjp(self._outputs, self._arrays(self.point))
        rows = np.concatenate([_numbers(p).reshape(len(C), -1) for p in self._backward(values, back, C)], axis=1)
        return joined([_numbers(part) for part in values]), rows, self.pull(self.point, C)

    def _backward(self, values: Sequence[Any], back: Callable[[Any], Any], C: Rows) -> list[Any]:
        """Of all rows at once, where there are several, (rows, *shape)."""
        weights = [jnp.asarray(w, v.dtype) for w, v in zip(stacked(C, self.outputs), values, strict=True)]
        try:
            if len(C) > 1:
                return list(jax.vmap(lambda row: back(row)[0])(weights))
        except REFUSALS:  # it asks for a number's value, which only one at a time has
            pass
        rows = [back([w[k] for w in weights])[0] for k in range(len(C))]
        return [jnp.stack(column) for column in zip(*rows, strict=True)]

    def _copied(self, pulled: Callable[[Any], Any], x: Vector, how: How) -> Rows:
        """Products in many copies, (copies, q, n)."""
        with _side_by_side():
            copies = [jnp.repeat(part[None], how.copies, axis=0) for part in self._arrays(x, raised=True)]
            found = self._interpreted(jax.make_jaxpr(jax.vmap(pulled))(copies), copies, how)
            return np.concatenate([_numbers(part).reshape(*part.shape[:2], -1) for part in found], axis=2)

    def push(self, x: Vector, direction: Vector, how: How | None = None) -> Vector:
        """jax's Jacobian-vector product."""

        def pushed(parts: Any) -> Any:
            moves = [jnp.asarray(d, p.dtype) for d, p in zip(split(direction, self.blocks), parts, strict=True)]
            return jax.jvp(self._outputs, (parts,), (moves,))[1]

        return joined([_numbers(part) for part in self._run(pushed, x, how)])

    def gradient_function(self) -> Callable[..., Any]:
        """The gradient of the only output as a function of the same arguments."""

        def gradient(*arguments: Any) -> Any:
            tree = arguments[0] if len(arguments) == 1 else arguments
            parts = [p for _, p in leaves(tree) if not counts(p)]
            return jax.grad(lambda parts: jnp.sum(self._outputs(parts)[0]))(parts)

        return gradient

    def _run(self, g: Callable[[Any], Any], x: Vector, how: How | None) -> Any:
        """The arrays of g; rounded at random, they are computed in float64."""
        if how is None:
            return g(self._arrays(x))
        with _precision(raised=True):
            parts = self._arrays(x, raised=True)
            return self._interpreted(jax.make_jaxpr(g)(parts), parts, how)

    def _outputs(self, parts: Any) -> list[Any]:
        return [part for _, part in _floating(self._called(self.f, parts))]

    def _called(self, g: Callable[..., Any], parts: Any) -> Any:
        self.evaluations += 1
        return called(g, rebuilt(self.tree, iter(parts)))

    def _interpreted(self, program: Any, parts: Sequence[Any], how: How) -> list[Any]:
        self.evaluations += 1
        return interpret(program, parts, how)

    def _arrays(self, x: Vector, *, raised: bool = False) -> list[Any]:
        parts = zip(split(x, self.blocks), self._dtypes, strict=True)
        return [jnp.asarray(part, jnp.float64 if raised else dtype) for part, dtype in parts]


@contextmanager
def _side_by_side() -> Iterator[None]:
    """Many points at once, in float64: what jax cannot trace so, the caller does one by one."""
    try:
        with _precision(raised=True):
            yield
    except REFUSALS as refusal:
        raise NotAnalyticError(f"f does not run on many points at once: {str(refusal).splitlines()[0]}") from None


@contextmanager
def _precision(*, raised: bool) -> Iterator[None]:
    if not raised:
        yield
        return
    with jax.enable_x64(True):
        yield


def _floating(answer: Any) -> list[tuple[str, Any]]:
    found = [(name, jnp.asarray(part)) for name, part in leaves(answer, "y")]
    return [(name, part) for name, part in found if jnp.issubdtype(part.dtype, jnp.inexact)]


def _block(name: str, part: Any) -> Block:
    real = bool(jnp.issubdtype(part.dtype, jnp.floating))
    refuse_other_numbers(name, str(part.dtype), real=real)
    limits: Any = jnp.finfo(part.dtype)
    return Block(name, tuple(part.shape), str(part.dtype), float(limits.eps), float(limits.tiny))


def _numbers(part: Any) -> NDArray[np.float64]:
    return np.asarray(part).astype(np.float64)
