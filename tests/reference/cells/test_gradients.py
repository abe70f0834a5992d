"""Every variant's hand-derived gradient agrees with oracles that share no code with it."""

import itertools
from typing import Any, get_args

import pytest
from reference.cells.two_oracles import agrees
from sampled import one_in

from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.reference.cells.continuous import Continuous
from ltdcheck.reference.cells.delay import Delay
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.jordan import Forced, Jordan
from ltdcheck.reference.cells.leaky import Leaky
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.cells.preactivation import Preactivation
from ltdcheck.reference.nonlinearities import Gate, Nonlinearity

HARD: tuple[Any, ...] = get_args(Gate)[1:]
PHIS = get_args(Nonlinearity)
RARE = [
    *(Elman("softsign"), LSTM(candidate="softsign", output="softsign"), GRU(candidate="softsign")),
    *(LSTM(candidate="relu", output="relu"), GRU("after", candidate="relu")),
    *(LSTM(candidate="identity", output="identity"), GRU(candidate="identity")),
    *(LSTM(gate_nonlinearity=gate, peepholes="current", forget_offset=1.0) for gate in HARD),
    *(GRU("after", "replaces", gate) for gate in HARD),
    *(LSTM(peepholes=p, forget_offset=1.0, clip=0.7) for p in ("current", "previous")),
    *(GRU("after", clip=0.7), GRU(clip=0.7), Elman("relu", clip=0.7), LSTM(clip=0.7)),
]
TAUS = (1.0, 4.0, (1.0, 3.0), "learned")
CELLS = [
    *RARE,
    *(Preactivation(phi) for phi in PHIS),
    *(Jordan(phi) for phi in PHIS),
    Jordan(hidden=3),
    *(Leaky(phi) for phi in PHIS),
    *(Leaky("sigmoid", leak, tau) for leak, tau in itertools.product(("averaging", "summing"), TAUS)),
    *(Continuous(phi, of) for phi, of in itertools.product(PHIS, ("input", "state"))),
    *(Continuous("sigmoid", of, tau, 0.25) for of, tau in itertools.product(("input", "state"), TAUS)),
    *(Delay(phi) for phi in PHIS),
    *(Delay(lag=lag) for lag in (1, 3, 5)),
    *(Clockwork(phi) for phi in PHIS),
    *(Clockwork(periods=p, start=s) for p, s in itertools.product(((1,), (2, 3), (1, 2, 3, 5)), (0, 3))),
]


def named(cell: Any) -> Any:
    """A test id."""
    return f"{cell.name}-{cell.variant}".replace(" ", "")


@pytest.mark.parametrize("cell", [*RARE, *one_in(2, CELLS[len(RARE) :], named)], ids=named)
def test_gradients_lie_within_the_errors_of_two_oracles(cell: Any) -> None:
    """Every entry of every block, T = 0 and T = 1 among the lengths."""
    agrees(cell)


@pytest.mark.parametrize("cell", [Forced(), Forced("sigmoid"), Forced("relu", hidden=2)], ids=named)
def test_gradients_of_the_forced_network_agree_also_for_targets_and_coins(cell: Any) -> None:
    """Coins are any numbers here, so that their own gradient is seen."""
    agrees(cell, inputs=lambda H: H + 2)
