"""The eight variants of the LSTM: gradients, what each is a limit of, and the parameters that it has."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.cells.agreement import assert_gradients_agree, on_drawn_problems

from ltdcheck.problem import Problem
from ltdcheck.reference.cells.greff import Change, GreffLSTM
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.networks.unroll import run
from ltdcheck.strategies.problems import Recipe, build

CHANGES = get_args(Change)
VANILLA = GreffLSTM()
every_change = pytest.mark.parametrize("change", CHANGES)


def drawn(cell: Any, seed: int = 0, **sizes: int) -> Problem:
    """A problem of the usual regime."""
    return build(cell, Recipe(**{"T": 4, "B": 2, "I": 3, "H": 3, "seed": seed, **sizes}))


def rows(array: Any, gates: Any, order: str) -> Any:
    """The rows of some gates, in their order, of an array that holds those of ``order``."""
    parts = dict(zip(order, np.split(array, len(order)), strict=True))
    return np.concatenate([parts[gate] for gate in gates])


@every_change
def test_gradients_lie_within_the_errors_of_two_oracles(change: Change) -> None:
    """Autograd and complex step, every block, in every regime."""
    on_drawn_problems(GreffLSTM(change), assert_gradients_agree)


@pytest.mark.parametrize(("change", "peepholes"), [("none", "current"), ("no peepholes", "none")])
def test_two_of_them_are_the_lstm(change: Change, peepholes: str) -> None:
    """With and without peepholes, bit for bit, forward and backward."""
    other = LSTM(peepholes=peepholes)
    problem = drawn(other)
    (y, final, g), (y2, final2, g2) = run(GreffLSTM(change), problem), run(other, problem)
    assert all(np.array_equal(a, b) for a, b in zip((y, *final, g.x), (y2, *final2, g2.x), strict=True))
    assert all(np.allclose(g.params[n], g2.params[n], rtol=1e-13, atol=0) for n in g2.params)


@pytest.mark.parametrize(("change", "gate"), [("no input gate", "i"), ("no forget gate", "f"), ("no output gate", "o")])
@settings(max_examples=20)
@given(seed=st.integers(0, 999))
def test_a_removed_gate_is_the_vanilla_gate_held_open(change: Change, gate: str, seed: int) -> None:
    """With weights 0 and a bias of 40 the logistic is 1 in float64, and the two cells agree bit for bit."""
    problem = drawn(VANILLA, seed)
    k, H = VANILLA.gates.index(gate), 3
    params = {name: value.copy() for name, value in problem.params.items()}
    for name in ("U", "W", "p"):
        params[name][k * H : (k + 1) * H] = 0.0
    params["b"][k * H : (k + 1) * H] = 40.0
    cell = GreffLSTM(change)
    kept = {name: rows(params[name], cell.gates, "ifog") for name in ("U", "W", "b")}
    kept["p"] = rows(params["p"], cell.gates[:-1], "ifo")
    y, final, _ = run(cell, problem.with_(params=kept))
    y2, final2, _ = run(VANILLA, problem.with_(params=params))
    assert all(np.array_equal(a, b) for a, b in zip((y, *final), (y2, *final2), strict=True))


@settings(max_examples=20)
@given(seed=st.integers(0, 999))
def test_coupling_is_an_input_gate_with_the_signs_of_the_forget_gate_turned(seed: int) -> None:
    """sg(-a) = 1 - sg(a), up to the rounding of four steps: a few units of 2**-53 relative to numbers of order 1."""
    cell = GreffLSTM("coupled input and forget gate")
    problem = drawn(cell, seed)
    full = {n: np.concatenate([-np.split(v, 3)[0], v]) for n, v in problem.params.items() if n != "p"}
    full["p"] = np.concatenate([-problem.params["p"][:3], problem.params["p"]])
    y, final, _ = run(cell, problem)
    y2, final2, _ = run(VANILLA, problem.with_(params=full))
    for a, b in zip((y, *final), (y2, *final2), strict=True):
        assert np.max(np.abs(a - b)) <= 1e-13


@settings(max_examples=20)
@given(seed=st.integers(0, 999))
def test_either_gate_may_be_the_one_that_has_parameters(seed: int) -> None:
    """f = 1 - i is i = 1 - f with the signs turned, up to the same rounding."""
    cell = GreffLSTM("coupled forget and input gate")
    problem = drawn(cell, seed)
    turned = {n: np.concatenate([-v[:3], v[3:]]) for n, v in problem.params.items()}
    assert cell.gates == ("i", "o", "g")
    y, final, _ = run(cell, problem)
    y2, final2, _ = run(GreffLSTM("coupled input and forget gate"), problem.with_(params=turned))
    for a, b in zip((y, *final), (y2, *final2), strict=True):
        assert np.max(np.abs(a - b)) <= 1e-13


@settings(max_examples=20)
@given(seed=st.integers(0, 999))
def test_full_gate_recurrence_without_its_weights_is_the_vanilla_cell(seed: int) -> None:
    """R = 0 leaves h and c as they are, and the gates come out as state, between 0 and 1."""
    cell = GreffLSTM("full gate recurrence")
    problem = drawn(cell, seed)
    params = {**problem.params, "R": 0 * problem.params["R"]}
    y, final, _ = run(cell, problem.with_(params=params))
    plain = {n: v for n, v in params.items() if n != "R"}
    y2, final2, _ = run(VANILLA, problem.with_(params=plain, state=problem.given_state[:2], dstate=problem.dstate[:2]))
    assert np.array_equal(y, y2)
    assert np.array_equal(final[1], final2[1])
    assert all(np.all((gate > 0) & (gate < 1)) for gate in final[2:])


def test_the_gates_of_one_step_reach_those_of_the_next() -> None:
    """The sensitivity twin: with R the gates given as initial state matter, and so does R."""
    cell = GreffLSTM("full gate recurrence")
    _, _, g = run(cell, drawn(cell))
    assert all(np.all(d != 0) for d in g.state)
    assert np.all(g.params["R"] != 0)


@pytest.mark.parametrize("change", ["no input activation", "no output activation"])
def test_a_missing_activation_is_linear(change: Change) -> None:
    """Doubling what the missing tanh would squash doubles what comes out; the vanilla cell does not do so."""

    def output(cell: Any, c0: float, bias: float) -> Any:
        params = {n: np.zeros(s) for n, s in cell.shapes(1, 1).items()}
        params["b"][3] = bias
        state, _ = cell.step(params, params["b"][None], (np.zeros((1, 1)), np.full((1, 1), c0)))
        return state[0].item() if change == "no output activation" else state[1].item()

    c0, bias = (3.0, 0.0) if change == "no output activation" else (0.0, 3.0)
    once, twice = (output(GreffLSTM(change), k * c0, k * bias) for k in (1, 2))
    assert twice == 2 * once != 0
    assert output(VANILLA, 2 * c0, 2 * bias) < 1.9 * output(VANILLA, c0, bias)


def test_without_a_forget_gate_the_cell_passes_its_gradient_unchanged() -> None:
    """Along the cell state alone (W = p = 0, no loss on h) nothing multiplies the cotangent, however long the lag."""
    cell = GreffLSTM("no forget gate")
    problem = drawn(cell, T=50)
    params = {**problem.params, "W": 0 * problem.params["W"], "p": 0 * problem.params["p"]}
    dstate = (0 * problem.dstate[0], problem.dstate[1])
    _, _, g = run(cell, problem.with_(params=params, dy=0 * problem.dy, dstate=dstate))
    assert np.array_equal(g.state[1], problem.dstate[1])


@given(I=st.integers(0, 9), H=st.integers(0, 9))
def test_peepholes_add_three_parameters_a_cell(I: int, H: int) -> None:
    """C44, in this cell and in the LSTM, for every size."""

    def count(cell: Any) -> Any:
        return sum(int(np.prod(shape)) for shape in cell.shapes(I, H).values())

    assert count(VANILLA) - count(GreffLSTM("no peepholes")) == 3 * H
    assert count(LSTM(peepholes="current")) - count(LSTM()) == 3 * H


@every_change
def test_every_parameter_and_state_has_an_effect(change: Change) -> None:
    """No gradient block is zero, and the blocks cover every array once."""
    cell = GreffLSTM(change)
    _, _, g = run(cell, drawn(cell))
    assert all(np.all(value != 0) for value in (*g.params.values(), *g.state, g.x))
    times = {name: np.zeros(shape) for name, shape in cell.shapes(1, 3).items()}
    for block in cell.blocks(3):
        part = block.of(times[block.array])
        part += 1
    assert all(np.all(count == 1) for count in times.values())


def test_an_unknown_change_is_refused() -> None:
    """By name, with what is allowed."""
    with pytest.raises(ValueError, match="change = 'no gates' is not allowed: one of none, no input gate"):
        GreffLSTM("no gates")
