"""Rows that are read in another order: what each alone is, and which order it is."""

from __future__ import annotations

import numpy as np
import pytest

from ltdcheck.diagnosis.diagnose import diagnose
from ltdcheck.diagnosis.identify import identify
from ltdcheck.diagnosis.row_order import ORDERS, Reordered
from ltdcheck.faults.fault import Network
from ltdcheck.properties.law import property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.cells import LSTM, Elman
from ltdcheck.reference.networks.unroll import Gradients
from ltdcheck.strategies.problems import Recipe, build


def said(network: Network, cell: Cell) -> str:
    """Of a target that is identified first."""
    subject = Subject(network, identify(network, "it").layout)
    return diagnose(subject, build(cell, Recipe()), property_named("values.forward_agrees"))[0].sentence


@pytest.mark.parametrize("how", ORDERS)
def test_the_order_is_told(how: str) -> None:
    """Of the state's rows, and of the input's where those are meant."""
    assert said(Reordered(Elman(), [1], how), Elman()) == f"the rows of h_0 are read {how}"


def test_the_arguments_are_told() -> None:
    """Both states of two."""
    assert said(Reordered(LSTM(), [1, 2], "in reverse"), LSTM()) == "the rows of h_0 and c_0 are read in reverse"


class ThroughWhatItLeft(Reordered):
    """A backward pass that hands the state's gradient to the rows as they lie."""

    def backward(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: State, dy: np.ndarray, dstate: State
    ) -> Gradients:
        """That of the right cell, of what the forward pass read."""
        x, *states = self._read((x, *state), back=False)
        return Network.backward(self, params, x, tuple(states), dy, dstate)


def test_the_backward_pass_beside_it_is_told() -> None:
    """It is the right cell's, on what the forward pass left."""
    seen = said(ThroughWhatItLeft(Elman(), [1], "in reverse"), Elman())
    assert (
        seen == "the rows of h_0 are read in reverse (in the forward pass; the backward pass is that of the right cell)"
    )
