"""Sequences classified step by step (S20), or once, at the last step (S21), and the gradients in closed form.

    o_t = c + V@h_t        p_t = softmax(o_t)        L = -sum_t log p_t[y_t]

    do_t = p_t - onehot(y_t)
    dV = sum_t outer(do_t, h_t)        dc = sum_t do_t        dh_t = V'@do_t + what arrives from step t + 1

What arrives from step t + 1, and the sums for U, W and b, are those of the fold (:mod:`ltdcheck.reference.networks`).
Shapes: h (T, B, H), V (O, H), c (O,), the cell's parameters under ``cell``; targets (T, B) of whole numbers below O, or
(B,) for the last step only. L is the sum over the batch. With ``lengths`` (B,) a row has losses at its own steps, or at
its own last one, and what its targets are after them is not looked at. (The copy of the source at hand has lost the
minus sign of its eq. 10.5.)

Refuses: shapes that do not fit; targets that are no whole numbers below O; lengths outside 0 .. T, and a row without
steps where the loss is at the last one.

Source: GBC-draft 10.4, 10.5, 10.2.1; its fig. 10.6 for S21.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ltdcheck.reference import ops
from ltdcheck.reference.arguments import require_choices
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.networks.generative import log_softmax_vjp
from ltdcheck.reference.networks.network import inside, require_part, require_shapes, under
from ltdcheck.reference.networks.rows import Lengths, checked_lengths
from ltdcheck.reference.networks.unroll import Gradients, Tape, unroll, unroll_vjp

Targets = NDArray[np.integer]


@dataclass(frozen=True)
class Classified:
    """What the forward pass leaves for its adjoint."""

    tape: Tape
    h: Any  # (T, B, H)
    o: Any  # (T, B, O)
    wanted: NDArray[np.float64]  # (T, B, O): 1 at the targets
    final: State


@dataclass(frozen=True)
class Classifier:
    """A recurrent network with an output layer and softmax cross-entropy, at every step or at the last."""

    cell: Cell
    at: Literal["every", "last"] = "every"

    def __new__(cls, *args: Any, **named: Any) -> Self:
        """Refuse words that name no variant, before anything is made of the others."""
        require_choices(cls, args, named)
        return super().__new__(cls)

    def shapes(self, I: int, H: int, O: int) -> dict[str, tuple[int, ...]]:
        """The cell's parameters and the output layer's."""
        return {**under("cell", self.cell.shapes(I, H)), "V": (O, self.cell.output_width(H)), "c": (O,)}

    def loss(
        self, p: dict[str, Any], x: Any, state: State, targets: Targets, lengths: Lengths | None = None
    ) -> tuple[Any, Classified]:
        """L, and what its adjoint needs.

        Raises
        ------
        ValueError
            As the module says.
        """
        h, final, tape = unroll(self.cell, require_part("cell", self.cell, p, x, state), x, state, lengths=lengths)
        require_shapes(p, {"c": ("O",)})
        require_shapes(p, {"V": (p["c"].shape[0], h.shape[-1])})
        o = ops.linear(h, p["V"]) + p["c"]
        T, B, _ = o.shape
        wanted = self._wanted(o.shape, targets, np.full(B, T) if lengths is None else checked_lengths(lengths, T, B))
        by_class = ops.total(ops.log_softmax(o) * wanted)
        return -sum(by_class[k] for k in range(o.shape[-1])), Classified(tape, h, o, wanted, final)

    def loss_vjp(self, p: dict[str, Any], left: Classified) -> Gradients:
        """The gradient of :meth:`loss` in every parameter, in x and in the initial state."""
        return self.outputs_vjp(p, left, self.slope(left.o, left.wanted))

    @staticmethod
    def slope(o: Any, wanted: NDArray[np.float64]) -> Any:
        """The gradient of the loss in o, (T, B, O)."""
        return -log_softmax_vjp(o, wanted)

    def outputs_vjp(self, p: dict[str, Any], left: Classified, do: Any, dh: Any = None) -> Gradients:
        """The pull-back of cotangents of o (T, B, O) and, where given, of h (T, B, H)."""
        through = ops.linear_adjoint(do, p["V"])  # o = c + V@h
        dfinal = tuple(ops.zeros_like(s) for s in left.final)
        g = unroll_vjp(self.cell, inside("cell", p), left.tape, through if dh is None else through + dh, dfinal)
        grads = {**under("cell", g.params), "V": ops.outer_total(do, left.h), "c": ops.total(do)}
        return Gradients({name: grads[name] for name in p}, g.x, g.state, g.arrived)

    def _wanted(self, shape: tuple[int, ...], targets: Targets, counts: NDArray[np.integer]) -> NDArray[np.float64]:
        T, B, O = shape
        targets = np.asarray(targets)
        fitting = (T, B) if self.at == "every" else (B,)
        if targets.shape != fitting or (targets.size and targets.dtype.kind not in "iu"):
            raise ValueError(
                f"targets has shape {targets.shape} and type {targets.dtype}; it must be {fitting} whole numbers"
            )
        if self.at == "last" and (T == 0 or np.any(counts == 0)):
            raise ValueError("a loss at the last step of a sequence without steps: give at least one step to each row")
        t = np.arange(T)[:, None]
        asked = t < counts if self.at == "every" else t == counts - 1  # (T, B)
        labels = np.broadcast_to(targets, (T, B))
        read = labels[asked]
        if np.any((read < 0) | (read >= O)):
            raise ValueError(f"targets must be classes from 0 to {O - 1}; they range {read.min()}..{read.max()}")
        return np.asarray(asked[..., None] & (labels[..., None] == np.arange(O)), dtype=float)
