"""What is wrong, in a sentence: the fault of the catalogue that reproduces what the target does.

1. New instances are asked about the failing problem and a fresh one. Where the reference answers otherwise, what is
   wrong lies in the equations, and the faults that answer as the target does are left; those that do so by chance on
   both problems are told apart on more of them. Where the outputs are right, no fault of the forward pass is asked;
   where they are wrong and no fault explains the gradients too, those that explain the outputs are left, and whether
   the backward pass beside them is that of the right cell.
2. Where they are right, or no fault answers alike, what is wrong may lie in how calls follow each other: everything
   that the failing law asks is kept, with the answers, and put to the faults in turn.
3. Then two faults are tried at once; and where those do not explain it either, what differs is described.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ltdcheck.diagnosis.apart import Apart, residual
from ltdcheck.diagnosis.arranged import arranged
from ltdcheck.diagnosis.describe import described
from ltdcheck.diagnosis.forward import OF_RIGHT, Outputs, halves, of_outputs
from ltdcheck.diagnosis.hearing import Exchange, heard
from ltdcheck.diagnosis.hidden_clipping import clipped_inside
from ltdcheck.diagnosis.pairs import pairs
from ltdcheck.diagnosis.search import Candidate, asked_of, candidates, catalogue, limit_of, named
from ltdcheck.faults.fault import Network, fault_named
from ltdcheck.problem import Problem
from ltdcheck.properties.law import Check, Property, properties
from ltdcheck.properties.subject import Subject
from ltdcheck.properties.values import backward_agrees, forward_agrees, right_in_single
from ltdcheck.result import Diagnosis
from ltdcheck.strategies.problems import Recipe, build, configurations

ENDS = "ragged.agrees"  # where a sequence has lengths, it may be computed otherwise
MUTATED = "calls.arguments_stay"  # which says itself what it finds, whatever else is wrong
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
    asked = [asked_of(subject, case) for case in (problem, _fresh(subject, problem))]
    limit = limit_of(problem.precision)
    right = residual(subject, Network(subject.cell), asked)
    likely = _of_single(subject, problem, asked, law.check) if law is not None and law.id == ENDS else []
    forward: list[Diagnosis] = []
    if wrong := right.far > limit or right.facts > 0:
        found = _told_apart(subject, candidates(subject, asked, right, limit), problem.precision, limit)
        likely = likely or named(found) or clipped_inside(subject, asked, limit)
        likely = likely or (_of_single(subject, problem, asked) if right.far > limit else [])
        forward = [] if likely else _forward(subject, asked, problem.precision, limit)
    if likely or any(OF_RIGHT in one.sentence for one in forward):
        return likely or forward
    if law is not None:
        found = _left_behind(subject, problem, law, limit)
        if found:
            return named(found)
    if _restless(subject, asked[0].problems[0]):
        fault = fault_named("nondeterministic")
        return [Diagnosis(fault.id, fault.sentence.rstrip("."), 0.0)]
    if not wrong or (law is not None and law.id == MUTATED):
        return []
    return pairs(subject, asked, catalogue(subject), limit) or forward or described(subject, asked, limit)


def _forward(subject: Subject, asked: Sequence[Exchange], precision: str, limit: float) -> list[Diagnosis]:
    """The faults that explain all outputs, whatever the gradients are; nothing where the outputs are right."""
    alone, outputs = Outputs(subject.implementation, subject.layout, subject.declared), of_outputs(asked)
    right = residual(alone, Network(subject.cell), outputs)
    if not subject.has_backward or not right.far > limit:
        return []
    found = _told_apart(alone, candidates(alone, outputs, right, limit), precision, limit)
    return halves(subject, asked, found, limit)


def _of_single(
    subject: Subject, problem: Problem, asked: Sequence[Exchange], check: Check = forward_agrees
) -> list[Diagnosis]:
    """Double precision that has the digits of single, gradients too, whichever of its operations loses them."""
    if problem.precision != "float64" or _restless(subject, problem):
        return []
    checks = (check, backward_agrees) if subject.has_backward else (check,)
    if not all(right_in_single(subject, problem, each) for each in checks):
        return []
    fault = fault_named("precision-lost")
    network = fault.plant(subject.cell)
    if network is None:
        return []
    sentence = f"{fault.sentence.rstrip('.')}: the outputs are right to the digits of single precision, and no further"
    far = residual(subject, network, asked[-1:]).far  # the fresh problem's: of the smallest, gradients may cancel
    return [Diagnosis(fault.id, sentence, far)] if far < limit_of("float32") else []


def _restless(subject: Subject, problem: Problem) -> bool:
    """One instance answers the same question in another way each time, and not because of a single entry."""
    first, second = (subject.run_again(problem, backward=False).y.copy() for _ in range(2))
    differing = np.sum((first != second) & ~(np.isnan(first) & np.isnan(second)))
    return bool(differing > 1 or (differing and first.size == 1))


def _fresh(subject: Subject, problem: Problem) -> Problem:
    """A problem of usual sizes, in the failing one's precision; of the target's own sizes where it has no others."""
    I, H = subject.implementation.fixed_sizes or (4, 6)
    return build(subject.cell, Recipe(T=5, B=3, I=I, H=H, seed=4711, precision=problem.precision))


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


def _left_behind(subject: Subject, problem: Problem, law: Property, limit: float) -> list[Candidate]:
    """The faults that answer as the target does when all that the law asks, and more, is put in turn.

    It is asked at sizes that were not asked for before, so that nothing is kept from earlier calls; then at the failing
    problem's.
    """
    for case, others in _in_turn(subject, problem, law):
        of_law, more = heard(law.check, subject, case, others)
        # what a target does with other sizes and arguments may be its own: then what the law asks decides
        for exchanges in ([*of_law, *more], of_law):
            right = residual(subject, Network(subject.cell), exchanges)
            found = candidates(subject, exchanges, right, limit) if right.far > limit or right.facts else []
            if found:
                return found
    return []


def _in_turn(subject: Subject, problem: Problem, law: Property) -> Iterator[tuple[Problem, list[Problem]]]:
    """Problems that may show what earlier calls leave behind, and others of their sizes of units."""
    sizes, like = problem.sizes, problem.state is not None
    T, B = max(sizes["T"], 3), max(sizes["B"], 2)
    usual = Recipe(T=T, B=B, seed=815, precision=problem.precision, given_state=like)
    if subject.implementation.fixed_sizes is None:
        own = 7 + [p.id for p in properties()].index(law.id)  # each law is diagnosed once
        unasked = replace(usual, I=own, H=own + 4)
        yield build(subject.cell, unasked), _others(subject, unasked)
    yield problem, _others(subject, replace(usual, I=sizes["I"], H=sizes["H"]))


def _others(subject: Subject, recipe: Recipe) -> list[Problem]:
    """Of more steps, of more rows, and with one kind of argument changed at a time."""
    recipe = replace(recipe, given_state=True)
    like, other = (build(subject.cell, replace(recipe, seed=seed)) for seed in (recipe.seed, 816))
    sizes = replace(recipe, T=2 * recipe.T + 3), replace(recipe, B=recipe.B + 2)
    rows = np.arange(recipe.B)[::-1]
    return [
        *(build(subject.cell, each) for each in sizes),
        like.with_(x=other.x),
        like.with_(params=other.params),
        like.with_(params=other.params, x=other.x),
        like.with_(state=other.state),
        like.with_(dy=other.dy, dstate=other.dstate),
        like.with_(
            x=like.x[:, rows],
            dy=like.dy[:, rows],
            dstate=tuple(d[rows] for d in like.dstate),
            state=None if like.state is None else tuple(s[rows] for s in like.state),
        ),
        like.with_(state=None),
    ]
