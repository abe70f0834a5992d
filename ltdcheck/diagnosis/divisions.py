"""Groups of units that the reference does not have: other divisions at other sizes, other orders of clocks.

The reference divides its units as :mod:`ltdcheck.reference.groups` says, or gives every group the same number of
units. What a target's groups are is seen at the sizes of the probe; whether they are the same groups, at others.
"""

from __future__ import annotations

import numpy as np

from ltdcheck.diagnosis.clocks import clocked, unit_periods, watched
from ltdcheck.diagnosis.fitting import OTHER, grows
from ltdcheck.diagnosis.probe import B, Probe, T, answer_of, far
from ltdcheck.errors import TargetFailure, TargetUnusableError
from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Implementation
from ltdcheck.problem import Params
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.reference.layout import Layout
from ltdcheck.strategies.problems import Recipe, build

SAME = 1e-3  # a distance below which a reference is what the target computes; far larger than any rounding
AN_INSTANCE = "Check an instance of one size, and each unit's number is measured for itself."
EQUAL = "Check an instance whose hidden size is a multiple of its number of groups."
DIVIDED = "group g of n begins at unit ceil(g*H/n)"


def require_known_groups(
    target: Implementation, name: str, layout: Layout, network: Network, cell: Cell | None = None
) -> None:
    """Refuse a target that is explained at the sizes of the probe by groups that are others at other sizes.

    ``cell`` is whose groups these are: that of the layout, or one of several layers.

    Raises
    ------
    TargetUnusableError
        When its shapes or its answers there are not those of the layout.
    """
    if target.fixed_sizes is not None:
        return
    if not grows(target, layout):
        _refuse_shapes(target, name, layout)
    cell = cell or layout.cell
    values = _of_groups(cell)
    for H in (len(values) + 1, 2 * len(values) + 2) if values else ():
        # one unit too many, and two too many: where usual ways to divide what is no multiple differ
        if SAME < distance_at(target, layout, network, 4, H) < np.inf:
            why = (
                f"its units act as if in {len(values)} groups, {cell.variant}, as far as is seen at one size, "
                f"but not with hidden size {H}: it divides its units otherwise than the reference, where {DIVIDED}."
            )
            raise TargetUnusableError(name, why, EQUAL if isinstance(cell, Clockwork) else AN_INSTANCE)


def _refuse_shapes(target: Implementation, name: str, layout: Layout) -> None:
    """A target that cannot be made at these sizes is none that has other shapes there."""
    I, H = OTHER
    try:
        held = target.parameters(I, H)
    except TargetFailure:
        return
    wanted = {array: index.shape for array, index in layout.indices(I, H).items()}
    array = next(array for array in wanted if held.get(array) != wanted[array])
    why = (
        f"it acts as {', '.join(filter(None, (layout.cell.name, layout.cell.variant)))}, but with input size {I} and "
        f"hidden size {H} its parameter {array} is {held.get(array)}, which that variant has as {wanted[array]}."
    )
    raise TargetUnusableError(name, why, "Check an instance of one size.")


def _of_groups(cell: Cell) -> tuple[float, ...]:
    """What each group has its own of; nothing where there is one group."""
    for field in ("tau", "periods"):
        values = getattr(cell, field, None)
        if isinstance(values, tuple) and len(values) > 1:
            return values
    return ()


def distance_at(target: Implementation, layout: Layout, network: Network, I: int, H: int) -> float:
    """Largest relative difference between a network in this layout and the target on a fresh problem.

    Infinite where the target does not answer.
    """
    recipe = Recipe(T=T, B=B, I=I, H=H, seed=99, precision=target.precisions[0], given_state=target.takes_state)
    subject = Subject(target, layout)
    problem = subject.within(build(layout.cell, recipe))
    try:
        got = subject.run(problem, backward=False, fresh=True)
    except TargetFailure:
        return float("inf")
    return far(answer_of(network.run(problem, backward=False), swapped=False), answer_of(got, swapped=False))


def require_known_clocks(probe: Probe, cell: Cell, name: str, start: Params) -> None:
    """Refuse a target whose units keep a time that no groups of the reference keep.

    Raises
    ------
    TargetUnusableError
        When a unit ticks too rarely for its period to be read off, or the periods lie otherwise than in groups of
        the reference.
    """
    if not isinstance(cell, Clockwork):
        return
    y = watched(probe, start)
    periods = unit_periods(probe.states[0], y)
    if 0 in periods:
        seen = f"unit {periods.index(0)} changes less than twice in {len(y)} steps, so that its period is not seen"
    elif not any(True for _ in clocked(cell, probe.states[0], y)):
        seen = (
            f"with hidden size {probe.H} its units change every {', '.join(map(str, periods))} steps, which are no "
            f"groups of the reference: fastest first, side by side, and {DIVIDED}"
        )
    else:
        return
    raise TargetUnusableError(name, f"{seen}.", EQUAL)
