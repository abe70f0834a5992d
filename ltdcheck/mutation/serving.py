"""One instance's network, called as frameworks call: forward now, backward later, perhaps twice, perhaps never.

A network of the catalogue answers both passes at once. So the forward pass is asked now, and at the backward pass the
same call again, with the cotangents, from what the network remembered before it. What it remembers after the whole call
stays, unless other calls came between.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np

from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Outputs
from ltdcheck.mutation.in_layout import InLayout
from ltdcheck.problem import Array, Params, Problem
from ltdcheck.reference.direction import turned
from ltdcheck.reference.networks.layered import Layered

Pull = Callable[[Array, tuple[Array, ...], dict[str, str]], Outputs]


class Serving:
    """A network in a layout, behind one instance of the target's class; it may change the caller's arrays."""

    def __init__(self, implementation: InLayout) -> None:
        self.implementation, self.calls = implementation, 0

    def forward(self, problem: Problem) -> tuple[Outputs, Pull]:
        """The forward pass, and the function ``(dy, dstate, views of both)`` that pulls back through it."""
        before, asked = _remembering(self.implementation.network), _kept(problem)
        out = self.implementation.run(problem, backward=False)
        self.calls += 1
        self._suffer(problem, out, backward=False)
        number, pulls = self.calls, 0

        def pull(dy: Array, dstate: tuple[Array, ...], views: dict[str, str]) -> Outputs:
            nonlocal pulls
            pulls += 1
            alone = number == self.calls
            replayed = InLayout(_remembering(before) if alone else copy.deepcopy(before), self.implementation.layout)
            again = asked.with_(dy=dy, dstate=dstate, views={**asked.views, **views})
            answer = replayed.run(again) if pulls == 1 else replayed.run_back_again(again)
            if alone:
                self.implementation.network = replayed.network
            self._suffer(again, answer, backward=True)
            return answer

        return out, pull

    def _suffer(self, problem: Problem, out: Outputs, *, backward: bool) -> None:
        """Write what the network changed of its copies into the caller's arrays."""
        mutated = out.facts.get("mutated", ())
        if not mutated:
            return
        there = self.implementation.there(problem.with_(state=problem.given_state))
        cast = problem.precision
        params = {name: value.astype(cast) for name, value in there.params.items()}
        x, dy = there.x.astype(cast), there.dy.astype(cast)
        state = tuple(s.astype(cast) for s in there.given_state)
        self.implementation.network.answer(params, x, state, dy, there.dstate, backward=backward)
        back = turned(there.with_(x=x, dy=dy), self.implementation.layout.direction)
        if backward:
            _write(problem.dy, back.dy)
            return
        _write(problem.x, back.x)
        if problem.state is not None:
            for place, changed in zip(self.implementation.layout.places, state, strict=True):
                _write(problem.state[place], changed)
        self._write_params(problem, there.params, params)

    def _write_params(self, problem: Problem, before: Params, after: Params) -> None:
        """By the factor that each changed by: an array of the target may hold a part of what the reference's does."""
        factors = {n: np.divide(after[n], was, out=np.ones_like(was), where=was != 0) for n, was in before.items()}
        for name, factor in self.implementation.scattered(factors, problem).items():
            _write(problem.params[name], problem.params[name] * np.where(factor == 0, 1, factor))


def _remembering(network: Network) -> Network:
    """Another with the same memory, where what it wrote into answers still is; cells of layers have their own."""
    other = copy.copy(network)
    if isinstance(network.cell, Layered):
        other.cell = copy.deepcopy(network.cell)
    return other


def _kept(problem: Problem) -> Problem:
    """A copy of every array: the caller may change them between the passes."""
    state = None if problem.state is None else tuple(s.copy() for s in problem.state)
    params = {name: value.copy() for name, value in problem.params.items()}
    return problem.with_(params=params, x=problem.x.copy(), state=state)


def _write(mine: Array, changed: Array) -> None:
    if mine.flags.writeable and not np.array_equal(mine, changed, equal_nan=True):
        mine[...] = changed
