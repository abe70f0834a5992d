"""Balls hold the exact result of every operation, however wide their operands and however few their bits."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb

from ltdcheck.oracles import complex_step
from ltdcheck.reference import ops
from ltdcheck.reference.dual import Dual
from ltdcheck.reference.dual import lifted as dual
from ltdcheck.reference.numbers.balls import Balls, lifted, precision
from ltdcheck.reference.numbers.runs import Runs

C = np.arange(1.0, 7.0).reshape(2, 3) / 4

SMOOTH: dict[str, Any] = {
    "sum": lambda a: a + C + 1 - a * 2 + (C - a) + (1 - a) + np.float32(0.1) + np.longdouble(1) / 3,
    "product": lambda a: a * a * C * 3 * np.longdouble(0.1) * a.sum(axis=-1, keepdims=True),
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
    "divided": lambda a: ops.divided(a)[0] * ops.divided(a)[1],
    "slopes": lambda a: ops.tanh_slope(a) + ops.sigmoid_slope(a),
    "linear": lambda a: ops.concatenate([ops.linear(a, a) + ops.linear(C, a), ops.linear_adjoint(ops.linear(a, C), a)]),
    "affine": lambda a: ops.affine(a, C, ops.total(ops.stack([a[..., :2]]))),
    "total": lambda a: ops.total(ops.stack([a * a, a])) + ops.total(ops.stack([C, a])[..., :3]),
    "outer_total": lambda a: ops.outer_total(ops.stack([a, C + a]), ops.stack([a * a, a])),
    "concatenate": lambda a: ops.concatenate([a, a * a], axis=-2) * 2,
    "zeros": lambda a: ops.zeros_like(a) + a,
}
EVERY = {
    **SMOOTH,
    "relu": ops.relu,
    "positive": ops.positive,
    "absolute": ops.absolute,
    "held": lambda a: ops.held(a, -0.5, 1.0),
    "inside": lambda a: ops.inside(a, -0.5, 1.0),
}


def points(seed: int, scale: float) -> Any:
    """Six numbers that are no multiples of a power of two worth naming."""
    return np.random.default_rng(seed).standard_normal((2, 3)) * scale


def widened(a: Any, radius: float) -> Balls:
    """Balls around floats."""
    return lifted(a).each(lambda ball: arb(ball, radius))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("bits", [24, 53, 200])
def test_the_result_at_any_point_of_a_ball_is_in_the_ball_of_the_result(name: str, bits: int) -> None:
    """At points drawn inside, and at both ends, of balls from very narrow to wide enough to cross 0."""
    rng = np.random.default_rng(bits)
    for scale, radius in ((1.0, 0.0), (1.0, 2.0**-40), (4.0, 2.0**-8), (1.0, 0.75), (40.0, 1.0)):
        a = points(3, scale)
        with precision(bits):
            wide = EVERY[name](widened(a, radius))
        for share in (np.ones((2, 3)), -np.ones((2, 3)), rng.uniform(-1, 1, (2, 3))):
            with precision(1024):
                inner = EVERY[name](lifted(a) + share * radius)
            for whole, point in zip(wide.all.ravel(), inner.all.ravel(), strict=True):
                assert whole.overlaps(point), (scale, radius, whole, point)  # the point is known to 1e-300


@pytest.mark.parametrize("name", EVERY)
def test_an_operation_is_the_one_that_floats_do(name: str) -> None:
    """At 200 bits the balls are narrower than 1e-50, and long double is within its rounding of them."""
    for seed, scale in ((0, 0.1), (1, 1.0), (2, 10.0)):
        a = points(seed, scale)
        with precision(200):
            exact = EVERY[name](lifted(a))
        plain = np.asarray(EVERY[name](a.astype(np.longdouble)))
        assert exact.shape == plain.shape
        assert max(float(ball.rad()) for ball in exact.all.ravel()) < 1e-50
        middle = np.array([float(ball) for ball in exact.all.ravel()]).reshape(plain.shape)
        np.testing.assert_allclose(middle, plain.astype(float), rtol=1e-14, atol=1e-15 * max(1, scale**3))


def test_arithmetic_holds_the_rational_result() -> None:
    """Sums, products, quotients and products of matrices against fractions."""
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((2, 4, 3))
    A, B = (np.array([Fraction(v) for v in w.ravel()]).reshape(w.shape) for w in (a, b))
    with precision(30):
        pairs = [
            (lifted(a) + b, A + B),
            (a - lifted(b), A - B),
            (lifted(a) * lifted(b), A * B),
            (a / lifted(b), A / B),
            (ops.linear(lifted(a), b), A @ B.T),
            (ops.linear_adjoint(a, lifted(b.T)), A @ B.T),
            (ops.outer_total(lifted(a[None]), b[None]), A.T @ B),
            (a @ lifted(b.T), A @ B.T),
            (lifted(a[None]) @ lifted(np.stack([b.T, a.T])), np.stack([A @ B.T, A @ A.T])),
            (lifted(a).sum(axis=0), A.sum(axis=0)),
        ]
    for balls, exact in pairs:
        assert balls.shape == exact.shape
        for ball, value in zip(balls.all.ravel(), exact.ravel(), strict=True):
            assert holds(ball, value)
            assert not holds(ball, value + Fraction(1, 2**12))


def holds(ball: Any, value: Fraction) -> bool:
    """The ball of a quotient of integers, far more precise than the ball that is asked about, meets it."""
    with precision(2000):
        return bool(ball.overlaps(arb(value.numerator) / value.denominator))


def test_numbers_are_exact_balls() -> None:
    """Every digit of every type of number is kept, whatever the precision; what is no real number is refused."""
    third = np.longdouble(1) / 3
    with precision(10):
        for value in (0.1, np.float32(0.1), np.float16(0.1), third, 5e-324, 1.7e308, True, 2**53):
            ball = lifted(np.asarray(value)).all[()]
            assert ball.rad() == 0
            high = float(value)
            assert ball.contains(arb(high)) == (np.longdouble(high) == value)
    with precision(200):
        assert float(lifted(third).all[()] - float(third)) == float(third - np.longdouble(float(third)))
    assert lifted(lifted(C)).all is not None
    for other in (np.ones(2) * 1j, np.array(["a"])):
        with pytest.raises(TypeError, match="real numbers"):
            lifted(other)


def test_both_sides_of_a_kink() -> None:
    """A ball that holds 0 has the slopes 0 and 1, and the hull of both branches; 0 itself has the slope 0."""
    a = Balls(np.array([arb(0), arb(2, 1), arb(-2, 1), arb(0.25, 1)], dtype=object))
    slope, value = ops.positive(a).all, ops.relu(a).all
    assert [float(s) for s in slope[:3]] == [0, 1, 0]
    assert slope[3].contains(0)
    assert slope[3].contains(1)
    assert [float(v) for v in value[[0, 2]]] == [0, 0]
    assert value[1].contains(arb(2, 1))
    assert value[3].contains(0)
    assert value[3].contains(1.25)


def test_outside_the_domain_nothing_is_claimed() -> None:
    """A root or logarithm of a ball that reaches below 0, and division by one that holds 0, are not finite."""
    a = Balls(np.array([arb(0.5, 1)], dtype=object))
    for result in (ops.sqrt(a), ops.log(a), 1 / a):
        assert not result.all[0].is_finite()


def test_nothing_is_an_array_too() -> None:
    """Empty arrays, and sums over no entries, as NumPy has them."""
    none = lifted(np.zeros((0, 3)))
    assert ops.linear(none, C).shape == (0, 2)
    assert ops.linear(lifted(np.zeros((2, 0))), np.zeros((3, 0))).sum().all[()] == 0
    assert ops.total(lifted(np.zeros((0, 2, 3)))).shape == (3,)
    assert all(ball == 0 for ball in ops.total(lifted(np.zeros((0, 2, 3)))).all)
    assert ops.outer_total(lifted(np.zeros((0, 2, 3))), np.zeros((0, 2, 4))).shape == (3, 4)
    assert (lifted(np.zeros((0, 2, 3))) @ lifted(np.zeros((0, 3, 4)))).shape == (0, 2, 4)
    assert ops.softmax(none).shape == (0, 3)


@pytest.mark.parametrize("name", SMOOTH)
def test_dual_numbers_over_balls_hold_the_derivative(name: str) -> None:
    """The enclosure of the derivative is narrower than 1e-50 and meets the complex step's interval."""
    f = SMOOTH[name]
    for seed, scale in ((0, 0.5), (1, 2.0)):
        a, v = points(seed, scale), points(seed + 10, 1.0)
        with precision(200):
            moved = f(Dual(lifted(a), lifted(v))).dot
        estimate = complex_step.derivative(f, a, v)
        assert estimate.status == "ok", estimate.reason
        assert moved.shape == estimate.value.shape
        balls = zip(moved.all.ravel(), lifted(estimate.value).all.ravel(), estimate.error.ravel(), strict=True)
        assert all(ball.rad() < 1e-50 and ball.overlaps(arb(value, float(error))) for ball, value, error in balls)


