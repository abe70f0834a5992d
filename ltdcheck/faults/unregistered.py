"""A fault of what is a parameter: weights that are an instance's own."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import ClassVar

import numpy as np

from ltdcheck.faults.fault import Network, fault
from ltdcheck.faults.graft import ALL
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Problem
from ltdcheck.reference.cell import Cell


class _Own(Network):
    """The recurrent weights are drawn when an instance is made; those of a call are not read."""

    instances: ClassVar[count[int]] = count()

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell)
        self.seed = next(self.instances)

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        if fresh:
            self.seed = next(self.instances)
        given = problem.params["W"]
        own = np.random.default_rng(self.seed).standard_normal(given.shape) / np.sqrt(given.shape[1])
        out = super().run(problem.with_(params={**problem.params, "W": own}), backward=backward)
        if out.dparams is None:
            return out
        missing = [*out.facts.get("missing", ()), "W"]
        dparams = {**out.dparams, "W": np.zeros_like(out.dparams["W"])}
        return replace(out, dparams=dparams, facts={**out.facts, "missing": missing})


fault(
    "weight-unregistered",
    "The recurrent weights are no parameters: each instance has numbers of its own for them, which nothing sets.",
    effect="they are not trained, not saved, and not loaded",
    trigger="h0 != 0 or T >= 2, and two instances",
    source="thought of",
    cells=ALL,
    forward=True,
)(_Own)
