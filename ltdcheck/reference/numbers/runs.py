"""Many runs of one computation side by side: arrays with a first axis that the code does not see.

A :class:`Runs` of shape (B, H) holds (K, B, H), one entry of the first axis for each run, or (1, B, H) where all runs
agree. What it holds may be a plain array, a subclass, or an autograd box; each operation of the vocabulary is handed on
to it. One pass through the reference then gives K directional derivatives, or K rounded copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ltdcheck.reference import ops


class Runs:
    """K arrays of one shape, seen as one array of that shape."""

    __slots__ = ("all",)
    __array_ufunc__ = None  # NumPy leaves the operators to this class

    def __init__(self, held: Any) -> None:
        self.all = held  # (K, ...) or (1, ...)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that the code sees."""
        return tuple(self.all.shape[1:])

    def sum(self, axis: int | None = None, *, keepdims: bool = False) -> Runs:
        """Along an axis counted from the last, or of all that the code sees."""
        if axis is None:
            return Runs(self.all.reshape((self.all.shape[0], -1)).sum(axis=-1))
        return Runs(self.all.sum(axis=axis, keepdims=keepdims))

    def __getitem__(self, key: Any) -> Runs:
        return Runs(self.all[(slice(None), *(key if isinstance(key, tuple) else (key,)))])

    def __neg__(self) -> Runs:
        return Runs(-self.all)

    def __add__(self, other: Any) -> Runs:
        return _apply(lambda a, b: a + b, self, other)

    def __radd__(self, other: Any) -> Runs:
        return _apply(lambda a, b: a + b, other, self)

    def __sub__(self, other: Any) -> Runs:
        return _apply(lambda a, b: a - b, self, other)

    def __rsub__(self, other: Any) -> Runs:
        return _apply(lambda a, b: a - b, other, self)

    def __mul__(self, other: Any) -> Runs:
        return _apply(lambda a, b: a * b, self, other)

    def __rmul__(self, other: Any) -> Runs:
        return _apply(lambda a, b: a * b, other, self)

    def __truediv__(self, other: Any) -> Runs:
        return _apply(lambda a, b: a / b, self, other)

    def __rtruediv__(self, other: Any) -> Runs:
        return _apply(lambda a, b: a / b, other, self)


def _apply(operation: Callable[[Any, Any], Any], a: Any, b: Any) -> Runs:
    """Align the visible axes from the last, as NumPy does, and keep the first for the runs."""
    rank = max(_visible(a), _visible(b))
    return Runs(operation(_aligned(a, rank), _aligned(b, rank)))


def _aligned(a: Any, rank: int) -> Any:
    if not isinstance(a, Runs):
        return a
    return a.all.reshape((a.all.shape[0],) + (1,) * (rank - len(a.shape)) + a.shape)


def _held(a: Any) -> Any:
    if isinstance(a, Runs):
        return a.all
    return (a if ops.registered(a) else np.asarray(a))[None]


def _together(parts: Sequence[Any]) -> list[Any]:
    """What the parts hold, each with as many runs as the one with most."""
    held = [_held(part) for part in parts]
    runs = max(a.shape[0] for a in held)
    return [a if a.shape[0] == runs else a[np.zeros(runs, dtype=int)] for a in held]


def _weight(W: Any, rank: int) -> Any:
    """A matrix (K, m, n), with axes of length 1 so that it multiplies arrays of ``rank`` visible axes."""
    held = _held(W)
    return held.reshape((held.shape[0],) + (1,) * (rank - 2) + tuple(held.shape[1:]))


def _visible(a: Any) -> int:
    return len(a.shape) if isinstance(a, Runs) else np.ndim(a)


class _Vocabulary:
    """Each operation of :mod:`ltdcheck.reference.ops`, on what the runs hold."""

    @staticmethod
    def tanh(a: Runs) -> Runs:
        return Runs(ops.tanh(a.all))

    @staticmethod
    def sigmoid(a: Runs) -> Runs:
        return Runs(ops.sigmoid(a.all))

    @staticmethod
    def relu(a: Runs) -> Runs:
        return Runs(ops.relu(a.all))

    @staticmethod
    def positive(a: Runs) -> Runs:
        return Runs(ops.positive(a.all))

    @staticmethod
    def held(a: Runs, low: float, high: float) -> Runs:
        return Runs(ops.held(a.all, low, high))

    @staticmethod
    def inside(a: Runs, low: float, high: float) -> Runs:
        return Runs(ops.inside(a.all, low, high))

    @staticmethod
    def sqrt(a: Runs) -> Runs:
        return Runs(ops.sqrt(a.all))

    @staticmethod
    def log(a: Runs) -> Runs:
        return Runs(ops.log(a.all))

    @staticmethod
    def part(s: Runs) -> Runs:
        return s

    @staticmethod
    def complement(s: Runs) -> Runs:
        return Runs(ops.complement(s.all))

    @staticmethod
    def tanh_slope(h: Runs) -> Runs:
        return Runs(ops.tanh_slope(h.all))

    @staticmethod
    def softmax(o: Runs) -> Runs:
        return Runs(ops.softmax(o.all))

    @staticmethod
    def log_softmax(o: Runs) -> Runs:
        return Runs(ops.log_softmax(o.all))

    @staticmethod
    def magnitude(a: Runs) -> Any:
        return np.max(ops.magnitude(a.all), axis=0)  # the runs share a scale

    @staticmethod
    def linear(x: Any, W: Any) -> Runs:
        return Runs(_held(x) @ _weight(W, _visible(x)).swapaxes(-1, -2))

    @staticmethod
    def linear_adjoint(da: Any, W: Any) -> Runs:
        return Runs(_held(da) @ _weight(W, _visible(da)))

    @staticmethod
    def outer_total(da: Any, x: Any) -> Runs:
        da, x = _together([da, x])
        flat = da.reshape((da.shape[0], -1, da.shape[-1])), x.reshape((x.shape[0], -1, x.shape[-1]))
        return Runs(flat[0].swapaxes(-1, -2) @ flat[1])

    @staticmethod
    def total(da: Runs) -> Runs:
        return Runs(da.all.sum(axis=(1, 2)))

    @staticmethod
    def concatenate(parts: Sequence[Any], axis: int = -1) -> Runs:
        return Runs(ops.concatenate(_together(parts), axis=axis))

    @staticmethod
    def stack(steps: Sequence[Any]) -> Runs:
        held = _together(steps)
        return Runs(ops.concatenate([a.reshape((a.shape[0], 1, *a.shape[1:])) for a in held], axis=1))

    @staticmethod
    def zeros_like(a: Runs) -> Runs:
        return Runs(ops.zeros_like(a.all))


ops.register(Runs, _Vocabulary, over=1)
