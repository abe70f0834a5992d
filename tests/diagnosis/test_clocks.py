"""Periods, and when the clock starts, from the steps at which outputs change."""

from __future__ import annotations

import numpy as np
import pytest

from ltdcheck.diagnosis.clocks import clocked
from ltdcheck.faults.fault import Network, fault_named
from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.strategies.problems import Recipe, build


def shown(cell: Clockwork, T: int) -> list[Clockwork]:
    """What the outputs of a cell show."""
    problem = build(cell, Recipe(T=T, H=6))
    return list(clocked(Clockwork(), problem.given_state[0], Network(cell).run(problem, backward=False).y))


@pytest.mark.parametrize("periods", [(1,), (2,), (1, 2, 4, 8), (2, 3), (3, 5, 7), (1, 16)])
@pytest.mark.parametrize("start", [0, 1])
def test_periods_and_start_are_read_off(periods: tuple[int, ...], start: int) -> None:
    """The start is the least that ticks at the same steps."""
    (found,) = shown(Clockwork(periods=periods, start=start), 33)
    assert found.periods == periods
    due, seen = (
        [cell.active(cell.start + t) for t in range(33)] for cell in (Clockwork(periods=periods, start=start), found)
    )
    assert np.array_equal(due, seen)
    assert found.start <= start


def test_a_unit_that_ticks_once_shows_no_period() -> None:
    """A period as long as the sequence is none that could be seen."""
    assert shown(Clockwork(periods=(1, 8)), 8) == []


def test_groups_that_are_not_ordered_by_speed_are_none() -> None:
    """The slowest units first: no clockwork of this family."""
    changes = np.array([[t % 3 == 0, True] for t in range(9)], dtype=float)
    y = np.cumsum(changes, axis=0)[:, None, :]
    assert list(clocked(Clockwork(), -np.ones((1, 2)), y)) == []


@pytest.mark.parametrize("periods", [(1, 2, 4, 8), (2, 3)])
def test_units_that_sleep_at_zero_show_their_clock(periods: tuple[int, ...]) -> None:
    """They change at the step after a tick as well, so that it is read off where they are not zero."""
    asleep = fault_named("clockwork-idle-zeroed").plant(Clockwork(periods=periods))
    assert asleep is not None
    problem = build(Clockwork(), Recipe(T=33, H=6))
    y = asleep.run(problem, backward=False).y
    assert periods in [found.periods for found in clocked(Clockwork(), problem.given_state[0], y)]
