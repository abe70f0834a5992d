"""What is this target? Its family, variant, state order and parameter layout, from behaviour alone.

1. *Base*: every matrix entry is the same number and every bias zero, so that the answer does not depend on the layout.
   The variants of the reference that give the target's answer stay; if none does, the combinations of nonlinearities
   that few choose are asked too; if none of those does, their numbers (a time constant) are measured; if that explains
   nothing, the variants with one known fault are asked; and if none of those does either, the nearest variant stays.
2. *Pokes*: one gate's part of one array is changed, under each reading of the array's shape that fits. The block of the
   reference that answers alike is what the part is.
   Where nothing explains the answers and rows change each other, each row is asked alone.
3. *Proof*: the reference with the layout found, and the target, on a fresh problem of other sizes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ltdcheck.diagnosis.blocks import Candidate, explain
from ltdcheck.diagnosis.direction import Turned, direction_of
from ltdcheck.diagnosis.divisions import require_known_clocks, require_known_groups
from ltdcheck.diagnosis.fitting import fitting, grows, rare
from ltdcheck.diagnosis.guesses import faulty, guesses, known, with_threshold
from ltdcheck.diagnosis.held_inputs import clipped_at, with_clip
from ltdcheck.diagnosis.measure import rounding
from ltdcheck.diagnosis.probe import B, Probe, Reading, Response, T, answer_of, far, there, unchanged
from ltdcheck.diagnosis.rows import RowByRow, coupled
from ltdcheck.errors import TargetFailure, TargetUnusableError
from ltdcheck.faults.fault import Network, fault_named
from ltdcheck.implementation import Implementation
from ltdcheck.problem import Params
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import cell_named
from ltdcheck.reference.layout import Layout, arrange
from ltdcheck.strategies.problems import Recipe, build

COMMON = ("elman", "lstm", "gru")  # what a target may be that claims nothing
FEWER = "greff"  # and where it has fewer gates than any of these


@dataclass(frozen=True)
class Identification:
    """What the target was taken for, and how sure that is.

    ``distance`` is the largest relative difference between the reference so arranged and the target on a fresh problem;
    ``next`` that of the best other variant, or what it is at the base point where no arrangement can make it less.
    ``fault`` is the id of the known fault that was needed to explain the forward pass, or "". Of several cells,
    ``partly`` says that some are known exactly.
    """

    layout: Layout
    distance: float
    next: float
    fault: str = ""
    partly: bool = False

    @property
    def cell(self) -> Cell:
        """The reference that the target is held against."""
        return self.layout.cell

    @property
    def exact(self) -> bool:
        """The right reference reproduces the target's forward pass to rounding."""
        return not self.fault and self.explained

    @property
    def explained(self) -> bool:
        """A reference, right or with a known fault, reproduces the target's forward pass to rounding."""
        return self.distance < 1e-3

    @property
    def sure(self) -> str:
        """How sure that is, in words: the distance, and that of the next variant."""
        other = f", the next variant {self.next:.2g}" if np.isfinite(self.next) else ""
        return f"the reference so arranged is {self.distance:.2g} away{other} (of the largest entry)"

    @property
    def network(self) -> Network:
        """The reference, with the fault if there is one."""
        planted = fault_named(self.fault).plant(self.cell) if self.fault else None
        return planted or Network(self.cell)

    @property
    def words(self) -> str:
        """Variant and layout in one line."""
        return ", ".join(filter(None, (self.cell.variant, self.layout.words())))


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
    best = _best(_identify(probe, cells, readings, start) for start in starts)
    if best is None or not best.explained:
        best = _otherwise(probe, cells, readings, starts, best)
    swapped = best.layout.swapped_state if best is not None else _swapped(probe, starts[0], target.states)
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
    swapped = _swapped(probe, starts[0], probe.target.states)
    if probe.leave_out_restless(starts[0], swapped=swapped):
        best = _best(_identify(probe, cells, readings, start) for start in starts)
    if (best is not None and best.explained) or not probe.reorders:
        return best
    probe.order = not swapped
    found = _best(_identify(probe, cells, readings, start) for start in starts)
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


def _best(found: Iterable[Identification | None]) -> Identification | None:
    """The first that is exact, else the nearest."""
    best: Identification | None = None
    for it in found:
        if it is not None and (best is None or it.distance < best.distance or it.exact):
            best = it
        if best is not None and best.exact:
            break
    return best


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
    answer = probe.ask(start, probe.target.states, swapped=_swapped(probe, start, probe.target.states))
    return min(far(probe.base(cell), answer) for cell in cells)


def _identify(
    probe: Probe, cells: list[Cell], readings: Mapping[str, list[Reading]], start: Params
) -> Identification | None:
    """The best explanation of what the target answers around one base point.

    Where it holds what it reads, variants that do so come first, if they are right.
    """
    clipped = with_clip(probe, cells, start, swapped=_swapped(probe, start, probe.target.states))
    held = _around(probe, clipped, readings, start) if clipped else None
    if held is not None and held.exact:
        return held
    free = _around(probe, cells, readings, start)
    return _best(found for found in (free, held) if found is not None and found.explained) or free


