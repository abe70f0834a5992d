"""A wrong forward pass beside a backward pass that is not its derivative: what is wrong with the outputs, by itself.

People write the two passes apart, and get one of them wrong. A fault of the catalogue has the derivative of what it
computes, and so explains the outputs of such a target and none of its gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from ltdcheck.diagnosis.apart import residual
from ltdcheck.diagnosis.hearing import Exchange
from ltdcheck.diagnosis.search import NAMED, Candidate
from ltdcheck.faults.fault import Network
from ltdcheck.faults.graft import Graft, graft
from ltdcheck.problem import Params
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Cell, Saved, State, Wiring
from ltdcheck.reference.networks.unroll import Gradients, Tape, unroll_vjp
from ltdcheck.result import Diagnosis

OF_RIGHT = "in the forward pass; the backward pass is that of the right cell"
OF_NEITHER = "in the forward pass; the backward pass is wrong too: neither its derivative nor that of the right cell"


class Outputs(Subject):
    """The same target, of which no gradient is asked."""

    @property
    def forward_only(self) -> str:
        """Why no gradient is looked at."""
        return "its outputs are looked at by themselves"


def of_outputs(asked: Sequence[Exchange]) -> list[Exchange]:
    """The same questions and answers without their gradients."""
    return [
        replace(
            one,
            backward=False,
            answers=tuple(replace(a, dx=None, dstate=None, dparams=None, facts={}) for a in one.answers),
        )
        for one in asked
    ]


def halves(subject: Subject, asked: Sequence[Exchange], found: Sequence[Candidate], limit: float) -> list[Diagnosis]:
    """What is said of faults that explain all outputs, those first beside which the right cell's adjoint stands."""
    beside = [(one, _beside(subject, asked, one, limit)) for one in found]
    ordered = sorted(beside, key=lambda pair: not pair[1])[:NAMED]
    return [
        Diagnosis(
            one.fault.id, f"{one.fault.sentence.rstrip('.')} ({OF_RIGHT if right else OF_NEITHER})", one.apart.far
        )
        for one, right in ordered
    ]


def _beside(subject: Subject, asked: Sequence[Exchange], one: Candidate, limit: float) -> bool:
    """Some way of putting the right adjoint beside this forward pass gives the target's gradients."""
    for way in WAYS[-1:] if isinstance(subject.cell, Wiring) else WAYS:
        wrong = one.fault.plant(subject.cell)
        if wrong is not None and residual(subject, Beside(wrong, subject.cell, way), asked, limit).far < limit:
            return True
    return False


# -- the right adjoint -----------------------------------------------------------------------------------------------


@dataclass
class Notes:
    """What a forward pass hands to its cell, and what the cell keeps."""

    x: Any = None
    params: dict[str, Any] = field(default_factory=dict)
    saved: list[Saved] = field(default_factory=list)


class _Noting(Graft):
    notes: Notes  # of one pass, and no part of the variant

    def drive(self, p: dict[str, Any], x: Any) -> Any:
        self.notes.x = x
        return super().drive(p, x)

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        after, saved = super().step(p, z, state)
        self.notes.params = p
        self.notes.saved.append(saved)
        return after, saved


def _through_what_it_left(notes: Notes, params: Params, x: Any, right: Cell, dy: Any, dstate: State) -> Gradients:
    """Through the values and the weights that the wrong pass used."""
    return unroll_vjp(right, notes.params, Tape(notes.x, notes.saved), dy, dstate)


def _through_the_right_weights(notes: Notes, params: Params, x: Any, right: Cell, dy: Any, dstate: State) -> Gradients:
    """Through the values that the wrong pass left, and the weights and the input as they are."""
    return unroll_vjp(right, params, Tape(x, notes.saved), dy, dstate)


Way = Callable[[Notes, Params, Any, Cell, Any, State], Gradients]
WAYS: tuple[Way | None, ...] = (_through_what_it_left, _through_the_right_weights, None)  # None: of the right pass


class Beside(Network):
    """A wrong forward pass, and the right cell's adjoint."""

    def __init__(self, wrong: Network, right: Cell, way: Way | None) -> None:
        super().__init__(right)
        self.wrong, self.way = wrong, way

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        """The wrong one."""
        self.wrong.lengths = self.lengths
        return self.wrong.forward(params, x, state)

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        """The right one, through what the forward pass leaves or through a right one.

        Raises
        ------
        ValueError
            When the forward pass does not leave one tape entry a step, of the right cell's kind.
        """
        if self.way is None or not len(x):
            return super().backward(params, x, state, dy, dstate)
        noting, notes = copy(self.wrong), Notes()
        noting.cell = graft(_Noting, self.wrong.cell)
        object.__setattr__(noting.cell, "notes", notes)  # a cell is frozen
        noting.forward(params, x, state)
        if len(notes.saved) != len(x) or self.lengths is not None:
            raise ValueError(f"the forward pass of {self.wrong.name} takes {len(notes.saved)} steps, not {len(x)}")
        return self.way(notes, params, x, self.cell, dy, dstate)
