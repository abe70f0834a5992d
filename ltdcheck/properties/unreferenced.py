"""A target whose equations nobody states: asked as it is, in its own arrays, and held against itself.

What it is held against is what a new instance answers; how far another answer may be from that is measured on the
target (:mod:`ltdcheck.properties.own_rounding`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ltdcheck.estimate import Estimate
from ltdcheck.implementation import Implementation
from ltdcheck.oracles.rounding import Expected
from ltdcheck.problem import Problem
from ltdcheck.properties.own_rounding import at_rest, bounded
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Block, Cell, Saved, Share, State
from ltdcheck.reference.layout import ArrayLayout, Layout, _numbers


@dataclass(frozen=True)
class OtherCell(Cell):
    """The shapes of a cell that has no reference: those of the target itself. Its states are ``s1``, ``s2``, .."""

    target: Implementation = field(compare=False)

    name: ClassVar[str] = "other"
    states: ClassVar[tuple[str, ...]] = ()
    gates: ClassVar[tuple[str, ...]] = ("",)
    source: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Say what, for a cell, its class says."""
        object.__setattr__(self, "states", tuple(f"s{k + 1}" for k in range(self.target.states)))

    @property
    def variant(self) -> str:
        """None is known."""
        return ""

    @property
    def both_ways(self) -> bool:
        """Two directions that are concatenated show in the width of the output; others are not told."""
        return self.target.width > 1

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """The target's own."""
        return self.target.parameters(I, H)

    def widths(self, H: int) -> tuple[int, ...]:
        """Of the target's state."""
        return self.target.widths(H)

    def output_width(self, H: int) -> int:
        """Of the target's outputs."""
        return self.target.output_width(H)

    @property
    def fewest(self) -> int:
        """One more than a projected output is wide."""
        return 1 + max(self.target.narrow, default=0)

    def blocks(self, H: int) -> list[Block]:
        """None: no part of its arrays has a name."""
        return []

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """Refuse.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError("a cell without a reference has no step; ask the target")

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """Refuse, as :meth:`step` does.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError("a cell without a reference has no step; ask the target")


@dataclass(frozen=True)
class OwnLayout(Layout):
    """The target's arrays as they are."""

    def indices(self, I: int, H: int) -> dict[str, NDArray[np.int_]]:
        """Each entry is itself."""
        if (I, H) not in self._cache:
            self._cache[I, H] = _numbers(self.cell, I, H)
        return self._cache[I, H]

    def name_of(self, array: str, index: tuple[int, ...], I: int, H: int) -> tuple[str, tuple[int, ...]]:
        """Its own name."""
        return array, index


class Unreferenced(Subject):
    """A subject that is its own reference. ``why`` says why it has no other."""

    def __init__(self, implementation: Implementation, why: str, declared: str = "") -> None:
        cell = OtherCell(implementation)
        sizes = implementation.fixed_sizes or (2, 3)
        arrays = {name: ArrayLayout("", (), ()) for name in implementation.parameters(*sizes)}
        super().__init__(implementation, OwnLayout(cell, arrays), declared)
        self.unreferenced = why

    def on(self, implementation: Implementation) -> Subject:
        """Another implementation, held against itself."""
        other = Unreferenced(implementation, self.unreferenced, self.declared)
        other.without = self.without
        return other

    def expect(self, problem: Problem) -> Expected:
        """What a new instance answers, with the bound that is measured; for no steps what is due by definition."""
        return self._remembered(("expect", id(problem)), problem, lambda: self._measured(problem))

    def expected_gradients(self, problem: Problem) -> dict[str, Estimate]:
        """The same blocks, which are the target's own already."""
        given = problem.state is not None
        gradients = {n: e for n, e in self.expect(problem).gradients.items() if given or not self._initial(n)}
        return self._looked_at(gradients)

    def _initial(self, name: str) -> bool:
        return name in {f"{state}_0" for state in self.cell.states}

    def _measured(self, problem: Problem) -> Expected:
        if not problem.sizes["T"]:
            return Expected(*at_rest(problem, self.cell.states), {})
        outputs, gradients = bounded(self, problem)
        return Expected(outputs, gradients, {})
