"""Central differences that know their own error.

    D(d) = (f(x + d*v) - f(x - d*v)) / (2*d)        on a ladder of steps d, each 1/16 of the one before

A step's error has two parts. Truncation falls with d**2, so two neighbouring steps show it: between them it shrinks 256
times, and the extrapolated value (256*D(d/16) - D(d))/255 is charged a 64th of abs(D(d/16) - D(d)), which is 4 times
what the model expects of D(d/16) alone. Rounding grows with 1/d; the noise of f is measured around each step, on copies
whose operations are each off (:mod:`ltdcheck.oracles.shaking`), or from second differences too small for f to curve.
The pair of steps with the smallest error is taken.

A pair is taken only where the model holds: the change from one step to the next must shrink, so must the disagreement
between the two one-sided slopes, which at a kink does not, and every smaller step must agree within its rounding. An
entry for which no pair qualifies has an infinite error; a block in which all are such is ``unreliable``.

Source: Fornberg 1981; the noise of f as in More & Wild 2011.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ltdcheck.estimate import Estimate
from ltdcheck.oracles.pairing import Direction, along, blocks, pairing
from ltdcheck.oracles.shaking import EPS, FACTOR, TINY, Shaken, root_mean_square, shaking
from ltdcheck.problem import Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.numbers.runs import Runs

NAME = "finite difference"
RATIO = 16.0
LADDER = 2.0 ** -np.arange(2, 43, 4)  # 1/4 .. 2**-42; a function with a shorter scale than that looks like noise
SAMPLES = 2  # noisy copies of each of the two points of a step; pooled with those of the neighbouring steps
MANY = 1 << 21  # numbers that one pass holds at most, in its widest array

Floats = NDArray[np.float64]


def derivative(f: Callable[[Any], Any], x: ArrayLike, v: ArrayLike) -> Estimate:
    """The derivative of ``f``, from arrays to an array or a number, at ``x`` along ``v``.

    The noise of ``f`` is the larger of what its values show and of what copies with noisy operations do, where ``f``
    is written in NumPy.
    """
    point, direction = np.asarray(x, dtype=float), np.asarray(v, dtype=float)

    def at(step: float) -> Floats:
        return np.asarray(f(point + step * direction), dtype=float)

    def noisy(step: float) -> Floats:
        return np.asarray(f((point + step * direction).view(Shaken)), dtype=float)

    # a direction that moves x by an unrepresentable amount moves it by another one
    slack = EPS * np.max(np.abs(point), initial=0.0) / max(np.max(np.abs(direction), initial=0.0), TINY)
    with np.errstate(all="ignore"):
        middle = at(0.0)
        ahead, behind = (np.stack([at(sign * d) for d in LADDER]) for sign in (1.0, -1.0))
        with shaking(seed=0):
            off = [[noisy(sign * d) for d in LADDER] for _ in range(SAMPLES) for sign in (1.0, -1.0)]
        deviations = np.abs(np.stack(off).reshape(SAMPLES, 2, *ahead.shape) - np.stack([ahead, behind]))
        noise = np.maximum(_pooled(deviations), _roughness(ahead, middle, behind))
        return _estimate(ahead, middle, behind, noise, slack)


def from_values(ahead: Floats, middle: Floats, behind: Floats, slack: Any = 0.0, noise: float = 0.0) -> Estimate:
    """The derivative from values (steps, ...) at ``LADDER`` and ``-LADDER``, and (...) at 0; they show their noise.

    ``slack`` is the error of a step, relative to a step of one; ``noise`` what is known of the noise besides.
    """
    seen = np.maximum(_roughness(ahead, middle, behind), noise)
    return _estimate(ahead, middle, behind, np.broadcast_to(seen, ahead.shape), slack)


def gradients(cell: Cell, problem: Problem) -> dict[str, Estimate]:
    """The gradient of the pairing in every block."""
    return {
        name: _shaped(slopes(cell, problem, [(name, k) for k in range(value.size)]), value.shape)
        for name, value in blocks(problem).items()
    }


def slopes(cell: Cell, problem: Problem, directions: Sequence[Direction]) -> Estimate:
    """Chosen entries of the gradient, (n,)."""
    value, error = np.zeros(len(directions)), np.zeros(len(directions))
    for name in dict.fromkeys(name for name, _ in directions):
        here = np.array([n for n, direction in enumerate(directions) if direction[0] == name])
        for part in np.array_split(here, -(-len(here) // _at_once(problem))):
            found = _block(cell, problem, name, [directions[n][1] for n in part])
            value[part], error[part] = found.value, found.error
    return _judged(value, error)


def _at_once(problem: Problem) -> int:
    """How many entries to move in one pass."""
    widest = max(value.size for value in blocks(problem).values()) + 1
    return max(1, MANY // (2 * len(LADDER) * SAMPLES * widest))


def _block(cell: Cell, problem: Problem, name: str, entries: Sequence[int]) -> Estimate:
    """Slopes of some entries of one block, all steps of the ladder in one pass."""
    steps = np.concatenate([LADDER, -LADDER])
    arguments = blocks(problem)

    def at(steps: Floats, kind: type) -> Floats:
        moved = along(problem, name, entries, steps)
        # noisy runs round for themselves also before they meet the moved block
        runs = len(moved) if kind is Shaken else 1
        others = {k: np.repeat(v[None], runs, axis=0) for k, v in arguments.items() if k != name}
        held = {k: Runs(v.view(kind)) for k, v in {**others, name: moved}.items()}
        return np.broadcast_to(pairing(cell, problem, held), len(moved)).reshape(len(steps), len(entries))

    with np.errstate(all="ignore"):
        values = at(steps, np.ndarray).reshape(2, len(LADDER), -1)
        with shaking(seed=0):
            off = at(np.tile(steps, SAMPLES), Shaken).reshape(SAMPLES, *values.shape)
        middle = at(np.zeros(1), np.ndarray)[0]
        # an entry that is not moved by the step exactly is moved by another one
        slack = EPS * np.abs(arguments[name].reshape(-1)[list(entries)])
        return _estimate(values[0], middle, values[1], _pooled(np.abs(off - values)), slack)


def _pooled(deviations: Floats) -> Floats:
    """The error of f around each step, from noisy copies (samples, 2, steps, ...) of it and of its neighbours."""
    square = np.square(root_mean_square(deviations.reshape(-1, *deviations.shape[2:])))
    padded = np.concatenate([square[:1], square, square[-1:]])
    return np.asarray(FACTOR * np.sqrt((padded[:-2] + padded[1:-1] + padded[2:]) / 3))


def _roughness(ahead: Floats, middle: Floats, behind: Floats) -> Floats:
    """The noise that the values of f show.

    Second differences at the three smallest steps, where f does not curve; and, where f answers in coarse grains, as
    code in low precision does, the last change that it still shows.
    """
    second = np.max(np.abs(ahead - 2 * middle + behind)[-3:], axis=0)
    first = np.abs(ahead - behind)
    below = np.cumprod(first[::-1] == 0, axis=0)[::-1] == 1  # steps that f does not see, nor any smaller one
    grain = np.where(below[-1], np.max(np.where(below[1:] & ~below[:-1], first[:-1], 0.0), axis=0), 0.0)
    size = np.max(np.abs(np.stack([ahead, behind])), axis=(0, 1))
    swing = np.max(np.abs(ahead - behind), axis=0)
    # neither rounding nor curvature: f changes as much over the smallest step as over the largest
    hidden = (second > swing / 16) & (second > 2.0**-20 * size)
    return np.asarray(np.where(hidden, np.inf, second + grain + EPS * np.abs(middle)))


def _estimate(ahead: Floats, middle: Floats, behind: Floats, noise: Floats, slack: Any) -> Estimate:
    """The best pair of steps, entry by entry; ``ahead`` and ``behind`` are (steps, ...)."""
    step = LADDER.reshape(-1, *(1,) * (ahead.ndim - 1))
    D = (ahead - behind) / (2 * step)
    # both points are off by the noise, and the step by the slack
    rounding = noise / step + np.abs(D) * slack / step + EPS * np.abs(D) + TINY
    change = np.abs(np.diff(D, axis=0))
    bend = np.abs(ahead - 2 * middle + behind) / step  # between the one-sided slopes
    value = (RATIO**2 * D[1:] - D[:-1]) / (RATIO**2 - 1)
    error = change * (4 / RATIO**2) + 2 * rounding[1:]
    settled = change[1:] <= change[:-1] / 32 + 2 * (rounding[:-2] + rounding[1:-1] + rounding[2:])
    smooth = bend[2:] <= bend[1:-1] / 4 + 2 * (rounding[1:-1] + rounding[2:])
    value, error = value[1:], error[1:]
    apart = np.abs(value[:, None] - D[None, 2:]) - error[:, None] - 2 * rounding[None, 2:]  # (pairs, smaller steps, ..)
    smaller = np.triu(np.ones(apart.shape[:2], dtype=bool)).reshape(*apart.shape[:2], *(1,) * (D.ndim - 1))
    agreed = np.all((apart <= 0) | ~smaller, axis=1)
    error = np.where(settled & smooth & agreed & np.isfinite(error) & np.isfinite(value), error, np.inf)
    best = np.argmin(error, axis=0)[None]
    return _judged(np.take_along_axis(value, best, 0)[0], np.take_along_axis(error, best, 0)[0])


def _judged(value: Floats, error: Floats) -> Estimate:
    if error.size and not np.any(np.isfinite(error)):
        reason = "at no step do the differences settle: a kink, noise, or a scale below the smallest step"
        return Estimate(value, error, "unreliable", NAME, reason)
    return Estimate(value, error, oracle=NAME)


def _shaped(estimate: Estimate, shape: tuple[int, ...]) -> Estimate:
    value, error = estimate.value.reshape(shape), estimate.error.reshape(shape)
    return Estimate(value, error, estimate.status, estimate.oracle, estimate.reason)
