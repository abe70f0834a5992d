"""The official node tests of ONNX against the reference: all pass, within the bounds that the reference derives."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from witnesses.onnx_node_tests import FAMILIES, NodeTest, node_tests

from ltdcheck.estimate import Estimate
from ltdcheck.faults.fault import fault_named
from ltdcheck.implementation import Outputs
from ltdcheck.oracles.rounding import expected
from ltdcheck.problem import Array
from ltdcheck.properties.compare import ratios

TESTS = {test.name: test for test in node_tests()}


def test_six_tests_of_every_operator_are_found() -> None:
    """Each operator has six: with its defaults, with biases, in every direction, rows first, and one of its own."""
    assert Counter(test.cell.name for test in TESTS.values()) == dict.fromkeys(FAMILIES.values(), 6)


def bounds(test: NodeTest) -> dict[str, Estimate]:
    """The reference's value and bound of every output that the test looks at."""
    found = [expected(test.cell, problem, backward=False).outputs for problem in test.problems]
    ends = [f"{s}_T" for s in test.cell.states]

    def joined(part: str) -> dict[str, Array]:
        outs = [Outputs(getattr(e["y"], part), tuple(getattr(e[end], part) for end in ends)) for e in found]
        return {name: test.joined(name, outs) for name in test.wanted}

    values, errors = joined("value"), joined("error")
    return {name: Estimate(values[name], errors[name], oracle="rounding") for name in values}


@pytest.mark.parametrize("test", TESTS.values(), ids=TESTS)
def test_the_reference_passes(test: NodeTest) -> None:
    """By the test's own tolerance, and what the test expects lies within the reference's bound for float32."""
    got = test.answers()
    assert got is not None
    assert test.passes(got)
    for name, estimate in bounds(test).items():
        assert float(np.max(ratios(test.wanted[name], estimate))) <= 1


def test_a_wrong_output_fails() -> None:
    """The tests look at what a node answers: an LSTM whose output comes of the candidate fails all of its own."""
    plant = fault_named("lstm-output-from-candidate").plant
    got = {name: test.answers(plant) for name, test in TESTS.items() if test.cell.name == "lstm"}
    assert not any(answer is None or TESTS[name].passes(answer) for name, answer in got.items())


def test_weights_of_one_value_hide_the_order_of_the_gates() -> None:
    """No LSTM test tells i o f c from f o i c, nor a recurrent matrix from its transpose."""
    for id in ("gate-order.lstm-if", "recurrent-transposed"):
        got = {name: test.answers(fault_named(id).plant) for name, test in TESTS.items() if test.cell.name == "lstm"}
        assert all(answer is not None and TESTS[name].passes(answer) for name, answer in got.items())
