"""Central differences never claim more than they know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracles.draws import ANALYTIC, margin, truth

from ltdcheck.oracles.finite_difference import LADDER, derivative, slopes
from ltdcheck.oracles.pairing import every
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.strategies.problems import REGIMES, Recipe, build


def worst_margin(count: int, seed: int, longest: int) -> tuple[float, float]:
    """The largest distance from the truth over the stated error, in a few entries of each of ``count`` problems."""
    rng = np.random.default_rng(seed)
    worst, resolved = 0.0, 0
    for _ in range(count):
        cell = ANALYTIC[rng.integers(len(ANALYTIC))]
        T, B, I, H = rng.integers(0, longest + 1), 1, rng.integers(1, 4), rng.integers(1, 4)
        regime = str(rng.choice(list(REGIMES)))
        loss = str(rng.choice(["all", "y", "h_T"]))
        recipe = Recipe(int(T), B, int(I), int(H), regime, int(rng.integers(2**16)), cotangent=loss)
        problem = build(cell, recipe)
        entries = every(problem)
        chosen = [entries[k] for k in rng.choice(len(entries), min(4, len(entries)), replace=False)]
        right = truth(cell, problem)
        value, error = (np.array([right[b][k].reshape(-1)[n] for b, n in chosen]) for k in (0, 1))
        estimate = slopes(cell, problem, chosen)
        worst = max(worst, margin(estimate, value, error))
        resolved += int(np.sum(estimate.error < 1e-3 * np.abs(estimate.value)))
    return worst, resolved / (4 * count)


def test_the_error_covers_the_truth_from_contracting_to_chaotic() -> None:
    """In 200 drawn problems of every cell and regime; and it is small enough to be of use in most entries."""
    worst, resolved = worst_margin(200, seed=1, longest=8)
    assert worst <= 1
    assert resolved > 0.7


@pytest.mark.quality
def test_the_error_covers_the_truth_in_thousands_of_problems() -> None:
    """Also over long lags, where gradients vanish below the resolution or grow beyond the smallest step."""
    assert worst_margin(4000, seed=2, longest=8)[0] <= 1
    assert worst_margin(1000, seed=3, longest=60)[0] <= 1


def test_a_gradient_below_the_resolution_has_an_error_larger_than_itself() -> None:
    """Over 40 contracting steps the gradient is about 1e-30; differences see nothing, and say so."""
    cell = Elman()
    problem = build(cell, Recipe(T=40, B=1, I=1, H=2, regime="contracting", cotangent="h_T", seed=3))
    value, _ = truth(cell, problem)["state.0"]
    estimate = slopes(cell, problem, [("state.0", 0), ("state.0", 1)])
    assert np.all(np.abs(value) < 1e-20)
    assert np.all(estimate.error > 1e3 * np.abs(value.ravel()))


@pytest.mark.parametrize(
    ("f", "slope", "x"),
    [
        (np.tanh, lambda x: 1 - np.tanh(x) ** 2, 0.7),
        (np.exp, np.exp, 1.0),
        (lambda a: a**2, lambda x: 2 * x, 0.0),
        (lambda a: np.exp(50 * a), lambda x: 50 * np.exp(50 * x), 1.0),
        (lambda a: np.sin(1e6 * a), lambda x: 1e6 * np.cos(1e6 * x), 0.25),
        (lambda a: 1e10 + a**2, lambda x: 2 * x, 0.1),
        (lambda a: 1e-300 * a, lambda x: 1e-300, 2.0),
        (lambda a: np.float32(a) ** 2, lambda x: 2 * x, 0.7),
        (np.abs, np.sign, 1e-5),
        (lambda a: 0 * a, lambda x: 0.0, 1.0),
    ],
)
def test_plain_functions(f: Callable[..., Any], slope: Callable[..., Any], x: float) -> None:
    """Steep, flat, tiny, noisy, in low precision and beside a kink: the truth is within the error."""
    estimate = derivative(f, x, 1.0)
    assert estimate.status == "ok"
    assert abs(estimate.value - slope(x)) <= estimate.error


def test_a_direction_moves_all_entries() -> None:
    """The derivative of x'x along v is 2x'v."""
    x, v = np.array([1.0, -2.0, 0.5]), np.array([0.5, 1.0, 4.0])
    estimate = derivative(lambda a: np.sum(a * a), x, v)
    assert abs(estimate.value - 2 * x @ v) <= estimate.error < 1e-6


@pytest.mark.parametrize("f", [np.abs, lambda a: np.maximum(a, 0)])
def test_a_kink_is_not_given_the_mean_of_its_two_slopes_with_confidence(f: Callable[..., Any]) -> None:
    """At 0 both one-sided derivatives lie within the error."""
    estimate = derivative(f, 0.0, 1.0)
    assert estimate.error >= 1.0 or estimate.status == "unreliable"
    beside = derivative(lambda a: f(a) + np.tanh(a), np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    assert not beside.error[0] < 0.5


@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.sin(1e15 * a + 1.0),  # a scale below the smallest step
        np.sqrt,  # at 0: no derivative, NaN on one side
        lambda a: np.sign(a) * 1.0,  # a jump
    ],
)
def test_where_the_model_breaks_the_status_says_so(f: Callable[..., Any]) -> None:
    """Functions without a derivative at any of the steps are unreliable, or have an error beyond their size."""
    estimate = derivative(f, 0.0, 1.0)
    assert estimate.status == "unreliable" or not estimate.error < abs(estimate.value) + 1


def test_the_ladder_shows_off_a_fixed_step() -> None:
    """At one step of 1e-6 an exponential of rate 50 is off by 4e-10 of itself, more than the ladder's stated error."""
    right = 50 * np.exp(50.0)
    fixed = (np.exp(50 * (1 + 1e-6)) - np.exp(50 * (1 - 1e-6))) / 2e-6
    estimate = derivative(lambda a: np.exp(50 * a), 1.0, 1.0)
    assert abs(estimate.value - right) < abs(fixed - right)
    assert LADDER[0] > 1e-6 > LADDER[-1]
