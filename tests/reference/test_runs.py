"""Many runs side by side give each run's own numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp
from ltdcheck.reference.numbers.runs import Runs
from ltdcheck.strategies.problems import Recipe, build

CELLS = [Elman(), Elman("relu"), LSTM(), LSTM(peepholes="previous"), LSTM(forget_offset=1.0), GRU(), GRU("after")]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.name} {cell.variant}".strip())
def test_forward_and_backward(cell: Cell) -> None:
    """Two problems at once, with W in common and everything else their own, equal two runs of one."""
    two = [build(cell, Recipe(T=3, B=2, I=2, H=3, seed=seed)) for seed in (1, 2)]
    W = two[0].params["W"]
    two = [problem.with_(params={**problem.params, "W": W}) for problem in two]

    def both(first: np.ndarray, second: np.ndarray) -> Runs:
        return Runs(np.stack([first, second]))

    params = {name: both(*(problem.params[name] for problem in two)) for name in two[0].params} | {"W": Runs(W[None])}
    state = tuple(both(*pair) for pair in zip(*(problem.given_state for problem in two), strict=True))
    y, final, tape = unroll(cell, params, both(two[0].x, two[1].x), state)
    dstate = tuple(both(*pair) for pair in zip(*(problem.dstate for problem in two), strict=True))
    g = unroll_vjp(cell, params, tape, both(two[0].dy, two[1].dy), dstate)
    for k, problem in enumerate(two):
        y_k, final_k, tape_k = unroll(cell, problem.params, problem.x, problem.given_state)
        g_k = unroll_vjp(cell, problem.params, tape_k, problem.dy, problem.dstate)
        pairs = [(y, y_k), (g.x, g_k.x), *((g.params[name], g_k.params[name]) for name in params)]
        for many, one in [*pairs, *zip(final, final_k, strict=True), *zip(g.state, g_k.state, strict=True)]:
            assert many.shape == one.shape
            assert np.allclose(many.all[k], one, rtol=1e-12, atol=1e-14)


def test_arithmetic_aligns_what_the_code_sees() -> None:
    """A vector of runs meets a matrix of runs, a plain array and a number as single arrays would."""
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 4)), rng.normal(size=(3, 2, 4)), rng.normal(size=(2, 4))
    for f in (
        lambda u, v: u + v,
        lambda u, v: v - u,
        lambda u, v: u * v,
        lambda u, v: v / u,
        lambda u, v: 1 - u + c * v,
        lambda u, v: c / u + 2 / v - c,
        lambda u, v: -(u[..., :2]) * v[..., :2],
    ):
        many = f(Runs(a), Runs(b))
        assert all(np.array_equal(many.all[k], f(a[k], b[k])) for k in range(3))


def test_vocabulary() -> None:
    """Functions of one array act on each run; joins take runs that agree, and plain arrays, along."""
    a = np.random.default_rng(0).normal(size=(3, 2, 4))
    functions = (
        ops.tanh,
        ops.sigmoid,
        ops.relu,
        ops.positive,
        ops.complement,
        ops.tanh_slope,
        ops.softmax,
        ops.log_softmax,
        lambda a: ops.held(a, -0.5, 0.75),
        lambda a: ops.inside(a, -0.5, 0.75),
    )
    for f in functions:
        assert np.array_equal(f(Runs(a)).all, np.stack([f(a[k]) for k in range(3)]))
    for first, second in itertools.product((Runs(a), Runs(a[:1])), (Runs(a), Runs(a[:1]))):
        joined = ops.concatenate([first, second])
        assert joined.shape == (2, 8)
        assert np.array_equal(joined.all[0], np.concatenate([a[0], a[0]], axis=-1))
    assert ops.stack([Runs(a), Runs(a[:1])]).shape == (2, 2, 4)
    assert not np.any(ops.zeros_like(Runs(a)).all)
