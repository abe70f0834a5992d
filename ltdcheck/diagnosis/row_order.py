"""Rows of an argument that are read in another order than they have: the outputs of a batch are those of other rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ltdcheck.diagnosis.apart import residual
from ltdcheck.diagnosis.forward import OF_NEITHER, OF_RIGHT, WAYS, Beside, Outputs, of_outputs
from ltdcheck.diagnosis.hearing import Exchange
from ltdcheck.faults.fault import Network
from ltdcheck.problem import Params
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.networks.unroll import Gradients
from ltdcheck.result import UNKNOWN, Diagnosis

ORDERS = ("in reverse", "one row further", "one row back")


class Reordered(Network):
    """The right network on an input, or an initial state, whose rows are in another order.

    ``at`` counts the input as 0 and the states from 1.
    """

    def __init__(self, cell: Cell, at: Sequence[int], how: str) -> None:
        super().__init__(cell)
        self.at, self.how = at, how

    @property
    def words(self) -> str:
        """What is read how."""
        names = ["x", *(f"{state}_0" for state in self.cell.states)]
        return f"the rows of {' and '.join(names[k] for k in self.at)} are read {self.how}"

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        """Of the arguments so read."""
        x, *states = self._read((x, *state), back=False)
        return super().forward(params, x, tuple(states))

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        """The derivative of :meth:`forward`: what was read hands its gradient back to the rows it was read from."""
        x, *states = self._read((x, *state), back=False)
        g = super().backward(params, x, tuple(states), dy, dstate)
        dx, *initial = self._read((g.x, *g.state), back=True)
        return Gradients(g.params, dx, tuple(initial), g.arrived)

    def _read(self, arrays: Sequence[Any], *, back: bool) -> list[Any]:
        """Those that are read in another order so, the others as they are."""
        return [_ordered(array, self.how, back=back) if k in self.at else array for k, array in enumerate(arrays)]


def networks(cell: Cell) -> Iterator[Reordered]:
    """One argument at a time, and all states at once."""
    several = [range(1, len(cell.states) + 1)] if len(cell.states) > 1 else []
    for at in (*([k] for k in range(len(cell.states) + 1)), *several):
        yield from (Reordered(cell, list(at), how) for how in ORDERS)


def reordered(subject: Subject, asked: Sequence[Exchange], limit: float) -> list[Diagnosis]:
    """The order that explains all answers, or all outputs; nothing where none does, or no batch has two rows."""
    if all(case.problems[0].sizes["B"] < 2 for case in asked):
        return []
    alone = Outputs(subject.implementation, subject.layout, subject.declared)
    outputs = of_outputs(asked)
    for network in networks(subject.cell):
        if not residual(alone, network, outputs, limit).far < limit:
            continue
        if residual(subject, network, asked, limit).far < limit:
            return [Diagnosis(UNKNOWN, network.words, 0.0)]
        right = any(residual(subject, Beside(network, subject.cell, way), asked, limit).far < limit for way in WAYS)
        return [Diagnosis(UNKNOWN, f"{network.words} ({OF_RIGHT if right else OF_NEITHER})", 0.0)]
    return []


def _ordered(array: Any, how: str, *, back: bool) -> Any:
    if how == ORDERS[0]:
        return array[..., ::-1, :]
    return np.roll(array, -1 if (how == ORDERS[1]) != back else 1, axis=-2)
