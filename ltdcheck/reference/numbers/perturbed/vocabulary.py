"""The vocabulary of :mod:`ltdcheck.reference.ops` on numbers that carry their rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ltdcheck.reference import ops
from ltdcheck.reference.numbers.perturbed import sums
from ltdcheck.reference.numbers.perturbed.number import Floats, Perturbed
from ltdcheck.reference.numbers.perturbed.rounding import Rounding


class _Vocabulary:
    """The vocabulary of :mod:`ltdcheck.reference.ops` on :class:`Perturbed` arrays."""

    @staticmethod
    def tanh(a: Perturbed) -> Perturbed:
        return _saturating(a, np.tanh(a.value), _tanh_difference(a.low, a.deviations))

    @staticmethod
    def sigmoid(a: Perturbed) -> Perturbed:
        value = 0.5 * np.tanh(0.5 * a.value) + 0.5
        half = None if a.deviations is None else 0.5 * a.deviations
        return _saturating(a, value, _tanh_difference(0.5 * a.low, half, 0.5))

    @staticmethod
    def relu(a: Perturbed) -> Perturbed:
        value = np.maximum(a.value, 0)  # exact: nothing is rounded
        if a.deviations is None:
            return Perturbed(value, None, a.rounding)
        off = np.where(a.low > 0, -a.low, 0.0)  # to zero
        on = np.where(a.low > 0, a.deviations, a.low + a.deviations)
        deviations = np.where(a.low + a.deviations > 0, on, off)
        # where the target may have overflowed it has an infinity or a NaN, of which no sign is known
        deviations = np.where(np.isfinite(a.deviations), deviations, np.nan)
        opened = _crossing(a) & (a.low <= 0)  # just so far that the slope is another one
        return Perturbed(value, np.where(opened, np.maximum(deviations, a.rounding.smallest), deviations), a.rounding)

    @staticmethod
    def positive(a: Perturbed) -> Perturbed:
        value = np.heaviside(a.value, 0)
        if a.deviations is None:
            return Perturbed(value, None, a.rounding)
        low = value.astype(np.float64)
        deviations = np.where(_crossing(a), 1 - 2 * low, np.heaviside(a.low + a.deviations, 0) - low)
        return Perturbed(value, deviations, a.rounding)

    @staticmethod
    def held(a: Perturbed, low: float, high: float) -> Perturbed:
        above = _flipped(_Vocabulary.relu(_moved(a, -low)), high - low)  # high minus what is held from below
        deviations = _flipped(_Vocabulary.relu(above), high).deviations
        for limit, sign in ((high, 1.0), (low, -1.0)):
            off = _kept_off(limit, a.rounding)
            if off is not None:
                at = a.low + (0.0 if a.deviations is None else a.deviations)
                moved = np.where(sign * at >= sign * limit, off.reshape(-1, *(1,) * a.ndim), 0.0)
                deviations = moved if deviations is None else deviations + moved
        return Perturbed(np.minimum(np.maximum(a.value, low), high), deviations, a.rounding)

    @staticmethod
    def inside(a: Perturbed, low: float, high: float) -> Perturbed:
        above, below = _Vocabulary.positive(_moved(a, -low)), _Vocabulary.positive(_flipped(a, high))
        value = above.value * below.value
        if above.deviations is None or below.deviations is None:
            return Perturbed(value, None, a.rounding)
        of_each = (above.low + above.deviations) * (below.low + below.deviations)  # of K targets: 0 or 1, exactly
        return Perturbed(value, of_each - value.astype(np.float64), a.rounding)

    @staticmethod
    def sqrt(a: Perturbed) -> Perturbed:
        value = np.sqrt(a.value)
        if a.deviations is None:
            return a.result(value, None)
        low = np.asarray(value, dtype=np.float64)
        return a.result(value, a.deviations / (np.sqrt(np.maximum(a.low + a.deviations, 0.0)) + low))

    @staticmethod
    def log(a: Perturbed) -> Perturbed:
        deviations = None if a.deviations is None else np.log1p(a.deviations / a.low)
        return _saturating(a, np.log(a.value), deviations)  # near 1 its argument's rounding is all there is

    @staticmethod
    def softmax(o: Perturbed) -> Perturbed:
        value = ops.softmax(o.value)
        p, shift = value.astype(np.float64), _below_peak(o)
        deviations = None
        if o.deviations is not None:
            grown = np.expm1(o.deviations)
            mean = np.sum(p * grown, axis=-1, keepdims=True)
            deviations = p * (grown - mean) / (1 + mean)
        # the shift is rounded before its exponential, which makes the rounding relative; so is each term of the sum.
        # Who shifts by the logarithm of the sum has that rounded too, which is about as large as the peak.
        beside = p * (shift.shape[-1] - 1 + shift + np.sum(p * shift, axis=-1, keepdims=True) + _peak(o))
        return o.result(value, deviations, beside)

    @staticmethod
    def log_softmax(o: Perturbed) -> Perturbed:
        value = ops.log_softmax(o.value)
        p, shift = ops.softmax(o.value).astype(np.float64), _below_peak(o)
        deviations = None
        if o.deviations is not None:
            mean = np.sum(p * np.expm1(o.deviations), axis=-1, keepdims=True)
            deviations = o.deviations - np.log1p(mean)
        return o.result(value, deviations, 1 + shift + _peak(o))

    @staticmethod
    def part(s: Perturbed) -> Perturbed:
        return _saturating(s, s.value, s.deviations)

    @staticmethod
    def complement(s: Perturbed) -> Perturbed:
        return _saturating(s, 1 - s.value, None if s.deviations is None else -s.deviations)

    @staticmethod
    def split(rate: Any, like: Perturbed) -> tuple[Perturbed, Perturbed]:
        shares: tuple[Perturbed, Perturbed] = like.rounding.once(
            ("split", np.asarray(rate).tobytes()), lambda: _split(rate, like.rounding)
        )
        return shares

    @staticmethod
    def tanh_slope(h: Perturbed) -> Perturbed:
        d = h.deviations
        return _saturating(h, 1 - h.value * h.value, None if d is None else (-2 * h.low - d) * d)

    @staticmethod
    def sigmoid_slope(s: Perturbed) -> Perturbed:
        d = s.deviations
        return _saturating(s, s.value * (1 - s.value), None if d is None else (1 - 2 * s.low - d) * d)

    @staticmethod
    def magnitude(a: Perturbed) -> Any:
        return np.abs(a.value)

    @staticmethod
    def linear(x: Any, W: Any) -> Perturbed:
        return sums.product(x, W.T)

    @staticmethod
    def linear_adjoint(da: Any, W: Any) -> Perturbed:
        return sums.product(da, W)

    @staticmethod
    def outer_total(da: Any, x: Any) -> Perturbed:  # one of them may be plain
        (da, x), _ = lifted([da, x])
        rows = math.prod(da.shape[:-1])
        return sums.outer(da.reshape(rows, da.shape[-1]), x.reshape(rows, x.shape[-1]))

    @staticmethod
    def total(da: Perturbed) -> Perturbed:
        return da.sum(axis=(0, 1))

    @staticmethod
    def concatenate(parts: Sequence[Perturbed], axis: int = -1) -> Perturbed:
        return _joined(parts, lambda arrays: np.concatenate(arrays, axis=axis))

    @staticmethod
    def stack(steps: Sequence[Perturbed]) -> Perturbed:
        steps, rounding = lifted(steps)
        value = np.stack([s.value for s in steps])
        if all(s.deviations is None for s in steps):
            return Perturbed(value, None, rounding)
        deviations = np.empty((rounding.samples, *value.shape))
        for t, s in enumerate(steps):
            deviations[:, t] = 0.0 if s.deviations is None else s.deviations
        return Perturbed(value, deviations, rounding)

    @staticmethod
    def zeros_like(a: Perturbed) -> Perturbed:
        return Perturbed(np.zeros_like(a.value), None, a.rounding)


def _moved(a: Perturbed, by: float) -> Perturbed:
    """``a + by`` to be compared with 0: that is comparing a with -by, which rounds nothing."""
    return Perturbed(a.value + by, a.deviations, a.rounding)


def _flipped(a: Perturbed, top: float) -> Perturbed:
    """``top - a``, alike."""
    return Perturbed(top - a.value, None if a.deviations is None else -a.deviations, a.rounding)


def _kept_off(limit: float, rounding: Rounding) -> Floats | None:
    """How far K targets are off that keep a number in the format, (K,); None where the format holds it.

    One that keeps -v has it from v, with the same rounding.
    """
    size = abs(limit)
    digits = float(np.frexp(size)[0]) / (rounding.unit or 2.0**-53)  # a whole number in a format of this unit
    if not np.isfinite(size) or digits.is_integer():
        return None
    off: Floats = rounding.once(("kept", size), lambda: rounding.xi(()) * rounding.unit * size)
    return off if limit > 0 else -off


def _crossing(a: Perturbed) -> Any:
    """Where a right implementation may have the other sign: the one of the K deviations that comes nearest to it.

    Few samples do not reach as far as one implementation in ten thousand does, and a slope that jumps forgives nothing.
    """
    deviations: Any = a.deviations
    near = np.argmax(np.where(a.low > 0, -deviations, deviations), axis=0)
    samples = np.arange(len(deviations)).reshape(-1, *(1,) * a.ndim)
    spread = a.spread()
    return (samples == near) & (spread > 0) & (np.abs(a.low) <= a.rounding.reach * spread)


def _saturating(a: Perturbed, value: Any, deviations: Floats | None) -> Perturbed:
    """A result with an absolute rounding error beside the relative one."""
    return a.result(value, deviations, 1.0)


def _split(rate: Any, rounding: Rounding) -> tuple[Perturbed, Perturbed]:
    rates = rounding.lift(np.atleast_1d(rate))
    return _saturating(rates, rates.value, None), _saturating(rates, 1 - rates.value, None)


def _below_peak(o: Perturbed) -> Floats:
    """How far each entry lies below the largest along the last axis."""
    return np.asarray(np.max(o.low, axis=-1, keepdims=True) - o.low)


def _peak(o: Perturbed) -> Floats:
    """The size of the largest entry along the last axis."""
    return np.asarray(np.abs(np.max(o.low, axis=-1, keepdims=True)))


def _tanh_difference(a: Floats, d: Floats | None, share: float = 1.0) -> Floats | None:
    """A share of ``tanh(a + d) - tanh(a)`` without cancellation: ``s*(1 - t*t)/(1 + t*s)``, t = tanh a, s = tanh d."""
    if d is None:
        return None
    e = np.exp(-2 * np.abs(a))
    slope = 4 * share * e / np.square(1 + e)
    s = np.asarray(np.tanh(d))
    below = np.asarray(np.tanh(a) * s)
    below += 1
    s *= slope
    # the floor keeps 0/0 away where a and d cancel after both saturated; nothing is decided there
    s /= np.maximum(below, 2.0**-53, out=below)
    return s


def lifted(parts: Sequence[Any]) -> tuple[Sequence[Perturbed], Rounding]:
    """All of them perturbed: plain arrays among them are exact."""
    rounding: Rounding = next(p.rounding for p in parts if isinstance(p, Perturbed))
    return [p if isinstance(p, Perturbed) else rounding.lift(p) for p in parts], rounding


def _joined(parts: Sequence[Any], join: Any) -> Perturbed:
    """Join values and deviations alike; exact parts deviate by zero."""
    parts, rounding = lifted(parts)
    value = join([p.value for p in parts])
    if all(p.deviations is None for p in parts):
        return Perturbed(value, None, rounding)
    zeros = [np.zeros((rounding.samples, *p.shape)) if p.deviations is None else p.deviations for p in parts]
    return Perturbed(value, join(zeros), rounding)
