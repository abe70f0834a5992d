"""Gradients of NumPy code."""

from __future__ import annotations

import time
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from gradcheck.gradients import CASES, Case
from hypothesis import given, settings
from hypothesis import strategies as st

from ltdcheck import NonConformanceError, check_gradient


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_right_gradient_is_right(case: Case) -> None:
    """Given as a function and as arrays, it is accepted."""
    for gradient in (case.right, case.right(case.x)):
        report = check_gradient(case.f, case.x, gradient)
        assert report.ok is True, str(report)


@pytest.mark.parametrize(
    ("case", "name"), [(case, name) for case in CASES.values() for name in case.wrong], ids=lambda p: str(p)[:20]
)
def test_a_wrong_gradient_is_wrong(case: Case, name: str) -> None:
    """Given as a function and as arrays, it is found."""

    def wrong(x: Any) -> Any:
        return case.wrong[name](case.right(x))

    for gradient in (wrong, wrong(case.x)):
        report = check_gradient(case.f, case.x, gradient)
        assert report.ok is False, str(report)


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 60),
    st.integers(-60, 60),
    st.sampled_from([np.float16, np.float32, np.float64]),
    st.booleans(),
)
def test_no_size_scale_or_precision_makes_a_false_alarm(
    seed: int,
    n: int,
    scale: int,
    dtype: Any,
    as_arrays: bool,  # noqa: FBT001
) -> None:
    """A network of two layers whose gradient is computed in the precision of x is never called wrong."""
    random = np.random.default_rng(seed)
    W, V = (random.normal(size=(n, n)).astype(dtype) * dtype(random.choice([0.1, 1, 3])) for _ in range(2))
    x = random.normal(size=n).astype(dtype)
    size = dtype(2.0 ** (scale if dtype is np.float64 else scale / 10))

    def f(x: Any) -> Any:
        return size * np.sum(np.tanh(V @ np.tanh(W @ x)))

    def gradient(x: Any) -> Any:
        h = np.tanh(W @ x)
        y = np.tanh(V @ h)
        return W.T @ ((V.T @ (size * (1 - y * y))) * (1 - h * h))

    report = check_gradient(f, x, gradient(x) if as_arrays else gradient)
    assert report.ok is not False, str(report)


def test_where_and_what() -> None:
    """The report names the entry, both numbers, the bound and the oracle, and raises on request."""
    case = CASES["wide"]
    gradient = case.right(case.x)
    gradient[123] *= 1.5
    report = check_gradient(case.f, case.x, gradient)
    (block,) = report.blocks
    assert block.index == (123,)
    # what is 1.5 times here is within its bound of expected, and 1.5 times it is rounded once
    assert abs(block.got - 1.5 * block.expected) <= 1.5 * block.bound + np.spacing(block.got)
    assert "x[123]" in str(report)
    assert "complex step" in str(report)
    with pytest.raises(NonConformanceError, match=r"x\[123\]"):
        report.raise_for_findings()


@pytest.mark.parametrize("name", ["dense", "wide", "30 lags", "softmax"])
def test_what_is_detectable_is_detected(name: str) -> None:
    """An error of ten times the stated size in the largest entry is found."""
    case = CASES[name]
    right = case.right(case.x)
    seen = check_gradient(case.f, case.x, case.right).detectable["x"]
    assert 0 < seen < 1e-8
    off = np.where(np.arange(right.size) == np.argmax(np.abs(right)), 10 * seen, 0.0)
    assert check_gradient(case.f, case.x, lambda x: case.right(x) * (1 + off)).ok is False


def test_more_digits_than_differences_have() -> None:
    """After 100 lags the gradient is 1e-33, far below what differences of f resolve, and has a bound far below it."""
    case = CASES["100 lags"]
    assert 0 < np.max(np.abs(case.right(case.x))) < 1e-25
    assert check_gradient(case.f, case.x, case.right).detectable["x"] < 1e-9


def test_a_vanished_gradient_that_nothing_resolves_is_undecided() -> None:
    """Where only differences can be asked, a gradient of 1e-33 is neither right nor wrong."""
    case = CASES["100 lags"]
    for gradient in (case.right, np.zeros(8)):
        report = check_gradient(lambda x: float(case.f(x)) + 1e3, case.x, gradient)
        assert report.ok is None
        assert "below what can be seen" in str(report)
        with pytest.raises(NonConformanceError):
            report.raise_for_findings()


def test_zero_entries_that_f_does_not_look_at() -> None:
    """By differences alone, a zero is right where a NaN in its place changes nothing."""
    report = check_gradient(lambda x: float(np.sum(x[:3] ** 2)), np.ones(6), np.array([2.0, 2, 2, 0, 0, 0]))
    assert report.ok is True, str(report)


