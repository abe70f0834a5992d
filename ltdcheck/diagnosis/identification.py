"""What a target was taken for, and its proof: the reference so arranged, and the target, on a fresh problem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ltdcheck.diagnosis.probe import B, Probe, T, answer_of, far, there, unchanged
from ltdcheck.errors import TargetFailure
from ltdcheck.faults.fault import Network, fault_named
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.layout import Layout
from ltdcheck.strategies.problems import Recipe, build


@dataclass(frozen=True)
class Identification:
    """What the target was taken for, and how sure that is.

    ``distance`` is the largest relative difference between the reference so arranged and the target on a fresh problem;
    ``next`` that of the best other variant, or what it is at the base point where no arrangement can make it less.
    ``fault`` is the id of the known fault that was needed to explain the forward pass, or "". Of several cells,
    ``partly`` says that some are known exactly.
    """

    layout: Layout
    distance: float
    next: float
    fault: str = ""
    partly: bool = False

    @property
    def cell(self) -> Cell:
        """The reference that the target is held against."""
        return self.layout.cell

    @property
    def exact(self) -> bool:
        """The right reference reproduces the target's forward pass to rounding."""
        return not self.fault and self.explained

    @property
    def explained(self) -> bool:
        """A reference, right or with a known fault, reproduces the target's forward pass to rounding."""
        return self.distance < 1e-3

    @property
    def sure(self) -> str:
        """How sure that is, in words: the distance, and that of the next variant."""
        other = f", the next variant {self.next:.2g}" if np.isfinite(self.next) else ""
        return f"the reference so arranged is {self.distance:.2g} away{other} (of the largest entry)"

    @property
    def network(self) -> Network:
        """The reference, with the fault if there is one."""
        planted = fault_named(self.fault).plant(self.cell) if self.fault else None
        return planted or Network(self.cell)

    @property
    def words(self) -> str:
        """Variant and layout in one line."""
        return ", ".join(filter(None, (self.cell.variant, self.layout.words())))


def best_of(found: Iterable[Identification | None]) -> Identification | None:
    """The first that is exact, else the nearest."""
    best: Identification | None = None
    for it in found:
        if it is not None and (best is None or it.distance < best.distance or it.exact):
            best = it
        if best is not None and best.exact:
            break
    return best


def proof(probe: Probe, layout: Layout, network: Network) -> float:
    """Largest relative difference between reference and target on a fresh problem."""
    I, H = probe.I, probe.H
    recipe = Recipe(T=T, B=B, I=I, H=H, seed=99, precision=probe.precision)
    problem = build(layout.cell, recipe)
    problem = problem.with_(params=layout.within(problem.params, I, H))
    theirs = problem.with_(params=layout.to_target(problem.params, I, H))
    theirs = there(theirs, swapped=layout.swapped_state)
    try:
        got = probe.target.run(theirs, backward=False, fresh=True)
        swapped = layout.swapped_state
        steady = True if probe.steady is None else unchanged(probe.target, theirs, swapped=swapped)
    except TargetFailure:
        return float("inf")
    ours = answer_of(probe.reference(network, problem), swapped=False)
    return far(np.where(steady, ours, 0.0), np.where(steady, answer_of(got, swapped=swapped), 0.0))
