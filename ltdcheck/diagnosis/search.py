"""The faults of the catalogue that give a target's answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ltdcheck.diagnosis.apart import FAR, Apart, outputs_apart, residual
from ltdcheck.diagnosis.hearing import Exchange
from ltdcheck.faults.fault import Fault, Network
from ltdcheck.faults.graft import plantable
from ltdcheck.faults.wired import wired_faults
from ltdcheck.problem import Problem
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.networks.layered import Layered
from ltdcheck.reference.numbers.formats import FORMATS
from ltdcheck.result import Diagnosis

NAMED = 3


@dataclass(frozen=True)
class Candidate:
    """A fault, and how far it is from the target."""

    fault: Fault
    apart: Apart


def limit_of(precision: str) -> float:
    """The relative distance that rounding makes between two ways to compute the same, in either direction.

    It is 2**15 roundings, and is chosen, not derived: above the bounds of the problems asked here, which are of few
    steps and units, and far below what a fault changes. It decides what is named, and never what is a finding, which
    derived bounds do. Where a format's digits are too few for it, what is asked for is that most of its digits agree.
    """
    unit = FORMATS[precision].unit
    return min(2.0**15 * unit, FAR) if unit < FAR / 2**4 else 2.0**4 * unit


def catalogue(subject: Subject) -> Iterator[Fault]:
    """The faults that the subject's cell can have, those seen in the wild first."""
    cell = subject.cell
    yield from wired_faults(cell) if isinstance(cell, Layered) else plantable(cell.name)


def asked_of(subject: Subject, problem: Problem) -> Exchange:
    """A new instance's answer."""
    case = subject.within(problem)
    answer = subject.run(case, backward=subject.has_backward, fresh=True)
    return Exchange("run", (case,), (answer,), subject.has_backward, fresh=True)


def candidates(subject: Subject, exchanges: Sequence[Exchange], right: Apart, limit: float) -> list[Candidate]:
    """The faults of the catalogue that explain these answers: none of the forward pass where all outputs are right."""
    forward = outputs_apart(Network(subject.cell), exchanges) > limit
    found = []
    for fault in catalogue(subject):
        if fault.forward and not forward:
            continue
        network = fault.plant(subject.cell)
        if network is None:
            continue
        seen = residual(subject, network, exchanges, limit)
        if seen.far < limit and (seen.far < right.far / 16 or (right.far < limit and seen.facts < right.facts)):
            found.append(Candidate(fault, seen))
    return found


def named(found: list[Candidate]) -> list[Diagnosis]:
    """Those with the fewest observations unexplained first, then in the catalogue's order."""
    ordered = sorted(found, key=lambda one: one.apart.facts)[:NAMED]
    return [Diagnosis(c.fault.id, c.fault.sentence.rstrip("."), c.apart.far) for c in ordered]
