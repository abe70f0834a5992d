"""What is wrong, in a sentence: the fault of the catalogue that reproduces what the target does.

1. New instances are asked about the failing problem and a fresh one. Where the reference answers otherwise, what is
   wrong lies in the equations, and the faults that answer as the target does are left; those that do so by chance on
   both problems are told apart on more of them. Where the outputs are right, no fault of the forward pass is asked;
   where they are wrong and no fault explains the gradients too, those that explain the outputs are left, and whether
   the backward pass beside them is that of the right cell.
2. Where they are right, or no fault answers alike, what is wrong may lie in how calls follow each other: everything
   that the failing law asks is kept, with the answers, and put to the faults in turn.
3. Or new instances do not agree on the answer to one question. Then two faults are tried at once; and where those do
   not explain it either, what differs is described.
"""

from __future__ import annotations

from collections.abc import Sequence

from ltdcheck.diagnosis.apart import Apart, residual
from ltdcheck.diagnosis.arranged import arranged
from ltdcheck.diagnosis.describe import WRONG, described
from ltdcheck.diagnosis.forward import OF_RIGHT, Outputs, halves, of_outputs
from ltdcheck.diagnosis.hearing import Exchange
from ltdcheck.diagnosis.hidden_clipping import clipped_inside
from ltdcheck.diagnosis.history import Past
from ltdcheck.diagnosis.idle import idle
from ltdcheck.diagnosis.lost_digits import of_half, of_single
from ltdcheck.diagnosis.pairs import pairs
from ltdcheck.diagnosis.restless import noise
from ltdcheck.diagnosis.row_order import reordered
from ltdcheck.diagnosis.search import Candidate, asked_of, candidates, catalogue, limit_of, named
from ltdcheck.diagnosis.usual import fresh
from ltdcheck.faults.fault import Network
from ltdcheck.problem import Problem
from ltdcheck.properties.law import Property
from ltdcheck.properties.subject import Subject
from ltdcheck.result import Diagnosis
from ltdcheck.strategies.problems import build, configurations

ENDS = "ragged.agrees"  # where a sequence has lengths, it may be computed otherwise
MUTATED = "calls.arguments_stay"  # which says itself what it finds, whatever else is wrong
NO_EFFECT = "effects.every_parameter"
TOLD_APART = 8  # problems that candidates are told apart by, at most


def diagnose(subject: Subject, problem: Problem, law: Property | None = None) -> list[Diagnosis]:
    """Faults under which the reference answers as the target does, on the failing problem and others; best first.

    ``law`` is what fails. A fault counts when it explains every block of every answer to the rounding of the precision,
    while the right reference does not.

    Raises
    ------
    TargetFailure
        When the target does not answer.
    """
    if law is not None and law.id.startswith("layout."):
        return arranged(subject, problem, law)
    if law is not None and law.id == NO_EFFECT and (unread := idle(subject)):
        return unread
    asked = [asked_of(subject, case) for case in (problem, fresh(subject, problem))]
    limit = limit_of(problem.precision)
    right = residual(subject, Network(subject.cell), asked)
    likely = of_single(subject, asked, law.check) if law is not None and law.id == ENDS else []
    forward: list[Diagnosis] = []
    if wrong := right.far > limit or right.facts > 0:
        found = _told_apart(subject, candidates(subject, asked, right, limit), problem.precision, limit)
        likely = likely or named(found) or clipped_inside(subject, asked, limit)
        likely = likely or (of_single(subject, asked) if right.far > limit else [])
        forward = [] if likely else _forward(subject, asked, problem.precision, limit)
    if likely or any(OF_RIGHT in one.sentence for one in forward):
        return likely or forward
    return _of_calls(subject, problem, law, asked, limit, wrong=wrong) or (
        _of_several(subject, asked, forward, limit) if wrong and (law is None or law.id != MUTATED) else []
    )


def _of_calls(
    subject: Subject, problem: Problem, law: Property | None, asked: Sequence[Exchange], limit: float, *, wrong: bool
) -> list[Diagnosis]:
    """What lies in how calls follow each other, or in that no two calls are alike."""
    past = None if law is None else Past(subject, problem, law, limit)
    if past and (found := past.left_behind(asked)):
        return named(found)
    if unsteady := noise(subject, [case.problems[0] for case in reversed(asked)]):
        return unsteady
    return past.described() if past and not wrong and past.law.id != MUTATED else []


def _of_several(subject: Subject, asked: Sequence[Exchange], forward: list[Diagnosis], limit: float) -> list[Diagnosis]:
    """Another order of rows, two faults, or one that explains the outputs alone, or how the answers differ."""
    found = reordered(subject, asked, limit) or pairs(subject, asked, catalogue(subject), limit)
    found = found or forward or described(subject, asked, limit)
    return of_half(subject, asked) if found and found[0].sentence == WRONG else found


def _forward(subject: Subject, asked: Sequence[Exchange], precision: str, limit: float) -> list[Diagnosis]:
    """The faults that explain all outputs, whatever the gradients are; nothing where the outputs are right."""
    alone, outputs = Outputs(subject.implementation, subject.layout, subject.declared), of_outputs(asked)
    right = residual(alone, Network(subject.cell), outputs)
    if not subject.has_backward or not right.far > limit:
        return []
    found = _told_apart(alone, candidates(alone, outputs, right, limit), precision, limit)
    return halves(subject, asked, found, limit)


def _told_apart(subject: Subject, found: list[Candidate], precision: str, limit: float) -> list[Candidate]:
    """Those that also explain further problems, as long as some do."""
    if len({one.fault.row for one in found}) < 2:
        return found
    cases = configurations(subject.cell, [precision], subject.implementation.fixed_sizes)
    for recipe in cases[1 : TOLD_APART + 1]:
        asked = [asked_of(subject, build(subject.cell, recipe))]
        left = []
        for one in found:
            network = one.fault.plant(subject.cell)
            seen = Apart(float("inf")) if network is None else residual(subject, network, asked, limit)
            if seen.far < limit:
                both = Apart(max(one.apart.far, seen.far), one.apart.facts + seen.facts)
                left.append(Candidate(one.fault, both))
        found = left or found
        if len({one.fault.row for one in found}) == 1:
            break
    return found
