"""Any cell goes into any network that takes one: cells with states, weights or a sense of time unlike the usual."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import every
from networks.agreement import disagreement
from networks.draws import taken
from networks.subjects import Draw, Make, of_cell, of_sequences, of_states

from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.reference.cells.delay import Delay
from ltdcheck.reference.cells.greff import GreffLSTM
from ltdcheck.reference.cells.jordan import Jordan
from ltdcheck.reference.cells.leaky import Leaky
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.cells.ntm import NTM
from ltdcheck.reference.cells.shared_gates import SharedGatesGRU
from ltdcheck.reference.networks import BPTT, Deep, DeepTransition, Grid, Stacked
from ltdcheck.reference.networks.composition import Recurrent
from ltdcheck.reference.networks.mlp import MLP

UNLIKE: dict[str, Cell] = {
    "projected": LSTM(projection=2),  # h narrower than c
    "jordan": Jordan(hidden=2),  # arrays called V and c, as an output layer has
    "clockwork": Clockwork(periods=(1, 2)),  # a drive that tells the step
    "delay": Delay(lag=3),  # a queue
    "full gate recurrence": GreffLSTM("full gate recurrence"),  # gates in the state, an array called R
    "product gates": SharedGatesGRU("product"),  # a drive wider than the gates
    "learned leak": Leaky(tau="learned"),  # a parameter that a step reads in every row
}


def stacked(cell: Cell) -> Make:
    """Two layers."""
    count = len(cell.states)
    return of_sequences(
        Stacked((cell, cell)),
        lambda draw: (draw.I, [draw.H, draw.H]),
        lambda draw: {
            "x": draw.given(draw.T, draw.B, draw.I),
            **{k: v for n in "01" for k, v in draw.first(cell, draw.H, f"{n}.").items()},
        },
        lambda draw, b: (b["x"], [taken(b, f"{n}.", count) for n in "01"], draw.ends),
    )


def deep(cell: Cell) -> Make:
    """An MLP before, inside and after."""

    def make(draw: Draw) -> Any:
        inside = DeepTransition(cell, MLP((cell.output_width(draw.H),), skip=True))
        return of_states(Deep(inside, MLP((2,)), MLP((2,))), cell, ragged=True)(draw)

    return make


def grid(cell: Cell) -> Make:
    """Four passes from the corners."""
    net = Grid((cell,) * 4, "corners")

    def make(draw: Draw) -> Any:
        blocks = draw.blocks(net.shapes(draw.I, [draw.H] * 4), x=(2, 2, draw.B, draw.I))
        blocks |= {k: v for d in net.directions for k, v in draw.first(cell, draw.H, f"{d}.").items()}

        def run(b: Any) -> Any:
            return net.forward(b, b["x"], [taken(b, f"{d}.", len(cell.states)) for d in net.directions])

        return every.Subject(lambda b: [run(b)[0]], lambda b, dys: net.backward(run(b)[1], dys[0]), blocks)

    return make


NETWORKS: dict[str, Any] = {
    "unroll": lambda cell: of_cell(cell, ragged=True),
    "bptt": lambda cell: of_states(BPTT(cell), cell, ragged=True),
    "stacked": stacked,
    "bidirectional": lambda cell: every._bidirectional(cell, cell),
    "conditional": lambda cell: every._conditional(cell, "both"),
    "encoder-decoder": lambda cell: every._encoder_decoder(cell, cell, "both"),
    "deep": deep,
    "grid": grid,
    "generative": lambda cell: every._generative(cell, "bernoulli"),
    "classifier": lambda cell: every._classifier(cell, "last"),
    "tree": lambda cell: every._tree(Recurrent(cell)),
    "machine": lambda cell: of_cell(NTM(cell, rows=2, width=2)),
}
REFUSED = {("machine", "clockwork"): "alike at every step", ("tree", "projected"): "as wide as a node has units"}


# one in three is asked every time, and the narrow output, which every network has to know of, in all of them
PAIRS = [
    pytest.param(network, cell, marks=[] if cell == "projected" or (i + j) % 3 == 0 else pytest.mark.quality)
    for i, network in enumerate(NETWORKS)
    for j, cell in enumerate(UNLIKE)
]


@pytest.mark.parametrize(("network", "cell"), PAIRS)
def test_any_cell_goes_into_any_network(network: str, cell: str) -> None:
    """The hand-derived gradient lies within autograd's errors and its own; a cell that cannot be in it is named."""
    draw = Draw(np.random.default_rng(3), T=2, B=2, I=2, H=3)
    make = NETWORKS[network](UNLIKE[cell])
    if (network, cell) in REFUSED:
        with pytest.raises(ValueError, match=REFUSED[network, cell]):
            make(draw)
        return
    subject = make(draw)
    assert disagreement(subject.forward, subject.backward, subject.blocks, np.random.default_rng(1)) <= 1
