"""The vocabulary on plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ltdcheck.reference import ops

RNG = np.random.default_rng(3)
TYPES = ("float32", "float64", "longdouble", "complex128")


def drawn(*shape: int, dtype: str = "float64") -> Any:
    """Normal numbers of a type."""
    return RNG.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("of_b", TYPES)
@pytest.mark.parametrize("of_x", TYPES)
def test_affine_is_linear_plus_b(of_x: str, of_b: str) -> None:
    """In the type that the sum has, whatever the types of its parts."""
    x, W, b = drawn(4, 3, dtype=of_x), drawn(5, 3, dtype=of_x), drawn(5, dtype=of_b)
    got, wanted = ops.affine(x, W, b), ops.linear(x, W) + b
    assert got.dtype == wanted.dtype
    assert np.array_equal(got, wanted)


@pytest.mark.parametrize("rows", [(4,), (2, 4)])
def test_affine_changes_none_of_its_arguments(rows: tuple[int, ...]) -> None:
    """The sum is formed in an array of its own, also where b has the shape of the result."""
    given = drawn(*rows, 3), drawn(5, 3), drawn(*rows, 5)
    kept = [a.copy() for a in given]
    ops.affine(*given)
    assert all(np.array_equal(a, b) for a, b in zip(given, kept, strict=True))


@pytest.mark.parametrize("sizes", [(3, 2, 4, 5), (0, 2, 4, 5), (3, 0, 4, 5), (3, 2, 0, 5), (3, 2, 4, 0)])
def test_a_sequence_goes_through_a_matrix_step_by_step(sizes: tuple[int, int, int, int]) -> None:
    """One product for all steps has the shape and the entries of a product for each, without steps or rows too."""
    T, B, n, m = sizes
    x, W, da = drawn(T, B, n), drawn(m, n), drawn(T, B, m)
    y, dx, dW = ops.linear(x, W), ops.linear_adjoint(da, W), ops.outer_total(da, x)
    assert (y.shape, dx.shape, dW.shape) == ((T, B, m), (T, B, n), (m, n))
    for t in range(T):
        assert agree(y[t], x[t], W.T)
        assert agree(dx[t], da[t], W)
    assert agree(dW, da.reshape(T * B, m).T, x.reshape(T * B, n))


def agree(product: Any, left: Any, right: Any) -> bool:
    """Within the roundings of two sums of n products, n/2 machine epsilons of the absolute terms each (Higham 3.1)."""
    bound = left.shape[1] * np.finfo(float).eps * (np.abs(left) @ np.abs(right))
    return bool(np.all(np.abs(product - left @ right) <= bound))


@pytest.mark.parametrize("dtype", TYPES)
def test_sigmoid_is_the_logistic_and_leaves_its_argument(dtype: str) -> None:
    """1 / (1 + exp(-a)), to a few roundings of the type, in the type, without writing into a."""
    a = drawn(3, 4, dtype=dtype)
    kept = a.copy()
    s = ops.sigmoid(a)
    assert s.dtype == a.dtype
    assert np.array_equal(a, kept)
    assert np.max(np.abs(s - 1 / (1 + np.exp(-a)))) <= 8 * np.finfo(dtype).eps


def test_sigmoid_takes_a_number() -> None:
    """A number that is no array gives a number."""
    assert ops.sigmoid(np.float64(0.0)) == 0.5


@pytest.mark.parametrize("dtype", TYPES[:3])
def test_what_is_held_stays_between_the_ends(dtype: str) -> None:
    """In the type of the argument: the nearer end outside, where the slope is 0, as at the ends themselves."""
    a = np.array([-2, -0.5, 0.25, 1, 3], dtype=dtype)
    held, inside = ops.held(a, -0.5, 1.0), ops.inside(a, -0.5, 1.0)
    assert held.dtype == inside.dtype == a.dtype
    assert np.array_equal(held, np.array([-0.5, -0.5, 0.25, 1, 1], dtype=dtype))
    assert np.array_equal(inside, [0, 0, 1, 0, 0])
    assert np.array_equal(ops.absolute(a), np.abs(a))
