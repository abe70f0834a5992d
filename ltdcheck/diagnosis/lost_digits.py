"""Double precision that has the digits of a lower one, gradients too, whichever of its operations loses them."""

from __future__ import annotations

from collections.abc import Sequence

from ltdcheck.diagnosis.apart import outputs_apart, residual
from ltdcheck.diagnosis.describe import WRONG
from ltdcheck.diagnosis.hearing import Exchange
from ltdcheck.diagnosis.restless import restless
from ltdcheck.diagnosis.search import limit_of
from ltdcheck.faults.fault import Network, fault_named
from ltdcheck.problem import HALF_PRECISIONS, Problem
from ltdcheck.properties.law import Check
from ltdcheck.properties.subject import Subject
from ltdcheck.properties.values import backward_agrees, forward_agrees, right_in_single
from ltdcheck.result import UNKNOWN, Diagnosis


def of_single(subject: Subject, asked: Sequence[Exchange], check: Check = forward_agrees) -> list[Diagnosis]:
    """The digits of single precision, on the failing problem and on the fresh one, whose numbers have more of them."""
    (problem,), (usual,) = asked[0].problems, asked[-1].problems
    if problem.precision != "float64" or not _right(subject, problem, "float32", check):
        return []
    if not _right(subject, usual, "float32") or restless(subject, problem):
        return []
    fault = fault_named("precision-lost")
    network = fault.plant(subject.cell)
    if network is None:
        return []
    right = outputs_apart(Network(subject.cell), asked) <= limit_of("float64")
    what = "the outputs are right, and the gradients" if right else "the outputs are right"
    sentence = f"{fault.sentence.rstrip('.')}: {what} to the digits of single precision, and no further"
    far = residual(subject, network, asked[-1:]).far  # the fresh problem's: of the smallest, gradients may cancel
    return [Diagnosis(fault.id, sentence, far)] if far < limit_of("float32") else []


def of_half(subject: Subject, asked: Sequence[Exchange]) -> list[Diagnosis]:
    """Outputs that are wrong everywhere and by no factor: the digits of half precision, or else how far they are.

    It is asked of the last answer that is wrong, which is the fresh problem's if that is: the smallest problem's
    numbers may be too small for half precision to say anything of them.
    """
    limits = [(case, limit_of(case.problems[0].precision)) for case in reversed(asked)]
    last = next((case for case, limit in limits if outputs_apart(Network(subject.cell), [case]) > limit), asked[-1])
    for precision in HALF_PRECISIONS:
        if right_in_single(subject, last.problems[0], forward_agrees, precision):
            words = (
                f"they are right to the digits of {precision}, and no further, as where half precision is used inside"
            )
            return [Diagnosis(UNKNOWN, f"{WRONG}: {words}", 0.0)]
    far = outputs_apart(Network(subject.cell), [last])
    return [Diagnosis(UNKNOWN, f"{WRONG}, by up to {far:.1g} of the largest entry", 0.0)]


def _right(subject: Subject, problem: Problem, precision: str, check: Check = forward_agrees) -> bool:
    """The answers of double precision are right by the bounds of a lower one."""
    checks = (check, backward_agrees) if subject.has_backward else (check,)
    return all(right_in_single(subject, problem, each, precision) for each in checks)
