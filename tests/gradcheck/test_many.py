"""Many runs of NumPy code in one pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from gradcheck.gradients import CASES

from ltdcheck.adapters.functions import How
from ltdcheck.errors import NotAnalyticError
from ltdcheck.gradcheck.many import Many
from ltdcheck.gradcheck.numpy_function import NumPyFunction
from ltdcheck.oracles.complex_step import STEP

RANDOM = np.random.default_rng(4)
M = RANDOM.normal(size=(4, 3))
B = RANDOM.normal(size=(3, 4))
OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "reshape": lambda a: a.reshape(4, 3) + a.reshape((4, -1)) + np.reshape(a, (4, 3)),
    "transpose": lambda a: a.T + np.transpose(a) + a.transpose(1, 0) + np.swapaxes(a, 0, 1) + np.moveaxis(a, 0, 1),
    "stack": lambda a: np.stack([a, M.T, 2 * a], axis=-1),
    "concatenate": lambda a: np.concatenate([a, B, a[:1]], axis=0),
    "indices": lambda a: a[1, 2] + a[..., 0][0] + a[:, 1:2] + a[[0, 2, 0]][:, :1] + a[None, 1],
    "masks": lambda a: a[np.arange(3) != 1],
    "rows": lambda a: sum(row for row in a) + len(a),
    "sums": lambda a: a.sum() + a.sum(axis=-1) + np.sum(a, axis=(0, 1)) + np.mean(a, axis=0, keepdims=True)[:, :1],
    "extremes": lambda a: np.max(a, axis=0) + a.min() + np.maximum(a, 0.1).clip(-0.5, 0.5) + np.prod(a),
    "products": lambda a: a @ M @ a + a.dot(M) @ a + np.dot(a, M) @ a,
    "vectors": lambda a: a[0] @ a[1] + M @ a[:, 0] @ np.ones(4) + np.outer(a[0], a[1]) + 2 * (a[0] @ M)[0],
    "einsum": lambda a: np.einsum("ij,jk->ik", a, M) + np.einsum("ij,kj->ik", a, a),
    "choices": lambda a: np.where(a > 0, a, -2 * a) + np.where(M.T > 0, 1.0, a),
    "broadcasting": lambda a: a + a[0] + a[:, :1] * B[0] + np.broadcast_to(a[0], (3, 4)) + np.expand_dims(a[1], 0),
    "orders": lambda a: np.flip(a, 0) + np.roll(a, 1) + np.roll(a, 1, axis=1) + np.repeat(a[:1], 3, axis=0),
    "squeeze": lambda a: np.squeeze(a[:1]) + np.squeeze(a[:1], axis=0) + np.cumsum(a, axis=1)[0] + np.ravel(a)[:4],
    "constants": lambda a: np.zeros_like(a) + np.ones_like(a) * a + np.shape(a)[0] + np.ndim(a) + np.size(a),
    "functions": lambda a: np.tanh(a) + np.exp(a) / (1 + np.abs(a)) - np.sin(a) ** 2 + np.log1p(a * a),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_does_to_many_what_it_does_to_each(name: str) -> None:
    """Two copies of five runs, one of which is another's: of the same shape and numbers as ten calls."""
    each = RANDOM.normal(size=(2, 5, 3, 4))
    together = OPERATIONS[name](Many(each.copy()))
    alone = np.array([[OPERATIONS[name](a) for a in copy] for copy in each])
    assert together.shape == alone.shape[2:]
    # not derived: each operation is the same, but a product may add its few terms, near 1, in another order
    assert np.allclose(together.held, alone, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(
    "code",
    [
        np.sort,
        lambda a: np.linalg.inv(a[:, :3]),
        np.asarray,
        lambda a: float(a[0, 0]),
        lambda a: a.__setitem__(0, 1.0),
        lambda a: a.__iadd__(1.0),
        lambda a: np.ones((3, 4)).__iadd__(a),
        lambda a: np.ones((3, 4)).__setitem__(0, a[0]),
        lambda a: bool(a[0, 0] > 0),
        lambda a: a[a > 0],
        lambda a: a[np.array([0, 1]), np.array([1, 2])],
        lambda a: np.add.outer(a, a),
        lambda a: np.reshape(a, (4, 3), order="F"),
    ],
)
def test_what_has_no_rule_is_refused(code: Callable[[Any], Any]) -> None:
    """With a TypeError, never with numbers of another meaning."""
    each = np.arange(2 * 5 * 12.0).reshape(2, 5, 3, 4) - 60
    with pytest.raises(TypeError):
        code(Many(each))


def test_a_branch_that_all_runs_take() -> None:
    """Where they agree, it is taken."""
    each = np.arange(10.0).reshape(2, 5)
    assert bool(Many(each) >= 0) is True
    assert bool(Many(each) < 0) is False


@pytest.mark.parametrize("name", CASES)
def test_slopes_together_are_those_alone(name: str) -> None:
    """To the order in which a product adds; code that leaves the arrays is refused, and each is asked for alone."""
    function = NumPyFunction(CASES[name].f, CASES[name].x)
    D = STEP * RANDOM.normal(size=(5, len(function.point)))
    if name == "floats of Python":
        with pytest.raises(NotAnalyticError):
            function.steps(function.point, D, How())
        return
    how = How()
    together = function.steps(function.point, D, how) / STEP
    alone = np.stack([function.step(function.point, d, How()) for d in D]) / STEP
    assert together.shape == alone.shape
    # eight roundings, not derived: products may add in another order; on one machine they are equal to the bit
    assert np.allclose(together, alone, rtol=8 * 2.0**-52, atol=0)


@pytest.mark.parametrize("size", [2, 3, 7])
def test_ties_are_told_of_the_runs_that_meet_them(size: int) -> None:
    """Those whose direction moves the entry at 0; all, where an axis of the code is as long as there are runs."""
    x = np.array([0.0, 1, 2])
    function = NumPyFunction(lambda x: np.sum(np.abs(x)), x)
    how = How(rows=size)
    function.steps(function.point, STEP * np.eye(size, 3), how)
    assert how.ties == 1
    assert how.tied is not None
    assert how.tied.tolist() == ([True] * 3 if size == 3 else [True] + [False] * (size - 1))


@pytest.mark.parametrize("outputs", [1, 3])
def test_autograd_s_products_in_copies(outputs: int) -> None:
    """Without noise they are the products themselves; with it, off by a few units, each copy by others."""

    def f(x: Any) -> Any:
        h = anp.tanh(anp.reshape(x, (3, 4)) @ M)
        return anp.sum(h * h) if outputs == 1 else anp.where(h[0] > 0, h[0], 0.0) + anp.sum(h)

    function = NumPyFunction(f, RANDOM.normal(size=12))
    C = np.eye(outputs)
    right = function.pull(function.point, C)
    still = function.pull(function.point, C, How(seed=0, unit=0.0, copies=4))
    assert still.shape == (4, outputs, 12)
    # products of three and four terms, of numbers below 1, in one order or another
    assert np.allclose(still, right, rtol=4 * 2.0**-52, atol=2.0**-52)
    moved = function.pull(function.point, C, How(seed=0, copies=4)) - right
    assert 2.0**-53 < np.std(moved) < 2.0**-40
    assert len(np.unique(np.abs(moved).sum(axis=(1, 2)))) == 4
