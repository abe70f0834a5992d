"""What is measured of a target that has no reference: bounds from its own answers, slopes from its own forward pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from properties.subjects import Changed, entry_off

from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.oracles.rounding import expected
from ltdcheck.problem import Problem
from ltdcheck.properties.law import property_named
from ltdcheck.properties.own_slopes import directions, slope, whole
from ltdcheck.properties.unreferenced import Unreferenced
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import GRU, LSTM, Elman
from ltdcheck.strategies.problems import Recipe, build

CELLS = [Elman(), LSTM(), GRU()]


def own(target: Implementation) -> Unreferenced:
    """A network of the reference, held to itself."""
    return Unreferenced(target, "it is asked so")


def problem_of(subject: Unreferenced, **fields: object) -> Problem:
    """In the subject's own arrays."""
    return build(subject.cell, replace(Recipe(), **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
@pytest.mark.parametrize("regime", ["usual", "contracting", "expanding"])
def test_the_reference_lies_within_the_bound(cell: Cell, regime: str) -> None:
    """The value in long double differs from the network's own answer by less than what is measured of it."""
    subject = own(Network(cell))
    problem = problem_of(subject, regime=regime)
    seen, right = subject.expect(problem), expected(cell, problem)
    pairs = [("y", seen.outputs["y"], right.outputs["y"]), ("x", seen.gradients["x"], right.gradients["x"])]
    pairs += [(name, seen.gradients[name], right.gradients[name]) for name in problem.params]
    for name, measured, true in pairs:
        if measured.status == "ok":
            assert np.all(np.abs(measured.value - true.value) <= measured.error), name


def test_the_bound_grows_where_differences_do() -> None:
    """Over forty steps of a chaotic network the bound of the last output is a thousand times that of the first."""
    subject = own(Network(Elman()))
    problem = problem_of(subject, T=40, H=40, regime="expanding")
    error = subject.expect(problem).outputs["y"].error
    assert error[-1].max() > 1000 * error[0].max()


class Restless(Network):
    """Answers otherwise each time."""

    calls = 0

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """The right answer, off by a millionth of the number of calls."""
        self.calls += 1
        out = super().run(problem, backward=backward, fresh=fresh)
        return replace(out, y=out.y + 1e-6 * self.calls)


def test_a_target_that_is_no_function_gets_no_bound_from_its_own_restlessness() -> None:
    """Two new instances differ on the very same question: the bound stays at the rounding, and the difference shows."""
    subject = own(Restless(Elman()))
    problem = problem_of(subject)
    assert subject.expect(problem).outputs["y"].error.max() < 1e-12
    assert not property_named("calls.repeatable").check(subject, problem).ok


def test_no_steps_have_an_answer_by_definition() -> None:
    """The state and its cotangent come back, nothing is measured, and a network that adds to them is told."""
    subject = own(Network(LSTM()))
    assert property_named("sequence.zero_steps").check(subject, problem_of(subject)).ok

    def added(out: Outputs, problem: Problem) -> Outputs:
        return replace(out, state=tuple(s + 1e-9 for s in out.state))

    assert not property_named("sequence.zero_steps").check(own(Changed(LSTM(), added)), problem_of(subject)).ok


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_slopes_are_the_derivatives(cell: Cell) -> None:
    """Along every direction the slope is the inner product with the gradient, to its error and eight digits."""
    subject = own(Network(cell))
    problem = problem_of(subject, T=4)
    out = subject.run(problem)
    for direction in directions(subject, problem):
        known, right = slope(subject, problem, direction), direction.inner(subject, out)
        assert known.error < 1e-8 * max(1.0, abs(right))
        assert abs(known.value - right) <= known.error + 1e-12


def test_a_gradient_that_is_off_by_a_millionth_is_found_where_it_is() -> None:
    """The entry is named, on a problem small enough to ask entry by entry."""
    subject = own(Changed(LSTM(), entry_off("dx", (1, 0, 1), 1e-6)))
    problem = problem_of(subject, T=3, B=1, I=2, H=2)
    seen = property_named("gradients.adjoint_identity").check(subject, problem).disagreement
    assert seen is not None
    assert (str(seen.where), seen.where.step) == ("dx[1, 0, 1], step 2", 2)


def test_differences_in_single_precision_know_their_error() -> None:
    """A network that holds its arguments in float32 is not blamed for the grain of its answers."""

    class Single(Network):
        precisions = ("float32",)

        def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
            """In float32, as closely as arguments and answers show it."""
            grain = problem.with_(
                x=problem.x.astype("f4").astype(float),
                params={n: v.astype("f4").astype(float) for n, v in problem.params.items()},
            )
            out = super().run(grain, backward=backward, fresh=fresh)
            return replace(out, y=out.y.astype("f4"), state=tuple(s.astype("f4") for s in out.state))

    subject = own(Single(Elman()))
    problem = problem_of(subject, precision="float32", given_state=False)
    known = slope(subject, problem, whole(problem))
    right = whole(problem).inner(subject, subject.run(problem))
    assert abs(known.value - right) <= known.error
    moved, gradients = whole(problem).sizes(subject), subject.gradients(subject.run(problem))
    assert 1e-6 < known.error < 0.1 * sum(np.sum(moved[name] * np.abs(gradients[name])) for name in moved)
    assert property_named("gradients.adjoint_identity").check(subject, problem).ok


def test_a_parameter_without_effect_is_told() -> None:
    """It is tried on other problems before it is."""

    class Deaf(Network):
        def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
            """Without biases."""
            params = {**problem.params, "b": np.zeros_like(problem.params["b"])}
            return super().run(problem.with_(params=params), backward=backward, fresh=fresh)

    law = property_named("effects.every_parameter")
    assert law.check(own(Network(Elman())), problem_of(own(Network(Elman())))).ok
    seen = law.check(own(Deaf(Elman())), problem_of(own(Network(Elman())))).disagreement
    assert seen is not None
    assert seen.where.block == "b"
