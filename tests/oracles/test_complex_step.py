"""Complex step is exact to rounding where it applies, and refuses where it does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ltdcheck.errors import NotAnalyticError
from ltdcheck.oracles import complex_step
from ltdcheck.oracles.analytic import Analytic, analytic
from ltdcheck.oracles.complex_step import STEP, derivative
from ltdcheck.reference import ops
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.strategies.problems import Recipe, build


def gathered(a: Any) -> Any:
    """Assignment into a float array drops the imaginary part."""
    out = np.zeros(2)
    out[:] = a
    return out


REFUSED = {
    "absolute": np.abs,
    "abs": abs,
    "greater": lambda a: a if a[0] > 0 else -a,
    "less": lambda a: np.where(a < 0, a, 0),
    "equal": lambda a: a * (a == 1),
    "maximum": lambda a: np.maximum(a, 0),
    "minimum": lambda a: np.minimum(a, 0),
    "sign": lambda a: a * np.sign(a),
    "heaviside": lambda a: ops.positive(a) * a,
    "clip": lambda a: np.clip(a, 0, 1),
    "real": lambda a: a.real,
    "imag": lambda a: a.imag,
    "real of an entry": lambda a: a[0].real,
    "real, as a function": np.real,
    "angle": np.angle,
    "conjugate": np.conj,
    "conj": lambda a: a.conj(),
    "sort": np.sort,
    "sort, in place": lambda a: a.sort(),
    "argmax": lambda a: a[a.argmax()],
    "max": lambda a: a.max(),
    "any": lambda a: a * a.any(),
    "sorted": sorted,
    "norm": np.linalg.norm,
    "median": np.median,
    "float": lambda a: float(a[0]),
    "int": lambda a: int(a[0]),
    "bool": lambda a: a if a[0] else -a,
    "math": lambda a: math.tanh(a[0]),
    "astype": lambda a: a.astype(float),
    "item": lambda a: a[0].item(),
    "tolist": lambda a: np.array(a.tolist()),
    "view": lambda a: a.view(float),
    "where": lambda a: np.where(a, a, 1),
    "flat": lambda a: next(a.flat) * a,
    "assignment to a float array": gathered,
    "entries that left": lambda a: abs(a[0]) * a,
    "an array that left": lambda a: np.asarray(a) * a,
    "a result that left": np.asarray,
    "floor": np.floor,
    "fractional power": lambda a: a ** np.array([0.5, 1.5]),
    "logarithm of a negative number": lambda a: np.log(-a),
    "root of a negative number": lambda a: np.sqrt(-a),
    "root of zero": lambda a: np.sqrt(0 * a),
    "vdot": lambda a: np.vdot(a, a),
}


@pytest.mark.parametrize("f", REFUSED.values(), ids=REFUSED)
def test_what_is_not_analytic_is_refused(f: Callable[..., Any]) -> None:
    """Each of these runs on complex numbers, or casts them, and would return a wrong derivative or none."""
    estimate = derivative(f, np.array([0.7, 0.3]), np.array([1.0, 2.0]))
    assert estimate.status == "inapplicable"
    assert "not analytic" in estimate.reason or "imaginary part" in estimate.reason
    assert np.all(np.isnan(estimate.value))


@pytest.mark.parametrize(("name", "f"), [("absolute", np.abs), ("maximum", ops.relu), ("norm", np.linalg.norm)])
def test_the_refusal_names_the_operation(name: str, f: Callable[..., Any]) -> None:
    """Used directly, an Analytic array raises, and says what it met."""
    with pytest.raises(NotAnalyticError, match=name):
        f(analytic(np.ones(3), STEP))


x = np.array([0.7, -1.3, 2.0])
v = np.array([1.0, 0.5, -2.0])
ALLOWED = {
    "tanh": (np.tanh, lambda: v / np.cosh(x) ** 2),
    "sigmoid": (ops.sigmoid, lambda: v * 0.25 / np.cosh(x / 2) ** 2),
    "exp": (np.exp, lambda: v * np.exp(x)),
    "log": (lambda a: np.log(a * a), lambda: 2 * v / x),
    "log1p": (lambda a: np.log1p(a * a), lambda: 2 * x * v / (1 + x * x)),
    "sqrt": (lambda a: np.sqrt(a * a + 1), lambda: x * v / np.sqrt(x * x + 1)),
    "power": (lambda a: a**3, lambda: 3 * x**2 * v),
    "no power": (lambda a: a**0, lambda: 0 * x),
    "quotient": (lambda a: 1 / (2 + a * a), lambda: -2 * x * v / (2 + x * x) ** 2),
    "sum": (np.sum, lambda: np.sum(v)),
    "mean": (lambda a: a.mean(), lambda: np.mean(v)),
    "product": (lambda a: a.prod(), lambda: np.prod(x) * np.sum(v / x)),
    "dot": (lambda a: a.dot(a), lambda: 2 * x @ v),
    "matmul": (lambda a: a @ a, lambda: 2 * x @ v),
    "einsum": (lambda a: np.einsum("i,i", a, a), lambda: 2 * x @ v),
    "entries": (lambda a: sum(entry * entry for entry in a), lambda: 2 * x @ v),
    "concatenate": (lambda a: np.concatenate([a, np.ones(1)]), lambda: np.append(v, 0.0)),
    "stack": (lambda a: np.stack([a, 2 * a]), lambda: np.stack([v, 2 * v])),
    "where, by a constant": (lambda a: np.where(x > 0, a, 0), lambda: np.where(x > 0, v, 0)),
    "softmax": (ops.softmax, lambda: ops.softmax(x) * (v - ops.softmax(x) @ v)),
    "log_softmax": (ops.log_softmax, lambda: v - ops.softmax(x) @ v),
    "trigonometry": (lambda a: np.sin(a) * np.cos(a), lambda: v * np.cos(2 * x)),
    "accumulate": (np.cumsum, lambda: np.cumsum(v)),
}


@pytest.mark.parametrize(("f", "slope"), ALLOWED.values(), ids=ALLOWED)
def test_analytic_functions_are_differentiated_to_rounding(f: Callable[..., Any], slope: Callable[..., Any]) -> None:
    """The closed form is within the stated error, which is a few hundred units in the last place at most."""
    estimate = derivative(f, x, v)
    right = slope()
    assert estimate.status == "ok", estimate.reason
    assert estimate.value.shape == right.shape
    assert np.all(np.abs(estimate.value - right) <= estimate.error + 4e-16 * np.abs(right))
    assert np.all(estimate.error <= 1e-12)


@pytest.mark.parametrize("a", [0.0, 1e-300, 1e-8, 5.0, 19.0, 25.0, 100.0, 200.0, 400.0, 1e4, 1e300])
def test_tanh_is_accurate_from_linear_to_saturated(a: float) -> None:
    """Also where ``1 - tanh**2`` has lost all digits; where the slope underflows the error says so."""
    estimate = derivative(np.tanh, a, 1.0)
    e = math.exp(-2 * min(a, 300.0))
    right = 4 * e / (1 + e) ** 2
    assert estimate.status == "ok"
    assert abs(estimate.value - right) <= estimate.error
    assert estimate.error <= 1e-14 * right + 1e-180


def test_a_relu_network_is_inapplicable() -> None:
    """The reason names what relu is made of."""
    problem = build(Elman("relu"), Recipe(T=2, B=1, I=1, H=2))
    for estimate in complex_step.gradients(Elman("relu"), problem).values():
        assert estimate.status == "inapplicable"
        assert "maximum" in estimate.reason


def test_a_function_that_overflows_is_unreliable() -> None:
    """The value is not finite, and is not passed on as a derivative."""
    assert derivative(lambda a: np.exp(1000 * a), 1.0, 1.0).status == "unreliable"


def test_joins_and_reductions_stay_analytic() -> None:
    """An operation that dropped the type would let comparisons through behind it."""
    a = analytic(np.ones((3, 2)), STEP)
    results = [a.sum(), a[0, 0], a.T, a.reshape(-1), np.stack([a, a]), np.concatenate([np.ones((3, 2)), a]), a @ a.T]
    results += [np.repeat(a, 2), np.transpose(a), np.broadcast_to(a, (2, 3, 2)), np.flip(a), np.roll(a, 1), np.diff(a)]
    results += [
        np.tile(a, 2),
        np.where([True, False], a, 0),
        np.zeros_like(a),
        a.mean(),
        np.tensordot(a, a),
        np.trace(a),
    ]
    assert all(type(result) is Analytic for result in results)


@pytest.mark.parametrize("at_once", [1, 1 << 20])
@pytest.mark.parametrize("blocks", [("x", "W", "b", "state.0"), ("U",)])
def test_the_slope_along_a_direction_is_that_of_its_entries(
    blocks: tuple[str, ...], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over all blocks that move, whose copies are taken in one pass or in several."""
    monkeypatch.setattr(complex_step, "AT_ONCE", at_once)
    cell = Elman()
    problem = build(cell, Recipe())
    entries = complex_step.gradients(cell, problem)
    signs = np.random.default_rng(5)
    direction = {name: signs.choice([-1.0, 1.0], size=entries[name].value.shape) for name in blocks}
    whole = complex_step.slope_along(cell, problem, direction)
    wanted = sum(float(np.sum(direction[name] * entries[name].value)) for name in blocks)
    error = float(whole.error) + sum(float(entries[name].error.sum()) for name in blocks)
    assert whole.status == "ok"
    assert abs(float(whole.value) - wanted) <= error
    assert error < 1e-11 * abs(wanted)  # of which most is that of the entries
