"""How state-to-state Jacobians behave along a trajectory: products, norms, eigenvectors (C03, C05, C11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.oracles.shaking import COPIES, Shaken, spread
from ltdcheck.problem import Problem
from ltdcheck.properties.compare import merged
from ltdcheck.properties.held import EPS, at_most, equals, gamma
from ltdcheck.properties.law import Evidence, law
from ltdcheck.reference import jacobians
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp

Array = NDArray[Any]

STEEPEST = {"tanh": 1.0, "sigmoid": 0.25, "relu": 1.0, "identity": 1.0, "softsign": 1.0}  # the largest slope of phi


@law("jacobians.product_is_the_whole", about="reference")
def product_is_the_whole(
    cell: Cell, problem: Problem, product: Callable[[Array], Array] = jacobians.product
) -> Evidence:
    """The Jacobian over a lag is the product of the one-step Jacobians, latest on the left (C03).

    The whole is autograd's derivative of the final state by the initial one, with its own error; the product's rounding
    is measured.
    """

    def multiplied(kind: type) -> Array:
        held: list[Array] = [a.view(kind) for a in (*problem.params.values(), problem.x, *problem.given_state)]
        params = dict(zip(problem.params, held, strict=False))
        steps = jacobians.step_jacobians(cell, params, held[len(params)], tuple(held[len(params) + 1 :]))
        return np.asarray(product(steps.view(kind)))

    got = multiplied(np.ndarray)
    rounding = spread(got, lambda: np.stack([multiplied(Shaken) for _ in range(COPIES)]))
    value, error = _whole(cell, problem)
    return equals("d state_T / d state_0", got, value, error + rounding, "the product is not the Jacobian of the whole")


def _whole(cell: Cell, problem: Problem) -> tuple[Array, Array]:
    """autograd's Jacobian and its error, (B, D, D): one row of a batch for each unit vector."""
    from ltdcheck.oracles import tape

    B, widths = problem.sizes["B"], tuple(s.shape[1] for s in problem.dstate)
    D = sum(widths)
    rows = problem.with_(
        x=np.tile(problem.x, (1, D, 1)),
        state=tuple(np.tile(s, (D, 1)) for s in problem.given_state),
        dy=np.zeros((len(problem.x), D * B, problem.dy.shape[2])),
        dstate=tuple(u.reshape(D * B, u.shape[2]) for u in jacobians.units(widths, B)),
    )
    pulled = tape.gradients(cell, rows)
    states = [pulled[f"state.{k}"] for k in range(len(cell.states))]
    value, error = (np.concatenate(a, axis=-1) for a in ([s.value for s in states], [s.error for s in states]))
    return np.moveaxis(value.reshape(D, B, D), 0, 1), np.moveaxis(error.reshape(D, B, D), 0, 1)


@law("jacobians.norm_is_bounded", about="reference")
def norm_is_bounded(cell: Cell, problem: Problem) -> Evidence:
    """Over a lag k the Jacobian's norm, and the gradient, shrink or grow at most as (sigma_max(W) * max phi')^k (C11).

    Below 1 this guarantees that the gradient vanishes; W is also scaled so that the factor is 1/2.
    """
    if not isinstance(cell, Elman):
        return Evidence(not_applicable="the bound is stated for h' = phi(b + W@h + U@x)")
    factor = STEEPEST[cell.nonlinearity] * float(np.linalg.norm(problem.params["W"], 2))
    halved = {**problem.params, "W": problem.params["W"] / (2 * factor) if factor else problem.params["W"]}
    cases = [_bounded(cell, problem, factor)]
    if factor:
        cases.append(_bounded(cell, problem.with_(params=halved), 0.5))
    return merged(*cases)


def _bounded(cell: Cell, problem: Problem, factor: float) -> Evidence:
    p, x, state = problem.params, problem.x, problem.given_state
    T, _, H = problem.dy.shape
    norms = np.linalg.norm(jacobians.flow(jacobians.step_jacobians(cell, p, x, state)), 2, axis=(-2, -1))  # (T + 1, B)
    # k products of matrices whose absolute values have norms up to sqrt(H) times theirs; the singular values' own error
    k = np.arange(T, -1, -1)
    limit = factor**k * (1 + gamma((T + 2) * (H + 4)) * np.sqrt(H) ** k + 16 * H * EPS)
    spectra = at_most("||d h_T / d h_k||", norms, limit[:, None], "the norm exceeds (sigma_max(W) * max phi')^k")
    y, _, left = unroll(cell, p, x, state)
    g = unroll_vjp(cell, p, left, np.zeros_like(y), problem.dstate)
    start, end = (np.linalg.norm(d[0], axis=-1) for d in (g.state, problem.dstate))
    return merged(spectra, at_most("||dh_0||", start, limit[0] * end, "the gradient exceeds the guaranteed bound"))


@law("jacobians.eigenvector_grows_as_lambda_to_the_n", about="reference")
def eigenvector_grows(cell: Cell, problem: Problem) -> Evidence:
    """A cotangent along an eigenvector of a constant Jacobian comes back n steps earlier times lambda^n (C05).

    So two back-propagations that start delta*v apart end delta*abs(lambda)^n apart. With the identity nonlinearity the
    Jacobian is W at every step, and cotangents meet its transpose.
    """
    if not (isinstance(cell, Elman) and cell.nonlinearity == "identity"):
        return Evidence(not_applicable="the Jacobian is the same at every step with the identity nonlinearity only")
    W = problem.params["W"]
    T, _, H = problem.dy.shape
    lambdas, vectors = np.linalg.eig(W.T)
    starts = np.concatenate([vectors.T.real, vectors.T.imag])  # (2H, H): complex vectors as two rows
    p, h = problem.params, np.repeat(problem.given_state[0][:1], 2 * H, axis=0)
    y, _, left = unroll(cell, p, np.repeat(problem.x[:, :1], 2 * H, axis=1), (h,))
    (ended,) = unroll_vjp(cell, p, left, np.zeros_like(y), (starts,)).state
    grown = lambdas[:, None] ** T * vectors.T
    error = _eigen_error(W.T, lambdas, vectors, T)
    message = f"after {T} steps it is not lambda^{T} times what it was"
    parts = ((ended[:H], grown.real), (ended[H:], grown.imag))
    return merged(*(equals("cotangent along an eigenvector", got, want, error, message) for got, want in parts))


def _eigen_error(A: Array, lambdas: Array, vectors: Array, T: int) -> Array:
    """How far A^T v may be from lambda^T v, (H, H), a row for each eigenvector.

    ``A^T v - lambda^T v = sum_j lambda^(T-1-j) A^j r`` with the residual ``r = A v - lambda v``; on top of it T
    products with A are rounded, and so is the power, each of whose T factors is a complex product.
    """
    H = len(A)
    size = np.abs(vectors)  # (H, eigenvector)
    scale, roots = np.abs(A), np.abs(lambdas)
    residual = np.abs(A @ vectors - lambdas * vectors) + gamma(2 * H + 6) * (scale @ size + roots * size)
    total, reached = np.zeros_like(size), size
    for j in range(T):
        total = total + roots ** (T - 1 - j) * (np.linalg.matrix_power(scale, j) @ residual)
        reached = scale @ reached
    return np.asarray((total + gamma(T * (H + 4)) * reached + gamma(4 * T + 4) * roots**T * size).T)
