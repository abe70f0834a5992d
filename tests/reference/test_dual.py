"""Dual numbers: each operation's derivative against oracles, and the whole reference through them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.draws import CELLS, named

from ltdcheck.oracles import complex_step, finite_difference
from ltdcheck.reference import ops
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.dual import Dual, dot_of, lifted, value_of
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp
from ltdcheck.strategies.problems import Recipe, build

EPS = float(np.finfo(float).eps)
C = np.arange(1.0, 7.0).reshape(2, 3) / 4

OPERATIONS: dict[str, Any] = {
    "sum": lambda a: a + C + 1 - a * 2 + (C - a) + (1 - a),
    "product": lambda a: a * a * C * 3,
    "quotient": lambda a: a / (a * a + C) + C / (a * a + 1) + a / 2 + 1 / (a * a + 2),
    "negative": lambda a: -a,
    "index": lambda a: a[..., 1:] * a[..., :2],
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "softmax": lambda a: ops.softmax(a) * C,
    "log_softmax": lambda a: ops.log_softmax(a) * C,
    "sqrt": lambda a: ops.sqrt(a * a + 1),
    "log": lambda a: ops.log(a * a + 1),
    "softplus": lambda a: ops.softplus(a[..., :1]),
    "complement": lambda a: ops.complement(a) * a,
    "slopes": lambda a: ops.tanh_slope(a) + ops.sigmoid_slope(a),
    "linear": lambda a: ops.concatenate([ops.linear(a, a) + ops.linear(C, a), ops.linear_adjoint(ops.linear(a, C), a)]),
    "total": lambda a: ops.total(ops.stack([a * a, a])) + ops.total(ops.stack([C, a])[..., :3]),
    "outer_total": lambda a: ops.outer_total(ops.stack([a, C + a]), ops.stack([a * a, a])),
    "concatenate": lambda a: ops.concatenate([a, a * a], axis=-2) * 2,
    "zeros": lambda a: ops.zeros_like(a) + a,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operations_derivative_agrees_with_two_oracles(name: str) -> None:
    """Along drawn directions at drawn points."""
    f = OPERATIONS[name]

    @settings(max_examples=10)
    @given(st.integers(0, 2**16), st.sampled_from([0.1, 1.0, 4.0]))
    def check(seed: int, scale: float) -> None:
        rng = np.random.default_rng(seed)
        a, v = rng.standard_normal((2, 3)) * scale, rng.standard_normal((2, 3))
        exact = [np.asarray(w, dtype=np.longdouble) for w in (a, v)]
        moved = f(Dual(*exact))
        # the same operations on the same numbers, written in another order where a sum has a dual number on the right
        np.testing.assert_allclose(value_of(f(Dual(a, v))), f(a), rtol=64 * EPS, atol=64 * EPS * scale**3)
        own = 64 * np.finfo(np.longdouble).eps * (1 + scale**3)  # 1 - h*h has an absolute error, in any precision
        for oracle in (complex_step, finite_difference):
            estimate = oracle.derivative(f, a, v)
            assert estimate.status == "ok", estimate.reason
            assert np.all(np.abs(moved.dot - estimate.value) <= estimate.error + own), oracle.NAME

    check()


def test_relu_moves_where_it_is_positive() -> None:
    """Its derivative at the kink is 0, and the derivative of its slope 0 everywhere."""
    a = Dual(np.array([-1.0, 0.0, 2.0]), np.ones(3))
    assert np.array_equal(ops.relu(a).dot, [0, 0, 1])
    assert np.array_equal(ops.positive(a).value, [0, 0, 1])
    assert not np.any(ops.positive(a).dot)


def test_what_is_held_moves_inside() -> None:
    """Its derivative is 0 from either end on, and that of being inside 0 everywhere."""
    a = Dual(np.array([-1.0, 0.0, 0.5, 1.0, 2.0]), np.ones(5))
    assert np.array_equal(ops.held(a, 0.0, 1.0).value, [0, 0, 0.5, 1, 1])
    assert np.array_equal(ops.held(a, 0.0, 1.0).dot, [0, 0, 1, 0, 0])
    assert np.array_equal(ops.inside(a, 0.0, 1.0).value, [0, 0, 1, 0, 0])
    assert not np.any(ops.inside(a, 0.0, 1.0).dot)


def test_constants_do_not_move() -> None:
    """A plain number lifted has the derivative 0, and lifting twice is lifting once."""
    a = lifted(np.ones(2))
    assert not np.any(a.dot)
    assert lifted(a) is a
    assert not np.any(dot_of(np.ones(2)))
    assert len(a) == 2
    assert a.reshape(1, 2).shape == (1, 2)


@pytest.mark.parametrize("cell", CELLS, ids=named)
def test_forward_over_the_fold_is_the_transpose_of_bptt(cell: Any) -> None:
    """The adjoint identity: d.(J@v) = (J'@d).v, over parameters, inputs and initial state, in every variant."""
    problem = build(cell, Recipe(T=4, B=2, I=3, H=3, seed=7))
    rng = np.random.default_rng(0)
    arguments = [problem.params, problem.x, problem.given_state]
    p_dot = {name: rng.standard_normal(value.shape) for name, value in problem.params.items()}
    x_dot, s_dot = rng.standard_normal(problem.x.shape), [rng.standard_normal(s.shape) for s in problem.given_state]
    y, final, _ = unroll(
        cell,
        {name: Dual(value, p_dot[name]) for name, value in problem.params.items()},
        Dual(problem.x, x_dot),
        tuple(map(Dual, problem.given_state, s_dot)),
    )
    forward = [y.dot * problem.dy, *(s.dot * d for s, d in zip(final, problem.dstate, strict=True))]
    g = unroll_vjp(cell, problem.params, unroll(cell, *arguments)[2], problem.dy, problem.dstate)  # type: ignore[arg-type]
    backward = [g.x * x_dot, *(a * b for a, b in zip(g.state, s_dot, strict=True))]
    backward += [g.params[name] * value for name, value in p_dot.items()]
    size = sum(float(np.sum(np.abs(part))) for part in (*forward, *backward))
    # four steps of well-conditioned operations; the sums' own rounding is below that of their terms
    assert abs(sum(map(np.sum, forward)) - sum(map(np.sum, backward))) <= 1e3 * EPS * size
    assert size > 1


def test_no_steps_run() -> None:
    """T = 0 gives no outputs and the initial state, still as dual numbers."""
    problem = build(Elman(), Recipe(T=0, B=2, I=2, H=3))
    y, (h,), _ = unroll(Elman(), problem.params, lifted(problem.x), (Dual(problem.given_state[0], np.ones((2, 3))),))
    assert y.shape == (0, 2, 3)
    assert np.all(h.dot == 1)