@pytest.mark.parametrize("name", SMOOTH)
def test_many_directions_at_once(name: str) -> None:
    """A dual number whose derivative holds several runs of balls has each direction's own derivative."""
    a, several = points(0, 1.0), np.stack([points(k, 1.0) for k in (1, 2, 3)])
    with precision(106):
        together = SMOOTH[name](Dual(lifted(a), Runs(lifted(several)))).dot.all
        for k, v in enumerate(several):
            alone = SMOOTH[name](Dual(lifted(a), lifted(v))).dot
            for one, many in zip(alone.all.ravel(), together[k].all.ravel(), strict=True):
                assert one.overlaps(many)
                assert one.union(many).rad() < 1e-26


def test_a_constant_ball_has_no_derivative() -> None:
    """It is lifted to a dual number without a derivative, on either side of an operation."""
    held = dual(lifted(C))
    assert all(ball == 0 for ball in held.dot.all.ravel())
    moving = Dual(lifted(C), lifted(np.ones((2, 3))))
    for joined in (ops.concatenate([lifted(C), moving]), ops.stack([lifted(C), moving]), lifted(C) * moving):
        assert type(joined) is Dual
    assert type(ops.linear(lifted(C), moving)) is type(ops.linear(moving, lifted(C))) is Dual
    assert len(lifted(C)) == lifted(C).ndim == 2
