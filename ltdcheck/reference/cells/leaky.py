"""Leaky units (S05), and leaky groups at several time scales (S08).

    q  = phi(b + W@h + U@x)
    h' = (1 - 1/tau)*h + (1/tau)*q        leak="averaging"
    h' = (1 - 1/tau)*h + q                leak="summing"

phi is one of tanh, sigmoid, relu, identity. ``tau`` >= 1 is one number for all units; or a tuple, one number for each
of that many groups of units (:mod:`ltdcheck.reference.groups`); or "learned", where ``1/tau = sg(s)`` with a parameter
s for each unit, so that ``tau = 1 + exp(-s)`` is at least 1 whatever s is.

Shapes: x (B, I), h (B, H), U (H, I), W (H, H), b (H,); s (H,) with tau="learned" only.

Refuses: tau below 1, infinite, or an empty tuple.

Source: GBC-draft 10.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ltdcheck.reference.cell import Cell, Outer, Saved, Share, State, Total
from ltdcheck.reference.groups import checked, per_unit
from ltdcheck.reference.nonlinearities import NONLINEARITIES, Nonlinearity
from ltdcheck.reference.ops import complement, linear, linear_adjoint, sigmoid, sigmoid_slope, split, zeros_like

Tau = float | tuple[float, ...] | Literal["learned"]


def rates(tau: Tau, unit: float, p: dict[str, Any], z: Any) -> tuple[Any, Any]:
    """``unit/tau`` and 1 minus it: numbers, (H,), or of the learned s in every row of the batch, as z (B, H)."""
    if tau == "learned":
        rate = sigmoid(zeros_like(z) + p["s"])
        return rate, complement(rate)
    if isinstance(tau, tuple):
        H = z.shape[-1]
        return split(per_unit(tuple(unit / t for t in tau), H, z), z)
    return split(unit / tau, z)


@dataclass(frozen=True)
class Leaky(Cell):
    """The recurrent network of leaky units; the state is h."""

    nonlinearity: Nonlinearity = "tanh"
    leak: Literal["averaging", "summing"] = "averaging"
    tau: Tau = 4.0

    name: ClassVar[str] = "leaky"
    states: ClassVar[tuple[str, ...]] = ("h",)
    gates: ClassVar[tuple[str, ...]] = ("",)
    source: ClassVar[str] = "GBC-draft 10.7"

    def __post_init__(self) -> None:
        """Refuse time constants that no unit can have."""
        if self.tau != "learned":
            checked("tau", self.tau, 1, "1 <= tau < inf, for each group of units, or 'learned'")

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name."""
        shapes: dict[str, tuple[int, ...]] = {"U": (H, I), "W": (H, H), "b": (H,)}
        return {**shapes, "s": (H,)} if self.tau == "learned" else shapes

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is ``b + U@x``, (B, H)."""
        (h_prev,) = state  # (B, H)
        phi, _ = NONLINEARITIES[self.nonlinearity]
        rate, keep = rates(self.tau, 1.0, p, z)
        q = phi(z + linear(h_prev, p["W"]))
        h = keep * h_prev + (rate * q if self.leak == "averaging" else q)
        return (h,), (h_prev, q, rate, keep)

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        h_prev, q, rate, keep = saved
        (dh,) = dstate
        _, slope = NONLINEARITIES[self.nonlinearity]
        dq = dh * rate if self.leak == "averaging" else dh  # h' = keep*h + take*q
        shares: dict[str, Share] = {}
        if self.tau == "learned":
            toward = q - h_prev if self.leak == "averaging" else -h_prev
            shares["s"] = Total(dh * toward * sigmoid_slope(rate))  # rate = sg(s), keep = 1 - rate
        da = dq * slope(q)  # q = phi(a)
        shares["W"] = Outer(da, h_prev)  # a = z + W@h
        return da, (dh * keep + linear_adjoint(da, p["W"]),), shares
