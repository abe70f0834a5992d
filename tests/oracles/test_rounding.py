"""Expected values and bounds: right implementations are inside, an error of twice the bound is outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltdcheck.estimate import Estimate
from ltdcheck.faults.fault import Network
from ltdcheck.oracles import tape
from ltdcheck.oracles.rounding import FACTOR, LARGE, SAMPLES, Expected, expected
from ltdcheck.problem import PRECISIONS, Array, Problem
from ltdcheck.properties.compare import ratios
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import CELLS, GRU, LSTM
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.networks.unroll import run
from ltdcheck.reference.numbers.perturbed.rounding import reach
from ltdcheck.strategies.problems import Recipe, build, problems

COMMON: list[Cell] = [Elman(), Elman("relu"), LSTM(), LSTM(peepholes="current"), GRU(), GRU("after")]
each_cell = pytest.mark.parametrize("cell", COMMON, ids=lambda c: f"{c.name} {c.variant}")


def all_of(it: Expected) -> dict[str, Estimate]:
    """Outputs and gradients by name."""
    return {**it.outputs, **it.gradients}


def answers(cell: Cell, problem: Problem) -> dict[str, Array]:
    """What the reference answers in the precision of the problem."""
    out = Network(cell).run(problem)
    ends = {f"{s}_T": v for s, v in zip(cell.states, out.state, strict=True)}
    starts = {f"{s}_0": v for s, v in zip(cell.states, out.dstate or (), strict=True)}
    assert out.dx is not None
    return {"y": out.y, **ends, "x": out.dx, **starts, **(out.dparams or {})}


def reordered(cell: Cell, problem: Problem, rng: np.random.Generator) -> tuple[Problem, dict[str, Any]]:
    """The problem with inputs, units and rows in another order, so that all sums are; and the orders."""
    sizes = problem.sizes
    orders = {axis: rng.permutation(sizes[axis]) for axis in "BIH"}
    rows = np.concatenate([g * sizes["H"] + orders["H"] for g in range(8)])
    params = {}
    for name, value in problem.params.items():
        mixed = value[rows[: len(value)]]
        params[name] = mixed[:, orders["I" if name == "U" else "H"]] if value.ndim == 2 else mixed
    states = lambda s: tuple(a[orders["B"]][:, orders["H"]] for a in s)  # noqa: E731
    changed = problem.with_(
        params=params,
        x=problem.x[:, orders["B"]][:, :, orders["I"]],
        dy=problem.dy[:, orders["B"]][:, :, orders["H"]],
        state=states(problem.given_state),
        dstate=states(problem.dstate),
    )
    return changed, {**orders, "rows": rows}


def restored(name: str, array: Array, orders: Mapping[str, Any]) -> Array:
    """An answer to the reordered problem in the order of the original."""
    back = {axis: np.argsort(order) for axis, order in orders.items() if axis != "rows"}
    if name in ("x", "y"):
        return array[:, back["B"]][:, :, back["I" if name == "x" else "H"]]
    if name.endswith(("_T", "_0")):
        return array[back["B"]][:, back["H"]]
    array = array[np.argsort(orders["rows"][: len(array)])]
    return array[:, back["I" if name == "U" else "H"]] if array.ndim == 2 else array


@pytest.mark.parametrize("precision", PRECISIONS)
@each_cell
def test_sums_in_any_order_are_inside(cell: Cell, precision: str) -> None:
    """Real computations in the precision, with inputs, units and rows permuted, never leave the bound."""

    @settings(max_examples=20)
    @given(problems(cell, max_T=12, max_size=6, precisions=(precision,)), st.integers(0, 2**16))
    def check(problem: Problem, seed: int) -> None:
        wanted = expected(cell, problem)
        other, orders = reordered(cell, problem, np.random.default_rng(seed))
        for name in all_of(wanted).keys() - set(wanted.hidden):
            estimate = all_of(wanted)[name]
            for got in (answers(cell, problem)[name], restored(name, answers(cell, other)[name], orders)):
                assert got.dtype == precision
                assert np.all(ratios(got, estimate) <= 0.5), name

    check()


@pytest.mark.parametrize("precision", PRECISIONS)
@each_cell
def test_an_error_of_twice_the_bound_is_outside(cell: Cell, precision: str) -> None:
    """In any entry, and one of half the bound is inside; what is 0 because a unit is shut must be 0."""
    problem = build(cell, Recipe(precision=precision))
    for name, estimate in all_of(expected(cell, problem)).items():
        exact = estimate.error == 0
        assert not np.any(estimate.value[exact])
        assert not np.any(exact) or "relu" in cell.variant
        for share in (2, -2):
            off = share * np.where(exact, 1e-300, estimate.error)
            assert np.all(ratios(np.asarray(estimate.value + off), estimate) > 1.9), name
            assert np.all(ratios(np.asarray(estimate.value + off / 4), estimate)[~exact] < 0.6), name


@each_cell
def test_the_value_is_the_derivative(cell: Cell) -> None:
    """It agrees with autograd's gradients of the same step, within both errors."""
    problem = build(cell, Recipe(T=4, seed=5))
    theirs = tape.gradients(cell, problem)
    ours = expected(cell, problem).gradients
    names = {"x": "x", **{f"{s}_0": f"state.{k}" for k, s in enumerate(cell.states)}}
    for name, estimate in ours.items():
        assert not np.any(estimate.excludes(theirs[names.get(name, name)])), name


