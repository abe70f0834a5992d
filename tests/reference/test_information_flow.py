"""Omega and its three gradients (S45, C60)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks.draws import taken
from networks.same import Lift, assert_same
from oracles.draws import named
from reference import longhand_oracle
from reference.longhand_oracle import exactly

from ltdcheck.oracles import complex_step, finite_difference
from ltdcheck.problem import Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.jordan import Jordan
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.cells.shared_gates import SharedGatesGRU
from ltdcheck.reference.information_flow import Flow, information_flow, omega_vjp
from ltdcheck.reference.networks.network import states_of
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp
from ltdcheck.reference.numbers.perturbed import REACH, Rounding
from ltdcheck.strategies.problems import REGIMES, Recipe, build

CELLS: list[Cell] = [Elman(), Elman("sigmoid"), LSTM(peepholes="current"), GRU(reset="after"), GRU(update="replaces")]
KINDS = ["exact", "cheap", "immediate"]


def recipes(regimes: Any = None) -> st.SearchStrategy[Recipe]:
    """No steps to 5, at least two units: with one unit the exact and the cheap gradient may coincide."""
    return st.builds(
        Recipe,
        T=st.integers(0, 5),
        B=st.integers(1, 2),
        I=st.integers(1, 3),
        H=st.integers(2, 3),
        regime=st.sampled_from(sorted(regimes or REGIMES)),
        seed=st.integers(0, 2**16),
        cotangent=st.sampled_from(["all", "y", "h_T"]),
    )


def flow_of(cell: Cell, problem: Problem, p: Any = None) -> Flow:
    """Of a problem, or with other parameters."""
    p = problem.params if p is None else p
    return information_flow(cell, p, problem.x, problem.given_state, problem.dy, problem.dstate)


def gradient(cell: Cell, problem: Problem, kind: Any) -> Any:
    """In long double."""
    p, x, state, dy, dstate = map(exactly, (problem.params, problem.x, problem.given_state, problem.dy, problem.dstate))
    flow = information_flow(cell, p, x, state, dy, dstate)
    return omega_vjp(cell, p, x, state, flow, dy, dstate, kind)


def held(cell: Cell, problem: Problem, kind: str) -> Any:
    """Omega as a function of the parameters, with what ``kind`` holds constant kept at its value; over any numbers."""
    p0, x, state, dy = problem.params, problem.x, problem.given_state, problem.dy
    tape0 = unroll(cell, p0, x, state)[2]
    states0 = [tuple(s) for s in _states(cell, p0, x, state)]
    hbar0 = unroll_vjp(cell, p0, tape0, dy, problem.dstate).arrived

    def omega(p: Any) -> Any:
        if kind == "immediate":
            z = cell.drive(p, x)
            saved = [cell.step(p, z[t], states0[t])[1] for t in range(len(x))]
        else:
            saved = unroll(cell, p, x, state)[2].saved
        tape = unroll(cell, p, x, state)[2]
        hbar = unroll_vjp(cell, p, tape, dy, problem.dstate).arrived if kind == "exact" else hbar0
        total = 0.0 * sum(value.sum() for value in p.values())
        for kept, arrived in zip(saved, hbar, strict=True):
            q = cell.step_vjp(p, kept, arrived)[1]
            ratio = np.sqrt(sum((s * s).sum(axis=-1) for s in q) / sum((s * s).sum(axis=-1) for s in arrived))
            total = total + ((ratio - 1) * (ratio - 1)).sum()
        return total

    return omega


def _states(cell: Cell, p: Any, x: Any, state: Any) -> Any:
    z = cell.drive(p, x)
    for t in range(len(x)):
        yield state
        state, _ = cell.step(p, z[t], state)


def along(problem: Problem, seed: int) -> tuple[Any, Any, Any]:
    """All parameters as one vector, a direction, and the way back."""
    names, shapes = zip(*((name, value.shape) for name, value in problem.params.items()), strict=True)
    edges = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
    point = np.concatenate([value.ravel() for value in problem.params.values()])

    def unpack(flat: Any) -> Any:
        return {n: flat[a:b].reshape(s) for n, s, a, b in zip(names, shapes, edges[:-1], edges[1:], strict=True)}

    return point, np.random.default_rng(seed).standard_normal(point.size), unpack


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", CELLS, ids=named)
def test_each_gradient_is_that_of_omega_with_the_rest_held_constant(cell: Cell, kind: str) -> None:
    """C60: the cheap gradient is the exact one of Omega with hbar constant; along drawn directions, by two oracles."""

    @settings(max_examples=4)
    @given(recipes(), st.integers(0, 2**16))
    def check(recipe: Recipe, seed: int) -> None:
        problem = build(cell, recipe)
        point, v, unpack = along(problem, seed)
        g = gradient(cell, problem, kind)
        mine = np.concatenate([g.params[name].ravel() for name in problem.params]) @ v
        omega = held(cell, problem, kind)
        for oracle in (complex_step, finite_difference):
            estimate = oracle.derivative(lambda flat: omega(unpack(flat)), point, v)
            assert estimate.status == "ok", (oracle.NAME, estimate.reason)
            assert abs(mine - estimate.value) <= estimate.error, oracle.NAME

    check()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", [*CELLS, Clockwork(), Jordan(hidden=3), SharedGatesGRU()], ids=named)
def test_a_row_with_a_length_is_the_shorter_sequence_alone(cell: Cell, kind: Any) -> None:
    """Omega and its gradients are the sums over the rows by themselves; a row without steps has none."""
    problem, ends = build(cell, Recipe(T=4, B=3, I=2, H=3, seed=6)), [2, 0, 4]
    blocks = {**problem.params, "x": problem.x, **states_of(problem.given_state)}
    dy, dstate = problem.dy, problem.dstate

    def pairs(lift: Lift) -> Iterator[tuple[Any, Any]]:
        held = lift(blocks)
        p, x = {name: held[name] for name in problem.params}, held["x"]
        state = taken(held, "", len(cell.states))
        whole = information_flow(cell, p, x, state, dy, dstate, ends)
        g, omega, total = omega_vjp(cell, p, x, state, whole, dy, dstate, kind), 0.0, dict.fromkeys(p, 0.0)
        for b, n in enumerate(ends):
            one = slice(b, b + 1)
            alone = (cell, p, x[:n, one], tuple(s[one] for s in state))
            end = (dy[:n, one], tuple(d[one] for d in dstate))
            flow = information_flow(*alone, *end)
            own, omega = omega_vjp(*alone, flow, *end, kind), omega + flow.omega
            assert whole.counted[:, b].tolist() == [t < n for t in range(4)]
            yield g.x[:, one], np.concatenate([own.x, np.zeros((4 - n, 1, 2))])
            yield from ((d[one], right) for d, right in zip(g.state, own.state, strict=True))
            total = {name: total[name] + own.params[name] for name in p}
        yield whole.omega, omega
        yield from ((g.params[name], total[name]) for name in p)

    assert_same(pairs)


def longhand(a: Any, dy: Any, kind: str, hbar0: Any) -> Any:
    """Omega of a tanh network, one row, with explicit Jacobians, in autograd's NumPy."""
    h, slopes = a["h"], []
    for x in a["x"]:
        h = anp.tanh(anp.dot(a["U"], x) + anp.dot(a["W"], h) + a["b"])
        slopes.append(1 - h**2)
    hbar, omega = anp.zeros(len(dy[0])), 0.0
    for t in reversed(range(len(dy))):
        hbar = (hbar + dy[t]) if kind == "exact" else hbar0[t]
        q = anp.dot(hbar * slopes[t], a["W"])
        omega = omega + (anp.sqrt(anp.sum(q**2) / anp.sum(hbar**2)) - 1) ** 2
        hbar = q
    return omega


