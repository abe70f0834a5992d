"""Complex step: the derivative of f at x along v is ``Im f(x + i*h*v) / h``, with no difference and so no cancellation.

With h = 2**-400 the truncation, of order h**2, lies below the underflow of the imaginary part, 2**-1022 / h = 2**-622;
both lie below anything that is asked for. What remains is rounding, measured on copies whose operations are each off
(:mod:`ltdcheck.oracles.shaking`), underflow of the imaginary part included. Code that is not analytic is refused.

Source: Squire & Trapp 1998.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ltdcheck.errors import NotAnalyticError
from ltdcheck.estimate import Estimate
from ltdcheck.oracles.analytic import Analytic, analytic, imaginary
from ltdcheck.oracles.pairing import Direction, along, blocks, pairing
from ltdcheck.oracles.shaking import COPIES, TINY, spread
from ltdcheck.problem import Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.numbers.runs import Runs

NAME = "complex step"
STEP = 2.0**-400
UNDERFLOW = TINY / STEP
AT_ONCE = 1 << 20  # entries of all copies in one pass


def derivative(f: Callable[[Any], Any], x: ArrayLike, v: ArrayLike) -> Estimate:
    """The derivative of ``f``, from arrays to an array or a number, at ``x`` along ``v``."""
    point, direction = np.asarray(x, dtype=float), np.asarray(v, dtype=float)

    def slope() -> NDArray[np.float64]:
        return np.asarray(imaginary(f(analytic(point, STEP * direction)))) / STEP

    def copies() -> NDArray[np.float64]:
        return np.stack([slope() for _ in range(COPIES)])

    return _estimate(slope, copies)


def gradients(cell: Cell, problem: Problem) -> dict[str, Estimate]:
    """The gradient of the pairing in every block."""
    return {
        name: _shaped(slopes(cell, problem, [(name, k) for k in range(value.size)]), value.shape)
        for name, value in blocks(problem).items()
    }


def slopes(cell: Cell, problem: Problem, directions: Sequence[Direction]) -> Estimate:
    """Chosen entries of the gradient, (n,)."""
    names = list(dict.fromkeys(name for name, _ in directions))

    def slope(copies: int = 1) -> NDArray[np.float64]:
        result = np.empty((copies, len(directions)))
        for name in names:
            here = [n for n, direction in enumerate(directions) if direction[0] == name]
            result[:, here] = _block(cell, problem, name, [directions[n][1] for n in here], copies)
        return result

    return _estimate(lambda: slope()[0], lambda: slope(COPIES))


def slope_along(cell: Cell, problem: Problem, direction: Mapping[str, NDArray[Any]]) -> Estimate:
    """The derivative of the pairing along one direction, an array for each block that moves; a number."""
    moves = {name: direction.get(name, np.zeros_like(value)) for name, value in blocks(problem).items()}
    moved = {name: analytic(value, STEP * moves[name]) for name, value in blocks(problem).items()}
    at_once = max(1, AT_ONCE // problem.entries)

    def slope(copies: int = 1) -> NDArray[np.float64]:
        runs = {name: Runs(np.repeat(value[None], copies, axis=0)) for name, value in moved.items()}
        return np.asarray(imaginary(pairing(cell, problem, runs))) / STEP

    def copies() -> NDArray[np.float64]:
        return np.concatenate([slope(min(at_once, COPIES - k)) for k in range(0, COPIES, at_once)])

    return _estimate(lambda: slope()[0], copies)


def _block(cell: Cell, problem: Problem, name: str, entries: Sequence[int], copies: int) -> NDArray[np.float64]:
    """Slopes of the entries of one block, (copies, entries), in one pass."""
    moved = along(problem, name, entries, np.full(copies, 1j * STEP)).view(Analytic)
    # as many copies of the other blocks, so that every run rounds for itself
    others = {
        k: np.repeat(analytic(v, 0 * v)[None], len(moved), axis=0) for k, v in blocks(problem).items() if k != name
    }
    arguments = {k: Runs(v) for k, v in {**others, name: moved}.items()}
    return np.asarray(imaginary(pairing(cell, problem, arguments))).reshape(copies, -1) / STEP


def _estimate(slope: Callable[[], Any], copies: Callable[[], Any]) -> Estimate:
    """The slope with its rounding error, or the refusal."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            value = slope()
            error = spread(value, copies) + UNDERFLOW
    except (NotAnalyticError, np.exceptions.ComplexWarning) as refusal:
        return Estimate(np.array(np.nan), np.array(np.inf), "inapplicable", NAME, str(refusal))
    if not np.all(np.isfinite(value)):
        return Estimate(value, error, "unreliable", NAME, "the function is not finite at this point")
    return Estimate(value, error, oracle=NAME)


def _shaped(estimate: Estimate, shape: tuple[int, ...]) -> Estimate:
    """An inapplicable estimate is NaN everywhere."""
    if estimate.status == "inapplicable":
        value, error = np.full(shape, np.nan), np.full(shape, np.inf)
    else:
        value, error = estimate.value.reshape(shape), estimate.error.reshape(shape)
    return Estimate(value, error, estimate.status, estimate.oracle, estimate.reason)
