"""What explains the answers around one base point: a variant, an unusual one, a number, or a known fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ltdcheck.diagnosis.blocks import Candidate, explain
from ltdcheck.diagnosis.fitting import grows, rare
from ltdcheck.diagnosis.guesses import faulty, guesses, known, with_threshold
from ltdcheck.diagnosis.held_inputs import clipped_at, with_clip
from ltdcheck.diagnosis.identification import Identification, best_of, proof
from ltdcheck.diagnosis.measure import rounding
from ltdcheck.diagnosis.probe import Probe, Reading, Response, far
from ltdcheck.problem import Params
from ltdcheck.reference.cell import Cell


def explanation(
    probe: Probe, cells: list[Cell], readings: Mapping[str, list[Reading]], start: Params
) -> Identification | None:
    """The best explanation of what the target answers around one base point.

    Where it holds what it reads, variants that do so come first, if they are right.
    """
    clipped = with_clip(probe, cells, start, swapped=swapped_state(probe, start, probe.target.states))
    held = _around(probe, clipped, readings, start) if clipped else None
    if held is not None and held.exact:
        return held
    free = _around(probe, cells, readings, start)
    return best_of(found for found in (free, held) if found is not None and found.explained) or free


def _around(
    probe: Probe, cells: list[Cell], readings: Mapping[str, list[Reading]], start: Params
) -> Identification | None:
    """The best of these variants, of those that few choose, and of either with a known fault."""
    cells = with_threshold(probe, cells, start)
    states = probe.target.states
    swapped = swapped_state(probe, start, states)
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


def swapped_state(probe: Probe, start: Params, states: int) -> bool:
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
