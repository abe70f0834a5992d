"""Clockwork network: groups of units at several time scales, each updated every p_g steps (S08).

    h_g' = phi(b_g + sum over groups k at least as slow as g of W_gk@h_k + U_g@x)     at t divisible by p_g
    h_g' = h_g                                                                        at every other t

phi is one of tanh, sigmoid, relu, identity. Groups are contiguous (:mod:`ltdcheck.reference.groups`), fastest first; so
W is read above its block diagonal only, and the rest of it has no effect. ``start`` is the time t of the first step: 1
as in the papers, 0 in code that counts from there, and later for a sequence that continues another one.
Leaky groups are :class:`~ltdcheck.reference.cells.leaky.Leaky` with a tuple tau.

Shapes: x (B, I), h (B, H), U (H, I), W (H, H), b (H,).

Refuses: periods that are not positive integers in increasing order, and a negative start.

Source: Koutnik et al. 2014; El Hihi & Bengio 1996; GBC-draft 10.7.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ltdcheck.reference.cell import Cell, Outer, Saved, Share, State
from ltdcheck.reference.groups import groups
from ltdcheck.reference.nonlinearities import NONLINEARITIES, Nonlinearity
from ltdcheck.reference.ops import concatenate, linear, linear_adjoint, zeros_like


@dataclass(frozen=True)
class Clockwork(Cell):
    """The clockwork network; the state is h."""

    nonlinearity: Nonlinearity = "tanh"
    periods: tuple[int, ...] = (1, 2, 4)
    start: int = 1

    name: ClassVar[str] = "clockwork"
    states: ClassVar[tuple[str, ...]] = ("h",)
    gates: ClassVar[tuple[str, ...]] = ("",)
    source: ClassVar[str] = "Koutnik et al. 2014; GBC-draft 10.7.9"
    timed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse clocks that cannot tick."""
        whole = [isinstance(p, int) and not isinstance(p, bool) and p > 0 for p in self.periods]
        if not whole or not all(whole) or list(self.periods) != sorted(set(self.periods)):
            raise ValueError(f"periods = {self.periods!r} is not allowed: positive integers, each larger than the last")
        if not isinstance(self.start, int) or self.start < 0:
            raise ValueError(f"start = {self.start!r} is not allowed: the time of the first step is an integer >= 0")

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name."""
        return {"U": (H, I), "W": (H, H), "b": (H,)}

    def active(self, t: int) -> tuple[bool, ...]:
        """Which groups are updated at time t."""
        return tuple(t % period == 0 for period in self.periods)

    def members(self, H: int) -> list[tuple[int, slice]]:
        """Every group that has units: its number and its units."""
        return [(g, units) for g, units in enumerate(groups(H, len(self.periods))) if units.stop > units.start]

    def drive(self, p: dict[str, Any], x: Any) -> Any:
        """For each step, ``b + U@x`` (B, H) and the groups that are updated."""
        z = super().drive(p, x)
        return [(z[k], self.active(self.start + k)) for k in range(x.shape[0])]

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is one entry of :meth:`drive`."""
        (h_prev,), (z_t, active) = state, z  # (B, H)
        phi, _ = NONLINEARITIES[self.nonlinearity]
        parts = []
        for g, units in self.members(h_prev.shape[-1]):
            if active[g]:
                slower = linear(h_prev[..., units.start :], p["W"][units, units.start :])
                parts.append(phi(z_t[..., units] + slower))
            else:
                parts.append(h_prev[..., units])
        h = concatenate(parts) if parts else h_prev
        return (h,), (h_prev, h, active)

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        h_prev, h, active = saved
        (dh,) = dstate
        _, slope = NONLINEARITIES[self.nonlinearity]
        copied, da, through, rows = [], [], [], []
        for g, units in self.members(h.shape[-1]):
            dh_g = dh[..., units]
            da_g = dh_g * slope(h[..., units]) if active[g] else zeros_like(dh_g)  # h_g' = phi(a_g)
            copied.append(zeros_like(dh_g) if active[g] else dh_g)  # h_g' = h_g
            if active[g]:  # a_g = z_g + W_g@(h_g, h_g+1, ..)
                slower = linear_adjoint(da_g, p["W"][units, units.start :])
                through.append(_behind_zeros(slower, dh[..., : units.start]))
            rows.append(Outer(da_g, _behind_zeros(h_prev[..., units.start :], h_prev[..., : units.start])))
            da.append(da_g)
        if not rows:
            return dh, (dh,), {"W": Outer(dh, h_prev)}
        return concatenate(da), (sum(through, concatenate(copied)),), {"W": tuple(rows)}


def _behind_zeros(part: Any, before: Any) -> Any:
    """``part`` with zeros where ``before`` lies in front of it."""
    return concatenate([zeros_like(before), part]) if before.shape[-1] else part