def _around(
    probe: Probe, cells: list[Cell], readings: Mapping[str, list[Reading]], start: Params
) -> Identification | None:
    """The best of these variants, of those that few choose, and of either with a known fault."""
    cells = with_threshold(probe, cells, start)
    states = probe.target.states
    swapped = _swapped(probe, start, states)
    answer = probe.ask(start, states, swapped=swapped)
    pokes: dict[tuple[Reading, int, int], NDArray[np.float64]] = {}

    def response(reading: Reading, gate: int, k: int) -> NDArray[np.float64]:
        key = (reading, gate, k)
        if key not in pokes:
            pokes[key] = probe.ask({**start, reading.array: probe.poked(reading, gate, k)}, states, swapped=swapped)
        return pokes[key]

    tight = rounding(probe.precision).tight
    best: Identification | None = None
    right: list[Candidate] = []
    for tried in (cells, _rare(probe, cells)):
        right += [Candidate(far(probe.base(c), answer), c) for c in tried]
        best = _settle(probe, [r for r in right if r.far < tight], readings, response, swapped=swapped) or best
        if best is not None and best.distance < tight:
            return replace(best, next=min([best.next, *(r.far for r in right if r.far >= tight)]))
    guessed = list(dict.fromkeys(g for c in cells for g in guesses(probe, c, start, answer)))
    fitted = [Candidate(far(probe.base(c), answer), c) for c in guessed]
    own = _settle(probe, [f for f in fitted if f.far < tight], readings, response, swapped=swapped)
    if own is not None and own.distance < tight:
        return own
    for suspects in (known(probe, [*cells, *guessed], answer), faulty(probe, cells, answer)):
        wrong = _settle(probe, [s for s in suspects if s.far < tight], readings, response, swapped=swapped)
        if wrong is not None and wrong.distance < tight:
            return wrong
    nearest = sorted(right[: len(cells)], key=lambda r: r.far)[:4]
    return best or _settle(probe, nearest, readings, response, swapped=swapped)


def _rare(probe: Probe, cells: list[Cell]) -> Iterator[Cell]:
    """What is tried where the usual variants explain nothing: the combinations that few choose, held as these are."""
    clips = {cell.name: getattr(cell, "clip", None) for cell in cells}
    for family, clip in clips.items():
        for cell in rare(probe.target, family):
            yield cell if clip is None else clipped_at(cell, clip)


def _settle(
    probe: Probe,
    candidates: list[Candidate],
    readings: Mapping[str, list[Reading]],
    response: Response,
    *,
    swapped: bool,
) -> Identification | None:
    """The candidate whose blocks explain the pokes, proved on a fresh problem."""
    found: list[tuple[bool, Identification]] = []
    for candidate in candidates:
        layout = explain(probe, candidate, readings, response, swapped=swapped)
        if layout is not None:
            distance, fault = proof(probe, layout, candidate.network), candidate.fault.id if candidate.fault else ""
            found.append((not grows(probe.target, layout), Identification(layout, distance, np.inf, fault)))
    if not found:
        return None
    (_, best), *others = sorted(found, key=lambda f: (f[0], f[1].distance))
    return replace(best, next=min((other.distance for shrinks, other in others if not shrinks), default=float("inf")))


def proof(probe: Probe, layout: Layout, network: Network) -> float:
    """Largest relative difference between reference and target on a fresh problem."""
    I, H = probe.I, probe.H
    recipe = Recipe(T=T, B=B, I=I, H=H, seed=99, precision=probe.precision)
    problem = build(layout.cell, recipe)
    problem = problem.with_(params=layout.within(problem.params, I, H))
    theirs = problem.with_(params=layout.to_target(problem.params, I, H))
    theirs = there(theirs, swapped=layout.swapped_state)
    try:
        got = probe.target.run(theirs, backward=False, fresh=True)
        swapped = layout.swapped_state
        steady = True if probe.steady is None else unchanged(probe.target, theirs, swapped=swapped)
    except TargetFailure:
        return float("inf")
    ours = answer_of(probe.reference(network, problem), swapped=False)
    return far(np.where(steady, ours, 0.0), np.where(steady, answer_of(got, swapped=swapped), 0.0))


def _swapped(probe: Probe, start: Params, states: int) -> bool:
    """Whether the output sequence continues the last array of the state rather than the first: (c, h) for (h, c)."""
    if states < 2:
        return False
    if len(set(probe.target.widths(probe.H))) > 1:
        return probe.swapped
    if probe.order is not None:
        return probe.order
    out = probe.target.run(probe.problem(start, states), backward=False, fresh=True)
    first, last = (int(np.sum(out.y[-1] == out.state[k])) for k in (0, -1))
    return last > first
