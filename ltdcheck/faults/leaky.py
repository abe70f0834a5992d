"""Faults of leaky units and of continuous-time networks: the leak and its time constant."""

from __future__ import annotations

from typing import Any

from ltdcheck.faults.fault import Network, WrongFunction, fault
from ltdcheck.faults.graft import Graft, graft
from ltdcheck.reference.cell import Cell, Saved, Share, State
from ltdcheck.reference.cells.continuous import Continuous
from ltdcheck.reference.cells.leaky import Leaky, rates
from ltdcheck.reference.nonlinearities import NONLINEARITIES
from ltdcheck.reference.ops import linear, zeros_like

BOTH = ("leaky", "continuous")


def _rates(cell: Any, p: dict[str, Any], z: Any) -> tuple[Any, Any]:
    """1/tau, or dt/tau, and 1 minus it."""
    return rates(cell.tau, cell.dt if isinstance(cell, Continuous) else 1.0, p, z)


def _fed(cell: Any, p: dict[str, Any], z: Any, h_prev: Any) -> tuple[Any, Any]:
    """The pre-activation and what the leak mixes in, of both families."""
    phi, _ = NONLINEARITIES[cell.nonlinearity]
    if isinstance(cell, Continuous) and cell.phi_of == "state":
        a = z + linear(phi(h_prev), p["W"])
        return a, a
    a = z + linear(h_prev, p["W"])
    return a, phi(a)


def _summing(cell: Any) -> bool:
    return isinstance(cell, Leaky) and cell.leak == "summing"


def _one_step(cell: Any) -> bool:
    """A leaky unit with a time constant of one step, which keeps nothing."""
    return isinstance(cell, Leaky) and cell.tau == 1


class _Mixes(Graft):
    """A step that mixes the old state with the new candidate otherwise."""

    def mixed(self, h: Any, a: Any, q: Any, rate: Any, keep: Any) -> Any:
        """The new state: of the old one, the pre-activation, what the leak mixes in, and both weights."""
        return keep * h + self.taken(q, rate)

    def taken(self, q: Any, rate: Any) -> Any:
        """The share of what is new."""
        return q if _summing(self) else rate * q

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        a, q = _fed(self, p, z, state[0])
        return (self.mixed(state[0], a, q, *_rates(self, p, z)),), ()


class _OnPreactivation(_Mixes):
    def mixed(self, h: Any, a: Any, q: Any, rate: Any, keep: Any) -> Any:
        phi, _ = NONLINEARITIES[self.nonlinearity]  # type: ignore[attr-defined]
        return phi(super().mixed(h, a, a, rate, keep))


@fault(
    "leak-on-preactivation",
    "The leak is inside the nonlinearity: it mixes the old state with the pre-activation, and squashes both.",
    effect="the state is squashed at every step, and what was stored fades faster than tau says",
    trigger="tau != 1; of summing units h0 != 0 or T >= 2",
    source="several",
    cells=BOTH,
    forward=True,
)
def _on_preactivation(cell: Any) -> Network | None:
    outside = not (isinstance(cell, Continuous) and cell.phi_of == "state")
    useful = cell.nonlinearity != "identity" and outside and not _one_step(cell)
    return WrongFunction(graft(_OnPreactivation, cell)) if useful else None


class _Swapped(_Mixes):
    def mixed(self, h: Any, a: Any, q: Any, rate: Any, keep: Any) -> Any:
        return super().mixed(h, a, q, keep, rate)


@fault(
    "leak-swapped",
    "The weights of the old state and of the new candidate are exchanged: 1/tau keeps and 1 - 1/tau takes.",
    effect="units that are meant to be slow are fast, and the slower they are meant to be the faster",
    trigger="tau != 2",
    source="several",
    cells=BOTH,
    forward=True,
    variant=True,
)
def _swapped(cell: Any) -> Network | None:
    unit = cell.dt if isinstance(cell, Continuous) else 1.0
    same = cell.tau == 2 * unit  # half and half either way
    return None if same else WrongFunction(graft(_Swapped, cell))


class _Ignored(_Mixes):
    def mixed(self, h: Any, a: Any, q: Any, rate: Any, keep: Any) -> Any:
        return q


@fault(
    "leak-ignored",
    "The time constant is accepted and not used: every unit forgets its state at every step.",
    effect="an ordinary network, in which gradients vanish as in any other",
    trigger="h0 != 0 or T >= 2 with summing units, any with the others",
    source="thought of",
    cells=BOTH,
    forward=True,
    variant=True,
)
def _ignored(cell: Any) -> Network | None:
    """A time constant of one step is not used by a right network either."""
    return None if _one_step(cell) else WrongFunction(graft(_Ignored, cell))


class _Grows(_Mixes):
    def mixed(self, h: Any, a: Any, q: Any, rate: Any, keep: Any) -> Any:
        return h + self.taken(q, rate)


@fault(
    "leak-missing",
    "The old state is kept whole: -h is missing, and what is added to the state never decays.",
    effect="states grow without bound",
    trigger="h0 != 0 or T >= 2",
    source="thought of",
    cells=BOTH,
    forward=True,
)
def _grows(cell: Any) -> Network | None:
    return WrongFunction(graft(_Grows, cell))


# -- backward ------------------------------------------------------------------------------------------------


class _KeepDropped(Graft):
    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        dz, (dh,), shares = super().step_vjp(p, saved, dstate)
        return dz, (dh - saved[-1] * dstate[0],), shares


@fault(
    "bptt-carry-partial.leak",
    "The gradient is not carried back along the leak: the factor 1 - 1/tau from state to state is missing.",
    effect="long lags get no gradient, which is what leaky units are for",
    trigger="T >= 2",
    source="thought of",
    cells=BOTH,
    forward=False,
)
def _keep_dropped(cell: Any) -> Network | None:
    return None if _one_step(cell) else Network(graft(_KeepDropped, cell))


class _RateDropped(Graft):
    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        *others, rate, keep = saved
        dz, carried, shares = super().step_vjp(p, (*others, 0 * rate + 1, keep), dstate)
        if "s" in shares:
            shares["s"] = super().step_vjp(p, saved, dstate)[2]["s"]
        return dz, carried, shares


@fault(
    "leak-gradient-unscaled",
    "The gradient of the candidate misses its factor 1/tau.",
    effect="the gradient of the weights is too large by tau, and that over a lag by more",
    trigger="tau != 1",
    source="thought of",
    cells=BOTH,
    forward=False,
)
def _rate_dropped(cell: Any) -> Network | None:
    return None if _summing(cell) or _one_step(cell) else Network(graft(_RateDropped, cell))


class _TauDetached(Graft):
    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        dz, carried, shares = super().step_vjp(p, saved, dstate)
        return dz, carried, {**shares, "s": shares["s"]._replace(da=zeros_like(shares["s"].da))}  # type: ignore[union-attr]


@fault(
    "leak-tau-detached",
    "The learned time constant gets no gradient.",
    effect="tau stays where it was initialised",
    trigger="tau is learned",
    source="thought of",
    cells=BOTH,
    forward=False,
)
def _tau_detached(cell: Cell) -> Network | None:
    return Network(graft(_TauDetached, cell)) if "s" in cell.shapes(1, 1) else None
