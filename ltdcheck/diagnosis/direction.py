"""Which way a target reads its sequence, from which outputs change with its first step."""

from __future__ import annotations

import numpy as np

from ltdcheck.diagnosis.probe import Probe, T, there
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import Array, Params, Problem
from ltdcheck.reference.direction import Direction, turned, turned_back

ALL = tuple(range(T))
# the outputs that a change of the first step's input changes, where one of the last step's changes all of them
_TELLS: dict[tuple[int, ...], Direction] = {ALL[:1]: "backward", ALL[-1:]: "go_backwards"}


class Turned(Implementation):
    """A target that reads backwards, as one that is given the sequence turned round and reads forward."""

    def __init__(self, target: Implementation, direction: Direction) -> None:
        self.target, self.direction = target, direction
        self.name, self.states, self.width, self.narrow = target.name, target.states, target.width, target.narrow
        self.precisions, self.takes_state = target.precisions, target.takes_state
        self.has_backward, self.fixed_sizes = target.has_backward, target.fixed_sizes

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Those of the target."""
        return self.target.parameters(input_size, hidden_size)

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """The target's answer to the sequence turned round, in the order in which it read."""
        out = self.target.run(turned(problem, self.direction), backward=backward, fresh=fresh)
        return turned_back(out, self.direction, problem.lengths)


def direction_of(probe: Probe, start: Params) -> Direction:
    """The direction of a target, asked at a base point; forward where the answers tell none.

    Where no step is heard at another one, it is asked again with numbers that are positive, as the base point's weights
    are: what a relu cuts off is not heard.
    """
    if type(probe) is not Probe or probe.steps != T:  # one cell of several is shown by its state alone
        return "forward"
    states = probe.states[: probe.target.states]
    for x, given, factor in ((probe.x, states, -1.0), (np.abs(probe.x), tuple(np.abs(s) for s in states), 2.0)):
        first, last = (_changed(probe, start, x, given, step, factor) for step in (0, -1))
        if first in _TELLS and last == ALL:
            return _TELLS[first]
        if len(first) > 1 or len(last) > 1:
            break
    return "forward"


def _changed(
    probe: Probe, start: Params, x: Array, states: tuple[Array, ...], step: int, factor: float
) -> tuple[int, ...]:
    """The steps of the output sequence that change when one step's input is multiplied by a factor."""
    moved = x.copy()
    moved[step] = factor * moved[step]
    before, after = (
        probe.target.run(there(probe.asked(start, given, states), swapped=probe.swapped), backward=False, fresh=True).y
        for given in (x, moved)
    )
    return tuple(t for t in ALL if not np.array_equal(before[t], after[t], equal_nan=True))
