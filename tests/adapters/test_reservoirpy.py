"""Reservoirs of reservoirpy are echo state networks, whatever holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reservoirpy.nodes import Reservoir

import ltdcheck
from ltdcheck.adapters.adapting import adapt
from ltdcheck.diagnosis.identify import identify
from ltdcheck.errors import TargetUnusableError
from ltdcheck.problem import Problem


def leaky(input_size: int, hidden_size: int) -> Any:
    """A node with a leak, and no bias."""
    return Reservoir(hidden_size, lr=0.25, input_dim=input_size)


def node() -> Any:
    """An instance of two inputs, whose weights are sparse."""
    return Reservoir(7, input_dim=2, lr=0.5, sr=0.9, seed=1)


def test_the_class_conforms() -> None:
    """It is an echo state network without a leak; a gradient, which it has not, is not looked at."""
    report = ltdcheck.check(Reservoir, profile="quick")
    assert report.ok, report
    (summary,) = report.record.targets.values()
    assert summary is not None
    assert (summary.cell, summary.precisions) == ("echo_state", "float64")
    status = {result.property: result.status for result in report.record.results}
    assert status["values.forward_agrees"] == status["sequence.zero_steps"] == "passed"
    assert status["gradients.backward_agrees"] == "not_applicable"


@pytest.mark.parametrize(("made", "leak"), [(leaky, 0.25), (node(), 0.5)])
def test_its_leak_is_measured(made: Any, leak: float) -> None:
    """Of a factory and of an instance; a bias of 0 for all units is no parameter."""
    implementation = adapt(made, "a reservoir")
    assert set(implementation.parameters(2, 7)) == {"W", "Win"}
    found = identify(implementation, "a reservoir", implementation.claims).cell
    assert found.name == "echo_state"
    # not derived: a measurement in float64, of a few operations on answers that round
    assert found.leak == pytest.approx(leak, rel=1e-12)


def test_rows_do_not_share_a_state() -> None:
    """Each row of a batch starts from its own state and ends in its own, as one step by hand does."""
    implementation = adapt(Reservoir, "Reservoir")
    rng = np.random.default_rng(0)
    params = {name: rng.standard_normal(s) / 2 for name, s in implementation.parameters(2, 3).items()}
    x, h, zeros = rng.standard_normal((1, 4, 2)), rng.standard_normal((4, 3)), np.zeros((4, 3))
    out = implementation.run(Problem(params, x, (h,), np.zeros((1, 4, 3)), (zeros,)), backward=False)
    wanted = np.tanh(x[0] @ params["Win"].T + h @ params["W"].T + params["bias"])
    assert np.max(np.abs(out.y[0] - wanted)) < 16 * np.finfo(float).eps  # sums of six terms, each below 4
    assert np.array_equal(out.state[0], out.y[-1])


def test_a_node_that_does_not_know_its_inputs_is_refused() -> None:
    """They are known from its first call on, or from input_dim."""
    with pytest.raises(TargetUnusableError, match="inputs"):
        adapt(Reservoir(5), "Reservoir(5)")
