"""Laws of time and batch: causality, continuation, independence of rows, and sequences without steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ltdcheck.errors import TargetRaised
from ltdcheck.estimate import Estimate
from ltdcheck.implementation import Outputs
from ltdcheck.oracles.judging import judged
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.compare import alike, compare, merged
from ltdcheck.properties.law import Disagreement, Evidence, law
from ltdcheck.properties.subject import Subject
from ltdcheck.properties.values import beyond, first_steps
from ltdcheck.result import Place

MORE_THAN_STATE = (
    "its state does not hold all that a step depends on: a sequence that is run in two pieces, the state handed over, "
    "gives another answer than in one"
)


@law("sequence.causal")
def causal(subject: Subject, problem: Problem) -> Evidence:
    """Outputs up to a step do not depend on inputs after it."""
    problem = subject.within(problem)
    T = problem.sizes["T"]
    if T < 2:
        return Evidence(not_applicable="it takes two steps")
    if subject.cell.both_ways:
        return Evidence(not_applicable="a layer reads the sequence backwards: every output depends on later inputs")
    cut = T // 2
    later = problem.x.copy()
    later[cut:] = np.where(later[cut:] > 0, -0.5, 0.75) - later[cut:]
    changed = problem.with_(x=later)
    subject.ahead(problem, backward=False)
    asked = subject.run_ahead(changed, backward=False)
    if limit := beyond(subject, problem):
        return limit
    before, after = subject.run(problem, backward=False), asked.told()
    text = f"inputs after step {cut} change it"
    first, second = {"y": before.y[:cut]}, {"y": after.y[:cut]}
    return alike(subject, problem, first, second, lambda: {"y": _cut(subject, problem, cut)}, text)


@law("sequence.pieces_equal_whole")
def pieces_equal_whole(subject: Subject, problem: Problem) -> Evidence:
    """A sequence run in two pieces, the state handed over, gives what it gives in one.

    A cell without a reference may look at its own history within a call: where its final state is the last output,
    another answer is said, and is no failure.
    """
    problem = subject.within(problem)
    T = problem.sizes["T"]
    if why := _in_one_piece(subject, T):
        return Evidence(not_applicable=why)
    if limit := beyond(subject, problem):
        return limit
    seen = _cut_in_two(subject, problem)
    if not subject.unreferenced or seen.ok or not _continues(subject.run(problem, backward=False)):
        return seen
    if _cut_in_two(subject, problem, fresh=True).ok:
        return seen  # what earlier calls leave is to blame
    return Evidence(seen.compared, notes=(MORE_THAN_STATE,))


@law("sequence.goes_on", about="memory", questions=2)
def goes_on(subject: Subject, problem: Problem) -> Evidence:
    """A layer that keeps its state, called with the rest of a sequence and no state, goes on from where it stopped."""
    problem = subject.within(problem)
    if why := _in_one_piece(subject, problem.sizes["T"]):
        return Evidence(not_applicable=why)
    if limit := beyond(subject, problem):
        return limit
    cut = _middle(problem)
    rest = problem.with_(x=problem.x[cut:], dy=problem.dy[cut:], state=None)
    found = []
    for way in subject.implementation.remembers:
        head, tail = subject.run_on([first_steps(problem, cut), rest], way)
        text = f"{way} without a state for the steps after step {cut}"
        found.append(_joined(subject, problem, subject.run(problem, backward=False), head, tail, text))
    return merged(*found)


@law("sequence.zero_steps")
def zero_steps(subject: Subject, problem: Problem) -> Evidence:
    """A sequence of no steps returns no outputs and the state as it was given, or is refused with an error."""
    problem = subject.within(problem)
    none = first_steps(problem, 0)
    asked = subject.run_ahead(none, backward=subject.has_backward)
    wanted = subject.expect(none)
    try:
        out = asked.told()
    except TargetRaised as refusal:
        return Evidence(compared=1, notes=(f"refuses a sequence of no steps: {refusal.exception}",))
    forward = compare(subject, none, subject.outputs(out), wanted.outputs, "no steps")
    if out.y.shape != none.dy.shape:
        text = f"for no steps the output has shape {out.y.shape} where {none.dy.shape} is right"
        wrong = Disagreement(Place("y"), str(out.y.shape), str(none.dy.shape), 0.0, text)
        return Evidence(compared=1, disagreement=wrong)
    if not subject.has_backward or forward.disagreement:
        return forward
    return merged(forward, compare(subject, none, subject.gradients(out), subject.expected_gradients(none), "no steps"))


@law("batch.rows_are_independent")
def rows_are_independent(subject: Subject, problem: Problem) -> Evidence:
    """A row of a batch, run alone, gives what it gives in the batch."""
    problem = subject.within(problem)
    if problem.sizes["B"] < 2:
        return Evidence(not_applicable="it takes two rows")
    subject.ahead(problem, backward=False)
    single = {row: _rows(problem, np.array([row])) for row in {0, problem.sizes["B"] - 1}}
    asked = [subject.run_ahead(alone, backward=False) for alone in single.values()]
    if limit := beyond(subject, problem):
        return limit
    whole = subject.outputs(subject.run(problem, backward=False))
    found = []
    for (row, alone), answer in zip(single.items(), asked, strict=True):
        got = subject.outputs(answer.told())
        first = {n: _row(a, [row]) for n, a in whole.items()}
        text = f"row {row} alone differs from row {row} in the batch"
        found.append(alike(subject, alone, first, got, lambda alone=alone: subject.expect(alone).outputs, text))  # type: ignore[misc]
    return merged(*found)


@law("batch.order_does_not_matter")
def order_does_not_matter(subject: Subject, problem: Problem) -> Evidence:
    """Permuting the rows of a batch permutes outputs, states and input gradients, and leaves parameter gradients."""
    problem = subject.within(problem)
    B = problem.sizes["B"]
    if B < 2:
        return Evidence(not_applicable="it takes two rows")
    order = np.roll(np.arange(B), 1)
    permuted = _rows(problem, order)
    subject.ahead(problem, backward=subject.has_backward)
    asked = subject.run_ahead(permuted, backward=subject.has_backward)
    if limit := beyond(subject, problem):
        return limit
    first, second = subject.run(problem, backward=subject.has_backward), asked.told()
    ours = {n: _row(a, order) for n, a in subject.outputs(first).items()}
    text = "after a permutation of the rows"
    theirs = subject.outputs(second)
    forward = alike(subject, permuted, ours, theirs, lambda: subject.expect(permuted).outputs, text)
    if not subject.has_backward:
        return forward
    shared = subject.layout.arrays
    gradients = {n: a if n in shared else _row(a, order) for n, a in subject.gradients(first).items()}
    theirs = subject.gradients(second)
    backward = alike(subject, permuted, gradients, theirs, lambda: subject.expected_gradients(permuted), text)
    return merged(forward, backward)


def _cut_in_two(subject: Subject, problem: Problem, *, fresh: bool = False) -> Evidence:
    """The whole against its pieces, each of them run on a new instance if ``fresh``."""
    cut = _middle(problem)
    ask = partial(subject.run, fresh=True) if fresh else subject.run_again
    one = subject.run(problem, backward=False, fresh=fresh)
    head = ask(first_steps(problem, cut), backward=False)
    tail = ask(problem.with_(x=problem.x[cut:], dy=problem.dy[cut:], state=_given(head)), backward=False)
    return _joined(subject, problem, one, head, tail, f"run in two pieces, cut after step {cut}")


def _middle(problem: Problem) -> int:
    """The number of steps in the first of two pieces."""
    return (len(problem.x) + 1) // 2


def _joined(subject: Subject, problem: Problem, one: Outputs, head: Outputs, tail: Outputs, text: str) -> Evidence:
    """The answer in one piece against that in two."""
    pieces = {**subject.outputs(tail), "y": np.concatenate([head.y, tail.y])}
    return alike(subject, problem, subject.outputs(one), pieces, lambda: subject.expect(problem).outputs, text)


def _in_one_piece(subject: Subject, T: int) -> str:
    """Why a sequence is not cut, or ""."""
    if T < 2:
        return "it takes two steps"
    if not subject.implementation.takes_state:
        return "it takes no initial state"
    if subject.cell.timed:
        return "a step depends on its number, which a second call starts anew"
    return "a layer reads the sequence backwards: its state comes from the other end" if subject.cell.both_ways else ""


def _continues(whole: Outputs) -> bool:
    """The last output is one of the arrays of the final state: that state is not an earlier one."""
    return any(np.array_equal(whole.y[-1], state) for state in whole.state)


def _cut(subject: Subject, problem: Problem, cut: int) -> Estimate:
    estimate = subject.expect(problem).outputs["y"]
    return judged(estimate.value[:cut], estimate.error[:cut], problem.precision)


def _given(out: Outputs) -> tuple[Array, ...]:
    return tuple(np.asarray(s, dtype=np.float64) for s in out.state)


def _row(block: Array, rows: Sequence[int] | NDArray[np.int_]) -> Array:
    """Rows of a block: its batch axis is the last but one."""
    return np.asarray(np.take(block, rows, axis=-2))


def _rows(problem: Problem, rows: NDArray[np.int_]) -> Problem:
    """The problem of some of its rows."""
    return problem.with_(
        x=_row(problem.x, rows),
        dy=_row(problem.dy, rows),
        state=None if problem.state is None else tuple(_row(s, rows) for s in problem.state),
        dstate=tuple(_row(d, rows) for d in problem.dstate),
        views={},
    )
