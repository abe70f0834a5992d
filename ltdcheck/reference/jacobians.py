"""State-to-state Jacobians of a cell along a trajectory (S60), their products, and their spectra.

    J_t = d state_t / d state_{t-1}        d state_T / d state_k = J_T @ J_{T-1} @ .. @ J_{k+1}

The state is all its arrays side by side, (h, c) for the LSTM: D is the sum of their widths. Row r of a Jacobian is the
cotangent of output r pulled back, so the rows come from ``step_vjp`` on D unit vectors at once. (The printed product of
the source runs its index the wrong way; C04.)

Source: GBC-draft 10.7.1; PMB; CSC321.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.reference.cell import Cell, Saved, State
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp

Array = NDArray[Any]


def step_jacobian(cell: Cell, params: dict[str, Any], saved: Saved, state: State) -> Array:
    """The Jacobian of one step from what it saved: (B, D, D), row the new state's entry, column the old one's.

    ``state`` is any state, for its shapes.
    """
    _, previous, _ = cell.step_vjp(params, saved, units([s.shape[1] for s in state], len(state[0])))
    return np.moveaxis(np.concatenate(previous, axis=-1), 0, 1)


def step_jacobians(cell: Cell, params: dict[str, Any], x: Array, state: State) -> Array:
    """J_1 .. J_T along the trajectory that x (T, B, I) drives from ``state``: (T, B, D, D)."""
    _, _, tape = unroll(cell, params, x, state)
    B, D = len(state[0]), sum(s.shape[1] for s in state)
    return np.array([step_jacobian(cell, params, saved, state) for saved in tape.saved]).reshape(-1, B, D, D)


def product(jacobians: Array) -> Array:
    """``J_T @ .. @ J_1``: (T, B, D, D) to (B, D, D); the identity without steps."""
    result = np.broadcast_to(np.eye(jacobians.shape[-1]), jacobians.shape[1:])
    for J in jacobians:
        result = J @ result
    return result


def flow(jacobians: Array) -> Array:
    """``d state_T / d state_k`` for k = 0 .. T: (T + 1, B, D, D), the last one the identity."""
    steps = [np.broadcast_to(np.eye(jacobians.shape[-1]), jacobians.shape[1:])]
    for J in jacobians[::-1]:
        steps.append(steps[-1] @ J)
    return np.stack(steps[::-1])


def whole(cell: Cell, params: dict[str, Any], x: Array, state: State) -> Array:
    """``d state_T / d state_0`` by BPTT from every unit of the final state, without any product: (B, D, D)."""
    B, widths = len(state[0]), tuple(s.shape[1] for s in state)
    D = sum(widths)
    repeated = tuple(np.tile(s, (D, 1)) for s in state)
    y, _, tape = unroll(cell, params, np.tile(x, (1, D, 1)), repeated)
    dstate = tuple(u.reshape(D * B, u.shape[2]) for u in units(widths, B))
    g = unroll_vjp(cell, params, tape, np.zeros_like(y), dstate)
    return np.moveaxis(np.concatenate(g.state, axis=-1).reshape(D, B, D), 0, 1)


def units(widths: Sequence[int], B: int) -> State:
    """The D unit vectors as cotangents of a state of arrays that are so wide: each (D, B, H)."""
    parts = np.split(np.eye(sum(widths)), np.cumsum(widths)[:-1], axis=1)
    return tuple(np.repeat(part[:, None], B, axis=1) for part in parts)


def eigenvalues(J: Array) -> Array:
    """Of each matrix, (.., D), complex."""
    return np.linalg.eigvals(J).astype(complex)


def singular_values(J: Array) -> Array:
    """Of each matrix, (.., D), largest first."""
    return np.linalg.svd(J, compute_uv=False)


def spectral_radius(J: Array) -> Array:
    """The largest modulus of an eigenvalue; 0 without any."""
    return np.asarray(np.max(np.abs(eigenvalues(J)), axis=-1, initial=0.0))
