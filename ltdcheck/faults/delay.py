"""Faults of delayed connections and of output-recurrent networks."""

from __future__ import annotations

from typing import Any

from ltdcheck.faults.fault import Network, WrongFunction, fault
from ltdcheck.faults.graft import Graft, computes, differentiates, graft
from ltdcheck.reference.cell import Cell, Saved, Share, State
from ltdcheck.reference.cells.delay import Delay
from ltdcheck.reference.nonlinearities import NONLINEARITIES
from ltdcheck.reference.ops import zeros_like


def _several(mixin: type[Cell], cell: Cell) -> Cell | None:
    """With a lag of 1 there is no queue to get wrong."""
    return graft(mixin, cell) if isinstance(cell, Delay) and cell.lag > 1 else None


class _OneEarly(Graft):
    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        (h, *_), saved = super().step(p, z, (*state[:-1], state[-2]))
        return (h, *state[:-1]), saved


@fault(
    "delay-off-by-one",
    "The delayed connection reaches d - 1 steps back where d is meant.",
    effect="gradients over long lags are those of a shorter delay",
    trigger="h0 != 0 or T >= d",
    source="thought of",
    cells=("delay",),
    forward=True,
)
def _off_by_one(cell: Cell) -> Network | None:
    wrong = _several(_OneEarly, cell)
    return None if wrong is None else WrongFunction(wrong)


class _Stuck(Graft):
    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        (h, *_), saved = super().step(p, z, state)
        return (h, *state[1:]), saved


@fault(
    "delay-queue-stuck",
    "The queue of old states is never moved on: the delayed connection sees the initial state for ever.",
    effect="the delay carries nothing that happened in the sequence",
    trigger="any",
    source="thought of",
    cells=("delay",),
    forward=True,
)
def _stuck(cell: Cell) -> Network | None:
    wrong = _several(_Stuck, cell)
    return None if wrong is None else WrongFunction(wrong)


class _QueueDropped(Graft):
    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        dz, queue, shares = super().step_vjp(p, saved, dstate)
        return dz, (*queue[:-1], zeros_like(queue[-1])), shares


@fault(
    "bptt-carry-partial.delay",
    "The gradient is not carried back along the delayed connection.",
    effect="the short cut that the delay gives to gradients is not there",
    trigger="T > d, or the gradient of the oldest initial state",
    source="thought of",
    cells=("delay",),
    forward=False,
)
def _queue_dropped(cell: Cell) -> Network | None:
    wrong = _several(_QueueDropped, cell)
    return None if wrong is None else Network(wrong)


# -- output-recurrent ----------------------------------------------------------------------------------------


class _OutputSquashed(Graft):
    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        (o,), saved = super().step(p, z, state)
        return (NONLINEARITIES["tanh"][0](o),), saved


fault(
    "jordan-output-squashed",
    "The output goes through tanh where it is meant to be linear.",
    effect="targets beyond -1 .. 1 cannot be reached, and gradients shrink once more at every step",
    trigger="any",
    source="thought of",
    cells=("jordan",),
    forward=True,
)(computes(_OutputSquashed))


class _Unbiased(Graft):
    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        (o,), saved = super().step(p, z, state)
        return (o - p["c"],), saved


fault(
    "parameter-unused.c",
    "The output's bias c is declared and never used.",
    effect="it never learns, and the output cannot be shifted",
    trigger="c != 0",
    source="thought of",
    cells=("jordan",),
    forward=True,
)(computes(_Unbiased))


class _Decoupled(Graft):
    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        dz, (do,), shares = super().step_vjp(p, saved, dstate)
        return dz, (zeros_like(do),), shares


fault(
    "bptt-carry-missing.output",
    "The gradient is not carried back through the output that is fed back, as if a teacher had given it.",
    effect="nothing is learned over more than one step",
    trigger="T >= 2",
    source="thought of",
    cells=("jordan",),
    forward=False,
)(differentiates(_Decoupled))
