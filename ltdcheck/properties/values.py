"""The forward pass and the gradients are those of the reference, entry by entry."""

from __future__ import annotations

import re
from textwrap import shorten

from ltdcheck.problem import Problem
from ltdcheck.properties import own_gradients
from ltdcheck.properties.compare import against, compare, hidden, merged
from ltdcheck.properties.law import Check, Disagreement, Evidence, law
from ltdcheck.properties.subject import Subject
from ltdcheck.result import Place


@law("values.forward_agrees", reference=True)
def forward_agrees(subject: Subject, problem: Problem) -> Evidence:
    """Every entry of the output sequence and of the final state equals the reference's.

    The bound is the rounding error that the problem's own conditioning allows in the target's precision.
    """
    problem = subject.within(problem)
    subject.ahead(problem, backward=subject.has_backward)
    if limit := beyond(subject, problem):
        return limit
    out = subject.run(problem, backward=subject.has_backward)
    return compare(subject, problem, subject.outputs(out), subject.expect(problem).outputs, subject.layout.doubt)


@law("gradients.present")
def gradients_present(subject: Subject, problem: Problem) -> Evidence:
    """Every parameter, the input and the initial state get a gradient.

    An output that was detached, or a parameter that the backward pass forgets, is seen here.
    """
    if not subject.has_backward:
        return Evidence(not_applicable=subject.forward_only)
    problem = subject.within(problem)
    if subject.unreferenced:
        return own_gradients.present(subject, problem)
    wanted = subject.expected_gradients(problem)
    if limit := hidden(wanted, problem):
        return Evidence(undecided=limit, left_out=len(wanted))
    out = subject.run(problem)
    initial = {f"state[{k}]": f"{s}_0" for s, k in zip(subject.cell.states, subject.layout.places, strict=True)}
    missing = [initial.get(name, name) for name in out.facts.get("missing", ())]  # as the target's adapter counts them
    absent = [*out.facts.get("detached", ()), *missing]
    judged = {name: e for name, e in wanted.items() if e.status == "ok"}
    for name in absent:
        known = name if name in wanted else next((n for n in wanted if n.endswith(name)), None)
        if known is None or (known in judged and bool((abs(judged[known].value) > judged[known].error).any())):
            where = Place(f"d{name}", target_block=name)
            text = f"no gradient reaches {name}"
            return Evidence(disagreement=Disagreement(where, "no gradient", "a gradient", 0.0, text))
    return Evidence(compared=len(judged), left_out=len(wanted) - len(judged))


@law("gradients.backward_agrees", reference=True)
def backward_agrees(subject: Subject, problem: Problem) -> Evidence:
    """Every entry of every gradient, of parameters, inputs and initial states, equals the reference's.

    Relative and per entry: a gradient of 1e-12 over a long lag is held to its own digits.
    """
    if not subject.has_backward:
        return Evidence(not_applicable=subject.forward_only)
    problem = subject.within(problem)
    if limit := beyond(subject, problem):
        return limit
    return compare(subject, problem, subject.gradients(subject.run(problem)), subject.expected_gradients(problem))


@law("values.one_step", reference=True)
def one_step(subject: Subject, problem: Problem) -> Evidence:
    """A sequence of one step is one step of the cell, forward and backward."""
    one = first_steps(subject.within(problem), 1)
    subject.ahead(one, backward=subject.has_backward)
    if limit := beyond(subject, one):
        return limit
    out = subject.run(one, backward=subject.has_backward)
    forward = compare(subject, one, subject.outputs(out), subject.expect(one).outputs)
    if not subject.has_backward or forward.disagreement:
        return forward
    return merged(forward, compare(subject, one, subject.gradients(out), subject.expected_gradients(one)))


@law("precision.single_agrees_with_double")
def single_agrees_with_double(subject: Subject, problem: Problem) -> Evidence:
    """The answer in float32 is the answer in float64, to the rounding of float32, and keeps the type of its input."""
    if not {"float32", "float64"} <= set(subject.precisions):
        only = f"it computes in {', '.join(subject.precisions)} only"
        refused = [f"{precision} {_told(raised)}" for precision, raised in subject.implementation.refused.items()]
        return Evidence(not_applicable=only, notes=tuple(f"{only}: {said}" for said in refused))
    problem = subject.within(problem)
    single, double = (_in(precision, subject, problem) for precision in ("float32", "float64"))
    subject.ahead(single, backward=subject.has_backward)
    if limit := beyond(subject, single):
        return limit
    low, high = (subject.run(p, backward=subject.has_backward) for p in (single, double))
    for out, precision in ((low, "float32"), (high, "float64")):
        if dtype := [d for d in out.facts.get("dtype", ()) if d != precision]:
            text = f"given {precision}, it answers in {dtype[0]}"
            return Evidence(compared=1, disagreement=Disagreement(Place("y"), dtype[0], precision, 0.0, text))
    wanted = against(subject.outputs(high), subject.expect(single).outputs)
    forward = compare(subject, single, subject.outputs(low), wanted, "float32 and float64 differ")
    if not subject.has_backward:
        return forward
    gradients = against(subject.gradients(high), subject.expected_gradients(single))
    return merged(forward, compare(subject, single, subject.gradients(low), gradients, "float32 and float64 differ"))


def _in(precision: str, subject: Subject, problem: Problem) -> Problem:
    if problem.precision == precision:
        return problem
    return subject.made(precision, problem, lambda: problem.with_(precision=precision))


def _told(raised: str) -> str:
    """In one line, without the colours of a terminal, and of that the beginning."""
    return shorten(re.sub("\x1b\\[[0-9;]*m", "", raised), 200, placeholder=" ..")


class _InDouble(Subject):
    """Asked in double precision for what is held against single."""

    def _there(self, problem: Problem) -> Problem:
        return super()._there(problem).with_(precision="float64")


def right_in_single(
    subject: Subject, problem: Problem, check: Check = forward_agrees, precision: str = "float32"
) -> bool:
    """The answers of double precision pass ``check`` within the bounds of single precision, or of a lower one."""
    double = _InDouble(subject.implementation, subject.layout, subject.declared)
    seen = check(double, problem.with_(precision=precision))
    return seen.ok and bool(seen.compared)


def first_steps(problem: Problem, T: int) -> Problem:
    """The problem cut after T steps."""
    return problem.with_(x=problem.x[:T], dy=problem.dy[:T])


def beyond(subject: Subject, problem: Problem) -> Evidence | None:
    """Nothing can be decided where rounding exceeds every value; the reference knows that without the target."""
    if subject.unreferenced:
        return None
    expect = subject.expect(problem)
    limit = hidden({**expect.outputs, **expect.gradients}, problem)
    return Evidence(undecided=limit, left_out=len(expect.hidden)) if limit else None
