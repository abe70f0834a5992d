"""Continuous-time recurrent networks in steps of Euler (S06).

    tau*dh/dt = -h + phi(b + W@h + U@x)        phi_of="input"
    tau*dh/dt = -h + b + W@phi(h) + U@x        phi_of="state"

One step of length dt: with r = dt/tau and q what stands after -h,

    h' = (1 - r)*h + r*q

phi is one of tanh, sigmoid, relu, identity; the input is constant during a step. ``tau`` is as in
:mod:`ltdcheck.reference.cells.leaky`, with ``r = sg(s)`` where it is learned; phi_of="input" with dt = 1 is the leaky
network.

Shapes: x (B, I), h (B, H), U (H, I), W (H, H), b (H,); s (H,) with tau="learned" only.

Refuses: dt that is not positive, and tau below dt: a step that overshoots what h tends to.

Source: GBC-draft 10.7.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ltdcheck.reference.cell import Cell, Outer, Saved, Share, State, Total
from ltdcheck.reference.cells.leaky import Tau, rates
from ltdcheck.reference.groups import checked
from ltdcheck.reference.nonlinearities import NONLINEARITIES, Nonlinearity
from ltdcheck.reference.ops import linear, linear_adjoint, sigmoid_slope


@dataclass(frozen=True)
class Continuous(Cell):
    """The continuous-time network, Euler-discretised; the state is h."""

    nonlinearity: Nonlinearity = "tanh"
    phi_of: Literal["input", "state"] = "input"
    tau: Tau = 4.0
    dt: float = 0.5

    name: ClassVar[str] = "continuous"
    states: ClassVar[tuple[str, ...]] = ("h",)
    gates: ClassVar[tuple[str, ...]] = ("",)
    source: ClassVar[str] = "GBC-draft 10.7.3"

    def __post_init__(self) -> None:
        """Refuse steps that are not positive, or longer than a time constant."""
        (dt,) = checked("dt", self.dt, 5e-324, "0 < dt < inf")
        if self.tau != "learned":
            checked("tau", self.tau, dt, f"dt <= tau < inf, for each group of units, or 'learned'; dt = {dt}")

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name."""
        shapes: dict[str, tuple[int, ...]] = {"U": (H, I), "W": (H, H), "b": (H,)}
        return {**shapes, "s": (H,)} if self.tau == "learned" else shapes

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is ``b + U@x``, (B, H)."""
        (h_prev,) = state  # (B, H)
        phi, _ = NONLINEARITIES[self.nonlinearity]
        rate, keep = rates(self.tau, self.dt, p, z)
        seen = h_prev if self.phi_of == "input" else phi(h_prev)
        a = z + linear(seen, p["W"])
        q = phi(a) if self.phi_of == "input" else a
        return (keep * h_prev + rate * q,), (h_prev, seen, q, rate, keep)

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        h_prev, seen, q, rate, keep = saved
        (dh,) = dstate
        _, slope = NONLINEARITIES[self.nonlinearity]
        da = dh * rate  # h' = keep*h + rate*q
        shares: dict[str, Share] = {}
        if self.tau == "learned":
            shares["s"] = Total(dh * (q - h_prev) * sigmoid_slope(rate))  # rate = sg(s), keep = 1 - rate
        if self.phi_of == "input":
            da = da * slope(q)  # q = phi(a)
        dseen = linear_adjoint(da, p["W"])  # a = z + W@seen
        if self.phi_of == "state":
            dseen = dseen * slope(seen)  # seen = phi(h)
        shares["W"] = Outer(da, seen)
        return da, (dh * keep + dseen,), shares
