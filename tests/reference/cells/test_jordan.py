"""Claim C53, and what targets and coins mean."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.cells.two_oracles import catches

from ltdcheck.oracles.rounding import expected
from ltdcheck.problem import Problem
from ltdcheck.reference.cells.jordan import Forced, Jordan, coins, forced_input
from ltdcheck.reference.networks.unroll import run, unroll, unroll_vjp
from ltdcheck.reference.ops import for_rows
from ltdcheck.strategies.problems import Recipe, build, problems

SIZES = st.tuples(st.integers(0, 5), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4))  # T, B, I, O


def _case(T: Any, B: Any, I: Any, O: Any, seed: Any, teacher: Any) -> Any:
    """Parameters, the input with targets and coins, its parts, and the initial output."""
    rng = np.random.default_rng(seed)
    p = build(Jordan(hidden=5), Recipe(I=I, H=O, seed=seed)).params
    x, y, first = (rng.standard_normal(shape) for shape in ((T, B, I), (T, B, O), (B, O)))
    k = coins(rng, T, B, teacher)
    return p, forced_input(x, y, k, first), (x, y, k, first), (rng.standard_normal((B, O)),)


@given(SIZES, st.integers(0, 999))
def test_teacher_forcing_decouples_the_steps(sizes: Any, seed: Any) -> None:
    """No gradient crosses a step: a loss on o_t reaches the input of step t, and nothing before; not o_0."""
    (T, B, I, O), cell = sizes, Forced(hidden=5)
    p, joined, _, state = _case(*sizes, seed, 1.0)
    o, _, tape = unroll(cell, p, joined, state)
    p = {name: for_rows(value) for name, value in p.items()}  # as unroll lays them out: the same bits
    for t in range(T):
        dy = np.zeros_like(o)
        dy[t] = 1.0
        g = unroll_vjp(cell, p, tape, dy, (np.zeros((B, O)),))
        assert np.all(g.x[np.arange(T) != t] == 0)
        assert g.x[t, :, :I].any()
        assert not g.state[0].any()
        assert np.array_equal(cell.step(p, cell.drive(p, joined)[t], (7 * state[0],))[0][0], o[t])


@given(SIZES.filter(lambda sizes: sizes[0] >= 2), st.integers(0, 999))
def test_without_a_teacher_the_steps_are_coupled(sizes: Any, seed: Any) -> None:
    """The twin: with coins that are all 0 a loss on the last output reaches every input and o_0."""
    T, B, _, O = sizes
    p, joined, (x, *_), state = _case(*sizes, seed, 0.0)
    p = {name: value * 0.5 for name, value in p.items()}
    o, _, tape = unroll(Forced(hidden=5), p, joined, state)
    g = unroll_vjp(Forced(hidden=5), p, tape, np.zeros_like(o), (np.ones((B, O)),))
    assert all(g.x[t, :, : x.shape[2]].any() for t in range(T))
    assert g.state[0].any()


@given(SIZES, st.integers(0, 999))
def test_coins_that_are_0_leave_the_network_by_itself(sizes: Any, seed: Any) -> None:
    """Outputs bit for bit, whatever the targets; gradients to the rounding of their sums."""
    _, B, I, O = sizes
    p, joined, (x, *_), state = _case(*sizes, seed, 0.0)
    o, final, tape = unroll(Forced(hidden=5), p, joined, state)
    own, end, own_tape = unroll(Jordan(hidden=5), p, x, state)
    assert np.array_equal(o, own)
    assert np.array_equal(final[0], end[0])
    d = (np.ones((B, O)),)
    g, own_g = unroll_vjp(Forced(hidden=5), p, tape, o, d), unroll_vjp(Jordan(hidden=5), p, own_tape, o, d)
    assert np.array_equal(g.x[..., :I], own_g.x)
    bounds = expected(Jordan(hidden=5), Problem(p, x, state, o, d)).gradients
    assert all(np.all(np.abs(g.params[name] - own_g.params[name]) <= bounds[name].error) for name in p)


@given(SIZES, st.integers(0, 999), st.floats(0, 1))
def test_scheduled_sampling_feeds_the_target_of_the_step_before_or_the_own_output(
    sizes: Any, seed: Any, teacher: Any
) -> None:
    """Written out step by step and row by row."""
    T, B, _, _ = sizes
    p, joined, (x, y, k, first), (o,) = _case(*sizes, seed, teacher)
    got = unroll(Forced(hidden=5), p, joined, (o,))[0]
    assert set(np.unique(k)) <= {0.0, 1.0}
    for t in range(T):
        before = y[t - 1] if t else first
        fed = np.array([before[row] if k[t, row] else o[row] for row in range(B)])
        o = np.tanh(x[t] @ p["U"].T + p["b"] + fed @ p["W"].T) @ p["V"].T + p["c"]
        assert np.allclose(got[t], o, rtol=0, atol=1e-13 * (1 + np.abs(o).max()))


@given(st.data())
def test_the_only_memory_is_the_output(data: Any) -> None:
    """Two histories with the same output go on alike: the second half depends on the first through o alone."""
    cell = Jordan(hidden=4)
    problem = data.draw(problems(cell, min_T=2))
    o, final, _ = unroll(cell, problem.params, problem.x, problem.given_state)
    cut = len(o) // 2
    later, end, _ = unroll(cell, problem.params, problem.x[cut:], (o[cut - 1],))
    assert np.array_equal(later, o[cut:])
    assert np.array_equal(end[0], final[0])


def test_coins_follow_a_schedule() -> None:
    """Of 1000 rows: all at 1, none at 0, and about half at 1/2: 5 standard deviations of a binomial are 79."""
    k = coins(np.random.default_rng(0), 3, 1000, np.array([1.0, 0.5, 0.0]))
    assert k[0].all()
    assert not k[2].any()
    assert abs(k[1].sum() - 500) < 79


@pytest.mark.parametrize("teacher", [-0.1, 1.1, float("nan")])
def test_odds_that_are_none_are_refused(teacher: Any) -> None:
    """Naming the argument."""
    with pytest.raises(ValueError, match=r"teacher = .* is not allowed: a probability"):
        coins(np.random.default_rng(0), 2, 2, teacher)


@pytest.mark.parametrize(
    ("name", "y", "k", "first"),
    [("y", (3, 2, 4), (2, 2), None), ("k", (2, 2, 4), (2, 3), None), ("first", (2, 2, 4), (2, 2), (2, 3))],
)
def test_targets_that_do_not_fit_are_refused(name: Any, y: Any, k: Any, first: Any) -> None:
    """For an input of two steps and two rows."""
    with pytest.raises(ValueError, match=rf"{name} of shape .* is not allowed"):
        forced_input(np.zeros((2, 2, 1)), np.zeros(y), np.zeros(k), None if first is None else np.zeros(first))


def test_an_input_too_narrow_for_targets_is_refused() -> None:
    """Four outputs and a coin are five columns."""
    with pytest.raises(ValueError, match=r"I = 4 is not allowed: 4 targets and a coin are 5 columns"):
        Forced().shapes(4, 4)
    with pytest.raises(ValueError, match="hidden = -1 is not allowed"):
        Jordan(hidden=-1)


def test_targets_are_one_step_late() -> None:
    """The first step sees ``first`` or zeros, and the last target is seen by no step."""
    y = np.arange(6.0).reshape(3, 1, 2)
    columns = forced_input(np.zeros((3, 1, 0)), y, np.ones((3, 1)))
    assert np.array_equal(columns[:, 0], [[0, 0, 1], [0, 1, 1], [2, 3, 1]])
    assert forced_input(np.zeros((0, 1, 2)), y[:0], np.ones((0, 1))).shape == (0, 1, 5)


class WithoutCarry(Jordan):
    """The output's gradient is not carried back."""

    def step_vjp(self, p: Any, saved: Any, dstate: Any) -> Any:
        dz, (do,), shares = super().step_vjp(p, saved, dstate)
        return dz, (0 * do,), shares


