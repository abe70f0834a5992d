"""Cells, problems and truths for the tests of oracles."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import numpy as np
from hypothesis import strategies as st

from ltdcheck.estimate import Estimate
from ltdcheck.oracles.rounding import expected
from ltdcheck.problem import Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.nonlinearities import Nonlinearity
from ltdcheck.strategies.problems import REGIMES, Recipe, build

CELLS = [
    *(Elman(name) for name in get_args(Nonlinearity)),
    *(LSTM(*v) for v in itertools.product(("tanh", "sigmoid"), ("none", "current", "previous"), (0.0, 1.0))),
    *(GRU(*v) for v in itertools.product(("before", "after"), ("keeps", "replaces"))),
]
ANALYTIC = [cell for cell in CELLS if cell != Elman("relu")]

# how much more precise than float64 the truth is; 1 where long double is no longer than double
FINER = float(np.finfo(np.longdouble).eps / np.finfo(float).eps)


def named(cell: Cell) -> str:
    """A test id."""
    return f"{cell.name}-{cell.variant}".replace(" ", "") if cell.variant else cell.name


def recipes(cell: Cell) -> st.SearchStrategy[Recipe]:
    """Sizes from 1 to 4, no steps to 8, in every regime and for every loss; every number is a multiple of 2**-12."""
    return st.builds(
        Recipe,
        T=st.integers(0, 8),
        B=st.integers(1, 2),
        I=st.integers(1, 4),
        H=st.integers(1, 4),
        regime=st.sampled_from(sorted(REGIMES)),
        seed=st.integers(0, 2**16),
        grain=st.sampled_from([3, 12]),
        cotangent=st.sampled_from(["all", "y", "h_T", "one step"]),
    )


def problem_of(cell: Cell, recipe: Recipe) -> Problem:
    """The problem, ragged or not; for relu, moved off every kink by construction."""
    problem = build(cell, recipe)
    return ragged(off_the_kinks(cell, problem) if cell == Elman("relu") else problem, recipe.seed)


def ragged(problem: Problem, seed: int) -> Problem:
    """For odd seeds each row has a length of its own, from no step to all of them."""
    T, B = problem.x.shape[:2]
    ends = np.random.default_rng(seed).integers(0, T + 1, B)
    return problem.with_(lengths=tuple(map(int, ends))) if seed % 2 else problem


def off_the_kinks(cell: Cell, problem: Problem) -> Problem:
    """Keep every pre-activation at least 1/32 away from 0.

    The last input reaches every unit with weight 1, so one number a step and row shifts all of them. Among -2/8 .. 2/8
    each unit rules out at most one shift, and there are at most 4 units.
    """
    p = {k: v.copy() for k, v in problem.params.items()}
    p["U"][:, -1] = 1.0
    x = problem.x.copy()
    h = problem.given_state[0]
    for t in range(len(x)):
        x[t, :, -1] = 0.0
        a = x[t] @ p["U"].T + h @ p["W"].T + p["b"]
        for row, shift in itertools.product(range(len(a)), (0.0, 0.125, -0.125, 0.25, -0.25)):
            if np.all(np.abs(a[row] + shift) >= 1 / 32):
                x[t, row, -1] = shift
        (h,), _ = cell.step(p, cell.drive(p, x[t]), (h,))
    return problem.with_(params=p, x=x)


def truth(cell: Cell, problem: Problem) -> dict[str, tuple[Any, Any]]:
    """The hand-derived gradients in long double, by block: value and remaining error."""
    names = {f"{s}_0": f"state.{k}" for k, s in enumerate(cell.states)}
    return {
        names.get(k, k): (np.asarray(e.value, dtype=np.longdouble), np.asarray(e.error, dtype=float) * FINER)
        for k, e in expected(cell, problem).gradients.items()
    }


def margin(estimate: Estimate, value: Any, error: Any) -> float:
    """The largest distance from the truth over the error that the oracle states."""
    if not estimate.value.size:
        return 0.0
    distance = np.maximum(np.abs(np.asarray(estimate.value - value, dtype=float)) - error, 0)
    return float(np.max(np.where(distance > 0, distance / estimate.error, 0.0)))
