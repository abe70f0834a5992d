"""What a finding expects is proved, and a reference that is wrong is our own failure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.loading import load
from ltdcheck.oracles import ball
from ltdcheck.oracles.rounding import Expected, expected
from ltdcheck.problem import Problem
from ltdcheck.properties import subject as subjects_of_properties
from ltdcheck.properties.law import Disagreement, property_named
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.result import Place, Result
from ltdcheck.runner import examiners, subjects
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.proving import NOT_THE_REFERENCE, proved
from ltdcheck.runner.session import Session
from ltdcheck.strategies.problems import Recipe, build

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def session(spec: str) -> Session:
    """A target of tests/targets, opened in this process."""
    opened = subjects.identified(subjects.Opened(subjects.Target(spec), adapt(load(spec), spec)))
    return Session(opened, examiners.Options(profile=profile_named("quick")))


def result(spec: str, id: str) -> Result:
    """One property of one target."""
    prop = property_named(id)
    return session(spec).check(prop, [prop])


GRADIENTS = [
    ("numpy_gru.py:GRU_bptt_carry_partial_reset", "gradients.backward_agrees", "ball; complex step agrees"),
    ("numpy_lstm.py:LSTM_bptt_transpose_missing", "gradients.backward_agrees", "ball; complex step agrees"),
    ("numpy_lstm.py:LSTM_bptt_transpose_missing", "values.one_step", "ball; complex step agrees"),
    ("numpy_gru.py:GRU_gate_unbounded", "values.forward_agrees", "ball"),
]


@pytest.mark.parametrize(("name", "id", "oracle"), GRADIENTS, ids=[f"{n}-{i}" for n, i, _ in GRADIENTS])
def test_a_wrong_number_is_held_against_a_proved_one(name: str, id: str, oracle: str) -> None:
    """Of outputs by the balls, of gradients by a second oracle beside them."""
    found = result(f"tests/targets/{name}", id)
    assert found.status == "failed"
    assert found.finding is not None
    assert found.finding.oracle == oracle
    assert found.finding.bound > 0


def test_the_expected_value_is_the_enclosure_of_the_shrunk_problem() -> None:
    """In all the digits that the bound supports, the entry that the finding names."""
    spec = "tests/targets/numpy_gru.py:GRU_bptt_carry_partial_reset"
    opened = session(spec).opened
    finding = result(spec, "gradients.backward_agrees").finding
    assert finding is not None
    assert finding.problem is not None
    assert finding.where.block == "dh_0"
    own = opened.subject()
    problem = own.within(Problem.from_json(finding.problem))
    proved = ball.enclosure(own.cell, problem).gradients["state.0"]
    value, error = float(proved.value[finding.where.index]), float(proved.error[finding.where.index])
    assert error < finding.bound / 1000
    assert abs(float(finding.expected) - value) <= finding.bound / 10
    assert abs(float(finding.got) - value) > finding.bound


def test_what_is_no_number_of_the_reference_is_not_proved() -> None:
    """What is expected in words needs no proof; a number that the reference does not say has none."""
    own = session("tests/targets/numpy_gru.py:GRU").opened.subject()
    problem = build(own.cell, Recipe(T=2, B=1, I=1, H=2))
    for expected_, oracle in (("a gradient", ""), ("(2, 1)", ""), ("0.125", NOT_THE_REFERENCE)):
        seen = Disagreement(Place("y", (0, 0, 0), 1, 0), "0.25", expected_, 1e-15)
        assert proved(own, problem, seen) == (seen, oracle)


def test_a_value_that_the_ball_excludes_is_our_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference that is off by a thousand bounds makes a right target look wrong, and the record says errored."""

    def off(cell: Any, problem: Problem, **options: Any) -> Expected:
        right = expected(cell, problem, **options)
        y = right.outputs["y"]
        return replace(right, outputs={**right.outputs, "y": replace(y, value=y.value + 1000 * y.error)})

    monkeypatch.setattr(subjects_of_properties, "expected", off)
    found = result("tests/targets/numpy_gru.py:GRU", "values.forward_agrees")
    assert found.status == "errored"
    assert found.finding is None
    assert "ball and the reference exclude each other at y[" in found.reason


def test_an_adjoint_that_a_second_oracle_excludes_is_our_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The balls run the same adjoint as the reference; complex step does not."""
    right = GRU.step_vjp

    def wrong(self: GRU, p: Any, saved: Any, dstate: Any) -> Any:
        dz, before, shares = right(self, p, saved, dstate)
        return dz, tuple(2 * d for d in before), shares

    monkeypatch.setattr(GRU, "step_vjp", wrong)
    found = result("tests/targets/numpy_gru.py:GRU", "gradients.backward_agrees")
    assert found.status == "errored"
    assert "ball and complex step exclude each other" in found.reason


def test_a_range_that_has_ended_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the reference says that the target has no number for a value, so does the finding."""

    def ended(cell: Any, problem: Problem, **options: Any) -> Expected:
        right = expected(cell, problem, **options)
        y = right.outputs["y"]
        value = np.full(y.value.shape, np.inf, dtype=y.value.dtype)
        return replace(right, outputs={**right.outputs, "y": replace(y, value=value, error=np.zeros(value.shape))})

    monkeypatch.setattr(subjects_of_properties, "expected", ended)
    finding = result("tests/targets/numpy_gru.py:GRU", "values.forward_agrees").finding
    assert finding is not None
    assert finding.oracle == "no proof: the value leaves the range of float64"
