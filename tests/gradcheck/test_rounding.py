"""What right gradients round that f does not, and what the sums of f round that no gradient does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ltdcheck import check_gradient

LABEL = 2


def scores(size: float, dtype: Any, seed: int) -> Any:
    """Scores of five classes, (5,), all near one size."""
    return (size + np.random.default_rng(seed).standard_normal(5)).astype(dtype)


def by_difference(o: Any) -> Any:
    """The gradient of the cross entropy by exp(o - logsumexp(o)), whose argument rounds by the size of the scores."""
    top = np.max(o)
    p = np.exp(o - (np.log(np.sum(np.exp(o - top))) + top))
    p[LABEL] -= 1
    return p


def shifted(o: Any) -> Any:
    """The cross entropy of scores that are shifted first."""
    o = o - np.max(o)
    return np.log(np.sum(np.exp(o))) - o[LABEL]


def shifted_back(o: Any) -> Any:
    """The same, shifted inside the exponential alone."""
    top = np.max(o)
    return np.log(np.sum(np.exp(o - top))) + top - o[LABEL]


def by_hand(o: Any) -> Any:
    """The same in torch."""
    e = torch.exp(o - o.max())
    return -torch.log(e[LABEL] / e.sum())


LOSSES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "shifted": (shifted, np.asarray),
    "shifted back": (shifted_back, np.asarray),
    "torch, by hand": (by_hand, torch.from_numpy),
    "torch, logsumexp": (lambda o: torch.logsumexp(o, 0) - o[LABEL], torch.from_numpy),
    "torch, log_softmax": (lambda o: -torch.log_softmax(o, 0)[LABEL], torch.from_numpy),
    "torch, softmax": (lambda o: -torch.log(torch.softmax(o, 0)[LABEL]), torch.from_numpy),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_exponential_of_a_difference_that_is_formed_otherwise(name: str, dtype: Any) -> None:
    """Scores of a thousand round by a thousand times as much as their differences, in one right gradient of several."""
    f, tensor = LOSSES[name]
    for seed in range(4):
        o = scores(1000.0, dtype, seed)
        report = check_gradient(f, tensor(o), by_difference(o))
        assert report.ok is True, str(report)
        assert 500 < report.blocks[0].detectable / np.finfo(dtype).eps < 1000 * 64, str(report)
        wrong = by_difference(o) * np.array([1, 1, 1, 1.02, 1], dtype)
        assert check_gradient(f, tensor(o), wrong).ok is False


MANY = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
ONE = np.where(np.arange(MANY.size) == 500, 1.01, 1).astype(np.float32)


def mean(x: Any) -> Any:
    """Of squares."""
    return np.mean(x * x)


def of_mean(x: Any) -> Any:
    """Its gradient."""
    return x * np.float32(2 / x.size)


@pytest.mark.parametrize("array", [True, False])
def test_a_sum_of_many_terms_hides_no_wrong_entry(array: bool) -> None:  # noqa: FBT001
    """A mean of 20 000 squares rounds by the size of all, an entry of its gradient by its own: 1 % in one is seen."""
    right = check_gradient(mean, MANY, of_mean(MANY) if array else of_mean)
    assert right.ok is True, str(right)
    assert right.blocks[0].detectable < 5e-4
    wrong = check_gradient(mean, MANY, of_mean(MANY) * ONE if array else lambda x: of_mean(x) * ONE)
    assert wrong.ok is False
    assert wrong.blocks[0].index == (500,)


def test_a_sum_in_a_gradient_may_round_as_sums_do() -> None:
    """A gradient whose entries are sums of thousands of terms that cancel, one after the other, is not called wrong."""
    draw = np.random.default_rng(3).standard_normal
    A, b = draw((4000, 90)).astype(np.float32), draw(90).astype(np.float32)
    target = (A @ b + draw(4000)).astype(np.float32)
    gradient = np.zeros(90, np.float32)
    for row, t in zip(A, target, strict=True):
        gradient += row * (row @ b - t)
    report = check_gradient(lambda b: np.sum((A @ b - target) ** 2) / 2, b, gradient)
    assert report.blocks[0].directions
    assert report.ok is True, str(report)