@settings(max_examples=10)
@given(st.integers(1, 5), st.integers(0, 2**16), st.sampled_from(sorted(REGIMES)), st.sampled_from(KINDS[:2]))
def test_every_entry_agrees_with_autograd_on_longhand(T: int, seed: int, regime: str, kind: str) -> None:
    """Of a tanh network's parameters, inputs and initial state, exact and cheap."""
    cell = Elman()
    problem = build(cell, Recipe(T=T, B=1, I=2, H=3, regime=regime, seed=seed, cotangent="y"))
    hbar0 = [s[0][0] for s in flow_of(cell, problem).hbar]
    arguments = {**problem.params, "x": problem.x[:, 0], "h": problem.given_state[0][0]}
    theirs = longhand_oracle.gradients(lambda a: longhand(a, problem.dy[:, 0], kind, hbar0), arguments)
    g = gradient(cell, problem, kind)
    longhand_oracle.assert_within(theirs, {**g.params, "x": g.x[:, 0], "h": g.state[0][0]})


@pytest.mark.parametrize("cell", CELLS, ids=named)
def test_c60_the_cheap_gradient_is_not_the_full_one(cell: Cell) -> None:
    """C60: over two steps and more the three gradients differ by far more than rounding."""
    problem = build(cell, Recipe(T=4, B=2, I=2, H=3, seed=4))
    W = [np.asarray(gradient(cell, problem, kind).params["W"], dtype=float) for kind in KINDS]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert np.linalg.norm(W[a] - W[b]) > 1e-3 * np.linalg.norm(W[0])


def test_over_one_step_nothing_of_hbar_depends_on_the_parameters() -> None:
    """With T = 1 and a loss that is linear in the state, the three gradients are one: hbar is the given cotangent."""
    problem = build(GRU(), Recipe(T=1, B=2, I=2, H=3, seed=4))
    exact, cheap, immediate = (gradient(GRU(), problem, kind) for kind in KINDS)
    for name in problem.params:
        # the sums of one step in the same order, once with zeros added
        np.testing.assert_allclose(np.asarray(cheap.params[name] - exact.params[name], dtype=float), 0, atol=1e-15)
        np.testing.assert_allclose(np.asarray(cheap.params[name] - immediate.params[name], dtype=float), 0, atol=1e-15)


