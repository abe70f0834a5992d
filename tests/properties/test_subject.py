"""What a property sees of a target: answers in the reference's terms, asked once, gradients where there are any."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from properties.subjects import of

from ltdcheck.faults.fault import Network, fault_named
from ltdcheck.implementation import Ahead, Outputs
from ltdcheck.problem import Problem
from ltdcheck.properties import subject as subject_module
from ltdcheck.properties.subject import REMEMBERED, Subject
from ltdcheck.reference.cells import GRU, LSTM
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.liquid_state import LiquidState
from ltdcheck.reference.layout import ArrayLayout, Layout
from ltdcheck.strategies.problems import Recipe, build


@pytest.mark.parametrize(
    ("cell", "offers", "why"),
    [
        (Elman(), True, ""),
        (Elman(), False, "it offers no backward pass"),
        (LiquidState(), True, "liquid_state is not differentiable: it has no gradient to check"),
    ],
)
def test_gradients_are_looked_at_where_there_are_any(cell: Elman | LiquidState, offers: bool, why: str) -> None:  # noqa: FBT001
    """A surrogate gradient that a spiking target offers is not held against one that does not exist."""
    target = Network(cell)
    target.has_backward = offers
    subject = Subject(target, Layout(cell, {}))
    assert subject.forward_only == why
    assert subject.has_backward == (why == "")


class Counting(Network):
    """Counts how often it is called."""

    calls = 0

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """As the reference."""
        self.calls += 1
        return super().run(problem, backward=backward, fresh=fresh)


def test_a_question_is_asked_once() -> None:
    """The same problem with the same request; a fresh instance, and a second call, are asked for anew."""
    target = Counting(GRU())
    subject, problem = of(target), build(GRU(), Recipe())
    first = subject.run(problem)
    assert subject.run(problem) is first
    assert target.calls == 1
    subject.run(problem, backward=False)
    subject.run(problem, fresh=True)
    subject.run_again(problem)
    assert target.calls == 4
    assert subject.expect(problem) is subject.expect(problem)


class Slow(Counting):
    """Answers when it has been looked at three times."""

    def run_ahead(self, problem: Problem, *, backward: bool = True) -> Ahead:
        """Asked at once."""
        out, looks = self.run(problem, backward=backward), iter([False, False, True])
        return Ahead(lambda: out, lambda: next(looks))


def test_the_reference_answers_while_the_target_does() -> None:
    """A question that was asked ahead is not asked again; what is to come is computed until there is an answer."""
    target = Slow(GRU())
    subject, (problem, *others) = of(target), [build(GRU(), Recipe(seed=k)) for k in range(4)]
    subject.to_come = iter(others)
    subject.ahead(problem)
    out = subject.run(problem)
    assert target.calls == 1
    assert np.array_equal(out.y, Network(GRU()).run(problem).y)
    assert next(subject.to_come) is others[2]
    subject.ahead(problem)
    assert subject.run(problem) is out
    assert target.calls == 1


def test_a_question_that_was_asked_ahead_answers_no_other() -> None:
    """Neither another problem nor another pass; and it keeps its own answer until that is looked at."""
    target = Slow(GRU())
    subject, (first, second) = of(target), [build(GRU(), Recipe(seed=k)) for k in range(2)]
    subject.ahead(first)
    assert np.array_equal(subject.run(second).y, Network(GRU()).run(second).y)
    subject.ahead(first)
    assert subject.run(first, backward=False).dx is None
    assert target.calls == 3
    assert np.array_equal(subject.run(first).y, Network(GRU()).run(first).y)
    assert target.calls == 3


class Noting(Counting):
    """Notes what is asked for, and in capitals what is waited for."""

    notes = ""

    def run_ahead(self, problem: Problem, *, backward: bool = True) -> Ahead:
        """Asked at once."""
        self.notes += problem.label

        def told() -> Outputs:
            self.notes += problem.label.upper()
            return self.run(problem, backward=backward)

        return Ahead(told)


@pytest.mark.parametrize(("at_once", "notes"), [(1 << 20, "abcABC"), (1, "aAbBcC")])
def test_small_questions_are_asked_at_once(at_once: int, notes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And large ones one after the other, however many; the answers are those of single calls, with their names."""
    monkeypatch.setattr(subject_module, "AT_ONCE", at_once)
    target = Noting(GRU())
    problems = [build(GRU(), Recipe(seed=k)).with_(label=label) for k, label in enumerate("abc")]
    for name, problem, out in of(target).run_each([(f"name {p.label}", p) for p in problems], backward=False):
        assert name == f"name {problem.label}"
        assert np.array_equal(out.y, Network(GRU()).run(problem).y)
    assert target.notes == notes


