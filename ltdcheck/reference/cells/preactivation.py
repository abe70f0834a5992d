"""The recurrent network of Pascanu et al., whose state is the pre-activation (S02).

    h' = W@phi(h) + U@x + b          phi one of tanh, sigmoid, relu, identity

Shapes: x (B, I), h (B, H), U (H, I), W (H, H), b (H,). The paper writes x for h, u for x and Win for U. With
``a = phi(h)`` it is an Elman network in a: ``a' = phi(W@a + U@x + b)``.

Source: Pascanu, Mikolov & Bengio 2013, eq. 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ltdcheck.reference.cell import Cell, Outer, Saved, Share, State
from ltdcheck.reference.nonlinearities import NONLINEARITIES, Nonlinearity
from ltdcheck.reference.ops import linear, linear_adjoint


@dataclass(frozen=True)
class Preactivation(Cell):
    """The recurrent network that carries its pre-activation; the state is h, without bounds."""

    nonlinearity: Nonlinearity = "tanh"

    name: ClassVar[str] = "preactivation"
    states: ClassVar[tuple[str, ...]] = ("h",)
    gates: ClassVar[tuple[str, ...]] = ("",)
    source: ClassVar[str] = "Pascanu, Mikolov & Bengio 2013, eq. 2"

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name."""
        return {"U": (H, I), "W": (H, H), "b": (H,)}

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is ``b + U@x``, (B, H)."""
        (h_prev,) = state  # (B, H)
        phi, _ = NONLINEARITIES[self.nonlinearity]
        a = phi(h_prev)
        return (z + linear(a, p["W"]),), (a,)

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        (a,) = saved
        (dh,) = dstate
        _, slope = NONLINEARITIES[self.nonlinearity]
        da = linear_adjoint(dh, p["W"])  # h' = z + W@a
        return dh, (da * slope(a),), {"W": Outer(dh, a)}  # a = phi(h)
