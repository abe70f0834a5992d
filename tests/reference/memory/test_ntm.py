"""The neural Turing machine: its gradients, its laws, and what it refuses (S29)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from oracles.draws import margin, named, ragged, truth
from reference.memory.draws import REGIMES, Sizes, machines, sizes

from ltdcheck.errors import NotDifferentiableError
from ltdcheck.oracles import complex_step, finite_difference, tape
from ltdcheck.oracles.pairing import blocks, every
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.greff import GreffLSTM
from ltdcheck.reference.cells.jordan import Forced
from ltdcheck.reference.cells.ntm import NTM
from ltdcheck.reference.cells.shared_gates import SharedGatesGRU
from ltdcheck.reference.networks.unroll import run, unroll

EPS = float(np.finfo(float).eps)


@settings(max_examples=6)
@given(machines(), sizes())
def test_gradients_lie_within_the_errors_of_two_oracles(cell: NTM, size: Sizes) -> None:
    """Every entry of every block: parameters, inputs, and all arrays of the state; for odd seeds of ragged rows."""
    problem = ragged(size.problem(cell), size.seed)
    right = truth(cell, problem)
    for oracle in (tape, complex_step):
        estimates = oracle.gradients(cell, problem)
        assert set(estimates) == set(right) == set(blocks(problem))
        for block, estimate in estimates.items():
            assert estimate.status == "ok", (block, estimate.reason)
            assert np.all(np.isfinite(estimate.error)), block
            assert margin(estimate, *right[block]) <= 1, (oracle.NAME, block)


@pytest.mark.parametrize("regime", REGIMES)
def test_central_differences_agree(regime: str) -> None:
    """The third oracle, on forty entries in each regime."""
    cell = NTM()
    problem = Sizes(T=3, B=1, regime=regime, seed=5).problem(cell)
    right, rng = truth(cell, problem), np.random.default_rng(0)
    entries = every(problem)
    chosen = [entries[k] for k in rng.choice(len(entries), 40, replace=False)]
    value, error = (np.array([right[b][k].reshape(-1)[n] for b, n in chosen]) for k in (0, 1))
    assert margin(finite_difference.slopes(cell, problem, chosen), value, error) <= 1


def longhand(p: dict[str, Any], x: Any, state: Any, N: int, M: int) -> tuple[Any, ...]:
    """One row of a batch through one step with an Elman controller, by loops over rows; J = 1, reads after."""
    h, r, w_r, w_w, flat = state
    memory = flat.reshape(N, M).copy()
    h = np.tanh(p["U"] @ x + p["W"] @ h + p["b"] + p["R_r"] @ r)

    def place(w_prev: Any, e: Any) -> Any:
        key, beta, g = e[:M], np.log1p(np.exp(e[M])), 1 / (1 + np.exp(-e[M + 1]))
        gamma, s = 1 + np.log1p(np.exp(e[M + 2])), np.exp(e[M + 3 :]) / np.exp(e[M + 3 :]).sum()
        eps = 2.0**-20
        K = np.array([key @ m / np.sqrt((key @ key + eps) * (m @ m + eps)) for m in memory])
        w = g * np.exp(beta * K) / np.exp(beta * K).sum() + (1 - g) * w_prev
        shifted = [sum(s[1 + j] * w[(i - j) % N] for j in (-1, 0, 1)) for i in range(N)]
        return np.array(shifted) ** gamma / np.sum(np.array(shifted) ** gamma)

    e_w = p["E_w"] @ h + p["e_w"]
    w_w = place(w_w, e_w[: -2 * M])
    erase, add = 1 / (1 + np.exp(-e_w[-2 * M : -M])), e_w[-M:]
    for n in range(N):
        memory[n] = memory[n] * (1 - w_w[n] * erase) + w_w[n] * add
    w_r = place(w_r, p["E_r"] @ h + p["e_r"])
    return h, sum(w_r[n] * memory[n] for n in range(N)), w_r, w_w, memory.ravel()


def test_a_longhand_step_agrees() -> None:
    """Loops over rows, and powers in place of the softmax of logarithms, give the same four steps."""
    cell = NTM(rows=4, width=3)
    problem = Sizes(T=4, B=2, seed=3).problem(cell)
    y, final, _ = run(cell, problem)
    for b in range(2):
        state = tuple(s[b] for s in problem.given_state)
        for t in range(4):
            state = longhand(problem.params, problem.x[t, b], state, 4, 3)
            np.testing.assert_allclose(y[t, b], state[0], rtol=1e4 * EPS)
        for mine, theirs in zip(final, state, strict=True):
            # four well-conditioned steps of some hundred operations on numbers of order 1
            np.testing.assert_allclose(mine[b], theirs, rtol=1e4 * EPS, atol=1e4 * EPS)


@given(machines(), sizes())
def test_weights_stay_distributions(cell: NTM, size: Sizes) -> None:
    """Both heads' weights are at least 0 and add up to 1, whatever the regime, also over zero rows."""
    problem = size.problem(cell)
    _, final, _ = unroll(cell, problem.params, problem.x, problem.given_state)
    for w in (final[-3], final[-2]):
        assert np.all(w >= 0)
        # a softmax of N entries divides by the sum of N rounded terms; the given weights add up as well
        np.testing.assert_allclose(w.sum(axis=-1), 1.0, rtol=8 * (cell.rows + 2) * EPS)


