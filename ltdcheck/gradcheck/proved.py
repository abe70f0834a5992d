"""The Jacobian of NumPy code, enclosed: one pass of dual numbers over balls, at as many bits as it takes.

The derivative is that of f as the real function its code says, its constants exact. An entry's ball holds it, so that
an entry is within ``value +- error`` without a further assumption; what the gradient under test may be off by is then
the rounding of its own code alone.

Code that does not run on objects, that meets a tie of numbers that move apart (a kink), or that
takes more than ``OPERATIONS`` of them is left to the other oracles; so are functions of torch and jax.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from ltdcheck.adapters.functions import Function, leaves, rebuilt, split
from ltdcheck.gradcheck.dual_balls import LEFT, DualBall, NotEnclosedError, UndecidedError, at
from ltdcheck.gradcheck.numpy_function import NumPyFunction
from ltdcheck.reference.numbers.balls import Balls, precision
from ltdcheck.reference.numbers.balls.array import array_of
from ltdcheck.reference.numbers.balls.intervals import interval, narrow

BITS = 106  # twice float64's
LIMIT = 8 * BITS
FINER = 62  # bits of an entry that are known: float64's and nine more
ENTRIES = 256  # of x, at most
OPERATIONS = 1 << 18  # on values and slopes; about 50 ns each, so a pass takes some 15 ms
TINY = 2.0**-1074


@dataclass(frozen=True, eq=False)
class Jacobian:
    """``value`` (m, n) in long double, each entry within ``error``."""

    value: NDArray[np.floating]
    error: NDArray[np.float64]


def enclosed(function: Function) -> Jacobian | None:
    """The Jacobian at the function's point; None where balls do not tell."""
    n = len(function.point)
    if not isinstance(function, NumPyFunction) or n > ENTRIES:
        return None
    bits = BITS
    while bits <= LIMIT:
        try:
            with precision(bits):
                balls = _jacobian(function)
                if balls is None:
                    return None
                if bool(np.all(narrow(balls, FINER, TINY))):
                    value, error = interval(balls)
                    return Jacobian(value, error) if np.all(np.isfinite(error)) else None
        except UndecidedError:
            pass
        except NotEnclosedError:
            return None
        bits *= 2
    return None


def _jacobian(function: NumPyFunction) -> Balls | None:
    n = len(function.point)
    budget = LEFT.set([OPERATIONS // (n + 8)])  # a value costs about as much as eight slopes
    try:
        rows = _answered(function, rebuilt(function.tree, iter(_arguments(function))))
    finally:
        LEFT.reset(budget)
    if not any(isinstance(row, DualBall) for row in rows):
        return None  # f does not depend on x, or has left the balls
    return Balls(array_of([slope for row in rows for slope in _slopes(row, n)], (len(rows), n)))


def _answered(function: NumPyFunction, tree: Any) -> list[Any]:
    """Every number that f answers."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            parts = [part for _, part in leaves(function.run(function.f, tree), "y")]
            return [row for part in parts for row in np.asarray(part, dtype=object).ravel().tolist()]
    except UndecidedError:
        raise
    except Exception as refusal:  # whatever objects make plain NumPy code raise: it is not for balls
        raise NotEnclosedError(f"f does not run on balls: {type(refusal).__name__}") from refusal


def _arguments(function: NumPyFunction) -> list[Any]:
    """Exact, as x holds them."""
    starts = np.cumsum([0, *(b.size for b in function.blocks)])
    parts = split(function.point, function.blocks)
    return [at(part, int(start), len(function.point)) for part, start in zip(parts, starts[:-1], strict=True)]


def _slopes(row: Any, n: int) -> Sequence[Any]:
    if isinstance(row, DualBall) and row.d is not None:
        if not row.a.is_finite():
            raise NotEnclosedError("f is not finite on balls")
        found: Sequence[Any] = row.d.entries()
        return found
    return [arb(0)] * n