@each_cell
def test_what_arrives_at_every_step(cell: Cell) -> None:
    """``arrived`` is the cotangent of the state after each step, its own loss included."""
    problem = build(cell, Recipe())
    _, _, g = run(cell, problem)
    seen = expected(cell, problem).arrived
    for k, name in enumerate(cell.states):
        assert np.allclose(seen[name], np.stack([step[k] for step in g.arrived]), rtol=1e-10, atol=0)


def chaotic(T: int, precision: str = "float64") -> Problem:
    """16 units with weights 4 times their usual size, hardly driven: a small difference grows on and on."""
    problem = build(Elman(), Recipe(T=T, H=16, regime="expanding", seed=3, precision=precision))
    weak = {"U": problem.params["U"] / 64, "W": problem.params["W"], "b": problem.params["b"] / 64}
    return problem.with_(params=weak)


def last_step(problem: Problem) -> float:
    """The relative bound of a typical output of the last step."""
    y = expected(Elman(), problem).outputs["y"]
    return float(np.median(np.asarray(y.error[-1]) / np.abs(np.asarray(y.value[-1], dtype=float))))


def test_the_bound_grows_with_the_conditioning() -> None:
    """Chaos costs digits with every step; contraction costs none, however long."""
    contracting = [last_step(build(Elman(), Recipe(T=T, H=16, regime="contracting"))) for T in (5, 40)]
    assert max(contracting) < 1e-13
    assert last_step(chaotic(5)) < 1e-12
    assert last_step(chaotic(40)) > 1000 * last_step(chaotic(5))


def test_zeros_are_exact() -> None:
    """Where no loss looks every gradient is 0 and must be: but for flushed numbers the bound is 0 too."""
    problem = build(LSTM(), Recipe())
    silent = problem.with_(dy=0 * problem.dy, dstate=tuple(0 * d for d in problem.dstate))
    wanted = expected(LSTM(), silent)
    assert not wanted.hidden
    for estimate in wanted.gradients.values():
        assert not np.any(estimate.value)
        assert np.all(estimate.error < 1e-300)


@each_cell
def test_without_steps_nothing_is_rounded(cell: Cell) -> None:
    """The final state is the initial one, its gradient the final cotangent, all exactly; parameters have none."""
    problem = build(cell, Recipe(T=0))
    wanted = expected(cell, problem)
    assert wanted.outputs["y"].value.shape == (0, 3, 6)
    for k, name in enumerate(cell.states):
        assert np.array_equal(wanted.outputs[f"{name}_T"].value, problem.given_state[k])
        assert np.array_equal(wanted.gradients[f"{name}_0"].value, problem.dstate[k])
    assert not any(np.any(estimate.error) for estimate in all_of(wanted).values())
    assert not any(np.any(wanted.gradients[name].value) for name in problem.params)


def test_outputs_alone() -> None:
    """Without a backward pass there are no gradients, and the outputs are the same."""
    problem = build(GRU(), Recipe())
    alone = expected(GRU(), problem, backward=False)
    assert alone.gradients == {}
    assert np.array_equal(alone.outputs["y"].value, expected(GRU(), problem).outputs["y"].value)


