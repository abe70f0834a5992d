"""Faults of the two forms of the continuous-time network, and of the pre-activation form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ltdcheck.faults.fault import Network, WrongFunction, fault
from ltdcheck.faults.graft import Graft, graft
from ltdcheck.reference.cell import Cell, Saved, Share, State
from ltdcheck.reference.cells.continuous import Continuous
from ltdcheck.reference.cells.preactivation import Preactivation
from ltdcheck.reference.nonlinearities import NONLINEARITIES
from ltdcheck.reference.ops import linear, linear_adjoint


@fault(
    "continuous-other-form",
    "The nonlinearity is applied to the state where the input of a unit is meant, or the reverse.",
    effect="another network, with other fixed points",
    trigger="any",
    source="thought of",
    cells=("continuous",),
    forward=True,
    variant=True,
)
def _other_form(cell: Cell) -> Network | None:
    if not isinstance(cell, Continuous) or cell.nonlinearity == "identity":
        return None
    return WrongFunction(replace(cell, phi_of="state" if cell.phi_of == "input" else "input"))


@fault(
    "continuous-step-ignored",
    "The step dt is accepted and not used: every step is one unit of time.",
    effect="the network runs faster than it is meant to, and changes when dt does not",
    trigger="dt != 1",
    source="thought of",
    cells=("continuous",),
    forward=True,
    variant=True,
)
def _step_ignored(cell: Cell) -> Network | None:
    if not isinstance(cell, Continuous) or cell.dt == 1 or cell.tau == "learned":
        return None
    constants = cell.tau if isinstance(cell.tau, tuple) else (cell.tau,)
    return WrongFunction(replace(cell, dt=1.0)) if min(constants) >= 1 else None  # a longer step would overshoot


class _Squashed(Graft):
    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        phi, _ = NONLINEARITIES[self.nonlinearity]  # type: ignore[attr-defined]
        return (phi(z + linear(phi(state[0]), p["W"])),), ()


@fault(
    "preactivation-squashed",
    "The state is squashed before it is returned, and again before it is used.",
    effect="the nonlinearity acts twice on everything that is carried",
    trigger="any",
    source="thought of",
    cells=("preactivation",),
    forward=True,
)
def _squashed(cell: Any) -> Network | None:
    return None if cell.nonlinearity == "identity" else WrongFunction(graft(_Squashed, cell))


class _Raw(Graft):
    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        return (z + linear(state[0], p["W"]),), ()


@fault(
    "preactivation-linear",
    "The recurrent weights see the state itself: the nonlinearity is missing.",
    effect="a linear network, whose states explode or vanish",
    trigger="h0 != 0 or T >= 2",
    source="thought of",
    cells=("preactivation",),
    forward=True,
    variant=True,
)
def _raw(cell: Any) -> Network | None:
    return None if cell.nonlinearity == "identity" else WrongFunction(graft(_Raw, cell))


class _SlopeMissing(Graft):
    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        dz, _, shares = super().step_vjp(p, saved, dstate)
        return dz, (linear_adjoint(dstate[0], p["W"]),), shares


@fault(
    "preactivation-slope-missing",
    "The gradient that is carried back misses the slope of the nonlinearity at the old state.",
    effect="gradients over a lag are too large, and explode where they must not",
    trigger="T >= 2",
    source="thought of",
    cells=("preactivation",),
    forward=False,
)
def _slope_missing(cell: Any) -> Network | None:
    squashes = isinstance(cell, Preactivation) and cell.nonlinearity != "identity"
    return Network(graft(_SlopeMissing, cell)) if squashes else None
