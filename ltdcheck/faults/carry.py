"""Faults of one term of the adjoint: a way back that is forgotten, between steps or inside one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ltdcheck.faults.adjoints import ADJOINTS, Without, bends, bent
from ltdcheck.faults.fault import Network, Plant, fault
from ltdcheck.faults.graft import ALL, derived, derived_network, graft
from ltdcheck.problem import Params
from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.networks.unroll import Gradients, Tape, unroll, unroll_vjp

FORGETS = "long-term dependencies are not learned; training looks right on short sequences"


def _forgotten(
    site: str, words: str, trigger: str, *, cells: tuple[str, ...], source: str = "thought of"
) -> Callable[[Plant], Plant]:
    """A site of the row of ways back that are forgotten."""
    id = f"bptt-carry-partial.{site}"
    return fault(id, words, effect=FORGETS, trigger=trigger, source=source, cells=cells, forward=False)


# -- one way back missing ------------------------------------------------------------------------------------


class _CarriesNot(Network):
    """One array of the state gets no gradient from the next step."""

    which: ClassVar[int]

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        def carry(t: int, d: State) -> State:
            return tuple(ops.zeros_like(s) if k == self.which and t > 0 else s for k, s in enumerate(d))

        _, _, tape = unroll(self.cell, params, x, state)
        return unroll_vjp(self.cell, params, tape, dy, dstate, carry=carry)


for _k, _what in enumerate("hc"):
    _forgotten(
        _what,
        f"Of the state (h, c), the gradient d{_what} is not carried back to the step before.",
        "T >= 2",
        source="a course's LSTM notebook, RNN-LSTM-in-numpy#1",
        cells=("lstm",),
    )(derived_network(_CarriesNot, which=_k))


class _HalfCarries(Network):
    """The second half of the units gets no gradient from the next step."""

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        def carry(t: int, d: State) -> State:
            return tuple(s * ((np.arange(s.shape[1]) < (s.shape[1] + 1) // 2) | (t == 0)) for s in d)

        _, _, tape = unroll(self.cell, params, x, state)
        return unroll_vjp(self.cell, params, tape, dy, dstate, carry=carry)


_forgotten("half", "Only the first half of the units gets a gradient from the next step.", "T >= 2, H >= 2", cells=ALL)(
    _HalfCarries
)


class _BetweenSteps(Network):
    """The adjoint of ``wrong`` for every step but the first, which hands the right gradient to the initial state."""

    def __init__(self, cell: Cell, wrong: Cell) -> None:
        super().__init__(cell)
        self.wrong = wrong

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        _, _, tape = unroll(self.cell, params, x, state)
        if len(x) < 2:
            return unroll_vjp(self.cell, params, tape, dy, dstate)
        late = unroll_vjp(self.wrong, params, Tape(x[1:], tape.saved[1:]), dy[1:], dstate)
        first = unroll_vjp(self.cell, params, Tape(x[:1], tape.saved[:1]), dy[:1], late.state)
        grads = {name: value + late.params[name] for name, value in first.params.items()}
        return Gradients(
            grads, ops.concatenate([first.x, late.x], axis=-3), first.state, (*first.arrived, *late.arrived)
        )


def _partial(cell: str, site: str, words: str, *dropped: str) -> None:
    """Some terms of the carry are forgotten in a cell, at every step or at every step but the first."""
    without = derived(Without, dropped=dropped)
    known: Any = {"cells": (cell,), "source": "a course's LSTM notebook" if cell == "lstm" else "thought of"}
    trigger = "T >= 2, or the initial state's gradient"
    _forgotten(f"{cell}-{site}", f"The gradient through {words}.", trigger, **known)(bends(without))
    between = f"Between steps, the gradient through {words}; to the initial state it is."
    _forgotten(f"{cell}-{site}-between", between, "T >= 2", **known)(
        lambda right: _BetweenSteps(right, graft(without, right, ADJOINTS[cell]))
    )


_partial("lstm", "i", "the input gate is not carried back to h", "h<-i")
_partial("lstm", "f", "the forget gate is not carried back to h", "h<-f")
_partial("lstm", "o", "the output gate is not carried back to h", "h<-o")
_partial("lstm", "g", "the candidate g is not carried back to h", "h<-g")
_partial("lstm", "keep", "the forgetting product f*c is not carried back to c", "c<-c")
_partial("gru", "r", "the reset gate is not carried back to h", "h<-r")
_partial("gru", "u", "the update gate is not carried back to h", "h<-u")
_partial("gru", "n", "the candidate n is not carried back to h", "h<-n")
_partial("gru", "gates", "both gates is not carried back to h", "h<-r", "h<-u")
_partial("lstm", "gates", "the three gates is not carried back to h", "h<-i", "h<-f", "h<-o")
_partial("gru", "keep", "the part of h that the update gate keeps is not carried back to h", "h<-h")

_NoPeepholes = derived(Without, dropped=("c<-i", "c<-f", "c<-o", "c'<-o"))


@fault(
    "bptt-carry-partial.peepholes",
    "The gradient through the peepholes is not carried back to the cell state.",
    effect="the gates' timing is learned from the hidden state alone",
    trigger="T >= 2, or the initial state's gradient",
    source="thought of",
    cells=("lstm",),
    forward=False,
)
def _no_peepholes(cell: Cell) -> Network | None:
    return bent(_NoPeepholes, cell) if isinstance(cell, LSTM) and cell.peepholes != "none" else None


def _term(cell: str, id: str, words: str, dropped: str) -> None:
    """One term inside the step is forgotten."""
    fault(
        id,
        f"The gradient {words}.",
        effect="the weights behind it learn from a part of the loss, or not at all",
        trigger="any" if cell == "lstm" else "h0 != 0 or T >= 2",
        source="thought of",
        cells=(cell,),
        forward=False,
    )(bends(derived(Without, dropped=(dropped,))))


_term("lstm", "gradient-term-missing.cell", "of the output h = o*tanh(c) does not reach the cell state", "c'<-h")
_term("lstm", "gradient-term-missing.i", "of the cell state does not reach the input gate", "i<-c")
_term("lstm", "gradient-term-missing.f", "of the cell state does not reach the forget gate", "f<-c")
_term("lstm", "gradient-term-missing.o", "of the output does not reach the output gate", "o<-h")
_term("lstm", "gradient-term-missing.g", "of the cell state does not reach the candidate", "g<-c")
_term("gru", "gradient-term-missing.r", "of the candidate does not reach the reset gate", "r<-n")
_term("gru", "gradient-term-missing.u", "of the new state does not reach the update gate", "u<-h")
_term("gru", "gradient-term-missing.n", "of the new state does not reach the candidate", "n<-h")
