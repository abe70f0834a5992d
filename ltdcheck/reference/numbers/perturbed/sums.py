"""Sums of products, in whatever order the target adds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ltdcheck.reference.numbers.perturbed.number import Floats, Perturbed, largest


def product(x: Perturbed, M: Any) -> Perturbed:
    """``x @ M`` for an exact matrix M (n, m)."""
    n, m = M.shape
    rows = math.prod(x.shape[:-1])  # -1 would be no number where n is 0
    exact = np.asarray(M, dtype=x.rounding.exact)
    low = np.asarray(M, dtype=np.float64)
    value = _dot(x.value.reshape(rows, n), exact).reshape(*x.shape[:-1], m)
    scale = largest(x.low, -1)
    norms = scale * np.sqrt(np.square(x.low / scale) @ np.square(low))
    deviations = None
    if x.deviations is not None:
        samples = len(x.deviations)
        deviations = (x.deviations.reshape(samples * rows, n) @ low).reshape(samples, *x.shape[:-1], m)
    times, inner = math.sqrt(n), x.rounding.inner
    if inner == 1:
        return x.result(value, deviations, norms, times)
    # partial sums in a wider format, and one rounding of the result
    return x.result(value, deviations, inner * times * (norms + np.abs(np.asarray(value, dtype=np.float64))))


def outer(da: Perturbed, x: Perturbed) -> Perturbed:
    """The sum over all rows of outer products: (N, m) and (N, n) give (m, n)."""
    deviations = None
    if da.deviations is not None:
        deviations = np.matmul(da.deviations.transpose(0, 2, 1), x.low)
    if x.deviations is not None:
        left = da.low if da.deviations is None else da.low + da.deviations
        extra = np.matmul(left.swapaxes(-1, -2), x.deviations)
        deviations = extra if deviations is None else deviations + extra
    value = _dot(np.ascontiguousarray(da.value.T), np.asfortranarray(x.value))
    return da.result(value, deviations, _norms(da.low, x.low), math.sqrt(da.shape[0]))


def _norms(da: Floats, x: Floats) -> Floats:
    """The root of ``sum_k (da_k*x_k)^2``, (m, n), of rows (N, m) and (N, n) any of whose squares may be out of range.

    Gradients shrink while states grow: it is their product that is of one size.
    """
    size = np.abs(da).max(-1, keepdims=True, initial=0.0) * np.abs(x).max(-1, keepdims=True, initial=0.0)
    top = size.max(initial=0.0) or 1.0
    share = np.sqrt(size / top)
    left, right = np.square(da / largest(da, -1) * share), np.square(x / largest(x, -1) * share)
    return np.asarray(top * np.sqrt(left.T @ right))


def _dot(a: Any, b: Any) -> Any:
    """``a @ b``. For long doubles ``@`` keeps every partial sum in memory and ``dot`` in a register."""
    return np.dot(a, b)
