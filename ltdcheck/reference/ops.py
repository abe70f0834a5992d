"""The closed vocabulary: the only operations that a reference cell may use.

Arithmetic (``+ - * /``), indexing of the last axis, and the functions below. Each dispatches on the number system of
its first argument, so that one ``step`` runs on floats of any precision, complex numbers, autograd boxes, and numbers
that carry their own error. A number system that NumPy does not know registers an object with these names.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

_SYSTEMS: dict[type, Any] = {}
_OVER: dict[Any, int] = {}


def register(number: type, system: Any, *, over: int = 0) -> None:
    """Use ``system`` for arrays of type ``number``: an object with a method for each function of this module.

    Where arrays of two systems meet, the one of the higher ``over`` has the word: its arrays can hold the other's.
    """
    _SYSTEMS[number], _OVER[system] = system, over


def registered(a: Any) -> bool:
    """``a`` is an array of a number system that NumPy does not know."""
    return type(a) in _SYSTEMS


def _between(first: Any, last: Any, *others: Any) -> Any:
    """The system of several arrays; None when neither of the first two has one."""
    left, right = _SYSTEMS.get(type(first)), _SYSTEMS.get(type(last))
    if left is None and right is None:
        return None
    known = (left, right, *(_SYSTEMS.get(type(a)) for a in others))
    return max((system for system in known if system is not None), key=_OVER.__getitem__)


def tanh(a: Any) -> Any:
    """Hyperbolic tangent."""
    system = _SYSTEMS.get(type(a))
    return np.tanh(a) if system is None else system.tanh(a)


def sigmoid(a: Any) -> Any:
    """Logistic sigmoid ``1 / (1 + exp(-a))``, written through tanh so that it neither overflows nor warns."""
    system = _SYSTEMS.get(type(a))
    if system is not None:
        return system.sigmoid(a)
    s = np.tanh(0.5 * a)
    s *= 0.5  # in place: a slab of gates is the largest array of a step
    s += 0.5
    return s


def relu(a: Any) -> Any:
    """``max(a, 0)``; not analytic."""
    system = _SYSTEMS.get(type(a))
    return np.maximum(a, 0) if system is None else system.relu(a)


def positive(a: Any) -> Any:
    """1 where ``a > 0``, else 0: the derivative of :func:`relu`, taken as 0 at the kink."""
    system = _SYSTEMS.get(type(a))
    return np.heaviside(a, 0) if system is None else system.positive(a)


def held(a: Any, low: float, high: float) -> Any:
    """``a`` where it lies between the two, else the nearer of them: nothing is rounded. Not analytic."""
    system = _SYSTEMS.get(type(a))
    return np.minimum(np.maximum(a, low), high) if system is None else system.held(a, low, high)


def inside(a: Any, low: float, high: float) -> Any:
    """1 where ``low < a < high``, else 0: the derivative of :func:`held`, of its value too, taken as 0 at the kinks."""
    system = _SYSTEMS.get(type(a))
    return np.asarray((a > low) & (a < high)).astype(a.dtype) if system is None else system.inside(a, low, high)


def absolute(a: Any) -> Any:
    """``|a|``, with the derivative 0 at 0; not analytic."""
    return relu(a) + relu(-a)


def sqrt(a: Any) -> Any:
    """Square root of a positive number."""
    system = _SYSTEMS.get(type(a))
    return np.sqrt(a) if system is None else system.sqrt(a)


def log(a: Any) -> Any:
    """Natural logarithm of a positive number."""
    system = _SYSTEMS.get(type(a))
    return np.log(a) if system is None else system.log(a)


def complement(s: Any) -> Any:
    """``1 - s``, for a gate ``s``."""
    system = _SYSTEMS.get(type(s))
    return 1 - s if system is None else system.complement(s)


def divided(s: Any) -> tuple[Any, Any]:
    """``s`` and ``1 - s``: what a gate that divides between two gives to either.

    Whoever stores one of them and computes the other from it knows neither better than to an absolute rounding.
    """
    system = _SYSTEMS.get(type(s))
    return (s if system is None else system.part(s)), complement(s)


def split(rate: Any, like: Any) -> tuple[Any, Any]:
    """``rate`` and ``1 - rate`` of numbers that are known beforehand, the same at every step, to compute with ``like``.

    They are exact but for who keeps them in few digits: whoever stores one has the other from it, as with a gate.
    """
    system = _SYSTEMS.get(type(like))
    known = getattr(system, "split", None)  # of the number systems whose numbers are rounded
    return (rate, 1 - rate) if known is None else known(rate, like)


def tanh_slope(h: Any) -> Any:
    """``1 - h*h``: the derivative of tanh, from its value."""
    system = _SYSTEMS.get(type(h))
    return 1 - h * h if system is None else system.tanh_slope(h)


def sigmoid_slope(s: Any) -> Any:
    """``s*(1 - s)``: the derivative of the logistic, from its value."""
    known = getattr(_SYSTEMS.get(type(s)), "sigmoid_slope", None)  # of the number systems whose numbers are rounded
    return s * complement(s) if known is None else known(s)


def softmax(o: Any) -> Any:
    """``exp(o) / sum(exp(o))`` over the last axis, shifted by the largest entry so that nothing overflows.

    It does not depend on the shift, which therefore needs no derivative.
    """
    system = _SYSTEMS.get(type(o))
    if system is not None:
        return system.softmax(o)
    raised = np.exp(o - peak(o)[0])
    return raised / np.sum(raised, axis=-1, keepdims=True)


def log_softmax(o: Any) -> Any:
    """``log(softmax(o))`` with every digit, also where the softmax is nearly 1 or too small for a float."""
    system = _SYSTEMS.get(type(o))
    if system is not None:
        return system.log_softmax(o)
    _, others = peak(o)
    shifted = o - np.sum(o * (1 - others), axis=-1, keepdims=True)  # the largest entry, derivative included
    return shifted - np.log1p(np.sum(np.exp(shifted) * others, axis=-1, keepdims=True))


def peak(o: Any) -> tuple[Any, Any]:
    """The largest entry along the last axis, and 1 for every other entry: plain real numbers without a derivative."""
    real = np.asarray(o).real
    first = np.argmax(real, axis=-1)[..., None]
    return np.take_along_axis(real, first, -1), (np.arange(real.shape[-1]) != first).astype(real.dtype)


def magnitude(a: Any) -> Any:
    """``|a|`` or nearly: plain real numbers without a derivative, to scale by. One of them is 0 only where ``a`` is."""
    system = _SYSTEMS.get(type(a))
    return np.abs(np.asarray(a).real) if system is None else system.magnitude(a)


def softplus(a: Any) -> Any:
    """``log(1 + exp(a))``, (.., 1) to (.., 1): positive, and increasing with the slope sg(a)."""
    return -log_softmax(concatenate([a, 0 * a]))[..., 1:]


def linear(x: Any, W: Any) -> Any:
    """``x @ W.T``: every row of x, (.., n), through a matrix (m, n)."""
    system = _between(x, W)
    return _product(x, W.T) if system is None else system.linear(x, W)


def for_rows(W: Any) -> Any:
    """``W`` in the order of memory in which many products ``x @ W.T`` are fastest: plain matrices by columns."""
    return np.asfortranarray(W) if type(W) is np.ndarray and W.ndim == 2 else W


def affine(x: Any, W: Any, b: Any) -> Any:
    """``x @ W.T + b``; for plain arrays of one type without an array between."""
    a = linear(x, W)
    if type(a) is type(b) is np.ndarray and a.dtype == b.dtype:
        return np.add(a, b, out=a)
    return a + b


def linear_adjoint(da: Any, W: Any) -> Any:
    """``da @ W``: the adjoint of :func:`linear` in x, from (.., m) to (.., n)."""
    system = _between(da, W)
    return _product(da, W) if system is None else system.linear_adjoint(da, W)


def outer_total(da: Any, x: Any) -> Any:
    """The adjoint of :func:`linear` in W, summed over time and batch: (T, B, m) and (T, B, n) give (m, n)."""
    system = _between(da, x)
    if system is not None:
        return system.outer_total(da, x)
    return _rows(da).T @ _rows(x)


def total(da: Any) -> Any:
    """Sum over time and batch: (T, B, m) gives (m,)."""
    system = _SYSTEMS.get(type(da))
    return da.sum(axis=(0, 1)) if system is None else system.total(da)


def concatenate(parts: Sequence[Any], axis: int = -1) -> Any:
    """Join along an axis, counted from the last; either end may be a plain array, which is exact."""
    system = _between(parts[0], parts[-1], *parts)
    return np.concatenate(parts, axis=axis) if system is None else system.concatenate(parts, axis)


def stack(steps: Sequence[Any]) -> Any:
    """Join along a new first axis: the steps of a sequence, of which the first may be plain."""
    system = _between(steps[0], steps[-1], *steps)
    return np.stack(steps) if system is None else system.stack(steps)


def zeros_like(a: Any) -> Any:
    """Zeros of the same shape and number system."""
    system = _SYSTEMS.get(type(a))
    return np.zeros_like(a) if system is None else system.zeros_like(a)


def _product(x: Any, M: Any) -> Any:
    """``x @ M`` as one product: NumPy would make one for each step of a sequence."""
    return x @ M if x.ndim < 3 else (_rows(x) @ M).reshape(*x.shape[:-1], M.shape[1])


def _rows(a: Any) -> Any:
    """All rows of a sequence under each other."""
    return a.reshape(math.prod(a.shape[:-1]), a.shape[-1])
