"""What is said of a target whose answers depend on the calls before, and of one that no two calls find alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from properties.subjects import Changed, of

from ltdcheck.diagnosis.diagnose import diagnose
from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Problem
from ltdcheck.properties.law import property_named
from ltdcheck.reference.cells import Elman
from ltdcheck.result import UNKNOWN, Diagnosis
from ltdcheck.strategies.problems import Recipe, build


def said(network: Network, law: str) -> Diagnosis:
    """What a failing law's finding is put down to first."""
    return diagnose(of(network), build(Elman(), Recipe(T=2, B=2, I=2, H=3)), property_named(law))[0]


def times(out: Outputs, factor: float) -> Outputs:
    """Every gradient of a parameter."""
    params = {name: g * factor for name, g in (out.dparams or {}).items()}
    return out if out.dparams is None else replace(out, dparams=params)


class Largest(Network):
    """Means over as many rows as the largest batch had."""

    largest = 0

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """A new instance takes the sum."""
        rows = problem.sizes["B"]
        most = rows if fresh else max(self.largest, rows)
        self.largest = self.largest if fresh else most
        return times(super().run(problem, backward=backward), rows / most)


def test_the_call_before_is_said() -> None:
    """By the size in which it differs, and what it changes."""
    seen = said(Largest(Elman()), "calls.earlier_shapes")
    assert seen.fault == UNKNOWN
    assert "one that was called before, with B = 6 for 2: the outputs are right" in seen.sentence
    assert "dU, dW, db are 1/T = 0.333333 times what it should be" in seen.sentence


class Doubling(Network):
    """A second backward pass gives twice the gradients."""

    def run_back_again(self, problem: Problem) -> Outputs:
        """Of parameters, and of the input."""
        out = times(self.run(problem), 2.0)
        assert out.dx is not None
        return replace(out, dx=2 * out.dx)


def test_a_second_backward_pass_is_described() -> None:
    """By its factor."""
    seen = said(Doubling(Elman()), "calls.backward_again")
    assert seen.fault == UNKNOWN
    assert seen.sentence.startswith("a second backward pass through one forward pass gives another gradient")
    assert "dx, dU, dW, db are 2 times what it should be" in seen.sentence


class Fed(Network):
    """A little of the last call's outputs is added to the next one's: no two calls of an instance are alike."""

    kept = 0.0

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """A new instance has none."""
        out, kept = super().run(problem, backward=backward), 0.0 if fresh else self.kept
        y = out.y + out.y.dtype.type(kept)
        self.kept = self.kept if fresh else float(y.sum()) / 8
        return replace(out, y=y)


def test_what_earlier_calls_leave_is_no_noise() -> None:
    """New instances agree."""
    seen = said(Fed(Elman()), "calls.repeatable")
    assert seen.fault == UNKNOWN
    assert "a new instance answers otherwise" in seen.sentence


@pytest.mark.parametrize("unit", [0, 2])
def test_noise_is_said_to_be_where_it_is(unit: int) -> None:
    """One unit of the outputs is memory that nobody wrote."""
    dice = np.random.default_rng(5)

    def unwritten(out: Outputs, problem: Problem) -> Outputs:
        y = out.y.copy()
        y[..., unit] = dice.standard_normal(y[..., unit].shape)
        return replace(out, y=y)

    seen = said(Changed(Elman(), unwritten), "values.forward_agrees")
    assert seen.fault == "nondeterministic"
    assert seen.sentence == f"The same call gives another answer each time: y in unit {unit} of 6, counted from 0"
