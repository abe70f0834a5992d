"""A forward pass that is wrong beside a hand-written backward pass that is not: the fault is named all the same."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from targets import numpy_elman, numpy_gru, numpy_lstm

from ltdcheck.adapters.adapting import adapt
from ltdcheck.diagnosis.diagnose import diagnose
from ltdcheck.diagnosis.forward import OF_NEITHER, OF_RIGHT
from ltdcheck.diagnosis.identification import Identification
from ltdcheck.diagnosis.identify import identify
from ltdcheck.properties.law import property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.result import Diagnosis
from ltdcheck.strategies.problems import Recipe, build

# class -> fault, and whether the backward pass is found to be the right cell's; where it is not, the base class goes
# back through weights or an input that only the wrong forward pass has
NAMED = {
    numpy_elman.Elman_candidate_double_activation: ("candidate-double-activation", True),
    numpy_elman.Elman_state_dead: ("state-dead", True),
    numpy_elman.Elman_state_given_ignored: ("state-given-ignored", True),
    numpy_elman.Elman_bias_doubled: ("bias-doubled", True),
    numpy_elman.Elman_gate_unbounded: ("gate-unbounded", True),
    numpy_lstm.LSTM_candidate_double_activation: ("candidate-double-activation", True),
    numpy_lstm.LSTM_gate_without_sigmoid: ("gate-unbounded", True),
    numpy_lstm.LSTM_bias_doubled: ("bias-doubled", True),
    numpy_lstm.LSTM_state_dead: ("state-dead", True),
    numpy_lstm.LSTM_state_given_ignored: ("state-given-ignored", True),
    numpy_lstm.LSTM_cell_state_given_ignored: ("state-given-ignored", True),
    numpy_lstm.LSTM_output_from_candidate: ("lstm-output-from-candidate", True),
    numpy_lstm.LSTM_sum_for_product: ("lstm-sum-for-product", True),
    numpy_lstm.LSTM_gate_unbounded: ("gate-unbounded", True),
    numpy_lstm.LSTM_state_pair_wrong: ("state-pair-wrong", True),
    numpy_lstm.LSTM_future_leak: ("future-leak", True),
    numpy_lstm.LSTM_activation_clip_partial: ("activation-clip-partial", True),
    numpy_lstm.LSTM_bias_shared: ("lstm-bias-shared", False),
    numpy_lstm.LSTM_recurrent_transposed: ("recurrent-transposed", False),
    numpy_gru.GRU_candidate_double_activation: ("candidate-double-activation", True),
    numpy_gru.GRU_candidate_gate_activation: ("candidate-gate-activation", True),
    numpy_gru.GRU_bias_doubled: ("bias-doubled", True),
    numpy_gru.GRU_recurrent_transposed: ("recurrent-transposed", False),
    numpy_gru.GRU_bias_shared: ("gru-bias-shared", False),
    numpy_gru.GRU_gate_unbounded: ("gate-unbounded", True),
}
QUICK = (
    numpy_elman.Elman_state_dead,
    numpy_lstm.LSTM_output_from_candidate,
    numpy_gru.GRU_candidate_double_activation,
)


def backward(name: str) -> bool:
    """It belongs to the backward pass of these classes."""
    return name.endswith("_back") or name in ("carry", "share", "total", "backward", "slope")


def untouched(kind: type) -> type:
    """The class with the backward pass of the right one, which it inherits from."""
    right = kind.__mro__[-2]
    changed = {name for each in kind.__mro__[:-2] for name in vars(each) if backward(name)}
    return type(kind.__name__, (kind,), {name: inspect.getattr_static(right, name) for name in changed})


def taken(kind: type, family: str | None = None) -> tuple[Subject, Identification]:
    """As a check identifies it."""
    target = adapt(kind, kind.__name__)
    found = identify(target, kind.__name__, family)
    return Subject(target, found.layout), found


def said(kind: type, **changes: Any) -> list[Diagnosis]:
    """Of its outputs, on a small problem."""
    subject, _ = taken(kind)
    recipe = Recipe(**{"T": 2, "B": 1, "I": 1, "H": 2, **changes})
    return diagnose(subject, build(subject.cell, recipe), property_named("values.forward_agrees"))


@pytest.mark.parametrize(
    "kind", [k if k in QUICK else pytest.param(k, marks=pytest.mark.quality) for k in NAMED], ids=lambda k: k.__name__
)
def test_a_wrong_forward_pass_is_named_beside_a_right_backward_pass(kind: type) -> None:
    """By the row of its fault, with what the backward pass is."""
    row, right = NAMED[kind]
    first = said(untouched(kind))[0]
    assert first.fault.partition(".")[0] == row
    assert (OF_RIGHT if right else OF_NEITHER) in first.sentence
    assert first.residual < 1e-14  # of outputs of order 1, over five steps


def test_a_derivative_of_the_wrong_function_is_not_called_that_of_the_right_one() -> None:
    """Where both passes have the same fault, it is named without a word on the passes."""
    first = said(numpy_elman.Elman_candidate_double_activation)[0]
    assert first.fault == "candidate-double-activation"
    assert "backward pass" not in first.sentence
