"""The threshold to which a target holds what its nonlinearities read, as ONNX's ``clip`` does.

At the base point every gate has the same pre-activation, which one number drives. Beyond a threshold v the answer is
then the same to the last bit, and just below it is another: a corner. A nonlinearity that saturates comes to rest by
itself, but without a corner: over the last 2 units of its argument before that, tanh changes by exp(4)/4 roundings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.diagnosis.probe import Probe, there
from ltdcheck.errors import TargetRaised
from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Outputs
from ltdcheck.problem import PRECISIONS, Params, Problem
from ltdcheck.reference.cell import Cell

Floats = NDArray[np.float64]

LEVELS = 65
LOUD = 64.0  # where the logistic and tanh have come to rest in double precision
LOW, HIGH = 2.0**-10, 2.0**9  # between which a threshold is looked for; exp(HIGH) is a number in double precision
CORNER = 32  # units of the precision: what an answer changes by over the last 2 units before a corner, at least
FAITHFUL = 4  # units of the precision by which the answer of a reference may differ


def with_clip(probe: Probe, cells: Sequence[Cell], start: Params, *, swapped: bool) -> list[Cell]:
    """The variants that hold what they read, with the target's threshold; none where it holds nothing.

    ``start`` is the base point: every weight is ``BASE``, every bias 0. A target that answers to large pre-activations
    as one of the ``cells`` does is asked no further.
    """
    able = [cell for cell in cells if getattr(cell, "clip", None) == inf and not _rigid(cell)]
    if not able or probe.precision not in PRECISIONS:
        return []
    loud = _Loud(probe, start, swapped=swapped)
    try:
        value = _heard(loud, able)
    except TargetRaised:  # it refuses such numbers, and does not hold them
        return []
    return [] if value is None else [clipped_at(cell, value) for cell in able]


def _heard(loud: _Loud, able: Sequence[Cell]) -> float | None:
    """The threshold, unless a cell that holds nothing answers likewise."""
    told = loud.answers(np.array([LOUD]))
    if not np.isfinite(told).all():
        return None
    alike = FAITHFUL * loud.unit * max(1.0, float(np.max(np.abs(told))))
    if any(np.max(np.abs(loud.answers(np.array([LOUD]), Network(cell)) - told)) <= alike for cell in able):
        return None
    return loud.threshold()


def _rigid(cell: Cell) -> bool:
    """An identity that is held is a nonlinearity of its own, and no variant of another."""
    return getattr(cell, "nonlinearity", "") == "identity"


def clipped_at(cell: Cell, value: float) -> Cell:
    """The variant with this threshold."""
    able: Any = cell
    clipped: Cell = replace(able, clip=value)
    return clipped


class _Loud:
    """The target around its base point, at pre-activations of any size."""

    def __init__(self, probe: Probe, start: Params, *, swapped: bool) -> None:
        self.probe, self.start, self.swapped = probe, start, swapped
        self.unit = float(np.finfo(probe.precision).eps)

    def answers(self, levels: Floats, network: Network | None = None) -> Floats:
        """What the target, or a reference, answers at these pre-activations and their opposites, a line for each."""
        base = self.start if network is None else self.probe.base_params(network.cell)
        ask = self._told if network is None else lambda problem: _lines(self.probe.reference(network, problem), problem)
        lines = self.probe.driven(ask, base, np.concatenate([levels, -levels]))
        return np.concatenate([lines[: len(levels)], lines[len(levels) :]], axis=1)

    def _told(self, problem: Problem) -> Floats:
        out = self.probe.target.run(there(problem, swapped=self.swapped), backward=False, fresh=True)
        return _lines(replace(out, state=out.state[::-1]) if self.swapped else out, problem)

    def threshold(self) -> float | None:
        """The shortest number at which the answer comes to rest in a corner; None where it does not."""
        low, high = LOW, HIGH
        (resting,) = self.answers(np.array([high]))
        unit = max(self.unit, _unit(self.answers(np.geomspace(LOW, LOUD, LEVELS))))
        while high - low > 2 * unit * high:
            levels = self._between(low, high)
            moving = np.any(self.answers(levels) != resting, axis=1)
            last = len(levels) - 1 - int(np.argmax(moving[::-1]))
            if not moving.any() or last == len(levels) - 1:
                return None
            if (low, high) == (float(levels[last]), float(levels[last + 1])):
                break
            low, high = float(levels[last]), float(levels[last + 1])
        (before,) = self.answers(np.array([max(high - 2, high / 2)]))
        largest = max(1.0, float(np.max(np.abs(resting))))
        if high > HIGH / 2 or np.max(np.abs(resting - before)) <= CORNER * unit * largest:
            return None
        short = high / 64
        (near,) = self.answers(np.array([high - short]))
        # the weights that drive it are rounded; and close to the corner an answer may be rounded to what is at rest
        driven, hidden = 8 * unit * high, 8 * unit * largest * short / np.max(np.abs(resting - near))
        return next(value for value in _near(high) if low - driven <= value <= high + driven + hidden)

    def _between(self, low: float, high: float) -> Floats:
        """Numbers of the precision from low to high, evenly by ratio while that is large."""
        spaced = (np.geomspace if high > 2 * low else np.linspace)(low, high, LEVELS)
        levels = spaced.astype(self.probe.precision).astype(np.float64)
        levels[[0, -1]] = low, high
        return np.unique(levels)


def _unit(answers: Floats) -> float:
    """That of single precision where all of these are numbers of it, though the target may be asked in double."""
    lowered = np.array_equal(answers, answers.astype(np.float32), equal_nan=True)
    return float(np.finfo(np.float32 if lowered else np.float64).eps)


def _lines(out: Outputs, problem: Problem) -> Floats:
    """Outputs and final states, a line for each row."""
    rows = [np.moveaxis(a, -2, 0).reshape(len(problem.x[0]), -1) for a in (out.y, *out.state)]
    return np.concatenate(rows, axis=1).astype(np.float64)


def _near(value: float) -> Iterator[float]:
    """Numbers of more and more digits, and at last itself."""
    for digits in range(1, 17):
        yield float(f"{value:.{digits}g}")
    yield value
