"""Gradients that are not finite where f is smooth."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ltdcheck import check_gradient


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_code_whose_gradient_is_not_finite(value: float) -> None:
    """It is a finding, though the rounding of such code has no size."""
    report = check_gradient(lambda x: np.sum(x * x), np.ones(3), lambda x: np.where(np.arange(3) == 1, value, 2 * x))
    assert report.ok is False
    assert report.blocks[0].index == (1,)
    assert np.isfinite(report.blocks[0].bound)


def test_zero_times_infinity_behind_a_choice() -> None:
    """A backward pass multiplies the slope of the branch that was not taken by 0; a forward pass takes none of it."""
    x = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    trap = lambda x: torch.where(x > 0, torch.sqrt(x), x).sum()  # noqa: E731
    report = check_gradient(trap, x)
    assert report.ok is False, str(report)
    assert report.blocks[0].index == (1,)
    assert check_gradient(trap, x, mode="forward").ok is True
    report = check_gradient(lambda x: torch.where(x > 0, torch.sqrt(torch.where(x > 0, x, 1.0)), x).sum(), x)
    assert report.ok is True, str(report)


def test_a_norm_at_zero() -> None:
    """Every slope from -1 to 1 is right there, and 0/0 is none."""
    found = np.full(3, np.nan)
    assert check_gradient(lambda x: np.sqrt(np.sum(x * x)), np.zeros(3), found).ok is False
    assert check_gradient(lambda x: np.sqrt(np.sum(x * x)), np.zeros(3), np.array([0, 1.0, 0])).ok is True
