"""Faults planted in the reference, as subjects of properties, without a worker and without identification."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ltdcheck.diagnosis.identify import identify
from ltdcheck.faults.fault import Fault, Network, WrongFunction
from ltdcheck.implementation import Outputs
from ltdcheck.oracles.rounding import Expected, expected
from ltdcheck.problem import Params, Problem
from ltdcheck.properties.compare import compare
from ltdcheck.properties.law import Property
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.layout import ArrayLayout, Layout, _numbers
from ltdcheck.reference.variants import variants
from ltdcheck.runner.cases import fixed_cases
from ltdcheck.runner.examine import Tally, check_of, examine
from ltdcheck.strategies.problems import LARGE_BATCH, Recipe, build

LAGS = 200  # steps from which on a problem is one of long lags


class Canonical(Layout):
    """The reference's own arrays, whatever their shapes."""

    def indices(self, I: int, H: int) -> dict[str, NDArray[np.int_]]:
        """Each entry is itself."""
        if (I, H) not in self._cache:
            self._cache[I, H] = _numbers(self.cell, I, H)
        return self._cache[I, H]

    def to_target(self, params: Params, I: int, H: int) -> Params:
        """Each array is itself."""
        return {name: params[name] for name in self.cell.shapes(I, H)}

    def within(self, params: Params, I: int, H: int) -> Params:
        """It has all of them."""
        return params


@cache
def canonical(cell: Cell) -> Layout:
    """Every array with its blocks in order; sources by the names that all cells use."""
    roles: dict[str, list[str]] = {}
    for block in cell.blocks(1):
        roles.setdefault(block.array, []).append(block.name)
    arrays = {}
    for name, shape in cell.shapes(2, 3).items():
        source = {"U": "x", "W": "h"}.get(name, "1")
        words = ("(g u)" if len(roles.get(name, ())) > 1 else "u") + (" s" if len(shape) > 1 else "")
        arrays[name] = ArrayLayout(words, (source,), (tuple(roles.get(name, (name,))),))
    return Canonical(cell, arrays)


class Planted(Subject):
    """A subject that shares what is expected with all others of its cell."""

    _shared: dict[tuple[object, ...], Expected] = {}  # noqa: RUF012

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """Over long lags no gradients of wrong outputs, at which the law ends: autograd takes a second for them."""
        if backward and len(problem.x) >= LAGS and isinstance(self.implementation, WrongFunction):
            unasked = self.on(deepcopy(self.implementation))  # what it would remember of the call is forgotten
            out = unasked.run_again(problem, backward=False)
            if compare(self, problem, self.outputs(out), self.expect(problem).outputs).disagreement:
                return out
        return super().run(problem, backward=backward, fresh=fresh)

    def expect(self, problem: Problem) -> Expected:
        """By what the problem holds."""
        arrays = (*problem.params.values(), problem.x, *problem.given_state, problem.dy, *problem.dstate)
        key = (self.cell, problem.precision, problem.lengths, *((a.shape, a.tobytes()) for a in arrays))
        if key not in self._shared:
            self._shared[key] = expected(self.cell, problem)
        return self._shared[key]


def host(fault: Fault, family: str) -> tuple[Cell, Network]:
    """The first variant of a family that has something to get wrong, and the network with the fault."""
    planted = ((cell, fault.plant(cell)) for cell in variants(family))
    return next((cell, network) for cell, network in planted if network is not None)


def planted(fault: Fault, family: str) -> Subject:
    """The fault against the layout of the reference."""
    cell, network = host(fault, family)
    return Planted(network, canonical(cell))


def declared(fault: Fault, family: str) -> Subject:
    """The fault as it is identified, against the declaration of what it was planted in."""
    cell, network = host(fault, family)
    return Planted(network, identify(network, fault.id, family).layout, declaration(canonical(cell)))


def right(cell: Cell) -> Subject:
    """The reference itself, as it is declared."""
    return Planted(Network(cell), canonical(cell), declaration(canonical(cell)))


def declaration(layout: Layout) -> str:
    """What ``--as`` says of a layout: its variant, the order of its gates, and that it reads from the beginning."""
    own = [f"{f.name}={getattr(layout.cell, f.name)}" for f in fields(layout.cell)]  # what follows from them is no word
    arranged = [word for word in layout.words().split(", ") if re.fullmatch(r"(order|biases)=[\w+ ]+", word)]
    return ", ".join([*own, *arranged, "direction=forward"])


@cache
def problem_of(cell: Cell, recipe: Recipe) -> Problem:
    """One object for all who ask."""
    return build(cell, recipe)


def asked(prop: Property, subject: Subject, recipes: Sequence[Recipe] | None = None) -> Tally[Recipe]:
    """The property on its fixed problems, as the runner asks."""
    cell = subject.cell
    cases = fixed_cases(prop, cell, subject.precisions) if recipes is None else recipes
    tally: Tally[Recipe] = examine(check_of(prop, subject, lambda recipe: problem_of(cell, recipe)), cases)
    if tally.error:
        raise AssertionError(tally.error)
    return tally


@dataclass(frozen=True)
class Kill:
    """How many problems it took, this one included, and whether it was the large one, which ``quick`` leaves out."""

    examples: int
    large: bool


def killed(prop: Property, subject: Subject) -> Kill | None:
    """What became of the property; None where it holds."""
    tally = asked(prop, subject)
    return None if tally.failing is None else Kill(tally.examples, tally.failing.B >= LARGE_BATCH)


def kills(prop: Property, subject: Subject) -> bool:
    """The property does not hold."""
    return killed(prop, subject) is not None
