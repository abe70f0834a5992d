"""Faults of clockwork networks: the clocks, what happens between ticks, and who sees whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from ltdcheck.faults.fault import Network, WrongFunction, fault
from ltdcheck.faults.graft import Graft, computes, differentiates
from ltdcheck.reference.cell import Cell, Outer, Saved, Share, State
from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.reference.nonlinearities import NONLINEARITIES
from ltdcheck.reference.ops import concatenate, linear, zeros_like

OWN = ("clockwork",)


@fault(
    "clockwork-off-by-one",
    "The clock counts from 0 where 1 is declared, or the reverse: every group ticks one step early or late.",
    effect="the same network after a shift in time",
    trigger="a period above 1",
    source="thought of",
    cells=OWN,
    forward=True,
    variant=True,
)
def _off_by_one(cell: Cell) -> Network | None:
    return (
        WrongFunction(replace(cell, start=1 - cell.start)) if isinstance(cell, Clockwork) and cell.start < 2 else None
    )


class _AlwaysTicks(Graft):
    def active(self, t: int) -> tuple[bool, ...]:
        return tuple(True for _ in cast("Clockwork", self).periods)


fault(
    "clockwork-period-ignored",
    "Every group is updated at every step: the periods are accepted and not used.",
    effect="no group is slow, and none carries gradients further than another",
    trigger="a period above 1",
    source="thought of",
    cells=OWN,
    forward=True,
)(computes(_AlwaysTicks))


class _Rewired(Graft):
    """The step with a name for what group g sees and for what it does between ticks."""

    def seen(self, units: slice) -> slice:
        return slice(units.start, None)

    def between(self, h: Any) -> Any:
        return h

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        cell, (h_prev,), (z_t, active) = cast("Clockwork", self), state, z
        phi, _ = NONLINEARITIES[cell.nonlinearity]
        parts = []
        for g, units in cell.members(h_prev.shape[-1]):
            seen = self.seen(units)
            a = z_t[..., units] + linear(h_prev[..., seen], p["W"][units, seen])
            parts.append(phi(a) if active[g] else self.between(h_prev[..., units]))
        return (concatenate(parts),), ()


class _Zeroed(_Rewired):
    def between(self, h: Any) -> Any:
        return zeros_like(h)


fault(
    "clockwork-idle-zeroed",
    "A group is zero between its ticks where it is meant to keep its state.",
    effect="slow groups forget at once",
    trigger="a period above 1",
    source="thought of",
    cells=OWN,
    forward=True,
)(computes(_Zeroed))


class _SeesAll(_Rewired):
    def seen(self, units: slice) -> slice:
        return slice(None)


class _SeesFaster(_Rewired):
    def seen(self, units: slice) -> slice:
        return slice(0, units.stop)


fault(
    "clockwork-mask-missing",
    "Slower groups see faster ones: the connections are not restricted.",
    effect="what is slow is disturbed by what is fast",
    trigger="h0 != 0 or T >= 2, and two groups",
    source="thought of",
    cells=OWN,
    forward=True,
)(computes(_SeesAll))

fault(
    "clockwork-mask-reversed",
    "Connections run from faster to slower groups: the mask is transposed.",
    effect="fast groups do not see the slow memory",
    trigger="h0 != 0 or T >= 2, and two groups",
    source="thought of",
    cells=OWN,
    forward=True,
)(computes(_SeesFaster))


# -- backward ------------------------------------------------------------------------------------------------


class _IdleDropped(Graft):
    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        h, active = saved[1], saved[2]
        arrived = [
            dstate[0][..., units] * float(active[g]) for g, units in cast("Clockwork", self).members(h.shape[-1])
        ]
        return super().step_vjp(p, saved, (concatenate(arrived),))


fault(
    "bptt-carry-partial.idle",
    "The gradient is not carried back through the steps at which a group is copied.",
    effect="slow groups get no gradient over the lags that they are there for",
    trigger="a period above 1",
    source="thought of",
    cells=OWN,
    forward=False,
)(differentiates(_IdleDropped))


class _MaskForgotten(Graft):
    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        dz, carried, shares = super().step_vjp(p, saved, dstate)
        return dz, carried, {**shares, "W": Outer(dz, saved[0])}


fault(
    "clockwork-gradient-unmasked",
    "Weights that have no effect get a gradient: the mask is applied forwards only.",
    effect="norms of gradients, and with them clipping and weight decay, count what is not there",
    trigger="h0 != 0 or T >= 2, and two groups",
    source="thought of",
    cells=OWN,
    forward=False,
)(differentiates(_MaskForgotten))
