"""Block by block: which comparisons are made, where an error sits, and when nothing can be said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.adapters.functions import Block
from ltdcheck.gradcheck.directions import equalised, moves, scales, weights
from ltdcheck.gradcheck.kinks import outside
from ltdcheck.gradcheck.notes import DIRECTIONS, notes
from ltdcheck.gradcheck.report import BlockResult
from ltdcheck.gradcheck.slopes import DIFFERENCES, Slopes
from ltdcheck.gradcheck.tested import OUTPUTS, Tested
from ltdcheck.gradcheck.trial import Compared, Trials, together
from ltdcheck.oracles.judging import HIDDEN

Floats = NDArray[np.float64]
UNSETTLED = "no step of the differences settles: f is noise on that scale, jumps at x, or is not finite next to it"
SUSPECTS = 2  # directions of a block in which one entry is looked for; a wrong one is in all of them
ODD = 0.3819660112501051  # a share of x at which no function is likely to have the value it has at x


@dataclass(frozen=True)
class Plan:
    """The evaluations of f that entries one by one may take, where chance starts, and whether balls come first."""

    budget: int
    seed: int
    prove: bool = False


def examine(tested: Tested, slopes: Slopes, plan: Plan) -> tuple[list[BlockResult], list[str]]:
    """The results of all blocks, and what a reader should know besides."""
    generator = np.random.default_rng(plan.seed)
    blocks = [b for b in tested.function.blocks if b.size]
    C = _cotangents(tested, slopes, generator)
    trials = Trials(tested, slopes, C)
    found, start = [], 0
    for b in blocks:
        every = b.size * slopes.cost <= max(plan.budget / len(blocks), DIRECTIONS)
        found.append(_Examined(b, start, trials, generator, every=every))
        start += b.size
    compared = trials.compared(np.concatenate([e.rows for e in found]), np.concatenate([e.V for e in found]))
    ends = np.cumsum([0, *(len(e.V) for e in found)])
    for e, first, last in zip(found, ends[:-1], ends[1:], strict=True):
        e.judge(compared[first:last])
    _together(found, trials, generator)
    largest = max(e.change for e in found)
    results = [e.result(largest) for e in found]
    return results, list(notes(results, slopes, len(C), sum(o.size for o in tested.function.outputs)))


def _together(found: list[_Examined], trials: Trials, generator: np.random.Generator) -> None:
    """Entries at kinks that passed by themselves, each block's and then all."""
    passed = [e for e in found if e.every and e.found is None and np.any(e.trials.kink)]
    for e in passed:
        e.found = outside(trials, e.trials, generator)
    if len(passed) > 1 and all(e.found is None for e in passed):
        passed[0].found = outside(trials, together([e.trials for e in passed]), generator)


