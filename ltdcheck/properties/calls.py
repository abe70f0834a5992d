"""Laws of calling: a call depends on its arguments alone, changes none of them, and its answer stays what it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from ltdcheck.errors import TargetRaised
from ltdcheck.estimate import Estimate
from ltdcheck.implementation import Ahead, Outputs
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.compare import alike, compare, merged
from ltdcheck.properties.law import Disagreement, Evidence, law
from ltdcheck.properties.subject import Subject
from ltdcheck.properties.values import beyond
from ltdcheck.result import Place
from ltdcheck.strategies.problems import WIDER

AGAIN = "a second backward pass through the same forward pass gives another gradient"
OTHERWISE = "give another answer than contiguous ones"
ADDED = "a second backward pass adds the parameters' gradients to those of the first"


@law("calls.repeatable", questions=2)
def repeatable(subject: Subject, problem: Problem) -> Evidence:
    """The same call, made again, after another one, gives the same outputs and gradients."""
    problem = subject.within(problem)
    backward = subject.has_backward
    subject.ahead(problem, backward=backward)
    between, again = (subject.run_ahead(asked, backward=backward) for asked in (_other(problem), problem))
    if limit := beyond(subject, problem):
        return limit
    first = subject.run(problem, backward=backward)
    between.told()
    return _same(subject, problem, first, again.told(), "the second call differs from the first")


@law("calls.instances_agree", questions=2)
def instances_agree(subject: Subject, problem: Problem) -> Evidence:
    """Two instances with the same parameters are the same function: nothing is kept that the parameters do not hold."""
    problem = subject.within(problem)
    if limit := beyond(subject, problem):
        return limit
    backward = subject.has_backward
    used, new = subject.run(problem, backward=backward), subject.run(problem, backward=backward, fresh=True)
    return _same(subject, problem, used, new, "a new instance with the same parameters differs")


@law("calls.answers_stay", questions=2)
def answers_stay(subject: Subject, problem: Problem) -> Evidence:
    """What a call returned does not change when the next call is made."""
    problem = subject.within(problem)
    if limit := beyond(subject, problem):
        return limit
    first = subject.run(problem, backward=subject.has_backward)
    later = subject.run_in_turn([problem, _other(problem)])[0]
    return _same(subject, problem, first, later, "the answer changed when the next call was made")


@law("calls.earlier_shapes", questions=4)
def earlier_shapes(subject: Subject, problem: Problem) -> Evidence:
    """Calls of other sizes are answered rightly after this one, and the same call after them gives the same answer.

    They are longer, wider, and of one row and one step; wider ones in the first precision alone of a target that
    compiles a program for every number of rows.
    """
    problem = subject.within(problem)
    if limit := beyond(subject, problem):
        return limit
    backward = subject.has_backward
    seen: list[Evidence] = []
    first = subject.run(problem, backward=backward)
    wider = "B" not in subject.implementation.compiles or problem.precision == subject.precisions[0]
    for words, other in _other_sizes(problem, wider=wider):
        asked, again = (subject.run_ahead(each, backward=backward) for each in (other, problem))
        seen += _right(subject, other, asked, f"a call {words} is answered wrongly after another one")
        seen.append(_same(subject, problem, first, again.told(), f"after a call {words} the answer is another one"))
    return merged(*seen)


@law("calls.backward_again")
def backward_again(subject: Subject, problem: Problem) -> Evidence:
    """A second backward pass through the same forward pass gives the same gradients.

    Sums that are added to those of the first are said, and are not failures; nor is a target that refuses.
    """
    if not subject.has_backward:
        return Evidence(not_applicable=subject.forward_only)
    problem = subject.within(problem)
    if limit := beyond(subject, problem):
        return limit
    first = subject.run(problem)
    try:
        second = subject.run_back_again(problem)
    except TargetRaised as refusal:
        return Evidence(not_applicable=f"it keeps nothing for a second backward pass: it {refusal}")
    seen = _same(subject, problem, first, second, AGAIN)
    if seen.ok or second.dparams is None:
        return seen
    halved = {name: grad / 2 for name, grad in second.dparams.items()}
    summed = _same(subject, problem, first, replace(second, dparams=halved), AGAIN)
    return replace(summed, notes=(ADDED,)) if summed.ok else seen


@law("calls.arguments_stay")
def arguments_stay(subject: Subject, problem: Problem) -> Evidence:
    """Inputs, states, cotangents and parameters are not changed by a call."""
    problem = subject.within(problem)
    out = subject.run_again(problem, backward=subject.has_backward)
    changed = list(out.facts.get("mutated", ()))
    if changed:
        text = f"the call changes {', '.join(changed)} in place"
        where = Place(changed[0], target_block=changed[0])
        return Evidence(compared=1, disagreement=Disagreement(where, "changed", "unchanged", 0.0, text))
    return Evidence(compared=problem.x.size + problem.dy.size)


@law("calls.memory_order", questions=2)
def memory_order(subject: Subject, problem: Problem) -> Evidence:
    """Strided and transposed arrays give what contiguous copies of them give."""
    problem = subject.within(problem)
    if limit := beyond(subject, problem):
        return limit
    plain = problem if not problem.views else problem.with_(views={})
    strided = problem.with_(views={"x": "strided", "dy": "strided", "state": "strided", "dstate": "strided"})
    transposed = problem.with_(views={"x": "transposed", "dy": "transposed"})
    backward = subject.has_backward
    subject.ahead(plain, backward=backward)
    asked = [subject.run_ahead(other, backward=backward) for other in (strided, transposed)]
    first = subject.run(plain, backward=backward)
    return merged(
        *(
            _same(subject, plain, first, answer.told(), f"{how} arrays {OTHERWISE}")
            for how, answer in zip(("strided", "transposed"), asked, strict=True)
        )
    )


def _same(subject: Subject, problem: Problem, first: Outputs, second: Outputs, message: str) -> Evidence:
    """Two answers to one question, within twice the bound."""
    forward = _held(subject, problem, subject.outputs(first), subject.outputs(second), False, message)
    if first.dx is None or second.dx is None:
        return forward
    backward = _held(subject, problem, subject.gradients(first), subject.gradients(second), True, message)
    return merged(forward, backward)


def _held(
    subject: Subject,
    problem: Problem,
    first: Mapping[str, Array],
    second: Mapping[str, Array],
    gradients: bool,  # noqa: FBT001
    message: str,
) -> Evidence:
    def wanted() -> Mapping[str, Estimate]:
        return subject.expected_gradients(problem) if gradients else subject.expect(problem).outputs

    return alike(subject, problem, first, second, wanted, message)


def _right(subject: Subject, problem: Problem, asked: Ahead, message: str) -> Iterator[Evidence]:
    """A call that was asked for, against the reference; where there is none, against a new instance."""
    unknown = beyond(subject, problem)
    out = asked.told()
    if subject.unreferenced:
        yield _same(subject, problem, subject.run(problem, backward=subject.has_backward, fresh=True), out, message)
        return
    if unknown:
        return
    forward = compare(subject, problem, subject.outputs(out), subject.expect(problem).outputs, message)
    yield forward
    if out.dx is not None and forward.ok:
        yield compare(subject, problem, subject.gradients(out), subject.expected_gradients(problem), message)


def _other(problem: Problem) -> Problem:
    """Another problem of the same sizes."""
    turned = tuple(-s for s in problem.given_state)
    return problem.with_(
        x=np.ascontiguousarray(problem.x[::-1]) * -0.5, state=turned, dy=-problem.dy, dstate=problem.dstate, views={}
    )


def _other_sizes(problem: Problem, *, wider: bool) -> Iterator[tuple[str, Problem]]:
    """The problem from its end to its beginning, in one step more, in more rows, and its last row at its last step."""
    back = problem.with_(x=problem.x[::-1], state=problem.given_state, dy=problem.dy[::-1], views={})
    yield "of more steps", back.with_(x=_longer(back.x), dy=_longer(back.dy))

    def rows(how: Callable[[Array], Array]) -> Problem:
        state, dstate = (tuple(how(s) for s in arrays) for arrays in (problem.given_state, problem.dstate))
        return back.with_(x=how(back.x), state=state, dy=how(back.dy), dstate=dstate)

    if wider:
        yield "of more rows", rows(lambda a: np.repeat(a, WIDER, axis=-2))
    one = rows(lambda a: a[..., -1:, :])
    yield "of one step and one row", one.with_(x=one.x[-1:], dy=one.dy[-1:])


def _longer(steps: Array) -> Array:
    """The steps, and the first of them once more; none stay none."""
    return np.concatenate([steps, steps[:1]])
