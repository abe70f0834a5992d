"""A target whose double precision has the digits of single: one finding, and the rest is judged in single precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ltdcheck.adapters.adapting import adapt
from ltdcheck.diagnosis.diagnose import diagnose
from ltdcheck.diagnosis.identify import identify
from ltdcheck.properties.law import property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.result import Record
from ltdcheck.runner.check import run
from ltdcheck.runner.examiners import Options
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.session import FORWARD, IN_BOTH
from ltdcheck.runner.subjects import Target
from ltdcheck.strategies.problems import Recipe, build

LAWS = (FORWARD, "values.one_step", IN_BOTH, "sequence.causal")


class Rounds:
    """A cell of tanh units whose products are in single precision, whatever they are given."""

    wrong = 0.0  # of the state, beside what it rounds away

    def __init__(self, input_size: int, hidden_size: int) -> None:
        sizes = {"U": (hidden_size, input_size), "W": (hidden_size, hidden_size), "b": (hidden_size,)}
        self.params = {name: np.zeros(size) for name, size in sizes.items()}

    def forward(self, x: Any, state: Any = None) -> Any:
        """(T, B, I) to (T, B, H)."""
        h = np.zeros((x.shape[1], len(self.params["b"])), x.dtype) if state is None else state
        outputs = []
        for x_t in x:
            a = x_t.astype("float32") @ self.params["U"].T.astype("float32")
            h = np.tanh(a.astype(x.dtype) + h @ self.params["W"].T + self.params["b"]) * x.dtype.type(1 + self.wrong)
            outputs.append(h)
        return np.array(outputs, x.dtype).reshape(len(x), *h.shape), h


class RoundsAndErrs(Rounds):
    """It is wrong in single precision as well, by a little."""

    wrong = 1e-4


def checked(kind: type) -> Record:
    """The laws of this file, of a live class."""
    options = Options(profile_named("quick"), properties=LAWS)
    return run([Target(kind.__name__, kind, "elman")], options)


def test_the_rest_is_judged_in_single_precision() -> None:
    """The forward pass fails in double precision alone, with the fault's name; later laws pass, and say in what."""
    first, step, both, causal = checked(Rounds).results
    assert first.status == "failed"
    assert first.finding is not None
    assert [likely.fault for likely in first.finding.diagnosis] == ["precision-lost"]
    assert "to the digits of single precision" in first.finding.diagnosis[0].sentence
    assert "double precision" in first.finding.matters.partition(";")[0]
    assert (both.status, both.compared) == ("not_applicable", 0)
    for result in (step, causal):
        assert result.status == "passed"
        assert result.compared > 0
        assert any("judged in single precision" in note for note in result.notes)


def test_what_is_wrong_in_both_is_not_excused() -> None:
    """Nothing is judged after a forward pass that is wrong in single precision as well."""
    first, step, _, _ = checked(RoundsAndErrs).results
    assert first.status == "failed"
    assert step.status == "not_applicable"
    assert FORWARD in step.reason


@pytest.mark.parametrize("kind", [Rounds, RoundsAndErrs])
def test_the_digits_are_seen_in_the_diagnosis(kind: type) -> None:
    """Of an answer in double precision; one that is wrong beyond single precision's digits has no such name."""
    implementation = adapt(kind, kind.__name__)
    subject = Subject(implementation, identify(implementation, kind.__name__, "elman").layout)
    problem = build(subject.cell, Recipe())
    named = [likely.fault for likely in diagnose(subject, problem, property_named(FORWARD))]
    assert ("precision-lost" in named) == (kind is Rounds)


class RoundsRaggedRows(Rounds):
    """It has single precision's digits only where rows have lengths."""

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> Any:
        """(T, B, I) to (T, B, H); zeros after a row's end."""
        kind = x.dtype if lengths is None else np.dtype("float32")
        held = np.zeros((x.shape[1], len(self.params["b"])), x.dtype) if state is None else state
        outputs = []
        for t, x_t in enumerate(x):
            a = (x_t.astype(kind) @ self.params["U"].T.astype(kind)).astype(x.dtype)
            h = np.tanh(a + held @ self.params["W"].T + self.params["b"])
            runs = np.full((len(h), 1), True) if lengths is None else (t < lengths)[:, None]
            held = np.where(runs, h, held)
            outputs.append(np.where(runs, h, 0 * h))
        return np.array(outputs, x.dtype).reshape(len(x), *held.shape), held


def test_rows_that_end_early_may_lose_digits_alone() -> None:
    """The law of their ends fails with the name of the fault; laws of whole batches are judged in both precisions."""
    options = Options(profile_named("quick"), properties=(FORWARD, IN_BOTH, "ragged.agrees"))
    forward, both, ends = run([Target("RoundsRaggedRows", RoundsRaggedRows, "elman")], options).results
    assert (forward.status, both.status, ends.status) == ("passed", "passed", "failed")
    assert ends.finding is not None
    assert [likely.fault for likely in ends.finding.diagnosis] == ["precision-lost"]


class RefusesDouble(Rounds):
    """It raises in double precision, in colours and over several lines."""

    def forward(self, x: Any, state: Any = None) -> Any:
        """In single precision as the other."""
        if x.dtype == np.float64:
            raise TypeError("\x1b[1mdouble precision\x1b[0m is\n\nnot supported " + "at all " * 100)
        return super().forward(x, state)


def test_what_a_refused_precision_raised_is_said() -> None:
    """In one line, which is short, of the law that holds the precisions against each other."""
    options = Options(profile_named("quick"), properties=(IN_BOTH,))
    (both,) = run([Target("RefusesDouble", RefusesDouble, "elman")], options).results
    assert both.reason == "it computes in float32 only"
    (note,) = both.notes
    assert "float64 raised TypeError: double precision is not supported at all" in note
    assert "\n" not in note
    assert len(note) < 250
