"""The reference, with a fault or without, in the parameter arrays and the order of states of a target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ltdcheck.faults.fault import Network, marked
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import Array, Params, Problem
from ltdcheck.reference.direction import turned, turned_back
from ltdcheck.reference.layout import Layout


class InLayout(Implementation):
    """Answers problems in a target's coordinates as ``network`` answers them in the reference's.

    Law: with the network of the layout's cell, and the layout that a right target was identified with, it answers as
    the target does, to rounding.
    """

    precisions = ("float64", "float32")

    def __init__(self, network: Network, layout: Layout) -> None:
        self.network, self.layout = network, layout
        self.name, self.states, self.has_backward = network.name, network.states, network.has_backward

    def widths(self, H: int) -> tuple[int, ...]:
        """The target's."""
        widths = self.layout.cell.widths(H)
        return tuple(widths[k] for k in np.argsort(self.layout.places))

    def output_width(self, H: int) -> int:
        """That of the cell."""
        return self.layout.cell.output_width(H)

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """The target's."""
        return {name: index.shape for name, index in self.layout.indices(input_size, hidden_size).items()}

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """One pass of the network."""
        return self._asked(problem, lambda asked: self.network.run(asked, backward=backward, fresh=fresh))

    def run_back_again(self, problem: Problem) -> Outputs:
        """Two backward passes of the network through one forward pass."""
        return self._asked(problem, self.network.run_back_again)

    def there(self, problem: Problem) -> Problem:
        """The problem in the reference's coordinates; to turn a sequence round twice is to leave it."""
        I, H = problem.sizes["I"], problem.sizes["H"]
        places = self.layout.places
        state = None if problem.state is None else _ordered(problem.state, places)
        params = self.layout.from_target(problem.params, I, H)
        found = problem.with_(params=params, state=state, dstate=_ordered(problem.dstate, places))
        return turned(found, self.layout.direction)

    def _asked(self, problem: Problem, ask: Callable[[Problem], Outputs]) -> Outputs:
        out, back = ask(self.there(problem)), np.argsort(self.layout.places)
        facts = dict(out.facts)
        for fact, holds in (("missing", np.all), ("mutated", np.any)):
            if names := self._named(facts.get(fact, []), facts.get(f"{fact}_blocks", []), problem, holds):
                facts[fact] = names
        return replace(
            turned_back(out, self.layout.direction),
            state=_ordered(out.state, back),
            dstate=None if out.dstate is None else _ordered(out.dstate, back),
            dparams=None if out.dparams is None else self.scattered(out.dparams, problem),
            facts=facts,
        )

    def scattered(self, values: Params, problem: Problem) -> Params:
        """Values of the reference's parameters at every entry of the target's; zeros for those that are not given."""
        I, H = problem.sizes["I"], problem.sizes["H"]
        shapes = self.layout.cell.shapes(I, H)
        full = {name: np.zeros(shape) if values.get(name) is None else values[name] for name, shape in shapes.items()}
        return {name: value.astype(problem.precision) for name, value in self.layout.scatter(full, I, H).items()}

    def _named(
        self, names: Sequence[str], blocks: Sequence[str], problem: Problem, holds: Callable[[Any], Any]
    ) -> list[str]:
        """The target's arrays whose entries, all or any, are of such parameters; ``x`` and states keep their names."""
        if not [*names, *blocks]:
            return []
        I, H = problem.sizes["I"], problem.sizes["H"]
        shapes = self.layout.cell.shapes(I, H)
        at = self.scattered(marked(self.layout.cell, [*names, *blocks], I, H), problem)
        return [name for name in names if name not in shapes] + [name for name, of in at.items() if holds(of == 1)]


def _ordered(arrays: Sequence[Array], places: Any) -> tuple[Array, ...]:
    return tuple(arrays[k] for k in places)
