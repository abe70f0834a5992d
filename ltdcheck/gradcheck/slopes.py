"""The oracles: the slope of a function along a direction, by the first that applies of three.

Balls (:mod:`ltdcheck.gradcheck.proved`) enclose the whole Jacobian of NumPy code, so the slope is proved. Complex step
(:mod:`ltdcheck.gradcheck.sided` and its twins in the adapters) has no truncation and, in the precision of x or above,
an error that is rounding alone. Central differences with their own error (:mod:`ltdcheck.oracles.finite_difference`)
serve where the code leaves the complex numbers.

At a kink there are several slopes. They are those ahead and behind, and those of every choice of a side at each tie:
all of them where there are at most ``FEW`` ties, else equal choices and ``MANY`` random ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.adapters.functions import Function, How, Rows, Vector
from ltdcheck.errors import NotAnalyticError
from ltdcheck.gradcheck.proved import Jacobian
from ltdcheck.gradcheck.slope import Slope, enclosed_slopes, one_sided
from ltdcheck.oracles.complex_step import STEP, UNDERFLOW
from ltdcheck.oracles.finite_difference import LADDER, from_values
from ltdcheck.oracles.shaking import COPIES, EPS, TINY, root_mean_square

FEW = 5
MANY = 24
AT_ONCE = 64  # directions in one pass, so that its memory is bounded
FLAT = 2.0**-60  # a step that is so small a part of x has no truncation: of order FLAT**2, below EPS
BALLS = "balls, proved"
COMPLEX_STEP = "complex step"
COSTLIEST = 2 * len(LADDER) + 1  # evaluations for one direction, of differences
DIFFERENCES = "finite difference"


@dataclass(frozen=True, eq=False)
class Stepped:
    """The Jacobian (m, n) by a step ahead along every entry, and by one back where it is ``tied`` (n,), with its error.

    ``lengths`` (n,) are those of the steps.
    """

    J: Rows
    back: Rows
    error: Rows
    lengths: Vector
    tied: NDArray[np.bool_]

    @property
    def kinks(self) -> NDArray[np.bool_]:
        """Where the two differ, (n,)."""
        return np.asarray(self.tied & np.any(np.abs(self.J - self.back) > 2 * self.error, axis=0))


class Slopes:
    """The slopes of one function at its point."""

    def __init__(self, function: Function, oracle: str = "", proof: Jacobian | None = None) -> None:
        self.function, self.proof = function, proof
        self.oracle, self.reason, self.small = oracle, "", False
        self._alone = False  # the code does not run on many points at once

    @property
    def name(self) -> str:
        """The oracle that applies."""
        return self.oracle or (BALLS if self.proof else COMPLEX_STEP if self.steps else DIFFERENCES)

    @cached_property
    def steps(self) -> bool:
        """Whether f takes a complex step."""
        if self.oracle:
            return self.oracle == COMPLEX_STEP
        try:
            self._step(np.ones_like(self.function.point), How())
        except NotAnalyticError as refusal:
            return self._refused(refusal)
        return True

    def _refused(self, refusal: NotAnalyticError) -> bool:
        self.reason = "" if self.proof else str(refusal).partition("; use another")[0]
        return False

    @property
    def cost(self) -> int:
        """Evaluations for one direction."""
        return COSTLIEST if self.name == DIFFERENCES else 1

    @property
    def exact(self) -> bool:
        """Whether the oracle moves x infinitesimally, so that it tells zero from what is small."""
        return self.name != DIFFERENCES

    def along(self, v: Vector) -> Slope:
        """The slopes along v."""
        if self.proof is not None:
            return enclosed_slopes(self.proof, v[None])[0]
        if self.steps and self._fits(v):
            try:
                return self._complex(v)
            except NotAnalyticError as refusal:  # as of a sort, where equal numbers move apart
                self.steps = self._refused(refusal)
        self.small |= self.steps
        return self._differences(v)

    def many(self, V: Rows) -> list[Slope]:
        """The slopes along every row of V: of as many rows in one pass as the code allows."""
        if self.proof is not None:
            return enclosed_slopes(self.proof, V)
        found: list[Slope | None] = [None] * len(V)
        if self.steps:
            fitting = [k for k, v in enumerate(V) if self._fits(v)]
            for start in range(0, len(fitting), AT_ONCE):
                chosen = fitting[start : start + AT_ONCE]
                for k, slope in zip(chosen, self._together(V[chosen]), strict=True):
                    found[k] = slope
        return [self.along(v) if slope is None else slope for v, slope in zip(V, found, strict=True)]

    def every_entry(self) -> Stepped | None:
        """The Jacobian; None where some of it takes a step of its own, as where x is as small as steps."""
        x = np.abs(self.function.point)
        if not np.all((x == 0) | (x >= STEP / FLAT)):
            return None
        try:
            values, lengths, tied = self._stepped(np.eye(len(x)))
            back = values.copy()
            if np.any(tied):
                back[tied] = -self._steps(-np.eye(len(x))[tied], lengths[tied])[0]
        except NotAnalyticError:
            self._alone = True
            return None
        error = EPS * np.maximum(np.abs(values), np.abs(back)) + TINY / lengths
        return Stepped(values.T, back.T, error.T, lengths[:, 0], tied)

    def sides(self, V: Rows) -> tuple[Rows, Rows] | None:
        """The slopes (d, m) ahead and back along every row of V, in one pass each; None where f does not run so."""
        lengths = np.full((len(V), 1), STEP)
        try:
            return self._steps(V, lengths)[0], -self._steps(-V, lengths)[0]
        except NotAnalyticError:
            return None

    def spread_of_entries(self, stepped: Stepped, columns: NDArray[np.intp], unit: float, copies: int) -> Rows | None:
        """As spread, of chosen columns of the Jacobian in one pass, (m, columns); None at kinks."""
        D, how = np.zeros((copies, len(columns), len(self.function.point))), How(seed=0, unit=unit)
        D[:, range(len(columns)), columns] = stepped.lengths[columns]
        try:
            values = self.function.steps(self.function.point, D.reshape(-1, D.shape[-1]), how)
        except NotAnalyticError:
            return None
        found = values.reshape(*D.shape[:2], -1) / stepped.lengths[columns][:, None]
        return None if how.ties else root_mean_square(np.abs(found - stepped.J.T[columns])).T

    def _together(self, V: Rows) -> list[Slope | None]:
        """In one pass; None for a row that meets a kink, or is alone."""
        if len(V) == 1 or self._alone:
            return [None] * len(V)
        try:
            values, lengths, tied = self._stepped(V)
        except NotAnalyticError:
            self._alone = True
            return [None] * len(V)
        errors = EPS * np.abs(values) + TINY / lengths
        found = zip(values, errors, tied, strict=True)
        return [None if kink else Slope(value[None], error) for value, error, kink in found]

    def _stepped(self, V: Rows) -> tuple[Rows, Rows, NDArray[np.bool_]]:
        """The slopes (d, m), the length of each step (d, 1), as in _length, and which rows meet a tie."""
        lengths = np.full((len(V), 1), STEP)
        values, tied = self._steps(V, lengths)
        short = np.flatnonzero(~tied & ~np.all(np.abs(values) > UNDERFLOW / EPS, axis=1))
        if len(short):
            longer = np.array([[self._longer(v)] for v in V[short]])
            one, tied[short] = self._steps(V[short], longer)
            other, again = self._steps(V[short], FLAT * longer)
            tied[short] |= again
            same = np.all(_same(one, other, longer), axis=1) & (longer[:, 0] > STEP)
            values[short[same]], lengths[short[same]] = one[same], longer[same]
        return values, lengths, tied

    def _steps(self, V: Rows, lengths: Rows) -> tuple[Rows, NDArray[np.bool_]]:
        how = How(rows=len(V))
        values = np.asarray(self.function.steps(self.function.point, lengths * V, how) / lengths)
        return values, np.zeros(len(V), dtype=bool) if how.tied is None else how.tied

    def spread(self, v: Vector, unit: float, copies: int = COPIES) -> Vector:
        """The root mean square of the deviations of the slope when every operation, or else x, is off, (m,).

        At a kink from the nearest of the slopes, since rounding takes sides.
        """
        if self.steps and self._fits(v):
            try:
                return self._spread_of_steps(v, unit, copies)
            except NotAnalyticError as refusal:
                self.steps = self._refused(refusal)
        generator, centre = np.random.default_rng(0), self._differences(v)
        moves = [1 + 8 * unit * generator.uniform(-1, 1, len(v)) for _ in range(COPIES // 2)]
        moved = [self._differences(v, self.function.point * move) for move in moves]
        return root_mean_square(np.stack([np.abs(m.values[0] - centre.values[0]) + m.error for m in moved]))

    def _spread_of_steps(self, v: Vector, unit: float, copies: int) -> Vector:
        values, length = self._complex(v).values, self._length(v)
        found = np.stack([self._step(v, How(seed=k, unit=unit), length) for k in range(copies)])
        return root_mean_square(np.min(np.abs(found[:, None] - values), axis=1))

    def _step(self, v: Vector, how: How, length: float = STEP) -> Vector:
        return self.function.step(self.function.point, length * v, how) / length

    def _fits(self, v: Vector) -> bool:
        """Whether a step moves every entry infinitesimally, and by more than the smallest numbers."""
        moved, x = v != 0, np.abs(self.function.point)
        far = STEP * np.abs(v[moved])
        return bool(np.all(far >= TINY / EPS) and np.all((far <= FLAT * x[moved]) | (x[moved] == 0)))

    def _length(self, v: Vector) -> float:
        """STEP; or, where slopes would underflow, a longer one whose slopes are those of one in between."""
        if np.all(np.abs(self._step(v, How())) > UNDERFLOW / EPS):
            return STEP
        longer = self._longer(v)
        one, other = (self._step(v, How(), length) for length in (longer, FLAT * longer))
        return longer if longer > STEP and np.all(_same(one, other, longer)) else STEP

    def _longer(self, v: Vector) -> float:
        moved, x = v != 0, np.abs(self.function.point)
        ratios = np.where(x > 0, x, 1.0)[moved] / np.abs(v[moved])
        return FLAT * FLAT * float(np.min(ratios, initial=1.0))

    def _complex(self, v: Vector) -> Slope:
        ahead, length = How(), self._length(v)
        value = self._step(v, ahead, length)
        error = EPS * np.abs(value) + TINY / length
        if not ahead.ties:
            return Slope(value[None], error)
        sides = (self._step(v, how, length) for how in _choices(ahead.ties))
        return Slope(np.stack([value, -self._step(-v, How(), length), *sides]), error, complete=ahead.ties <= FEW)

    def _differences(self, v: Vector, at: Vector | None = None) -> Slope:
        """By steps as large as x; where no pair of them settles, as large as the smallest entry that moves."""
        point = self.function.point if at is None else at
        size = float(np.max(np.abs(v), initial=0.0)) or 1.0
        reach = float(np.max(np.abs(point), initial=0.0)) or 1.0
        found = self._laddered(point, v, reach / size, EPS)
        moved = (v != 0) & (point != 0)
        nearest = float(np.min(np.abs(point[moved]) / np.abs(v[moved]), initial=np.inf))
        if np.all(np.isfinite(found.error)) or not 0 < nearest < reach / size:
            return found
        farthest = float(np.max(np.abs(point[moved])))
        near = self._laddered(point, v, nearest, EPS * farthest / (nearest * size))
        return near if np.all(np.isfinite(near.error)) else found

    def _laddered(self, point: Vector, v: Vector, scale: float, slack: float) -> Slope:
        """Central differences on the ladder times ``scale``; the slopes to both sides where they are the surer."""

        def value(step: float) -> Vector:
            return self.function.value(point + step * scale * v, raised=True)

        with np.errstate(all="ignore"):
            middle = value(0.0)
            ahead, behind = (np.stack([value(sign * d) for d in LADDER]) for sign in (1.0, -1.0))
            central = from_values(ahead, middle, behind, slack=slack)
            right, error = one_sided(ahead, middle)
            left, other = one_sided(behind, middle)
            left, error = -left, np.maximum(error, other)
            # at a kink the mean of both sides may settle as well, with an error as large as their difference
            kinked = (np.abs(right - left) > 2 * error) & (error < central.error)
            sided = ~np.isfinite(central.error) | kinked
            middling = np.asarray(central.value, dtype=float)
            if not np.any(sided):
                return Slope(middling[None] / scale, np.asarray(central.error, dtype=float) / scale)
            values = np.where(sided, np.stack([right, left]), middling)
            return Slope(
                values / scale, np.asarray(np.where(sided, error, central.error) / scale, dtype=float), complete=False
            )


def _same(one: Rows, other: Rows, length: Any) -> Any:
    """Two steps, of which the other is shorter, give the same slopes."""
    return np.abs(one - other) <= EPS * np.abs(one) + TINY / (FLAT * length)


def _choices(ties: int) -> Iterator[How]:
    yield from (How(share=share) for share in (0.0, 0.5, 1.0))
    if ties <= FEW:
        yield from (How(choices=bits) for bits in range(1, 2**ties - 1))
    else:
        generator = np.random.default_rng(0)
        yield from (How(choices=int.from_bytes(generator.bytes(ties // 8 + 1), "little")) for _ in range(MANY))