def test_several_kinks_at_one_point() -> None:
    """relu(a) - 2 relu(b) at zero: 0 is no value between its one-sided slopes, but that of a choice at each kink."""
    f = lambda x: np.maximum(x[0], 0) - 2 * np.maximum(-x[0], 0)  # noqa: E731
    for slope, verdict in ((0.0, True), (1.0, True), (3.0, True), (3.5, False), (-0.5, False)):
        assert check_gradient(f, np.zeros(1), np.array([slope])).ok is verdict


def test_no_verdict_on_what_is_random() -> None:
    """Two calls that differ make the check undecided, with the size of the difference."""
    random = np.random.default_rng(0)
    report = check_gradient(lambda x: np.sum(x) + random.normal(), np.ones(3), np.ones(3))
    assert report.ok is None
    assert "not deterministic" in report.reason
    report = check_gradient(np.sum, np.ones(3), lambda x: np.ones(3) + 1e-3 * random.normal())
    assert report.ok is None
    with pytest.raises(TypeError, match="three verdicts"):
        bool(report)


@pytest.mark.parametrize(
    ("f", "x", "gradient", "message"),
    [
        (np.sum, np.arange(3), np.ones(3), "no gradient: give real"),
        (np.sum, np.ones(3) + 1j, np.ones(3), "no gradient: give real"),
        (np.sum, np.array([1, np.nan]), np.ones(2), "not finite"),
        (lambda x: np.sum(1 / x), np.zeros(2), np.ones(2), "not finite"),
        (np.sum, np.ones(3), np.ones(2), "shape"),
        (np.sum, np.ones(3), [np.ones(3), np.ones(3)], "2 arrays"),
        (np.sum, np.ones(3), np.ones(3) + 1j, "no real numbers"),
        (lambda x: float(np.sum(x)), np.ones(3), None, "Give gradient="),
        (np.sum, np.ones(0), np.ones(0), "holds no numbers"),
        (lambda x: x[:0], np.ones(2), np.ones((0, 2)), "returns no numbers"),
        (lambda x: int(np.sum(x)), np.ones(2), np.ones(2), "no gradient: give real"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_cannot_be_checked_raises(f: Any, x: Any, gradient: Any, message: str) -> None:
    """With a sentence that says what to give."""
    with pytest.raises(ValueError, match=message):
        check_gradient(f, x, gradient)


@pytest.mark.parametrize(
    ("f", "gradient"),
    [
        (np.linalg.norm, lambda x: x / np.linalg.norm(x)),
        (lambda x: np.sum(np.linalg.norm(x.reshape(2, -1), 1, axis=1)), np.sign),
        (lambda x: np.sort(x) @ np.arange(300.0), lambda x: np.argsort(np.argsort(x)) * 1.0),
        (lambda x: x[np.argsort(x)[7]], lambda x: np.arange(300) == np.argsort(x)[7]),
        (lambda x: np.std(x) ** 2 + x.var(ddof=1), lambda x: (x - x.mean()) * (2 / 300 + 2 / 299)),
        (lambda x: np.sum(np.round(x) * x + np.sign(x) * x), lambda x: np.round(x) + np.sign(x)),
    ],
    ids=["norm", "norms", "sort", "argsort", "variance", "steps"],
)
def test_functions_that_a_complex_step_knows(f: Any, gradient: Any) -> None:
    """300 entries, more than balls are asked for, to float64's digits."""
    x = np.random.default_rng(3).normal(size=300)
    report = check_gradient(f, x, gradient)
    assert report.ok is True, str(report)
    assert "complex step" in str(report)
    assert (
        check_gradient(f, x, lambda x: gradient(x) * np.where(np.arange(300) == np.argsort(x)[7], 1.001, 1)).ok is False
    )


@pytest.mark.parametrize(
    ("f", "verdict"),
    [
        (lambda x: np.sum(np.sign(x) * x), True),
        (np.linalg.norm, True),
        (lambda x: np.sum(np.floor(x)), None),
        (lambda x: np.sum(np.sqrt(np.abs(x))), None),
        (lambda x: np.sum(np.where(x > 0, x * np.log(np.where(x > 0, x, 1)), 0)), None),
    ],
    ids=["sign", "norm", "jump", "root", "entropy"],
)
def test_zero_at_a_point_without_derivative(f: Any, verdict: bool | None) -> None:  # noqa: FBT001
    """At zero it is a slope between the sides of a kink, and undecided where no slope exists."""
    report = check_gradient(f, np.zeros(3), np.zeros(3))
    assert report.ok is verdict, str(report)


def test_a_function_in_place_of_integers_and_lists() -> None:
    """Indices among the arguments are constants, and a list of numbers is a gradient."""
    x = {"a": np.arange(4.0), "k": np.array(2)}
    report = check_gradient(lambda p: p["a"][p["k"]] ** 2, x, lambda p: {"a": [0, 0, 2 * p["a"][2], 0], "k": None})
    assert report.ok is True, str(report)
    assert list(report.detectable) == ["a"]


def test_what_takes_long_is_announced(caplog: Any, monkeypatch: Any) -> None:
    """Beforehand, with the seconds; what does not is not."""
    check_gradient(_slowly, np.ones(1), np.ones(1))
    assert not caplog.text
    monkeypatch.setattr("ltdcheck.gradcheck.check.LONG", 0.01)
    check_gradient(_slowly, np.ones(1), np.ones(1))
    assert "evaluations will take" in caplog.text


def _slowly(x: Any) -> float:
    time.sleep(0.001)
    return float(np.sum(x))


def test_nan_in_a_gradient_is_a_finding() -> None:
    """It is not a number where one is right."""
    assert check_gradient(np.sum, np.ones(3), np.array([1, np.nan, 1])).ok is False


def test_the_arguments_are_not_changed() -> None:
    """Code that writes into its argument writes into a copy."""

    def f(x: Any) -> Any:
        y = np.sum(x * x)
        x *= 0
        return y

    x = np.ones(3)
    assert check_gradient(f, x, lambda x: 2 * x).ok is True
    assert np.array_equal(x, np.ones(3))


def test_arguments_in_a_tuple() -> None:
    """f and its gradient are called with each of them."""
    report = check_gradient(lambda a, b: a @ b, (np.arange(3.0), np.ones(3)), lambda a, b: (b + 0, a + 0))
    assert report.ok is True, str(report)
    assert list(report.detectable) == ["x[0]", "x[1]"]


def test_autograd_s_own_gradient_and_its_derivative() -> None:
    """Code over autograd.numpy needs no gradient."""
    report = check_gradient(lambda x: anp.sum(anp.tanh(x) ** 2), np.array([0.3, -1.0, 2.0]), order=2)
    assert report.ok is True, str(report)
    assert len(report.blocks) == 2


@pytest.mark.parametrize("factor", [1.0, 1.001], ids=["right", "wrong"])
@pytest.mark.parametrize("given", ["code", "array", "own"])
@pytest.mark.parametrize(
    ("f", "size"),
    [
        (lambda x: anp.sum(anp.tanh(x) ** 2), 4),
        (lambda x: anp.sum(anp.tanh(x) ** 2), 300),
        (lambda x: anp.sum(anp.where(x > 0, anp.tanh(x) ** 2, anp.tanh(x) ** 2)), 4),
    ],
    ids=["balls", "no balls", "comparisons"],
)
def test_every_run_of_the_code_is_counted(f: Any, size: int, given: str, factor: float) -> None:
    """Of f and of the gradient, on arrays, boxes, balls and many points at once: as often as a counter says."""
    calls = [0]

    def counted(g: Any) -> Any:
        def called(x: Any) -> Any:
            calls[0] += 1
            return g(x)

        return called

    def gradient(x: Any) -> Any:
        h = np.tanh(x)
        return factor * 2 * h * (1 - h * h)

    x = np.random.default_rng(5).normal(size=size)
    code = {"code": counted(gradient), "array": gradient(x), "own": None}[given]
    report = check_gradient(counted(f), x, code)
    assert report.ok is (factor == 1 or given == "own"), str(report)
    assert report.evaluations == calls[0]


def test_a_gradient_that_is_right_at_first_alone() -> None:
    """A backward pass that adds to what it left is no gradient, though its first answer is right."""
    left = np.zeros(3)

    def gradient(x: Any) -> Any:
        left[:] += 2 * x
        return left.copy()

    report = check_gradient(lambda x: np.sum(x * x), np.array([0.3, -1.0, 2.0]), gradient)
    assert report.ok is None
    assert "not deterministic" in report.reason


def test_few_evaluations_of_many_entries() -> None:
    """A gradient of 160 000 entries takes a few dozen evaluations of f."""
    report = check_gradient(lambda x: np.sum(np.sin(x)), RANDOM_MANY, np.cos)
    assert report.ok is True, str(report)
    assert report.evaluations < 40
    assert "1e-06" in str(report)


RANDOM_MANY = np.random.default_rng(1).normal(size=(400, 400))