class CarriesForced(Forced):
    """The gradient crosses a step that a teacher decoupled."""

    def step_vjp(self, p: Any, saved: Any, dstate: Any) -> Any:
        _, inner, _, k = saved
        dz, (do,), shares = super().step_vjp(p, saved, dstate)
        return dz, (do + super(Forced, self).step_vjp(p, inner, dstate)[1][0] * k,), shares


def test_wrong_adjoints_are_excluded() -> None:
    """The oracles differentiate the step and see both."""
    catches(Jordan(), WithoutCarry(), Recipe(T=3, B=2, I=2, H=3))
    catches(Forced(), CarriesForced(), Recipe(T=3, B=2, I=5, H=3))


class ForcedByThisStep(Forced):
    """The teacher gives the target of this step: what STGAT#6 did."""

    def drive(self, p: Any, x: Any) -> Any:
        late = np.concatenate([x[1:], x[-1:]])
        return super().drive(
            p, np.concatenate([x[..., : p["U"].shape[1]], late[..., p["U"].shape[1] : -1], x[..., -1:]], -1)
        )


def test_a_teacher_that_is_off_by_one_is_seen_by_causality() -> None:
    """The right network's output at t does not move with the target of t; the wrong one's does."""
    problem = build(Forced(), Recipe(T=3, B=2, I=5, H=3))
    moved = problem.x.copy()
    moved[2, :, 2:5] += 1.0  # the target of step 2, which step 3 may see
    right, wrong = (
        [unroll(cell, problem.params, x, problem.given_state)[0][1] for x in (problem.x, moved)]
        for cell in (Forced(), ForcedByThisStep())
    )
    assert np.array_equal(*right)
    assert not np.array_equal(*wrong)


def test_without_steps_the_state_is_what_was_given() -> None:
    """T = 0, for both classes."""
    for cell in (Jordan(), Forced()):
        problem = build(cell, Recipe(T=0, I=9, H=3))
        o, final, g = run(cell, problem)
        assert o.shape == (0, 3, 3)
        assert np.array_equal(final[0], problem.given_state[0])
        assert np.array_equal(g.state[0], problem.dstate[0])
