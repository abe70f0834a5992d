"""References that a target may be beside the variants: with numbers read off its answers, and with a known fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from ltdcheck.diagnosis.blocks import Candidate
from ltdcheck.diagnosis.clocks import clocked, unit_periods, watched
from ltdcheck.diagnosis.measure import CHOSEN, measured, measured_by_group, numbers, rounding
from ltdcheck.diagnosis.probe import Probe, far
from ltdcheck.diagnosis.thresholds import threshold
from ltdcheck.faults.fault import Fault
from ltdcheck.faults.graft import plantable
from ltdcheck.problem import Params
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.reference.cells.liquid_state import LiquidState

GROUPS = range(2, 9)  # numbers of groups that are tried where no clock shows them; chosen, not derived


def guesses(probe: Probe, cell: Cell, start: Params, answer: NDArray[np.float64]) -> Iterator[Cell]:
    """The variant with other numbers, which its answer at the base point is to tell."""
    within = rounding(probe.precision)
    if _default(cell):  # all numbers are searched for from the default
        yield from measured(cell, lambda c: far(probe.base(c), answer), within)
        first = probe.outputs(answer)[0]
        yield from measured_by_group(cell, lambda c: probe.outputs(probe.base(c))[0], first, within)
    if isinstance(cell, Clockwork) and cell == Clockwork(cell.nonlinearity):
        seen = watched(probe, start)
        yield from clocked(cell, probe.states[0], seen)
        if set(unit_periods(probe.states[0], seen)) == {1}:  # periods may be ignored: groups show in who sees whom
            yield from (replace(cell, periods=tuple(range(1, count + 1))) for count in GROUPS)


def _default(cell: Cell) -> bool:
    """No number is another than the usual one; a threshold is measured before."""
    return all(getattr(cell, f.name) == f.default for f in fields(cell) if f.name in numbers(cell))


def with_threshold(probe: Probe, cells: list[Cell], start: Params) -> list[Cell]:
    """The variants that spike, with the target's threshold where it has one; what is asked next is to reach it."""
    if not any(isinstance(cell, LiquidState) for cell in cells):
        return cells
    value = threshold(probe, start)
    probe.louder(value or 1.0)
    return [
        cell if value is None or not isinstance(cell, LiquidState) else replace(cell, threshold=value) for cell in cells
    ]


def known(probe: Probe, cells: Sequence[Cell], answer: NDArray[np.float64]) -> Iterator[Candidate]:
    """The variants with each known fault of the forward pass."""
    for cell in cells:
        for fault in _forward(cell):
            yield Candidate(far(probe.base(cell, fault=fault), answer), cell, fault)


def faulty(probe: Probe, cells: list[Cell], answer: NDArray[np.float64]) -> Iterator[Candidate]:
    """The variants with one known fault, and the numbers that the answer at the base point then tells."""
    for cell in cells:
        if not _default(cell) or not set(numbers(cell)) & set(CHOSEN):
            continue
        for fault in _forward(cell):
            if cell.name not in fault.cells or fault.plant(cell) is None:
                continue  # a number is searched for under each fault, which those of every family are too many for

            def distance(c: Cell, fault: Fault = fault) -> float:
                return far(probe.base(c, fault=fault), answer)

            for own in measured(cell, distance, rounding(probe.precision), CHOSEN):
                yield Candidate(distance(own), own, fault)


def _forward(cell: Cell) -> list[Fault]:
    """Those of its faults that are of the forward pass, whatever the layout."""
    return [fault for fault in plantable(cell.name) if fault.forward and not fault.layout]