def test_two_pieces_are_the_whole() -> None:
    """Five steps are two and three, the memory and both heads handed over."""
    cell = NTM()
    problem = Sizes(T=5, seed=9).problem(cell)
    y, final, _ = unroll(cell, problem.params, problem.x, problem.given_state)
    y1, middle, _ = unroll(cell, problem.params, problem.x[:2], problem.given_state)
    y2, end, _ = unroll(cell, problem.params, problem.x[2:], middle)
    # a product of three steps and one of five need not round alike
    np.testing.assert_allclose(np.concatenate([y1, y2]), y, rtol=1e3 * EPS)
    for a, b in zip(end, final, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e3 * EPS, atol=1e3 * EPS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"rows": 0}, "rows is 0; it must be at least 1"),
        ({"width": 0}, "width is 0; it must be at least 1"),
        ({"reach": -1}, "reach is -1; it must be at least 0"),
        ({"reads": "never"}, "reads = 'never' is not allowed: one of after, before"),
    ],
)
def test_sizes_that_hold_nothing_are_refused(arguments: dict[str, Any], said: str) -> None:
    """The message names the argument, its value, and what is allowed."""
    with pytest.raises(ValueError, match=said):
        NTM(**arguments)


@pytest.mark.parametrize(
    "controller",
    [*(cell() for cell in CELLS.values()), GreffLSTM("full gate recurrence"), SharedGatesGRU("product"), NTM()],
    ids=named,
)
def test_every_cell_is_a_controller_or_is_refused_by_name(controller: Cell) -> None:
    """With what was read as one more input in every gate; a clock, and heads of the same names, are refused."""
    cell = NTM(controller, rows=2, width=2)
    if controller.name in ("clockwork", "ntm"):
        with pytest.raises(ValueError, match=f"controller is {controller.name}; it"):
            cell.shapes(2, 4)
        return
    problem = Sizes(T=2, H=4, seed=3).problem(cell)
    *own, r, _, _, _ = problem.given_state
    new, _ = cell.step(problem.params, cell.drive(problem.params, problem.x)[0], problem.given_state)
    z = controller.drive(problem.params, problem.x)[0] + r @ problem.params["R_r"].T
    for got, right in zip(new, controller.step(problem.params, z, tuple(own))[0], strict=False):
        assert np.array_equal(got, right)
    if controller.differentiable:
        right, estimates = truth(cell, problem), tape.gradients(cell, problem)
        assert all(margin(estimate, *right[block]) <= 1 for block, estimate in estimates.items())
    else:
        with pytest.raises(NotDifferentiableError):
            run(cell, problem)


def test_targets_and_coins_are_no_controllers_input() -> None:
    """A forced network hands its input on as it is."""
    with pytest.raises(ValueError, match="controller is jordan-forced; it must be a cell that x enters through"):
        NTM(Forced()).shapes(5, 2)


def test_it_starts_at_rest_on_a_given_memory() -> None:
    """Every sequence of a batch begins with the same memory and with both heads at row 0."""
    cell, memory = NTM(Elman(), rows=2, width=3), np.arange(6.0).reshape(2, 3)
    h, r, w_r, w_w, held = cell.start(2, 4, memory)
    assert (h.shape, r.shape) == ((2, 4), (2, 3))
    assert np.array_equal(w_r, [[1, 0], [1, 0]])
    assert np.array_equal(w_w, w_r)
    assert np.array_equal(held, [memory.ravel()] * 2)
