"""Gradients that balls prove, and the Hessians that follow."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from gradcheck.gradients import CASES, dense, dense_gradient

from ltdcheck import check_gradient
from ltdcheck.gradcheck.numpy_function import NumPyFunction
from ltdcheck.gradcheck.proved import enclosed
from ltdcheck.gradcheck.slopes import COMPLEX_STEP, Slopes

W = np.random.default_rng(0).normal(size=(4, 4))
X = np.random.default_rng(1).normal(size=4)
CONSTANTS = (0.3, 0.1)
LAWS = {
    "tanh": lambda x: np.sum(np.tanh(W @ x) ** 2),
    "softmax": lambda x: -np.log(np.exp(x - np.max(x))[2] / np.sum(np.exp(x - np.max(x)))),
    "choices": lambda x: np.max(x) + np.sum(np.where(x > 0, x * x, -x)) + np.sum(np.clip(np.abs(x), 0.1, 0.6)),
    "sorted": lambda x: np.sort(x) @ np.arange(4.0),
    "norm and spread": lambda x: np.linalg.norm(x) + np.std(x) + np.prod(x),
    "powers": lambda x: np.sum(np.abs(x) ** 2.5 + 2.0**x + 1 / x + x**-3),
    "outputs": lambda x: np.outer(x, np.sin(x)),
    "elementary": lambda x: np.sum(
        np.arctan(x) + np.arcsinh(x) + np.log1p(x * x) + np.expm1(x) + np.cosh(x) + np.cbrt(x) + np.tan(x / 9)
    ),
}


@pytest.mark.parametrize("name", LAWS)
def test_balls_hold_what_the_complex_step_gives(name: str) -> None:
    """Two oracles that share no code: every entry within the rounding of the complex step; enclosed to float64."""
    function = NumPyFunction(LAWS[name], X)
    proof = enclosed(function)
    assert proof is not None
    assert np.all(proof.error <= np.maximum(2.0**-53 * np.abs(proof.value), 1e-300))
    steps = Slopes(function, COMPLEX_STEP) if name not in ("sorted", "norm and spread") else Slopes(function, "d")
    for k, v in enumerate(np.eye(4)):
        slope = steps.along(v)
        error = np.abs(slope.values[0] - proof.value[:, k].astype(float))
        assert np.all(error <= slope.error + 64 * 2.0**-53 * np.max(np.abs(proof.value)))


def test_the_enclosure_holds_the_derivative_to_many_digits() -> None:
    """After thirty steps of a contracting network, where float64 has lost the last ones: against decimal arithmetic."""
    x_0, (a, b) = 0.7, CONSTANTS
    f = lambda x: np.sum([x := np.tanh(a * x + b) for _ in range(30)][-1])  # noqa: E731
    proof = enclosed(NumPyFunction(f, np.array([x_0])))
    assert proof is not None
    with localcontext(prec=60):
        x, rate, shift = (Decimal(a) for a in (x_0, *CONSTANTS))  # exactly as float64 holds them
        slope = Decimal(1)
        for _ in range(30):
            e = (2 * (rate * x + shift)).exp()
            x = (e - 1) / (e + 1)
            slope *= rate * (1 - x * x)
        high = float(proof.value[0, 0])
        gap = abs(slope - Decimal(high) - Decimal(float(proof.value[0, 0] - np.longdouble(high))))
        assert gap <= Decimal(proof.error[0, 0])
        assert Decimal(proof.error[0, 0]) < slope * Decimal("1e-18")


@pytest.mark.parametrize(
    "f",
    [
        lambda x: float(np.sum(x)),
        lambda x: np.sum(np.abs(x - x[0])) + np.abs(x[0] - X[0]),
        lambda x: np.linalg.solve(W, x)[0],
        lambda x: np.sum(np.ones(3)),
        lambda x: np.sum(np.sqrt(x * 0)),
        lambda x: np.sum([np.sum(np.tanh(W @ x)) for _ in range(2000)]),
    ],
    ids=["leaves", "kink", "no objects", "constant", "not finite", "too long"],
)
def test_what_balls_do_not_tell_is_left_to_others(f: Any) -> None:
    """Floats, kinks, code for floats alone, and long computations have no proof."""
    assert enclosed(NumPyFunction(f, X)) is None


@pytest.mark.parametrize(
    ("f", "x", "gradient"),
    [
        (lambda x: np.sum(np.sqrt(x)), np.array([1e-300, 1.0]), lambda x: 0.5 / np.sqrt(x)),
        (lambda x: np.sum(np.log(x)), np.array([1e-30, 1e-300, 1.0]), lambda x: 1 / x),
        (lambda x: np.sum(np.sin(x)), X * 1e-300, np.cos),
        (lambda x: np.sum(x * 1e300), X * 1e-300, lambda x: 1e300 + 0 * x),
        (lambda x: 1e300 * np.sum(np.sin(x)), X, lambda x: 1e300 * np.cos(x)),
        (lambda x: 1e-300 * np.sum(np.sin(x)), X, lambda x: 1e-300 * np.cos(x)),
        (lambda x: np.sum(np.maximum(x, 0)), np.array([1e-9, -1e-9, 1.0]), lambda x: (x > 0) * 1.0),
    ],
    ids=["sqrt", "log", "small x", "steep", "large", "small", "next to a kink"],
)
def test_tiny_and_huge_numbers(f: Any, x: Any, gradient: Any) -> None:
    """The right gradient is right, and proved where that is asked for; one that is off by 1e-6 is wrong."""
    for prove in (False, True):
        report = check_gradient(f, x, gradient, prove=prove)
        assert report.ok is True, str(report)
    assert "proved" in str(report)
    assert check_gradient(f, x, lambda x: gradient(x) * (1 + 1e-6)).ok is False


def hessian(x: Any) -> Any:
    """Of the table's dense layer."""
    from gradcheck.gradients import A

    h = np.tanh(A @ x)
    return A.T @ np.diag((2 - 6 * h * h) * (1 - h * h)) @ A


@pytest.mark.parametrize("as_array", [False, True])
def test_a_hessian(as_array: bool) -> None:  # noqa: FBT001
    """Right and off by 1e-9 in one entry, as an array and as a function; given, it asks for the second order."""
    x = CASES["dense"].x
    off = np.ones((6, 6))
    off[2, 3] += 1e-9
    for factor, verdict in ((1.0, True), (off, False)):
        given = factor * hessian(x) if as_array else lambda x, factor=factor: factor * hessian(x)
        report = check_gradient(dense, x, dense_gradient, hessian=given)
        assert report.ok is verdict, str(report)
        assert len(report.blocks) == 2


def test_a_gradient_that_is_right_at_one_point_alone() -> None:
    """Its derivative is not symmetric, so it is no gradient of anything."""
    x = CASES["dense"].x
    right = check_gradient(dense, x, dense_gradient, order=2)
    assert right.ok is True, str(right)
    wrong = check_gradient(dense, x, lambda y: dense_gradient(x) + np.triu(np.ones((6, 6))) @ (y - x), order=2)
    assert wrong.ok is False
    assert "symmetry" in str(wrong)
