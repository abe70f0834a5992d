"""Arrays that change nothing: the variant that would read them, and the fault by which it does not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ltdcheck.diagnosis.apart import of_outputs
from ltdcheck.diagnosis.search import NAMED, limit_of
from ltdcheck.faults.fault import Fault, Network
from ltdcheck.faults.graft import plantable
from ltdcheck.problem import Problem
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Cell, Wiring
from ltdcheck.reference.variants import variants
from ltdcheck.result import Diagnosis
from ltdcheck.strategies.problems import Recipe, build

RECIPE = Recipe(T=5, B=3, I=4, H=6, seed=4711)


def idle(subject: Subject) -> list[Diagnosis]:
    """The faults under which a variant that has as many entries more as are idle answers as the target's cell does.

    Nothing where the target is several cells, or reads all it has.
    """
    cell = subject.cell
    if isinstance(cell, Wiring) or subject.unreferenced or not (left := _idle(subject)):
        return []
    found = dict.fromkeys(fault for wider in _wider(cell, left) for fault in _narrowing(wider, cell))
    return [Diagnosis(fault.id, fault.sentence.rstrip("."), 0.0) for fault in list(found)[:NAMED]]


def _idle(subject: Subject) -> int:
    """How many entries of the target's arrays are of no block, at the sizes of the recipe."""
    return sum(int(np.sum(index < 0)) for index in subject.layout.indices(RECIPE.I, RECIPE.H).values())


def _entries(cell: Cell) -> int:
    return sum(int(np.prod(shape)) for shape in cell.shapes(RECIPE.I, RECIPE.H).values())


def _wider(cell: Cell, entries: int) -> Iterator[Cell]:
    """The variants that have all that the cell has, and so many entries more."""
    held = cell.shapes(RECIPE.I, RECIPE.H).items()
    for one in variants(cell.name):
        if held <= one.shapes(RECIPE.I, RECIPE.H).items() and _entries(one) == _entries(cell) + entries:
            yield one


def _narrowing(wider: Cell, cell: Cell) -> Iterator[Fault]:
    """The faults of the forward pass that make the wider variant answer as the cell."""
    problem = build(wider, RECIPE)
    wanted = Network(cell).run(_of(cell, problem), backward=False)
    for fault in plantable(wider.name):
        network = fault.plant(wider) if fault.forward and not fault.layout else None
        if network is None:
            continue
        far = max(of_outputs(wanted, network.run(problem, backward=False)).values())
        if far < limit_of(problem.precision):
            yield fault


def _of(cell: Cell, problem: Problem) -> Problem:
    """The same without what the cell does not have."""
    return problem.with_(params={name: problem.params[name] for name in cell.shapes(RECIPE.I, RECIPE.H)})