def test_memory_has_an_end() -> None:
    """The oldest answers go first."""
    target = Counting(Elman())
    subject = of(target)
    first, *others = (build(Elman(), Recipe(T=1, B=1, I=1, H=1, seed=k)) for k in range(REMEMBERED + 1))
    for problem in (first, *others):
        subject.run(problem, backward=False)
    subject.run(others[-1], backward=False)
    assert target.calls == REMEMBERED + 1
    subject.run(first, backward=False)
    assert target.calls == REMEMBERED + 2


@pytest.mark.parametrize("site", ["", ".state", ".gradient"])
def test_what_is_remembered_does_not_change(site: str) -> None:
    """Not even where the target writes its next answer over it."""
    target = fault_named(f"answer-overwritten{site}").plant(LSTM())
    assert target is not None
    subject, problem = of(target), build(LSTM(), Recipe())
    out = subject.run(problem)
    before = [a.copy() for a in (out.y, *out.state, out.dx) if a is not None]
    subject.run_again(build(LSTM(), Recipe(seed=1)))
    assert all(np.array_equal(a, b) for a, b in zip((out.y, *out.state, out.dx), before, strict=True) if a is not None)


class Swapped(Network):
    """An LSTM whose state is (c, h)."""

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """State and cotangents come and go the other way round."""
        state = None if problem.state is None else problem.state[::-1]
        out = super().run(problem.with_(state=state, dstate=problem.dstate[::-1]), backward=backward)
        return replace(out, state=out.state[::-1], dstate=None if out.dstate is None else out.dstate[::-1])


@pytest.mark.parametrize("given", [True, False])
def test_a_swapped_state_is_turned_both_ways(given: bool) -> None:  # noqa: FBT001
    """Properties see (h, c), and gradients alike."""
    arrays = of(Network(LSTM())).layout.arrays
    it = Subject(Swapped(LSTM()), Layout(LSTM(), arrays, swapped_state=True))
    problem = build(LSTM(), Recipe(given_state=given))
    got, right = it.run(problem), Network(LSTM()).run(problem)
    (inturn,) = it.run_in_turn([problem])
    for out in (got, inturn, it.run_again(problem), it.run(problem, fresh=True)):
        pairs: list[tuple[Any, Any]] = [(out.y, right.y), *zip(out.state, right.state, strict=True)]
        pairs += list(zip(out.dstate or (), right.dstate or (), strict=True))
        assert all(np.array_equal(a, b) for a, b in pairs)
    assert set(it.outputs(got)) == {"y", "h_T", "c_T"}
    assert {"x", "h_0", "c_0"} < set(it.gradients(got))


def test_parameters_go_and_gradients_are_expected_in_the_targets_own_arrays() -> None:
    """Here W and U in one array, transposed, and no bias."""
    arrays = {"kernel": ArrayLayout("s u", ("h", "x"), (("W",), ("U",)))}
    subject = Subject(Network(Elman()), Layout(Elman(), arrays))
    problem = build(Elman(), Recipe())
    there = subject._there(problem)
    assert set(there.params) == {"kernel"}
    assert np.array_equal(there.params["kernel"], np.concatenate([problem.params["W"], problem.params["U"]], axis=1).T)
    within = subject.within(problem)
    assert not within.params["b"].any()
    assert subject.within(problem) is within
    expected = subject.expected_gradients(within)
    assert set(expected) == {"x", "h_0", "kernel"}
    assert expected["kernel"].value.shape == (6 + 4, 6)
    assert str(subject.place("kernel", (7, 2), problem)) == "dU[2, 1] (kernel[7, 2])"


def test_a_problem_that_the_target_holds_whole_stays_itself() -> None:
    """So that what was asked about it is found again."""
    subject, problem = of(Network(GRU())), build(GRU(), Recipe())
    assert subject.within(problem) is problem


def test_without_a_given_state_no_gradient_of_it_is_expected() -> None:
    """The target has nothing to give it for."""
    subject = of(Network(LSTM()))
    assert "h_0" in subject.expected_gradients(build(LSTM(), Recipe()))
    assert {"h_0", "c_0"}.isdisjoint(subject.expected_gradients(build(LSTM(), Recipe(given_state=False))))


@pytest.mark.parametrize(
    ("block", "index", "text"),
    [
        ("y", (2, 0, 1), "y[2, 0, 1], step 3"),
        ("x", (0, 0, 3), "dx[0, 0, 3], step 1"),
        ("h_0", (1, 2), "dh_0[1, 2]"),
        ("c_T", (1, 2), "c_T[1, 2]"),
        ("b", (13,), "db_o[1] (b[13])"),
    ],
)
def test_places_are_named_as_in_the_papers(block: str, index: tuple[int, ...], text: str) -> None:
    """Steps count from 1; a cotangent has its d; an entry of an array is one of a gate."""
    assert str(of(Network(LSTM())).place(block, index, build(LSTM(), Recipe()))) == text
