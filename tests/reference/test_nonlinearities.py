"""Each nonlinearity is its definition, and the slope written with its value is its derivative."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ltdcheck.reference.nonlinearities import NONLINEARITIES

TORCH = {
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
    "identity": torch.nn.Identity(),
    "softsign": torch.nn.functional.softsign,
    "hard sigmoid 1/6": lambda a: torch.nn.functional.relu6(a + 3) / 6,  # hardsigmoid's slope is that of float32
    "hard sigmoid 0.2": lambda a: torch.clip(0.2 * a + 0.5, 0, 1),
}
POINTS = np.array([-7.3, -2.7, -2.2, -0.4, 0.3, 2.2, 2.7, 7.3])  # on either side of every kink


@pytest.mark.parametrize("name", list(NONLINEARITIES))
def test_value_and_slope_are_those_of_torch(name: str) -> None:
    """To 16 roundings of numbers of at most 8: the longest of these functions takes five operations."""
    phi, slope = NONLINEARITIES[name]
    a = torch.tensor(POINTS, requires_grad=True)
    h = TORCH[name](a)
    h.sum().backward()
    assert a.grad is not None
    bound = 16 * 8 * np.finfo(float).eps / 2
    assert np.all(np.abs(phi(POINTS) - h.detach().numpy()) <= bound)
    assert np.all(np.abs(slope(phi(POINTS)) - a.grad.numpy()) <= bound)


@pytest.mark.parametrize("name", ["relu", "hard sigmoid 0.2", "hard sigmoid 1/6"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_at_a_kink_the_slope_is_0(name: str, dtype: str) -> None:
    """At 0 of relu, and where a hard sigmoid has reached 0 or 1; in the type of the argument."""
    phi, slope = NONLINEARITIES[name]
    at = {"relu": [0.0], "hard sigmoid 0.2": [-2.5, 2.5], "hard sigmoid 1/6": [-3.0, 3.0]}[name]
    value = phi(np.array(at, dtype=dtype))
    assert value.dtype == slope(value).dtype == dtype
    assert not np.any(slope(value))


def test_softsign_has_slope_1_at_0() -> None:
    """Its formula has an absolute value; it has no kink."""
    phi, slope = NONLINEARITIES["softsign"]
    assert slope(phi(np.zeros(1))) == 1
