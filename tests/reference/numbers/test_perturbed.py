"""Numbers that carry rounding errors: exact values, exact propagation, and spreads that real roundings obey."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltdcheck.problem import Problem
from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp
from ltdcheck.reference.nonlinearities import NONLINEARITIES
from ltdcheck.reference.numbers.perturbed import REACH, Perturbed, Rounding
from ltdcheck.reference.variants import variants
from ltdcheck.strategies.problems import problems

COMMON = [c for f in ("elman", "lstm", "gru") for c in variants(f)]
SMOOTH = [c for c in COMMON if not any(word in c.variant for word in ("relu", "softsign", "hard", "clip"))]
K = 5


def blocks(cell: Cell, problem: Problem, lift: Callable[[Any], Any], dtype: Any) -> dict[str, Any]:
    """Every output and gradient, in the number system that ``lift`` lifts to."""
    params = {name: value.astype(dtype) for name, value in problem.params.items()}
    y, final, tape = unroll(cell, params, lift(problem.x), tuple(lift(s) for s in problem.given_state))
    g = unroll_vjp(cell, params, tape, lift(problem.dy), tuple(lift(d) for d in problem.dstate))
    ends = {f"{s}_T": v for s, v in zip(cell.states, final, strict=True)}
    return {"y": y, **ends, **{f"{s}_0": v for s, v in zip(cell.states, g.state, strict=True)}, "x": g.x, **g.params}


def silent(samples: int = K) -> Rounding:
    """A rounding that rounds nothing: what is left is propagation."""
    rounding = Rounding("float64", samples)
    rounding.unit = rounding.smallest = 0.0
    return rounding


def perturbed(value: Any, deviations: Any, rounding: Rounding) -> Perturbed:
    """A number with deviations of our own."""
    return Perturbed(np.asarray(value, dtype=np.longdouble), np.asarray(deviations, dtype=float), rounding)


@pytest.mark.parametrize("cell", COMMON, ids=lambda c: f"{c.name} {c.variant}")
def test_the_value_is_that_of_a_run_in_long_double(cell: Cell) -> None:
    """To the last bit: deviations are kept apart from it."""

    @settings(max_examples=5)
    @given(problems(cell, max_T=6, max_size=4, precisions=("float64",)))
    def check(problem: Problem) -> None:
        long = blocks(cell, problem, lambda a: a.astype(np.longdouble), np.longdouble)
        for name, carried in blocks(cell, problem, Rounding("float64", 3).lift, np.longdouble).items():
            value = carried.value if isinstance(carried, Perturbed) else carried
            assert value.dtype == np.longdouble
            assert np.array_equal(value, long[name]), name

    check()


@pytest.mark.parametrize("cell", SMOOTH, ids=lambda c: f"{c.name} {c.variant}")
def test_deviations_are_those_of_explicit_runs(cell: Cell) -> None:
    """Inputs and states that are off by 1e-3 put every output and gradient off by what K runs on them say.

    Both are exact but for rounding; the largest deviation of a block bounds what its second digit group may lose.
    """

    @settings(max_examples=5)
    @given(problems(cell, max_T=5, max_size=4, precisions=("float64",)), st.integers(0, 2**16))
    def check(problem: Problem, seed: int) -> None:
        rng, rounding = np.random.default_rng(seed), silent()
        given_: dict[int, Any] = {}

        def lift(a: Any) -> Perturbed:
            given_[id(a)] = 1e-3 * rng.standard_normal((K, *a.shape))
            return perturbed(a, given_[id(a)], rounding)

        problem = problem.with_(state=problem.given_state)
        carried = blocks(cell, problem, lift, np.longdouble)
        base = blocks(cell, problem, lambda a: a.astype(np.longdouble), np.longdouble)
        for k in range(K):
            run = blocks(cell, problem, lambda a, k=k: a + given_[id(a)][k].astype(np.longdouble), np.longdouble)
            for name, number in carried.items():
                explicit = (run[name] - base[name]).astype(float)
                scale = np.abs(explicit).max(initial=0.0) + 1e-3 * np.abs(base[name]).max(initial=0.0)
                assert np.abs(number.deviations[k] - explicit).max(initial=0.0) <= 1e-11 * scale, name

    check()


UNARY = ("tanh", "sigmoid", "complement", "tanh_slope")


@pytest.mark.parametrize("name", [*UNARY, "relu", "positive"])
def test_a_function_is_propagated_without_cancellation(name: str) -> None:
    """Deviations of 1e-3 and of 1e-13, in saturation and around zero: eight digits of the difference are right.

    In long double the difference itself has 19 - 13 digits in the worst case, relative to the value's.
    """
    a = np.array([-30.0, -3.0, -0.5, -1e-3, 0.25, 2.0, 19.0])
    for size in (1e-3, 1e-13):
        d = size * np.linspace(-1, 1, 4)[:, None] * np.linspace(0.5, 1, a.size)
        function = getattr(ops, name)
        got = function(perturbed(a, d, silent(4)))
        if name in ("relu", "positive") and size == 1e-3:
            a, d = a[np.abs(a) > REACH * size], d[:, np.abs(a) > REACH * size]
            got = function(perturbed(a, d, silent(4)))
        exact = np.asarray(a, dtype=np.longdouble)
        explicit = (function(exact + d) - function(exact)).astype(float)
        noise = 4 * float(np.finfo(np.longdouble).eps) * np.maximum(np.abs(function(exact)), 1)
        assert np.all(np.abs(got.deviations - explicit) <= 1e-8 * np.abs(explicit) + noise)


def test_a_small_difference_in_saturation_is_not_lost() -> None:
    """tanh of 20 off by 1e-3 is off by 1.7e-20, which no difference of float64 numbers shows."""
    got = ops.tanh(perturbed([20.0], [[1e-3]], silent(1))).deviations
    assert got[0, 0] == pytest.approx(4 * np.exp(-40) * (1 - np.exp(-2e-3)) / 2, rel=1e-12)


# -- what is added at each operation ---------------------------------------------------------------------------------

U = 2.0**-53


@pytest.mark.parametrize(
    ("operation", "amount"),
    [
        (lambda a, b: a + b, lambda v: U * abs(v)),
        (lambda a, b: a * b, lambda v: U * abs(v)),
        (lambda a, b: a - 3.0, lambda v: U * abs(v)),
        (lambda a, b: ops.tanh(a), lambda v: U * (abs(v) + 1)),
        (lambda a, b: ops.sigmoid(a), lambda v: U * (abs(v) + 1)),
        (lambda a, b: ops.complement(a), lambda v: U * (abs(v) + 1)),
        (lambda a, b: ops.tanh_slope(a), lambda v: U * (abs(v) + 1)),
    ],
)
def test_a_result_is_off_by_its_rounding(operation: Any, amount: Any) -> None:
    """Up to the amount of the model, and by nearly all of it in some of 400 samples."""
    rounding = Rounding("float64", 400)
    a, b = rounding.lift(np.array([0.75, -2.5])), rounding.lift(np.array([3.0, 1e-3]))
    got = operation(a, b)
    ratio = np.abs(got.deviations) / (amount(got.low) + rounding.smallest)
    assert np.all(ratio.max(axis=0) <= 1)
    assert np.all(ratio.max(axis=0) > 0.98)


def test_what_is_exact_stays_exact() -> None:
    """Signs, parts, shapes and maxima round nothing."""
    a = Rounding("float64", 3).lift(np.array([[1.5, -2.0]]))
    for same in (
        -a,
        a[..., :1],
        a.reshape(2, 1),
        ops.relu(a),
        ops.positive(a),
        ops.concatenate([a, a]),
        ops.stack([a]),
    ):
        assert same.deviations is None
        assert not same.spread().any()


@pytest.mark.parametrize("n", [1, 3, 100, 3000])
@pytest.mark.parametrize("cancel", [True, False])
def test_a_sum_of_products_is_off_as_real_sums_are(n: int, *, cancel: bool) -> None:
    """In float32, forwards, backwards, pairwise and through BLAS: within 8 spreads, and not far below one.

    Over 200 sums the root mean square of the real errors is between a hundredth of the spread and the spread itself:
    the model allows for the worst order, and BLAS uses a better one.
    """
    rng = np.random.default_rng(n)
    x = rng.standard_normal((200, n)) if cancel else rng.uniform(0.5, 1, (200, n))
    w = rng.standard_normal((1, n)) if cancel else rng.uniform(0.5, 1, (1, n))
    x, w = x.astype(np.float32).astype(float), w.astype(np.float32).astype(float)
    number = ops.linear(Rounding("float32", 100).lift(x), w)
    products = (x.astype(np.float32) * w.astype(np.float32)).astype(np.float32)
    single = x.astype(np.float32) @ w.astype(np.float32).T
    forwards = np.cumsum(products, axis=1, dtype=np.float32)[:, -1:]
    backwards = np.cumsum(products[:, ::-1], axis=1, dtype=np.float32)[:, -1:]
    pairwise = products.sum(axis=1, keepdims=True, dtype=np.float32)
    for real in (single, forwards, backwards, pairwise):
        ratio = (real - number.value) / number.spread()
        assert np.abs(ratio).max() < 8
        assert n == 1 or 0.01 < np.sqrt(np.mean(ratio**2)) < 1.5


# -- kinks -----------------------------------------------------------------------------------------------------------


def kinked(value: float, spread: float, samples: int = 12) -> tuple[Perturbed, Perturbed]:
    """relu, and its slope from its value, of a number whose deviations alternate between plus and minus the spread."""
    rounding = silent(samples)
    rounding.smallest = 1e-305  # by which a closed unit opens
    a = perturbed([value], spread * np.resize([1.0, -1.0], samples)[:, None], rounding)
    h = ops.relu(a)
    return h, ops.positive(h)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("away", [0.5, 3.0, 0.9 * REACH])
def test_within_reach_of_a_kink_both_slopes_are_possible(away: float, side: int) -> None:
    """A slope is open while a right implementation may have the other one, however few samples there are."""
    _, slope = kinked(side * away, 1.0)
    assert slope.value[0] == (side > 0)
    flipped = slope.deviations[:, 0] != 0
    assert np.all(slope.deviations[flipped, 0] == -side)
    assert 1 <= flipped.sum() < 12
    assert REACH * slope.spread()[0] > 1  # the bound lets either pass


@pytest.mark.parametrize("side", [-1, 1])
def test_beyond_reach_of_a_kink_the_slope_is_certain(side: int) -> None:
    """And relu is the identity, or nothing."""
    h, slope = kinked(side * 1.1 * REACH, 1.0)
    assert not slope.deviations.any()
    assert h.spread()[0] == (side > 0)


@pytest.mark.parametrize("away", [0.0, 0.5, 3.0])
def test_the_value_of_relu_is_hardly_touched_at_a_kink(away: float) -> None:
    """Its deviations are those of ``max(a + d, 0)``: they do not jump."""
    for value in (away, -away):
        h, _ = kinked(value, 1.0)
        d = np.resize([1.0, -1.0], 12)
        assert h.deviations[:, 0] == pytest.approx(np.maximum(value + d, 0) - max(value, 0.0), abs=1e-300)


@pytest.mark.parametrize("top", [False, True])
@pytest.mark.parametrize(("away", "certain"), [(0.9 * REACH, False), (1.1 * REACH, True)])
@pytest.mark.parametrize("side", [-1, 1])
def test_either_end_of_what_is_held_is_a_kink(side: int, away: float, certain: bool, top: bool) -> None:  # noqa: FBT001
    """Within reach of an end, on either side of it, both slopes are possible, from the value too; beyond it one is."""
    rounding, unit = silent(12), 2.0**-30
    rounding.smallest = 1e-305
    end = 1.0 if top else -0.5
    d = unit * np.resize([1.0, -1.0], 12)[:, None]
    a = perturbed([end + side * away * unit], d, rounding)
    h = ops.held(a, -0.5, 1.0)
    shut = (side > 0) == top
    assert h.value[0] == (end if shut else a.value[0])
    moved = np.clip(a.low + d, -0.5, 1.0) - np.clip(a.low, -0.5, 1.0)
    assert h.deviations == pytest.approx(moved, abs=2.0**-52)
    for number in (a, h):
        slope = ops.inside(number, -0.5, 1.0)
        assert slope.value[0] == (not shut)
        assert bool(slope.deviations.any()) != certain
        assert set(np.unique(slope.low + slope.deviations)) <= {0.0, 1.0}


@pytest.mark.parametrize(("v", "precision"), [(0.3, "float32"), (0.3, "float64"), (0.5, "float32")])
def test_a_limit_is_rounded_where_the_format_does_not_hold_it(v: float, precision: str) -> None:
    """Once, at both ends alike; what lies between the ends is not touched."""
    rounding = Rounding(precision, 12)
    h = ops.held(rounding.lift(np.array([2.0, -2.0, 0.125])), -v, v)
    assert np.array_equal(h.value, [v, -v, 0.125])
    exact = float(np.dtype(precision).type(v)) == v
    assert [bool(s) for s in h.spread()] == [not exact, not exact, False]
    if not exact:
        assert np.array_equal(h.deviations[:, 0], -h.deviations[:, 1])
        assert abs(np.float64(np.float32(v)) - v) <= rounding.reach * h.spread()[0]


def test_a_shut_gate_is_certain() -> None:
    """A number far above is held at 1 exactly in every implementation, and its complement is the rounding of 1 - 1."""
    a = Rounding("float64", 12).lift(np.array([3.0, -3.0])) * 1.1
    h = ops.held(a, 0.0, 1.0)
    assert np.array_equal(h.value, [1, 0])
    assert not h.deviations.any()
    assert not ops.inside(h, 0.0, 1.0).spread().any()


def test_an_exact_zero_is_closed() -> None:
    """What is given as 0 is 0 in every implementation, and the slope there is 0."""
    zero = Rounding("float64", 4).lift(np.zeros(2))
    assert not ops.positive(ops.relu(zero)).spread().any()
    assert NONLINEARITIES["relu"][0](np.zeros(1)) == 0


# -- the ends of the range -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [np.inf, -np.inf, np.nan])
def test_behind_an_overflow_relu_knows_nothing(lost: float) -> None:
    """A target's infinities cancel to a NaN, which a unit that is shut passes on."""
    a = perturbed([-1e39, 1e39, -1.0], np.array([[lost, lost, 0.0]] * K), Rounding("float32", K))
    with np.errstate(invalid="ignore"):
        assert np.array_equal(np.isnan(ops.relu(a).spread()), [True, True, False])
        assert np.array_equal(np.isnan(ops.held(a, 0.0, 1.0).spread()), [True, True, False])


