"""The threshold to which a target holds what its nonlinearities read is measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ltdcheck.diagnosis import held_inputs
from ltdcheck.diagnosis.identify import identify
from ltdcheck.diagnosis.layers import recognise
from ltdcheck.faults.activations import _CANDIDATES
from ltdcheck.faults.fault import Network, fault_named
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.networks.layered import stack

CELLS = [
    Elman(clip=0.3),
    Elman("relu", clip=50.0),
    Elman("softsign", clip=7.0),
    LSTM(clip=1 / 3),
    LSTM(peepholes="previous", forget_offset=1.0, clip=20.0),
    LSTM(candidate="relu", output="softsign", gate_nonlinearity="hard sigmoid 1/6", clip=2.0),
    GRU("after", "replaces", clip=10.0),
]
HARD = LSTM(gate_nonlinearity="hard sigmoid 0.2")
SHORT = (0.3, 50.0, 7.0, 20.0, 2.0, 10.0)  # which are found exactly
EPS = np.finfo(float).eps


def named(cell: Cell) -> str:
    """A test id."""
    return f"{cell.name}-{cell.variant}".replace(" ", "")


@pytest.mark.parametrize("cell", CELLS, ids=named)
def test_a_threshold_is_measured(cell: Cell) -> None:
    """Small or large, of few digits or of many, beside any other choice."""
    found = identify(Network(cell), "it")
    assert found.exact
    measured, clip = found.cell.clip, cell.clip  # type: ignore[attr-defined]
    assert found.cell == replace(cell, clip=measured)  # type: ignore[call-arg]
    assert abs(measured - clip) <= (0 if clip in SHORT else 16 * EPS * clip)


def test_of_a_target_in_single_precision() -> None:
    """Where an answer near the corner is rounded to what is at rest, the shortest number that may be the corner."""
    target = Network(GRU(clip=5.0))
    target.precisions = ("float32",)
    assert identify(target, "it").cell == GRU(clip=5.0)


class Single(Network):
    """It computes in single precision whatever it is asked in, and its tanh is 1 from 20 on and not before."""

    def forward(self, params: dict[str, Any], x: Any, state: Any) -> tuple[Any, Any]:
        """Step by step."""
        U, W, b, h = (np.asarray(a, np.float32) for a in (*(params[n] for n in "UWb"), state[0]))
        below, steps = np.float32(0.99999982), []
        for x_t in np.asarray(x, np.float32):
            a = x_t @ U.T + h @ W.T + b
            h = np.where(np.abs(a) < 20, np.clip(np.tanh(a), -below, below), np.sign(a)).astype(np.float32)
            steps.append(h)
        return np.stack(steps), (h,)


def test_a_step_of_a_few_units_of_single_precision_is_no_corner(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are those of what the target computes in, in whatever precision it is asked."""
    measured: list[float] = []
    monkeypatch.setattr(held_inputs, "clipped_at", lambda cell, value: measured.append(value) or cell)
    assert identify(Single(Elman()), "it").cell == Elman()
    assert not measured


def test_in_layers_and_directions() -> None:
    """What a cell reads is not chosen there: its weights are made as large as is needed."""
    for cell in (GRU(clip=0.5), LSTM(clip=3.0)):
        network = stack(cell, 2, both_ways=True)
        found = recognise(Wide(network), "it")
        assert found.exact
        assert found.cell == network


class Wide(Network):
    """A network of layers as a target."""

    def __init__(self, cell: Any) -> None:
        super().__init__(cell)
        self.width = 2


@pytest.mark.parametrize(
    "cell", [Elman(), Elman("relu"), LSTM(), GRU("after"), LSTM(gate_nonlinearity="hard sigmoid 0.2")]
)
def test_what_saturates_is_not_held(cell: Cell) -> None:
    """A logistic, tanh and hard logistic come to rest too, by themselves."""
    found = identify(Network(cell), "it")
    assert found.exact
    assert found.cell == cell


@pytest.mark.parametrize("site", _CANDIDATES)
def test_another_nonlinearity_is_a_fault_still(site: str) -> None:
    """A candidate that is something else, as the hard tanh, is no candidate whose input is held."""
    fault = fault_named(f"candidate-activation.{site}")
    network = fault.plant(GRU())
    assert network is not None
    found = identify(network, "it")
    assert found.cell.clip == np.inf  # type: ignore[attr-defined]
    assert (found.fault == fault.id) is not fault.variant


def test_a_threshold_and_a_fault() -> None:
    """What is held and has a fault beside is known by both."""
    network = fault_named("state-given-ignored").plant(Elman(clip=0.5))
    assert network is not None
    found = identify(network, "it")
    assert (found.cell, found.fault) == (Elman(clip=0.5), "state-given-ignored")
