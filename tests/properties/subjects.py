"""Small targets made from the reference, each with one thing changed, and how a property is asked about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from quality.planted import canonical

from ltdcheck.faults.fault import Network, fault_named
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.law import Evidence, property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Cell
from ltdcheck.strategies.problems import Recipe, build

Change = Callable[[Outputs, Problem], Outputs]


class Changed(Network):
    """The reference with its answers changed."""

    takes_lengths = True

    def __init__(self, cell: Cell, change: Change) -> None:
        super().__init__(cell)
        self.change = change

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """The right answer, changed."""
        return self.change(super().run(problem, backward=backward, fresh=fresh), problem)


def of(network: Network) -> Subject:
    """Held against the right cell, in the reference's own arrays."""
    return Subject(network, canonical(right(network)))


def right(network: Network) -> Cell:
    """The cell without the fault."""
    cell: Cell = getattr(network, "right", network.cell)
    return cell


def ask(id: str, network: Network, recipe: Recipe | None = None, **changes: Any) -> Evidence:
    """One property on one problem, some of whose fields are changed."""
    problem = build(right(network), recipe or Recipe()).with_(**changes)
    return property_named(id).check(of(network), problem)


def planted(cell: Cell, id: str) -> Network:
    """The reference with a fault of the catalogue."""
    network: Any = fault_named(id).plant(cell)
    network.right = cell
    return network  # type: ignore[no-any-return]


def entry_off(block: str, index: tuple[int, ...], by: float) -> Change:
    """One entry of ``y`` or ``dx`` off by an absolute amount."""

    def change(out: Outputs, problem: Problem) -> Outputs:
        array: Array | None = getattr(out, block)
        if array is None:
            return out
        moved = array.copy()
        moved[index] += by
        return replace(out, **{block: moved})

    return change


def nothing(out: Outputs, problem: Problem) -> Outputs:
    """No change."""
    return out


def zeroed(out: Outputs, problem: Problem) -> Outputs:
    """Outputs of zeros."""
    return replace(out, y=np.zeros_like(out.y))
