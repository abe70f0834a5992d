"""How a target rounds: its units and its range, a stream of random roundings, and how far they reach."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.reference.numbers.formats import FORMATS
from ltdcheck.reference.numbers.perturbed.number import Perturbed

Floats = NDArray[np.float64]

POOL = 1 << 18
SAMPLES = 12
REACH = 64.0  # how many spreads of a dozen samples a right implementation may be away from the value


@cache
def _pool() -> Floats:
    """Uniform numbers in [-1, 1], twice over; a slice of them is cheaper than drawing numbers."""
    return np.tile(np.random.default_rng(20).uniform(-1.0, 1.0, POOL), 2)


def _offsets(seed: int) -> Iterator[int]:
    """Where in the pool each draw begins."""
    rng = np.random.default_rng(seed)
    while True:
        yield from rng.integers(POOL, size=1024).tolist()


@cache
def reach(samples: int) -> float:
    """How many spreads, as K samples estimate them, a right implementation may be away from the value.

    An entry's error over its spread from K samples is t-distributed with K degrees of freedom where many roundings add
    up. ``REACH`` is the distance for a dozen samples when the true spread is up to twice the model's; for other numbers
    of samples the distance is the one that is as rarely exceeded, but never more.
    """
    if samples <= SAMPLES:
        return REACH
    from scipy.special import stdtr, stdtrit  # an eighth of a second, which only other numbers of samples cost

    return float(-2 * stdtrit(samples, stdtr(SAMPLES, -REACH / 2)))


class Rounding:
    """How the target rounds: the units, the range, and the stream of random roundings.

    ``accumulation`` is the precision of partial sums in a product of matrices; that of the format where none is given.
    """

    def __init__(self, precision: str, samples: int, seed: int = 0, accumulation: str = "") -> None:
        form = FORMATS[precision]
        self.unit = form.unit
        self.inner = FORMATS[accumulation or form.accumulation].unit / form.unit  # of partial sums, in units
        self.smallest = form.smallest
        self.largest = form.largest
        self.samples = samples
        self.reach = reach(samples)
        self.exact: Any = np.longdouble if precision == "float64" else np.float64  # what the value is computed in
        self.overflows = self.unit * self.largest  # a rounding error beyond which the target overflows
        self._offsets = _offsets(seed)
        self._kept: dict[Any, Any] = {}

    def xi(self, shape: tuple[int, ...]) -> Floats:
        """Uniform in [-1, 1], (K, *shape)."""
        size = self.samples * math.prod(shape)
        start = next(self._offsets)
        if start + size <= 2 * POOL:
            return _pool()[start : start + size].reshape(self.samples, *shape)
        return np.take(_pool(), np.arange(start, start + size), mode="wrap").reshape(self.samples, *shape)

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """What the target computes once and keeps: rounded once, the same wherever it is used."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def lift(self, value: Any) -> Perturbed:
        """An exact array: what the target is given."""
        return Perturbed(np.asarray(value, dtype=self.exact), None, self)
