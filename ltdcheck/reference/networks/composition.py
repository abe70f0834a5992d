"""How a recursive network makes the state of a node from those of its two children (S28).

    q = [l; r]        the children's vectors, one above the other
    affine            h = phi(b + W@q)
    bilinear          h_k = phi(b_k + W_k@q + q'@V_k@q)        k = 1 .. H, a tensor V of slices V_k
    recurrent         (h, ..) = cell(r, state of l)             any cell: the right child is the input

phi is one of tanh, sigmoid, relu, identity. A recurrent composition reads the output of the right child alone, so that
on a chain it is the network unrolled over the leaves, of a cell that does not count time: each node is a first step. An
affine one on a chain is an Elman network.

Shapes: l, r, h (B, H), W (H, 2H), b (H,), V (H*2H, 2H), slice after slice; a cell's parameters for H inputs.

Source: GBC-draft 10.6; Pollack 1990 (affine), Socher et al. 2013 (bilinear).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, Outer, Saved, State, Total
from ltdcheck.reference.networks.network import Blocks, Shapes
from ltdcheck.reference.nonlinearities import NONLINEARITIES, Nonlinearity


@dataclass(frozen=True)
class Composition(ABC):
    """One node. Law: ``join_vjp`` is the adjoint of the derivative of ``join``."""

    def widths(self, H: int) -> tuple[int, ...]:
        """Columns of the arrays that make up the state of a node; the first is its vector."""
        return (H,)

    @abstractmethod
    def shapes(self, H: int) -> Shapes:
        """Parameters by name."""

    @abstractmethod
    def join(self, p: Blocks, left: State, right: State) -> tuple[State, Saved]:
        """The state of a node."""

    @abstractmethod
    def join_vjp(self, p: Blocks, saved: Saved, dstate: State) -> tuple[tuple[State, State], Blocks]:
        """Cotangents of both children's states, and each parameter's share or whole gradient."""


@dataclass(frozen=True)
class Affine(Composition):
    """``h = phi(b + W@q)``."""

    nonlinearity: Nonlinearity = "tanh"

    def shapes(self, H: int) -> Shapes:
        """Parameters by name."""
        return {"W": (H, 2 * H), "b": (H,)}

    def join(self, p: Blocks, left: State, right: State) -> tuple[State, Saved]:
        """The state of a node."""
        phi, _ = NONLINEARITIES[self.nonlinearity]
        q = ops.concatenate([left[0], right[0]])  # (B, 2H)
        h = phi(ops.linear(q, p["W"]) + p["b"])
        return (h,), (q, h)

    def join_vjp(self, p: Blocks, saved: Saved, dstate: State) -> tuple[tuple[State, State], Blocks]:
        """The adjoint of :meth:`join`."""
        q, h = saved
        _, slope = NONLINEARITIES[self.nonlinearity]
        da = dstate[0] * slope(h)  # h = phi(a)
        return _halves(ops.linear_adjoint(da, p["W"])), {"W": Outer(da, q), "b": Total(da)}  # a = b + W@q


@dataclass(frozen=True)
class Bilinear(Composition):
    """``h_k = phi(b_k + W_k@q + q'@V_k@q)``."""

    nonlinearity: Nonlinearity = "tanh"

    def shapes(self, H: int) -> Shapes:
        """Parameters by name."""
        return {"W": (H, 2 * H), "V": (H * 2 * H, 2 * H), "b": (H,)}

    def join(self, p: Blocks, left: State, right: State) -> tuple[State, Saved]:
        """The state of a node."""
        phi, _ = NONLINEARITIES[self.nonlinearity]
        q = ops.concatenate([left[0], right[0]])  # (B, 2H)
        H = left[0].shape[-1]
        tiled, Vq = _tiled(q, H), ops.linear(q, p["V"])  # (B, H*2H): q for each slice, and V_k@q
        h = phi(ops.linear(q, p["W"]) + ops.linear(tiled * Vq, _slices(H)) + p["b"])
        return (h,), (q, tiled, Vq, h)

    def join_vjp(self, p: Blocks, saved: Saved, dstate: State) -> tuple[tuple[State, State], Blocks]:
        """The adjoint of :meth:`join`."""
        q, tiled, Vq, h = saved
        H = h.shape[-1]
        _, slope = NONLINEARITIES[self.nonlinearity]
        da = dstate[0] * slope(h)  # h = phi(a)
        dproduct = ops.linear_adjoint(da, _slices(H))  # a = b + W@q + sum of the slices of q*Vq
        dVq, dtiled = dproduct * tiled, dproduct * Vq
        dq = ops.linear_adjoint(da, p["W"]) + ops.linear_adjoint(dVq, p["V"])
        for k in range(H):  # each slice has its q
            dq = dq + dtiled[..., 2 * H * k : 2 * H * (k + 1)]
        return _halves(dq), {"W": Outer(da, q), "V": Outer(dVq, q), "b": Total(da)}


@dataclass(frozen=True)
class Recurrent(Composition):
    """Any cell; the state of a node has all its arrays, of which the right child's first one is read."""

    cell: Cell

    def widths(self, H: int) -> tuple[int, ...]:
        """Columns of the arrays that make up the state of a node; the first is its vector."""
        return self.cell.widths(H)

    def shapes(self, H: int) -> Shapes:
        """Parameters by name.

        Raises
        ------
        ValueError
            For a cell whose output is not as wide as it has units.
        """
        if self.cell.output_width(H) != H:
            raise ValueError(
                f"cell is {self.cell.name} with {self.cell.output_width(H)} outputs of {H} units; in a tree a vector "
                "is as wide as a node has units"
            )
        return self.cell.shapes(H, H)

    def join(self, p: Blocks, left: State, right: State) -> tuple[State, Saved]:
        """The state of a node."""
        x = ops.stack([right[0]])  # (1, B, H)
        state, saved = self.cell.step(p, self.cell.drive(p, x)[0], left)
        return state, (x, saved, right)

    def join_vjp(self, p: Blocks, saved: Saved, dstate: State) -> tuple[tuple[State, State], Blocks]:
        """The adjoint of :meth:`join`."""
        x, kept, right = saved
        dz, dleft, shares = self.cell.step_vjp(p, kept, dstate)
        dx, driven = self.cell.drive_vjp(p, x, ops.stack([dz]))
        return (dleft, (dx[0], *[ops.zeros_like(s) for s in right[1:]])), {**driven, **shares}


def _halves(dq: Any) -> tuple[State, State]:
    H = dq.shape[-1] // 2
    return (dq[..., :H],), (dq[..., H:],)


def _tiled(q: Any, H: int) -> Any:
    return ops.concatenate([q] * H) if H else q


def _slices(H: int) -> Any:
    """(H, H*2H): row k sums slice k."""
    return np.repeat(np.eye(H), 2 * H, axis=1)
