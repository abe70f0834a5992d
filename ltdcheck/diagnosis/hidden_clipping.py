"""Whether a target clips gradients inside its backward pass, where, and to which threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ltdcheck.diagnosis.apart import outputs_apart, residual
from ltdcheck.diagnosis.hearing import Exchange
from ltdcheck.diagnosis.search import asked_of
from ltdcheck.faults.clipped_inside import clippings_inside
from ltdcheck.faults.fault import Network
from ltdcheck.problem import PRECISIONS, Problem
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Wiring
from ltdcheck.result import Diagnosis

LOUD = 2.0**40  # times the cotangents of a usual problem: beyond any threshold that somebody sets


def clipped_inside(subject: Subject, asked: Sequence[Exchange], limit: float) -> list[Diagnosis]:
    """The place and the threshold that explain these answers; nothing where outputs are wrong, or none does.

    A loss of the last step alone, so loud that all that is clipped is: what comes back to the inputs before it is then
    in proportion to the threshold, v times what it is with v = 1.
    """
    single = asked[0].problems[0].precision in PRECISIONS and not isinstance(subject.cell, Wiring)
    if not (single and subject.has_backward) or outputs_apart(Network(subject.cell), asked) > limit:
        return []
    loud = asked_of(subject, _loud(asked[-1].problems[0]))
    for place, fault in enumerate(clippings_inside()):
        network = fault.plant(subject.cell)
        v = None if network is None else _threshold(network, loud)
        if v is None:
            continue
        found = clippings_inside(v)[place]
        measured = found.plant(subject.cell)
        far = float("inf") if measured is None else residual(subject, measured, [*asked, loud], limit).far
        if far < limit:
            return [Diagnosis(found.id, found.sentence.rstrip("."), far)]
    return []


def _loud(problem: Problem) -> Problem:
    """The same with a loss of the last output alone, that is beyond any threshold."""
    dy = np.zeros_like(problem.dy)
    dy[-1] = LOUD * problem.dy[-1]
    return problem.with_(dy=dy, dstate=tuple(np.zeros_like(d) for d in problem.dstate))


def _threshold(network: Network, loud: Exchange) -> float | None:
    """The number by which what comes back is larger than with a threshold of 1, with few digits where it has few."""
    try:
        ours = network.run(loud.problems[0]).dx
    except ValueError:  # there is nothing of the kind to clip in this cell
        return None
    theirs = loud.answers[0].dx
    if ours is None or theirs is None:
        return None
    one, seen = (np.asarray(dx[:-1], dtype=np.float64).ravel() for dx in (ours, theirs))
    ratio = float(one @ seen) / (float(one @ one) or np.inf)
    if not np.isfinite(ratio) or ratio <= 0:
        return None
    short = float(f"{ratio:.4g}")
    return short if abs(short - ratio) <= 2.0**-20 * ratio else ratio
