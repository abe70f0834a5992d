"""Each operation of :mod:`ltdcheck.reference.ops` on balls."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb

from ltdcheck.reference.numbers.balls.array import ZERO, Balls, array_of, lifted, product, zeros

ONE = arb(1)
SMALLEST, LARGEST = math.ulp(0.0), sys.float_info.max
UNKNOWN_SLOPE = ZERO.union(ONE)


def _relu(a: Any) -> Any:
    return a.max(ZERO)


def _positive(a: Any) -> Any:
    return ONE if a > 0 else ZERO if a <= 0 else UNKNOWN_SLOPE


class _Vocabulary:
    """Each operation of :mod:`ltdcheck.reference.ops`."""

    @staticmethod
    def tanh(a: Balls) -> Balls:
        return a.each(arb.tanh)

    @staticmethod
    def sigmoid(a: Balls) -> Balls:
        return a.each(lambda v: 1 / (1 + (-v).exp()))

    @staticmethod
    def relu(a: Balls) -> Balls:
        return a.each(_relu)

    @staticmethod
    def positive(a: Balls) -> Balls:
        return a.each(_positive)

    @staticmethod
    def held(a: Balls, low: float, high: float) -> Balls:
        return a.each(lambda v: v.max(arb(low)).min(arb(high)))

    @staticmethod
    def inside(a: Balls, low: float, high: float) -> Balls:
        return a.each(lambda v: _positive(v - low) * _positive(high - v))

    @staticmethod
    def sqrt(a: Balls) -> Balls:
        return a.each(arb.sqrt)

    @staticmethod
    def log(a: Balls) -> Balls:
        return a.each(arb.log)

    @staticmethod
    def part(s: Balls) -> Balls:
        return s

    @staticmethod
    def complement(s: Balls) -> Balls:
        return 1 - s

    @staticmethod
    def tanh_slope(h: Balls) -> Balls:
        return 1 - h * h

    @staticmethod
    def softmax(o: Balls) -> Balls:
        raised = _below(o).each(arb.exp)
        return raised / raised.sum(axis=-1, keepdims=True)

    @staticmethod
    def log_softmax(o: Balls) -> Balls:
        shifted = _below(o)
        return shifted - shifted.each(arb.exp).sum(axis=-1, keepdims=True).each(arb.log)

    @staticmethod
    def magnitude(a: Balls) -> Any:
        return np.array([_magnitude(ball) for ball in a.all.ravel().tolist()], dtype=float).reshape(a.shape)

    @staticmethod
    def linear(x: Any, W: Any) -> Balls:
        return product(lifted(x), lifted(W).swapaxes(-1, -2))

    @staticmethod
    def linear_adjoint(da: Any, W: Any) -> Balls:
        return product(lifted(da), lifted(W))

    @staticmethod
    def outer_total(da: Any, x: Any) -> Balls:
        left, right = (lifted(a).reshape(math.prod(a.shape[:-1]), a.shape[-1]) for a in (da, x))
        return product(left.swapaxes(0, 1), right)

    @staticmethod
    def total(da: Balls) -> Balls:
        return da.sum(axis=(0, 1))

    @staticmethod
    def concatenate(parts: Sequence[Any], axis: int = -1) -> Balls:
        return Balls(np.concatenate([lifted(part).all for part in parts], axis=axis))

    @staticmethod
    def stack(steps: Sequence[Any]) -> Balls:
        return Balls(np.stack([lifted(step).all for step in steps]))

    @staticmethod
    def zeros_like(a: Balls) -> Balls:
        return Balls(zeros(a.shape))


def _magnitude(ball: Any) -> float:
    """An upper bound, within the range of float64: 0 for the exact 0 alone."""
    upper = float(ball.abs_upper())
    return 0.0 if ball == 0 else min(max(upper, SMALLEST), LARGEST) if ball.is_finite() else math.nan


def _below(o: Balls) -> Balls:
    """Every entry minus one exact number near the largest of its row: a shift that the softmax does not depend on."""
    if not o.all.size:
        return o
    shift = [max(row, key=float).mid() for row in o.all.reshape(-1, o.shape[-1]).tolist()]
    return o - Balls(array_of(shift, (*o.shape[:-1], 1)))
