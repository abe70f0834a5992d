"""Faults of the leaky reservoir's step; those of its matrix are in :mod:`ltdcheck.faults.reservoir`."""

from __future__ import annotations

from typing import Any

from ltdcheck.faults.fault import Network, WrongFunction, fault
from ltdcheck.faults.graft import Graft, graft
from ltdcheck.reference.cell import Cell, Saved, Share, State
from ltdcheck.reference.cells.echo_state import EchoState
from ltdcheck.reference.ops import linear, tanh


class _Swapped(Graft):
    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        a = _leak(self)
        q = tanh(z + linear(state[0], p["W"]))
        return (a * state[0] + (1 - a) * q,), ()


@fault(
    "leak-swapped.reservoir",
    "The reservoir keeps the part a of its state and takes 1 - a of the new one: its leak is exchanged.",
    effect="slow reservoirs are fast, and fast ones slow",
    trigger="a leak that is not 1/2 and not 1",
    source="several",
    cells=("echo_state",),
    forward=True,
    variant=True,
)
def _swapped(cell: Cell) -> Network | None:
    return WrongFunction(graft(_Swapped, cell)) if _leaky(cell) else None


class _Inside(Graft):
    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        a = _leak(self)
        return (tanh((1 - a) * state[0] + a * (z + linear(state[0], p["W"]))),), ()


@fault(
    "leak-on-preactivation.reservoir",
    "The leak of the reservoir is applied to the pre-activation, inside tanh.",
    effect="the state is squashed again at every step, and forgets",
    trigger="a leak below 1",
    source="several",
    cells=("echo_state",),
    forward=True,
)
def _inside(cell: Cell) -> Network | None:
    return WrongFunction(graft(_Inside, cell)) if _leaky(cell) else None


class _LeakForgotten(Graft):
    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        dz, (dh_prev,), shares = super().step_vjp(p, saved, dstate)
        return dz, (dh_prev - dstate[0] * (1 - _leak(self)),), shares


@fault(
    "bptt-carry-partial.reservoir-leak",
    "The gradient through the kept part of the state, (1 - a)*h, is not carried back.",
    effect="the memory of slow units gets no gradient",
    trigger="a leak below 1, and T >= 2",
    source="thought of",
    cells=("echo_state",),
    forward=False,
)
def _leak_forgotten(cell: Cell) -> Network | None:
    return Network(graft(_LeakForgotten, cell)) if _leaky(cell) else None


def _leak(cell: Cell) -> float:
    assert isinstance(cell, EchoState)
    return cell.leak


def _leaky(cell: Cell) -> bool:
    return isinstance(cell, EchoState) and cell.leak < 1