class _Examined:
    """The trials of one block."""

    def __init__(
        self, block: Block, start: int, trials: Trials, generator: np.random.Generator, *, every: bool
    ) -> None:
        self.block, self.start, self.every, self.all = block, start, every, trials
        self.part = slice(start, start + block.size)
        self.x = trials.tested.function.point[self.part]
        self.far = trials.slopes.exact
        planned = list(self._entries() if every else self._directions(generator))
        self.rows = np.array([row for row, _ in planned], dtype=np.intp)
        self.found: Compared | None = None  # what fails for good
        self.V = np.zeros((len(planned), len(trials.tested.function.point)))
        self.V[:, self.part] = [v for _, v in planned]

    def judge(self, trials: Compared) -> None:
        """Compare those that fail again with more care, the worst first, until one fails for good.

        Where that bound is too large to tell, the one entry is looked for in which an error may sit.
        """
        self.trials, self.found = trials, None
        failing = sorted(np.flatnonzero(trials.ratio > 1), key=lambda k: -trials.ratio[k])
        for k in failing:
            one = self.all.one(self.rows[k], self.V[k], careful=True)
            self.trials = self.trials.replaced(int(k), one)
            if one.ratio > 1:
                self.found = self._located(one)
                return
        for k in failing[:SUSPECTS]:
            part = self._narrowed(trials[k])
            one = self.all.one(part.row, part.v, careful=True)
            if one.ratio > 1:
                self.found = one
                return

    def _gradient(self, row: int) -> Floats:
        return np.ones(self.block.size) if self.all.rows is None else self.all.rows[row][self.part]

    def _entries(self) -> Iterator[tuple[int, Floats]]:
        rows = range(len(self.all.C))
        length = np.min([moves(self._gradient(row), self.x, far=self.far) for row in rows], axis=0)
        for k in range(self.block.size):
            for row in rows:
                yield row, np.eye(1, self.block.size, k)[0] * length

    def _directions(self, generator: np.random.Generator) -> Iterator[tuple[int, Floats]]:
        count = max(2, DIRECTIONS // len(self.all.C))
        for row in range(len(self.all.C)):
            if self.all.rows is None:
                found = list(scales(self.x) * weights(generator, (count, self.block.size)))
            else:
                found = self._weighed(row, count, generator)
            for v in found:
                yield row, v

    def _weighed(self, row: int, count: int, generator: np.random.Generator) -> list[Floats]:
        """By rounding; else half by the gradient's entries and half by how far x can move, as small ones round more."""
        sizes, measured = self.all.sizes(row, self.part)
        large = np.abs(self._gradient(row)) > self.block.tiny / self.block.eps
        if measured:
            return equalised(sizes, large, self.x, count, generator, far=self.far)
        first = equalised(sizes, large, self.x, count - count // 2, generator, far=self.far)
        plain = np.sqrt(np.mean(sizes**2)) * np.ones_like(sizes)
        return first + equalised(plain, large, self.x, count // 2, generator, far=self.far)

    @property
    def change(self) -> float:
        """How much f changes, to first order, when an entry or a direction moves by its scale."""
        return float(np.max(self._natural(self.trials, self.trials.there)))

    def _natural(self, trials: Compared, amounts: Any) -> Any:
        """Amounts along directions, for a move by the scale of the entries."""
        return amounts / np.max(np.abs(trials.v[..., self.part]) / scales(self.x), axis=-1)

    def result(self, largest: float) -> BlockResult:
        """The verdict on the block; ``largest`` is how much the entries of any block change f."""
        wrong = self.found is not None
        trial = self.found or self.trials[int(np.argmax(self.trials.ratio))]
        why = self._excused(trial) if wrong else self._hidden(largest)
        support = np.flatnonzero(trial.v)
        alone = len(support) == 1
        index = tuple(map(int, np.unravel_index(support[0] - self.start, self.block.shape))) if alone else None
        unit = float(trial.v[support[0]]) if alone else 1.0
        seen = self.trials.resolution[~self.trials.zero]
        return BlockResult(
            self.block.name,
            self.block.shape,
            self.block.size,
            0 if self.every else len(self.V),
            float(trial.ratio),
            float(trial.got / unit),
            float(trial.expected / unit),
            float(trial.bound / abs(unit)),
            index,
            self._output(trial.row),
            float((np.median if self.every else np.min)(seen)) if len(seen) else 0.0,
            self.all.slopes.name,
            bool(np.any(self.trials.kink)),
            why,
            wrong and not why,
        )

    def _output(self, row: int) -> tuple[int, ...] | None:
        c, outputs = self.all.C[row], self.all.tested.function.outputs
        if len(c) == 1 or np.count_nonzero(c) != 1 or len(outputs) != 1:
            return None
        return tuple(map(int, np.unravel_index(int(np.argmax(c != 0)), outputs[0].shape)))

    def _located(self, trial: Compared) -> Compared:
        """The least part of a direction that fails with all care."""
        found = self._narrowed(trial)
        careful = self.all.one(found.row, found.v, careful=True)
        return careful if careful.ratio > 1 else trial

    def _narrowed(self, trial: Compared) -> Compared:
        """Halve a direction that fails for as long as one half fails."""
        while np.count_nonzero(trial.v) > 1:
            support = np.flatnonzero(trial.v)
            middle = support[len(support) // 2]
            before = np.arange(len(trial.v)) < middle
            halves = np.stack([np.where(before, trial.v, 0.0), np.where(before, 0.0, trial.v)])
            both = self.all.compared(np.array([trial.row] * 2), halves)
            half = both[int(np.argmax(both.ratio))]
            if half.ratio <= 1:
                break
            trial = half
        return trial

    def _excused(self, trial: Compared) -> str:
        """Why an error is no finding: the oracle may be wrong here."""
        if trial.kink and not trial.complete and np.isfinite(trial.got):
            return (
                f"{self.block.name} meets several kinks at this very point, and the gradient lies outside the slopes "
                "that were tried; move x off the kinks"
            )
        if self.far and np.isfinite(trial.got):
            differences = Slopes(self.all.tested.function, DIFFERENCES)
            slope = differences.along(trial.v)
            c = self.all.C[trial.row]
            other, error = slope.values @ c, float(slope.error @ np.abs(c)) + trial.bound
            if abs(trial.expected - np.mean(other)) > error >= abs(trial.got - np.mean(other)):
                return (
                    f"{self.all.slopes.name} and finite differences exclude each other ({trial.expected:.6g} and "
                    f"{np.mean(other):.6g} +- {error:.1g}); f does what the former does not see"
                )
        if not np.isfinite(trial.bound):
            return UNSETTLED
        return ""

    def _hidden(self, largest: float) -> str:
        """Why a pass says nothing: what could be wrong lies below the bound."""
        trials, hidden = self.trials, self.trials[self.trials.hidden]
        seen, size = (hypot(*self._natural(trials, part)) for part in (trials.bound, trials.there))
        if not len(hidden.v) or seen <= HIDDEN * size:
            return ""
        bound = float(np.max(self._natural(hidden, hidden.bound)))
        if not np.isfinite(bound):
            return UNSETTLED
        if self.far and bound <= max(np.sqrt(self.block.eps) * largest, self._least(hidden)):
            return ""  # zero to within the rounding of the terms that make it up, or to within the smallest numbers
        if not self.far and np.all(hidden.got == 0) and self._untouched(hidden):
            return ""
        return (
            f"the gradient of {self.block.name} lies below what can be seen: it changes f by {size:.1e} when x moves "
            f"by its own size, where {seen:.1e} is rounding"
        )

    def _least(self, hidden: Compared) -> float:
        """What the loss of subnormal numbers alone may change."""
        return float(2 * np.max(self._natural(hidden, self.all.tiny * np.sum(np.abs(hidden.v), axis=1))))

    def _untouched(self, hidden: Compared) -> bool:
        """Whether f is the same when the entries hold no number, or others: it does not look at them."""
        function = self.all.tested.function
        moved, far = np.any(hidden.v != 0, axis=0), ODD * scales(function.point)
        others = [np.full_like(far, np.nan), function.point + far, function.point - far]
        y = function.value(function.point, raised=True)
        try:
            with np.errstate(all="ignore"):
                answers = [function.value(np.where(moved, x, function.point), raised=True) for x in others]
        except Exception:  # noqa: BLE001  (f refuses such a point)
            return False
        return all(np.array_equal(y, answer) for answer in answers)


def _cotangents(tested: Tested, slopes: Slopes, generator: np.random.Generator) -> Floats:
    """Each output by itself where they are few; else random ones in which every output weighs the same."""
    m = sum(b.size for b in tested.function.outputs)
    if m <= OUTPUTS:
        return np.eye(m)
    x = tested.function.point
    moved = np.mean(np.abs(slopes.along(scales(x) * weights(generator, x.shape)).values), axis=0)
    size = np.where(moved > 0, moved, np.max(moved, initial=0.0) or 1.0)
    size = np.maximum(size, np.max(size) * 1e-30)
    return np.asarray(weights(generator, (DIRECTIONS // 2, m)) / size)