def test_spreads_of_tiny_numbers_do_not_underflow() -> None:
    """At 1e-300, whose square is 0, a product still has a relative spread of about a unit."""
    rounding = Rounding("float64", 50)
    rounding.smallest = 0.0
    a = rounding.lift(np.full((3, 2, 4), 1e-290))
    for number in (ops.linear(a, np.full((5, 4), 1e-5)), ops.outer_total(a * 1e-5, a * 1e290), ops.total(a * 1e-5)):
        relative = number.spread() / number.low
        assert np.all(relative > 2.0**-54)
        assert np.all(relative < 64 * 2.0**-53)


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (-2, -1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_sums_along_axes_are_those_of_the_parts(axis: Any, *, keepdims: bool) -> None:
    """Of the value, and of every deviation, in the shape that NumPy gives."""
    rng, rounding = np.random.default_rng(0), silent()
    value, deviations = rng.standard_normal((2, 3, 4)), rng.standard_normal((K, 2, 3, 4))
    got = perturbed(value, deviations, rounding).sum(axis=axis, keepdims=keepdims)
    assert np.array_equal(got.value, value.astype(np.longdouble).sum(axis=axis, keepdims=keepdims))
    for k, deviation in enumerate(deviations):
        wanted = deviation.sum(axis=axis, keepdims=keepdims)
        assert got.deviations[k].shape == wanted.shape
        # two orders of at most 24 terms, half a machine epsilon of their absolute sum each (Higham 4.4)
        assert np.all(np.abs(got.deviations[k] - wanted) <= 24 * 2.0**-52 * np.abs(deviation).sum())


def test_sums_of_small_times_large_numbers_stay_in_range() -> None:
    """Gradients that fall from 1e200 to 1e-200 against states that grow alike: every product is 1."""
    rounding = Rounding("float64", 50)
    grown = 10.0 ** np.linspace(-200, 200, 9).reshape(9, 1, 1)
    got = ops.outer_total(rounding.lift(1 / grown), rounding.lift(grown))
    assert float(got.value[0, 0]) == pytest.approx(9)
    assert 2.0**-53 < got.spread()[0, 0] < 64 * 2.0**-53
    mixed = ops.outer_total(rounding.lift(np.array([[[0.0]], [[1e-200]]])), rounding.lift(np.ones((2, 1, 1))))
    assert 2.0**-54 < mixed.spread()[0, 0] / 1e-200 < 8 * 2.0**-53


def test_flushed_subnormals_are_allowed() -> None:
    """A product of 1e-40 in float32 may come out as 0: its spread is of the size of the smallest normal number."""
    a = Rounding("float32", 50).lift(np.array([1e-20]))
    tiny = float(np.finfo(np.float32).tiny)
    assert 0.3 * tiny < (a * a).spread()[0] < tiny
    assert REACH * (a * a).spread()[0] > 1e-40


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_what_overflows_has_no_bound(precision: str) -> None:
    """A result, or a partial sum, beyond the largest number of the precision, where the value is still finite."""
    large = float(np.finfo(precision).max) / 4
    a = Rounding(precision, 4).lift(np.array([[large, large, large, -large, -large, -large]]))
    with np.errstate(all="ignore"):
        assert not np.isfinite((a[..., :1] * 8.0).spread()).any()
        assert np.isfinite((a[..., :1] * 2.0).spread()).all()
        cancelling = ops.linear(a, np.ones((1, 6)))
        assert cancelling.value[0, 0] == 0
        assert not np.isfinite(cancelling.spread()).any()


def test_samples_are_independent_between_operations() -> None:
    """Two operations draw different roundings; two runs of the same seed draw the same."""
    one, other = Rounding("float64", 200), Rounding("float64", 200)
    a, b = one.lift(np.ones(3)), other.lift(np.ones(3))
    first, second, again = a * 3.0, a * 3.0, b * 3.0
    assert np.array_equal(first.deviations, again.deviations)
    assert abs(np.corrcoef(first.deviations.ravel(), second.deviations.ravel())[0, 1]) < 0.2


def test_every_cell_runs_on_them() -> None:
    """All families, forward and, where there is one, backward, with finite spreads."""
    for family, cell_type in CELLS.items():
        cell = cell_type()
        rng = np.random.default_rng(3)
        params = {n: rng.standard_normal(s) / 2 for n, s in cell.shapes(3, 4).items()}
        rounding = Rounding("float64", 3)
        state = tuple(rounding.lift(rng.standard_normal((2, 4))) for _ in cell.states)
        y, _, tape = unroll(cell, params, rounding.lift(rng.standard_normal((3, 2, 3))), state)
        assert np.isfinite(y.spread()).all(), family
        if cell.differentiable:
            g = unroll_vjp(cell, params, tape, rounding.lift(np.ones((3, 2, 4))), state)
            assert np.isfinite(g.x.spread()).all(), family
