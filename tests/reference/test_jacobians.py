"""State-to-state Jacobians, their products and their spectra."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from reference.memory.draws import Sizes

from ltdcheck.oracles import complex_step
from ltdcheck.oracles.shaking import EPS
from ltdcheck.problem import Problem
from ltdcheck.reference import jacobians
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import CELLS as BY_NAME
from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.greff import GreffLSTM
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.iterated_map import IteratedMap
from ltdcheck.reference.cells.jordan import Forced
from ltdcheck.reference.cells.leaky import Leaky
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.cells.ntm import NTM
from ltdcheck.reference.cells.shared_gates import SharedGatesGRU
from ltdcheck.reference.networks.deep import DeepTransition
from ltdcheck.reference.networks.mlp import MLP
from ltdcheck.reference.networks.unroll import unroll
from ltdcheck.strategies.problems import Recipe, build

CELLS: list[Cell] = [
    *(Elman(), Elman("sigmoid"), LSTM(), LSTM(peepholes="current"), LSTM(peepholes="previous"), GRU(), GRU("after")),
    *(cell() for name, cell in BY_NAME.items() if cell.differentiable and name not in ("elman", "lstm", "gru")),
    *(LSTM(projection=2), GreffLSTM("full gate recurrence"), Leaky(tau="learned"), SharedGatesGRU("product"), Forced()),
    *(IteratedMap("logistic"), NTM(rows=2, width=2), NTM(LSTM(), rows=2, width=2), DeepTransition(LSTM(), MLP((3,)))),
]


def drawn(cell: Cell, T: int) -> Problem:
    """A problem of two rows and three units; a machine's weights are distributions."""
    sizes = {"T": T, "B": 2, "I": 5, "H": 3, "seed": 4}
    return Sizes(**sizes).problem(cell) if isinstance(cell, NTM) else build(cell, Recipe(**sizes))


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.name} {cell.variant}".strip())
def test_every_entry_is_a_derivative(cell: Cell) -> None:
    """Column by column, the Jacobian of each step is complex step's derivative of ``step``."""
    problem = drawn(cell, 3)
    p, state = problem.params, problem.given_state
    edges = np.cumsum([s.shape[1] for s in state])
    steps = jacobians.step_jacobians(cell, p, problem.x, state)
    assert steps.shape == (3, 2, edges[-1], edges[-1])
    for t, z in enumerate(cell.drive(p, problem.x)):
        for column in range(edges[-1]):

            def moved(s: np.ndarray, z: np.ndarray = z) -> np.ndarray:
                arrays = tuple(s[:, a:b] for a, b in pairwise([0, *edges]))
                return np.concatenate(cell.step(p, z, arrays)[0], axis=-1)

            along = np.zeros((2, edges[-1]))
            along[:, column] = 1.0
            estimate = complex_step.derivative(moved, np.concatenate(state, axis=-1), along)
            assert np.all(np.abs(steps[t, :, :, column] - estimate.value) <= estimate.error + 64 * EPS)
        state, _ = cell.step(p, z, state)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.name} {cell.variant}".strip())
def test_products_flow_and_the_whole_are_one(cell: Cell) -> None:
    """The product of all steps, the flow from step 0, and BPTT from unit vectors agree."""
    problem = drawn(cell, 5)
    p, x, state = problem.params, problem.x, problem.given_state
    steps = jacobians.step_jacobians(cell, p, x, state)
    flow = jacobians.flow(steps)
    whole = jacobians.whole(cell, p, x, state)
    scale = np.max(jacobians.product(np.abs(steps)))
    assert np.max(np.abs(jacobians.product(steps) - whole)) <= 64 * EPS * scale
    assert np.max(np.abs(flow[0] - whole)) <= 64 * EPS * scale
    assert np.array_equal(flow[-1], np.broadcast_to(np.eye(whole.shape[-1]), whole.shape))
    _, later, _ = unroll(cell, p, x[:2], state)
    rest = jacobians.whole(replace(cell, start=3) if isinstance(cell, Clockwork) else cell, p, x[2:], later)
    assert np.max(np.abs(flow[2] - rest)) <= 64 * EPS * scale


def test_an_identity_network_has_the_jacobian_W() -> None:
    """At every step and for every row, not its transpose."""
    cell = Elman("identity")
    problem = build(cell, Recipe(T=3, B=2, I=2, H=3))
    W = problem.params["W"]
    steps = jacobians.step_jacobians(cell, problem.params, problem.x, problem.given_state)
    assert np.array_equal(steps, np.broadcast_to(W, steps.shape))
    assert not np.array_equal(W, W.T)


def test_no_steps() -> None:
    """The Jacobian over no steps is the identity."""
    problem = build(LSTM(), Recipe(T=0, B=2, I=2, H=3))
    steps = jacobians.step_jacobians(LSTM(), problem.params, problem.x, problem.given_state)
    assert steps.shape == (0, 2, 6, 6)
    eye = np.broadcast_to(np.eye(6), (2, 6, 6))
    assert np.array_equal(jacobians.product(steps), eye)
    assert np.array_equal(jacobians.whole(LSTM(), problem.params, problem.x, problem.given_state), eye)


def test_spectra_of_a_matrix_that_is_not_normal() -> None:
    """[[2, -4], [1, -2]] has spectral radius 0 and norm 5, so the radius says nothing about one step (C06, C07)."""
    J = np.array([[2.0, -4.0], [1.0, -2.0]])
    assert jacobians.spectral_radius(J) < 1e-7  # a defective pair moves by the root of the rounding
    assert np.allclose(jacobians.singular_values(J), [5.0, 0.0], atol=1e-14)
    assert jacobians.spectral_radius(np.diag([1.0, 0.5]) @ J) == pytest.approx(1.0, abs=1e-14)


def test_spectra_of_many() -> None:
    """Leading axes are kept; a rotation has complex eigenvalues of modulus 1."""
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    J = np.stack([turn, 2 * turn])
    assert np.allclose(jacobians.spectral_radius(J), [1.0, 2.0])
    assert np.allclose(sorted(jacobians.eigenvalues(turn).imag), [-1.0, 1.0])
    assert jacobians.singular_values(J).shape == (2, 2)
