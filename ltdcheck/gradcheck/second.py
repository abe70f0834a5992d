"""The gradient as a function of its own, whose derivative is checked in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ltdcheck.adapters.functions import Function, function_of
from ltdcheck.gradcheck.numpy_function import NumPyFunction
from ltdcheck.gradcheck.proved import enclosed
from ltdcheck.gradcheck.slopes import Slopes

SYMMETRIC = 256  # entries of x for which every pair of second derivatives is compared


def derivative_of(function: Function, f: Callable[..., Any], x: Any, gradient: Any) -> Function:
    """The function x -> gradient of f, for an f with one output; its derivative is the Hessian.

    Raises
    ------
    ValueError
        When f has several outputs, or when the gradient is no function.
    """
    if sum(b.size for b in function.outputs) != 1:
        raise ValueError("order=2 asks for the derivative of the gradient of one number; f returns several")
    if gradient is not None and not callable(gradient):
        raise ValueError(
            "order=2 differentiates the gradient: give it as a function of x, or leave it to the framework"
        )
    first = gradient if gradient is not None else function.gradient_function()
    return function_of(first, x, NumPyFunction)


def transposed(second: Function) -> list[Any]:
    """The transposed derivative of a gradient, block by block: the derivative itself, where it is a Hessian.

    Raises
    ------
    ValueError
        When x has more than ``SYMMETRIC`` entries.
    """
    n = len(second.point)
    if n > SYMMETRIC or sum(b.size for b in second.outputs) != n:
        raise ValueError(
            f"the gradient is code that the framework does not differentiate, and x has {n} entries: give hessian=, an "
            f"array or a function of x; up to {SYMMETRIC} entries its derivative is checked for symmetry"
        )
    slopes = Slopes(second, proof=enclosed(second))
    J = np.stack([np.mean(slopes.along(v).values, axis=0) for v in np.eye(n)], axis=1)
    lead = second.outputs[0].shape if len(second.outputs) == 1 else (n,)
    parts = np.split(J.T, np.cumsum([b.size for b in second.blocks])[:-1], axis=1)
    return [part.reshape(*lead, *b.shape) for part, b in zip(parts, second.blocks, strict=True)]
