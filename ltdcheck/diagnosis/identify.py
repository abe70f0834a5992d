"""What is this target? Its family, variant, state order and parameter layout, from behaviour alone.

1. *Base*: every matrix entry is the same number and every bias zero, so that the answer does not depend on the layout.
   The variants of the reference that give the target's answer stay; if none does, the combinations of nonlinearities
   that few choose are asked too; if none of those does, their numbers (a time constant) are measured; if that explains
   nothing, the variants with one known fault are asked; and if none of those does either, the nearest variant stays.
2. *Pokes*: one gate's part of one array is changed, under each reading of the array's shape that fits. The block of the
   reference that answers alike is what the part is.
   Where nothing explains the answers, the state is tried in its other order; and where rows change each other, each row
   is asked alone.
3. *Proof*: the reference with the layout found, and the target, on a fresh problem of other sizes.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ltdcheck.diagnosis.base_point import explanation, swapped_state
from ltdcheck.diagnosis.direction import Turned, direction_of
from ltdcheck.diagnosis.divisions import require_known_clocks, require_known_groups
from ltdcheck.diagnosis.fitting import fitting
from ltdcheck.diagnosis.identification import Identification, best_of, proof
from ltdcheck.diagnosis.probe import Probe, Reading, far, there
from ltdcheck.diagnosis.rows import RowByRow, coupled
from ltdcheck.errors import TargetUnusableError
from ltdcheck.implementation import Implementation
from ltdcheck.problem import Params
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import cell_named
from ltdcheck.reference.layout import arrange

COMMON = ("elman", "lstm", "gru")  # what a target may be that claims nothing
FEWER = "greff"  # and where it has fewer gates than any of these


def identify(target: Implementation, name: str, claimed: str | None = None, ask: type[Probe] = Probe) -> Identification:
    """Find family, variant and layout of ``target``, by the questions of ``ask``.

    Raises
    ------
    TargetUnusableError
        When the shapes of its parameters fit no cell.
    TargetFailure
        When it does not answer.
    """
    families = [cell_named(claimed).name] if claimed else COMMON
    cells = [cell for family in families for cell in fitting(target, family)]
    if not cells and not claimed:
        cells = fitting(target, FEWER)
    probe = ask(target, cells)
    readings = {array: probe.readings(array) for array in probe.inventory}
    unread = [array for array, found in readings.items() if not found]
    if unread or not cells:
        shapes = ", ".join(f"{n} {s}" for n, s in probe.inventory.items())
        asked = f"with input size {probe.I} and hidden size {probe.H}"
        why = f"{asked} its parameters are {shapes}, and its state is {target.states} array(s)"
        what = f"which is no {claimed}" if claimed else f"which fits none of the cells {', '.join(COMMON)}"
        fix = "Leave --cell away to have it identified" if claimed else "Say the family with --cell"
        raise TargetUnusableError(name, f"{why}, {what}.", f"{fix}, or check one layer of one direction on its own.")
    starts = _starts(probe, cells, readings)
    if (direction := direction_of(probe, starts[0])) != "forward":
        found = identify(Turned(target, direction), name, claimed)
        if found.explained:
            return replace(found, layout=replace(found.layout, direction=direction))
    best = best_of(explanation(probe, cells, readings, start) for start in starts)
    if best is None or not best.explained:
        best = _otherwise(probe, cells, readings, starts, best)
    swapped = best.layout.swapped_state if best is not None else swapped_state(probe, starts[0], target.states)
    if (best is None or not best.explained) and (alone := _by_rows(probe, name, claimed, starts[0], swapped=swapped)):
        return alone
    if best is None or not best.explained:
        require_known_clocks(probe, cells[0], name, starts[0])
    if best is None:
        why = f"no part of its parameters acts like any block of the reference{f' of {claimed}' if claimed else ''}."
        fix = "Its own gradients, and every law that needs no reference, are checked with --cell other."
        raise TargetUnusableError(name, why, fix)
    if best.explained:
        require_known_groups(target, name, best.layout, best.network)
        return best
    return replace(best, layout=replace(best.layout, doubt=_doubt(best.cell)))


def _otherwise(
    probe: Probe,
    cells: list[Cell],
    readings: Mapping[str, list[Reading]],
    starts: list[Params],
    best: Identification | None,
) -> Identification | None:
    """The same without what is another answer each time; or with the other order of the state, where that explains it.

    What is returned may not be in the order of what is read.
    """
    swapped = swapped_state(probe, starts[0], probe.target.states)
    if probe.leave_out_restless(starts[0], swapped=swapped):
        best = best_of(explanation(probe, cells, readings, start) for start in starts)
    if (best is not None and best.explained) or not probe.reorders:
        return best
    probe.order = not swapped
    found = best_of(explanation(probe, cells, readings, start) for start in starts)
    probe.order = None
    return found if found is not None and found.explained else best


def _by_rows(probe: Probe, name: str, claimed: str | None, start: Params, *, swapped: bool) -> Identification | None:
    """What each row alone is, where rows change each other; how far off the target is then is that of whole batches."""
    target = probe.target
    if type(probe) is not Probe or isinstance(target, RowByRow):
        return None
    if not coupled(target, there(probe.problem(start, target.states), swapped=swapped)):
        return None
    found = identify(RowByRow(target), name, claimed)
    return replace(found, distance=proof(probe, found.layout, found.network)) if found.explained else None


def _doubt(cell: Cell) -> str:
    return (
        f"no variant of {cell.name}, alone or with a known fault, answers as it does, so that it is wrong in another "
        "way or right by a convention that is not among them; it is held against the nearest variant"
    )


def _starts(probe: Probe, cells: list[Cell], readings: Mapping[str, list[Reading]]) -> list[Params]:
    """The base points to try: one, unless an array can be read both as weights and as biases; the likeliest first."""
    choices = []
    for array, found in readings.items():
        distinct: dict[bytes, NDArray[np.float64]] = {}
        for reading in found:
            base = arrange(probe.base_array(reading), reading.arrangement)
            distinct.setdefault(base.tobytes(), base)
        choices.append([(array, base) for base in distinct.values()])
    starts = [dict(choice) for choice in itertools.islice(itertools.product(*choices), 16)]
    return sorted(starts, key=lambda s: _nearest(probe, cells, s)) if len(starts) > 1 else starts


def _nearest(probe: Probe, cells: list[Cell], start: Params) -> float:
    """How far the nearest variant's answer at a base point is."""
    answer = probe.ask(start, probe.target.states, swapped=swapped_state(probe, start, probe.target.states))
    return min(far(probe.base(cell), answer) for cell in cells)
