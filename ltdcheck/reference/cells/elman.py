"""Elman (vanilla) RNN (S01), and with relu the identity RNN (S04).

    h' = phi(b + W@h + U@x)          phi one of tanh, sigmoid, relu, identity, softsign

Shapes: x (B, I), h (B, H), U (H, I), W (H, H), b (H,). The derivative of relu at 0 is taken as 0. ``clip`` holds what
phi reads (:mod:`ltdcheck.reference.input_clipping`).

The identity RNN is relu with W = I (:func:`ltdcheck.reference.initializers.identity`) and b = 0 at initialisation:
without input it keeps what is positive, and its Jacobian is the identity on active units.

Source: GBC-draft 10.4; for the identity RNN CSC321, Le et al. 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, Literal

from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, Outer, Saved, Share, State
from ltdcheck.reference.input_clipping import held, let_through, passing
from ltdcheck.reference.nonlinearities import NONLINEARITIES


@dataclass(frozen=True)
class Elman(Cell):
    """The vanilla recurrent network; the state is h."""

    nonlinearity: Literal["tanh", "sigmoid", "relu", "identity", "softsign"] = "tanh"
    clip: float = inf

    name: ClassVar[str] = "elman"
    states: ClassVar[tuple[str, ...]] = ("h",)
    gates: ClassVar[tuple[str, ...]] = ("",)
    source: ClassVar[str] = "GBC-draft 10.4"

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name."""
        return {"U": (H, I), "W": (H, H), "b": (H,)}

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is ``b + U@x``, (B, H)."""
        (h_prev,) = state  # (B, H)
        phi, _ = NONLINEARITIES[self.nonlinearity]
        a = ops.affine(h_prev, p["W"], z)
        h = phi(held(a, self.clip))
        return (h,), (h_prev, h, *passing([a], self.clip))

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        h_prev, h, *slopes = saved
        (dh,) = dstate
        _, slope = NONLINEARITIES[self.nonlinearity]
        da = let_through(dh * slope(h), slopes)  # h' = phi(held(a))
        return da, (ops.linear_adjoint(da, p["W"]),), {"W": Outer(da, h_prev)}  # a = z + W@h
