"""The clocks of groups of units, read off the steps at which a target's outputs change, or are not zero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from math import gcd, lcm

import numpy as np
from numpy.typing import NDArray

from ltdcheck.diagnosis.probe import Probe
from ltdcheck.problem import Params
from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.reference.groups import groups, shared

Ticks = NDArray[np.bool_]  # (T, H): which unit changes at which step
LONGEST = 1 + 2**10  # steps that are watched for the second tick of the slowest unit


def watched(probe: Probe, start: Params) -> NDArray[np.float64]:
    """Outputs (T, B, H) of the base point, over so many steps that every unit ticks twice, or over the longest time."""
    steps = probe.steps
    while True:
        rng = np.random.default_rng(13)
        x = np.round(rng.standard_normal((steps, *probe.x.shape[1:])) * 64) / 64
        y = probe.target.run(probe.asked(start, x, probe.states), backward=False, fresh=True).y
        seen = [*unit_periods(probe.states[0], y), *map(_period, _awake(y).T)]
        if steps >= LONGEST or 0 not in seen:
            return np.asarray(y, dtype=np.float64)
        steps = min(4 * steps, LONGEST)


def unit_periods(h: NDArray[np.float64], y: NDArray[np.float64]) -> list[int]:
    """For each unit what divides the distance of any two of its ticks; 0 where there are not two."""
    return [_period(column) for column in _ticks(h, y).T]


def _ticks(h: NDArray[np.float64], y: NDArray[np.float64]) -> Ticks:
    return np.asarray(np.any(np.diff(np.concatenate([h[None], y]), axis=0) != 0, axis=1))


def _awake(y: NDArray[np.float64]) -> Ticks:
    """Which unit is not zero at which step: where groups are zero between their ticks, when they tick."""
    return np.asarray(np.any(y != 0, axis=1))


def clocked(cell: Clockwork, h: NDArray[np.float64], y: NDArray[np.float64]) -> Iterator[Clockwork]:
    """The cell with the periods and the start that the outputs y (T, B, H) show, which began at the state h (B, H).

    A unit whose period is longer than the sequence shows none, and then nothing is said. A unit that happens to be
    updated without a change is one tick less, which the distance of two others makes up for. Units that are zero at
    some steps may be so between their ticks, against what the cell does: then their clocks are those of the others.
    """
    yield from _of_ticks(cell, _ticks(h, y))
    if not (awake := _awake(y)).all():
        yield from _of_ticks(cell, awake)


def _of_ticks(cell: Clockwork, ticks: Ticks) -> Iterator[Clockwork]:
    found = [_period(column) for column in ticks.T]
    if 0 in found:
        return
    for count in range(1, len(found) + 1):
        periods = shared(found, count)
        if periods is not None and all(a < b for a, b in pairwise(periods)):
            start = _start(ticks, periods)
            candidate = replace(cell, periods=periods, start=start)
            if _ticks_as(candidate, ticks):
                yield candidate


def _start(ticks: Ticks, periods: tuple[int, ...]) -> int:
    """The least time of the first step at which every group's first tick falls on a multiple of its period."""
    at, every = 0, 1
    for period, units in zip(periods, groups(ticks.shape[1], len(periods)), strict=True):
        first = int(np.flatnonzero(ticks[:, units].any(axis=1))[0])
        for _ in range(period):
            if (at + first) % period == 0:
                break
            at += every
        every = lcm(every, period)
    return at


def _period(ticks: NDArray[np.bool_]) -> int:
    """What divides the distance of any two ticks; 0 where there are not two."""
    return gcd(*np.diff(np.flatnonzero(ticks)).tolist())


def _ticks_as(cell: Clockwork, ticks: Ticks) -> bool:
    """No unit changes at a step at which the cell would copy it."""
    T, H = ticks.shape
    due = np.array([cell.active(cell.start + k) for k in range(T)])
    return not any(np.any(ticks[:, units] & ~due[:, [g]]) for g, units in cell.members(H))