def test_the_same_problem_has_the_same_bounds() -> None:
    """Samples are drawn from a fixed seed."""
    problem = build(GRU(), Recipe())
    one, other = expected(GRU(), problem), expected(GRU(), problem)
    assert all(np.array_equal(one.gradients[n].error, other.gradients[n].error) for n in one.gradients)


def test_a_large_problem_has_half_the_samples() -> None:
    """Its bounds are still those of a small one, entry by entry, within the noise of a dozen samples."""
    recipe = Recipe(T=2, B=2, I=3, H=130)
    problem = build(LSTM(), recipe)
    assert problem.params["W"].size > LARGE
    few, many = (
        np.asarray(expected(LSTM(), problem, samples=2 * n).gradients["x"].error) / reach(n)
        for n in (SAMPLES // 2, 4 * SAMPLES)
    )
    assert 0.9 < np.median(few / many) < 1.1
    assert few.min() > 0


# -- beyond the precision --------------------------------------------------------------------------------------------


def test_chaos_is_beyond_single_precision() -> None:
    """Over 60 steps rounding decides the answer in float32, and not in float64."""
    assert expected(Elman(), chaotic(60, "float32")).beyond_precision
    assert not expected(Elman(), chaotic(60)).hidden


def test_a_gradient_that_underflows_is_judged_where_it_is_zero() -> None:
    """A gradient of 1e-60 is 0 in float32, and a number that float32 holds is wrong; in float64 it has its digits."""
    problem = build(Elman(), Recipe(T=60, regime="contracting", cotangent="h_T"))
    tiny = problem.with_(params={**problem.params, "W": problem.params["W"] / 4})
    single, double = (expected(Elman(), tiny.with_(precision=p)).gradients["h_0"] for p in ("float32", "float64"))
    assert single.status == double.status == "ok"
    zeros = np.zeros(single.value.shape, dtype=np.float32)
    assert np.all(ratios(zeros, single) < 1e-12)
    assert np.all(ratios(zeros + np.float32(1e-34), single) > 10)
    assert np.all(ratios(zeros, double) > 1e9)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_overflow_is_beyond_the_precision(precision: str) -> None:
    """A linear network that grows past the largest number has no answer there."""
    grow = {"float32": 40, "float64": 320}[precision]
    params = {"U": np.eye(2), "W": np.eye(2) * 10, "b": np.zeros(2)}
    ones = np.ones((1, 2))
    problem = Problem(params, np.zeros((grow, 1, 2)), (ones,), np.zeros((grow, 1, 2)), (ones,), precision)
    wanted = expected(Elman("identity"), problem)
    assert set(wanted.hidden) == {"h_T", "x", "h_0", "U", "W", "b"}
    assert np.all(np.isfinite(wanted.outputs["y"].error[: 9 * grow // 10]))  # of y the first steps
    assert np.all(np.isinf(wanted.outputs["y"].error[-1]))
    short = problem.with_(x=problem.x[: grow // 2], dy=problem.dy[: grow // 2])
    assert not expected(Elman("identity"), short).hidden


def test_a_problem_is_beyond_the_precision_when_every_block_is() -> None:
    """One that can be judged is judged."""
    value = np.ones(2)
    good, lost = Estimate(value, value / 8), Estimate(value, value, "unreliable")
    assert Expected({"y": lost}, {"U": lost}, {}).beyond_precision
    assert Expected({"y": lost}, {"U": lost}, {}).hidden == ("y", "U")
    assert Expected({"y": good}, {"U": lost}, {}).hidden == ("U",)
    assert not Expected({"y": good}, {"U": lost}, {}).beyond_precision
    assert not Expected({}, {}, {}).beyond_precision
    assert FACTOR == 64


@pytest.mark.parametrize(("I", "H"), [(0, 2), (2, 0), (0, 0)])
@pytest.mark.parametrize("name", ["elman", "lstm", "gru"])
def test_sizes_of_zero_have_answers(name: str, I: int, H: int) -> None:
    """Of no inputs, of no units, and of neither: the values are the reference's, and nothing is refused."""
    cell = CELLS[name]()
    problem = build(cell, Recipe(T=3, B=2, I=I, H=H, seed=1))
    y, _, gradients = run(cell, problem)
    right = expected(cell, problem)
    assert right.outputs["y"].value.shape == y.shape
    for block, gradient in gradients.params.items():
        assert np.all(np.abs(right.gradients[block].value - gradient) <= right.gradients[block].error)
