"""Dual numbers: a value and its derivative in one direction, ``a + a_dot*eps`` with ``eps^2 = 0``.

    (a + a_dot*eps)*(b + b_dot*eps) = a*b + (a_dot*b + a*b_dot)*eps          f(a + a_dot*eps) = f(a) + f'(a)*a_dot*eps

Run through ``step`` they give the forward directional derivative; through ``step`` and ``step_vjp`` that of the
gradient: a Hessian-vector product, which Pearlmutter calls the R operator. Both parts are arrays of one shape, in
whatever number system. Importing this module registers it with :mod:`ltdcheck.reference.ops`.

Source: Pearlmutter 1994; GBC 8.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ltdcheck.reference import ops


class Dual:
    """``value`` and ``dot``, arrays of one shape."""

    __slots__ = ("dot", "value")
    __array_ufunc__ = None  # NumPy leaves mixed arithmetic to this class

    def __init__(self, value: Any, dot: Any) -> None:
        self.value, self.dot = value, dot

    @property
    def shape(self) -> tuple[int, ...]:
        """Of both parts."""
        return tuple(np.shape(self.value))

    def reshape(self, *shape: Any) -> Dual:
        """Both parts in another shape."""
        return Dual(self.value.reshape(*shape), self.dot.reshape(*shape))

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Dual:
        """Of both parts."""
        return Dual(self.value.sum(axis=axis, keepdims=keepdims), self.dot.sum(axis=axis, keepdims=keepdims))

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, key: Any) -> Dual:
        return Dual(self.value[key], self.dot[key])

    def __neg__(self) -> Dual:
        return Dual(-self.value, -self.dot)

    def __add__(self, other: Any) -> Dual:
        other = lifted(other)
        return Dual(self.value + other.value, self.dot + other.dot)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Dual:
        other = lifted(other)
        return Dual(self.value - other.value, self.dot - other.dot)

    def __rsub__(self, other: Any) -> Dual:
        return lifted(other).__sub__(self)

    def __mul__(self, other: Any) -> Dual:
        other = lifted(other)
        return Dual(self.value * other.value, self.dot * other.value + self.value * other.dot)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Dual:
        other = lifted(other)
        value: Any = self.value / other.value
        return Dual(value, (self.dot - value * other.dot) / other.value)

    def __rtruediv__(self, other: Any) -> Dual:
        return lifted(other).__truediv__(self)


def lifted(a: Any, dot: Any = None) -> Dual:
    """``a`` with the derivative ``dot``; a constant without one. A dual number is returned as it is."""
    if isinstance(a, Dual):
        return a
    value, moved = (v if v is None or ops.registered(v) else np.asarray(v) for v in (a, dot))
    return Dual(value, ops.zeros_like(value) if moved is None else moved)


def value_of(a: Any) -> Any:
    """The value of a dual number, or what is none."""
    return a.value if isinstance(a, Dual) else a


def dot_of(a: Any) -> Any:
    """The derivative of a dual number; 0 for what is none."""
    return a.dot if isinstance(a, Dual) else ops.zeros_like(a)


class _Vocabulary:
    """Each operation of :mod:`ltdcheck.reference.ops`, by its derivative."""

    @staticmethod
    def tanh(a: Dual) -> Dual:
        h = ops.tanh(a.value)
        return Dual(h, ops.tanh_slope(h) * a.dot)

    @staticmethod
    def sigmoid(a: Dual) -> Dual:
        s = ops.sigmoid(a.value)
        return Dual(s, ops.sigmoid_slope(s) * a.dot)

    @staticmethod
    def relu(a: Dual) -> Dual:
        return Dual(ops.relu(a.value), ops.positive(a.value) * a.dot)

    @staticmethod
    def positive(a: Dual) -> Dual:
        return lifted(ops.positive(a.value))

    @staticmethod
    def held(a: Dual, low: float, high: float) -> Dual:
        return Dual(ops.held(a.value, low, high), ops.inside(a.value, low, high) * a.dot)

    @staticmethod
    def inside(a: Dual, low: float, high: float) -> Dual:
        return lifted(ops.inside(a.value, low, high))

    @staticmethod
    def sqrt(a: Dual) -> Dual:
        root = ops.sqrt(a.value)
        return Dual(root, a.dot / (2 * root))

    @staticmethod
    def log(a: Dual) -> Dual:
        return Dual(ops.log(a.value), a.dot / a.value)

    @staticmethod
    def part(s: Dual) -> Dual:
        return s

    @staticmethod
    def complement(s: Dual) -> Dual:
        return Dual(ops.complement(s.value), -s.dot)

    @staticmethod
    def tanh_slope(h: Dual) -> Dual:
        return Dual(ops.tanh_slope(h.value), -2 * h.value * h.dot)

    @staticmethod
    def softmax(o: Dual) -> Dual:
        p = ops.softmax(o.value)
        return Dual(p, p * (o.dot - (p * o.dot).sum(axis=-1, keepdims=True)))

    @staticmethod
    def log_softmax(o: Dual) -> Dual:
        p = ops.softmax(o.value)
        return Dual(ops.log_softmax(o.value), o.dot - (p * o.dot).sum(axis=-1, keepdims=True))

    @staticmethod
    def magnitude(a: Dual) -> Any:
        return ops.magnitude(a.value)

    @staticmethod
    def linear(x: Any, W: Any) -> Dual:
        x, W = lifted(x), lifted(W)
        return Dual(ops.linear(x.value, W.value), ops.linear(x.dot, W.value) + ops.linear(x.value, W.dot))

    @staticmethod
    def linear_adjoint(da: Any, W: Any) -> Dual:
        da, W = lifted(da), lifted(W)
        dot = ops.linear_adjoint(da.dot, W.value) + ops.linear_adjoint(da.value, W.dot)
        return Dual(ops.linear_adjoint(da.value, W.value), dot)

    @staticmethod
    def outer_total(da: Any, x: Any) -> Dual:
        da, x = lifted(da), lifted(x)
        dot = ops.outer_total(da.dot, x.value) + ops.outer_total(da.value, x.dot)
        return Dual(ops.outer_total(da.value, x.value), dot)

    @staticmethod
    def total(da: Dual) -> Dual:
        return Dual(ops.total(da.value), ops.total(da.dot))

    @staticmethod
    def concatenate(parts: Sequence[Any], axis: int = -1) -> Dual:
        held = [lifted(part) for part in parts]
        return Dual(*(ops.concatenate([getattr(a, part) for a in held], axis) for part in ("value", "dot")))

    @staticmethod
    def stack(steps: Sequence[Any]) -> Dual:
        held = [lifted(step) for step in steps]
        return Dual(ops.stack([a.value for a in held]), ops.stack([a.dot for a in held]))

    @staticmethod
    def zeros_like(a: Dual) -> Dual:
        return lifted(ops.zeros_like(a.value))


ops.register(Dual, _Vocabulary, over=2)
