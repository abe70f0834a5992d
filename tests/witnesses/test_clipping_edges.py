"""What a report says of clipping in torch and optax, seen in them alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from witnesses.clipping_edges import GRADIENT, by_optax, by_torch

BOTH = pytest.mark.parametrize("clipped", [by_torch, by_optax])
Clipped = Callable[[tuple[float, ...], float], np.ndarray]


@BOTH
def test_a_negative_threshold_turns_the_step_around(clipped: Clipped) -> None:
    """Every entry has the other sign."""
    assert np.all(clipped(GRADIENT, -1.0) < 0)


@BOTH
def test_one_inf_leaves_nothing(clipped: Clipped) -> None:
    """NaN there, and 0 in every other entry."""
    left = clipped((*GRADIENT, np.inf), 1.0)
    assert not left[:2].any()
    assert np.isnan(left[2])


def test_what_torch_clips_ends_below_the_threshold() -> None:
    """By 1e-6 of the norm of 5; the norm of 1 is missed by more than rounding."""
    short = 1.0 - np.linalg.norm(by_torch(GRADIENT, 1.0))
    assert abs(short - 1e-6 / 5) < 1e-12
