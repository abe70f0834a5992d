"""Gradients at kinks that several entries meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ltdcheck import check_gradient

A = np.random.default_rng(0).normal(size=(5, 6))
TIED = np.array([1.0, 1, 0])


def largest(x: Any) -> Any:
    """Of all."""
    return np.max(x)


def larger(a: Any, b: Any) -> Any:
    """Of pairs."""
    return np.sum(np.maximum(a, b))


def relu(x: Any) -> Any:
    """A layer, at 0 on all its kinks."""
    return np.sum(np.maximum(A @ x, 0))


def masked(x: Any) -> Any:
    """The largest of each pair, as a pooling has it."""
    return np.sum(np.max(x.reshape(3, 2), axis=1))


PAIRS, PAIR = np.array([1.0, 1, 2, 2, 3, 1]), (np.array([1.0, 2]), np.array([1.0, 2]))


@pytest.mark.parametrize(
    ("f", "x", "gradient"),
    [
        (largest, TIED, np.array([1, 1, 0])),
        (larger, PAIR, (np.ones(2), np.ones(2))),
        (larger, PAIR, (np.zeros(2), np.zeros(2))),
        (masked, PAIRS, np.array([1, 1, 1, 1, 1, 0])),
        (relu, np.zeros(6), A.T @ np.full(5, 1.5)),
        (largest, np.ones(8), np.ones(8)),
    ],
    ids=["both of two", "both arguments", "neither argument", "a mask of what is largest", "steeper", "eight"],
)
def test_entries_that_are_right_alone_and_wrong_together(f: Callable[..., Any], x: Any, gradient: Any) -> None:
    """max(a, a) has a slope from 0 to 1 by each of its arguments, and 1 by both."""
    report = check_gradient(f, x, gradient)
    assert report.ok is False, str(report)
    assert "kink" in str(report)


@pytest.mark.parametrize(
    ("f", "x", "gradient"),
    [
        (largest, TIED, np.array([0.5, 0.5, 0])),
        (largest, TIED, np.array([0, 1, 0])),
        (larger, PAIR, (np.ones(2), np.zeros(2))),
        (masked, PAIRS, np.array([1, 0, 0.5, 0.5, 1, 0])),
        (relu, np.zeros(6), np.zeros(6)),
        (relu, np.zeros(6), A.T @ np.full(5, 0.5)),
        (lambda x: np.maximum(x[0], 0) - np.maximum(x[1], 0), np.zeros(2), np.zeros(2)),
        (largest, np.ones(8), np.full(8, 1 / 8)),
    ],
    ids=["shared", "one", "one argument", "of pairs", "none", "half", "a difference", "eight"],
)
def test_entries_that_share_a_slope(f: Callable[..., Any], x: Any, gradient: Any) -> None:
    """However it is shared."""
    report = check_gradient(f, x, gradient)
    assert report.ok is True, str(report)


def test_equal_numbers_of_a_sort() -> None:
    """What a complex step refuses at ties alone is left to differences, which do not know all slopes of a kink."""
    f, x = lambda x: np.sum(np.sort(x) * [0, 1, 2]), np.array([1.0, 1, 0])
    assert check_gradient(f, x, np.array([1, 2, 0])).ok is True
    assert check_gradient(f, x, np.array([1, 2.5, 0])).ok is None
