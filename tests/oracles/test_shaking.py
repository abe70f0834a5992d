"""The spread of shaken runs measures rounding, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ltdcheck.oracles.shaking import COPIES, EPS, FACTOR, SHAKE, TINY, Shaken, shaken, shaking, spread


def error_of(f: Callable[..., Any], *arguments: Any) -> tuple[Any, Any]:
    """A value and what its own shaken copies say of it."""
    value = f(*(np.asarray(a) for a in arguments))
    return value, spread(value, lambda: f(*(shaken(a, COPIES) for a in arguments)))


def test_outside_nothing_is_moved() -> None:
    """Shaken arrays compute as plain ones until shaking is on."""
    a = np.linspace(-2, 2, 9)
    assert np.array_equal(np.tanh(a.view(Shaken)) * 3, np.tanh(a) * 3)


def test_the_same_seed_gives_the_same_numbers() -> None:
    """So that an estimate replays."""
    a = np.linspace(-2, 2, 9).view(Shaken)
    with shaking(7):
        first = np.tanh(a)
    with shaking(7):
        assert np.array_equal(first, np.tanh(a))
    with shaking(8):
        assert not np.array_equal(first, np.tanh(a))


def test_one_operation_is_charged_some_tens_of_units() -> None:
    """Between one unit in the last place and the largest shake."""
    value, error = error_of(lambda a: a * a, np.linspace(1.0, 2.0, 50))
    assert np.all(error > 2 * EPS * value)
    assert np.all(error <= (FACTOR * SHAKE + 2) * EPS * value + TINY)


def test_cancellation_is_seen() -> None:
    """``(1 + a) - 1`` has an absolute error near that of 1, whatever a is."""
    _, error = error_of(lambda a: (1 + a) - 1, np.array([1e-12]))
    assert EPS < error[0] < 100 * EPS


def test_a_sum_is_charged_by_its_terms() -> None:
    """A product of matrices that cancels keeps the rounding of what cancelled."""
    row, column = np.array([[1.0, 1.0, 1e-10]]), np.array([[1.0], [-1.0], [1.0]])
    _, error = error_of(lambda a, b: a @ b, row, column)
    assert EPS < error[0, 0] < 100 * EPS


def test_imaginary_parts_are_charged_for_themselves() -> None:
    """A derivative of 1e-120 beside a value of 1 keeps a relative error."""
    a = np.array([1.0 + 1e-120j])
    with shaking(0):
        moved = np.asarray(np.tanh(a.view(Shaken)) * a)
    assert abs(moved.imag[0] / (np.tanh(a) * a).imag[0] - 1) < 100 * EPS


def test_not_finite_is_infinitely_uncertain() -> None:
    """An overflow in a copy does not become a small error."""
    with np.errstate(over="ignore"):
        value, error = error_of(np.exp, np.array([700.0, 800.0]))
    assert np.isfinite(error[0])
    assert np.isinf(value[1])
    assert np.isinf(error[1])


@pytest.mark.parametrize("operation", [np.negative, np.abs, lambda a: np.maximum(a, 0), np.sign])
def test_exact_operations_are_not_moved(operation: Callable[..., Any]) -> None:
    """They round nothing."""
    a = np.linspace(-2, 2, 9)
    with shaking(0):
        assert np.array_equal(operation(a.view(Shaken)), operation(a))


def test_what_overflows_on_the_way_to_a_finite_number_costs_nothing() -> None:
    """1/cosh(a)^2, which autograd makes of the slope of a tanh, is 0 at a = 1000, and its error a floor."""
    a = np.full(3, 1000.0)
    with np.errstate(over="ignore"):
        error = spread(np.zeros(3), lambda: 1 / np.square(np.cosh(shaken(a, COPIES))))
    assert np.all(error < 1e-300)