def test_orthogonal_weights_and_linear_units_keep_every_length() -> None:
    """rho = 1 at every step of a linear network with orthogonal W, Omega = 0; with 2*W it is T*B."""
    cell, rng = Elman("identity"), np.random.default_rng(0)
    problem = build(cell, Recipe(T=6, B=2, I=2, H=4, cotangent="h_T"))
    Q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    for factor, omega in ((1.0, 0.0), (2.0, 12.0)):
        flow = flow_of(cell, problem, {**problem.params, "W": factor * Q})
        np.testing.assert_allclose(flow.ratios, factor, rtol=1e-14)  # six products of four terms each
        assert abs(flow.omega - omega) < 1e-12


def test_what_never_arrives_has_no_term() -> None:
    """Without cotangents Omega and its gradient are 0, and nothing is divided by 0; vanished ones keep their ratio."""
    cell = Elman("identity")
    problem = build(cell, Recipe(T=5, B=2, I=2, H=3))
    nothing = problem.with_(dy=0 * problem.dy, dstate=(0 * problem.dstate[0],))
    assert flow_of(cell, nothing).omega == 0
    assert not any(np.any(value) for value in gradient(cell, nothing, "exact").params.values())
    tiny = problem.with_(dy=0 * problem.dy, dstate=(problem.dstate[0] * 2.0**-700,))
    whole = problem.with_(dy=0 * problem.dy)
    assert np.array_equal(flow_of(cell, tiny).ratios, flow_of(cell, whole).ratios)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", CELLS, ids=named)
def test_numbers_that_carry_their_rounding_run_through(cell: Cell, kind: Any) -> None:
    """Their values are those in long double to the last bit, and float64 is off by no more than they allow."""
    problem = build(cell, Recipe(T=4, B=2, I=2, H=3, seed=5))
    long, plain = gradient(cell, problem, kind), run(cell, problem, lambda a: a, kind)
    carried = run(cell, problem, Rounding("float64", 12).lift, kind)
    assert set(carried.params) == set(long.params)
    for name, exact in {**long.params, "x": long.x}.items():
        ours, theirs = ({**g.params, "x": g.x}[name] for g in (carried, plain))
        assert np.array_equal(ours.value, exact)
        assert np.all(np.abs(theirs - exact) <= REACH * ours.spread())
        assert np.all(ours.spread() < 1e-9 * np.max(np.abs(exact)))


def run(cell: Cell, problem: Problem, lift: Any, kind: Any) -> Any:
    """The gradient of Omega with everything but the parameters in a number system."""
    state, dstate = (tuple(map(lift, s)) for s in (problem.given_state, problem.dstate))
    given, ends = (cell, problem.params, lift(problem.x), state), (lift(problem.dy), dstate)
    return omega_vjp(*given, information_flow(*given, *ends), *ends, kind)


def test_what_is_not_a_number_is_not_hidden() -> None:
    """A row whose gradient is NaN has the ratio NaN, and so has Omega."""
    problem = build(Elman(), Recipe(T=3, B=2, I=2, H=3))
    lost = problem.with_(dstate=(np.where([[True], [False]], np.nan, problem.dstate[0]),))
    flow = flow_of(Elman(), lost)
    assert np.array_equal(np.isnan(flow.ratios), np.tile([True, False], (3, 1)))
    assert np.isnan(flow.omega)


def test_no_steps_have_no_flow() -> None:
    """T = 0: Omega is 0, and so are all gradients, in their shapes."""
    problem = build(LSTM(), Recipe(T=0, B=2, I=2, H=3))
    flow = flow_of(LSTM(), problem)
    assert (flow.omega, flow.ratios.shape) == (0.0, (0, 2))
    g = gradient(LSTM(), problem, "exact")
    assert all(g.params[n].shape == v.shape and not np.any(g.params[n]) for n, v in problem.params.items())


@pytest.mark.parametrize("kind", ["cheap", "immediate"])
def test_the_oracle_of_the_exact_gradient_excludes_the_others(kind: str) -> None:
    """The sensitivity twin: leaving out a dependence is seen by far more than the oracle's error."""
    cell = Elman()
    problem = build(cell, Recipe(T=4, B=1, I=2, H=3, seed=1))
    point, v, unpack = along(problem, 1)
    omega = held(cell, problem, "exact")
    estimate = complex_step.derivative(lambda flat: omega(unpack(flat)), point, v)
    g = gradient(cell, problem, kind)
    mine = np.concatenate([g.params[name].ravel() for name in problem.params]) @ v
    assert abs(mine - estimate.value) > 1e6 * estimate.error


def test_an_unknown_kind_is_refused() -> None:
    """The message names the three."""
    with pytest.raises(ValueError, match="kind is 'full'; it must be exact, cheap or immediate"):
        gradient(Elman(), build(Elman(), Recipe(T=1)), "full")
