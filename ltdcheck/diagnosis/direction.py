"""Which way a target reads its sequence, from which outputs change with its first step."""

from __future__ import annotations

import numpy as np

from ltdcheck.diagnosis.probe import Probe, T, there
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import Params, Problem
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
    """The direction of a target, asked at a base point; forward where the answers tell none."""
    if type(probe) is not Probe or probe.steps != T:  # one cell of several is shown by its state alone
        return "forward"
    direction = _TELLS.get(_changed(probe, start, 0), "forward")
    return direction if direction == "forward" or _changed(probe, start, -1) == ALL else "forward"


def _changed(probe: Probe, start: Params, step: int) -> tuple[int, ...]:
    """The steps of the output sequence that change when one step's input does."""
    moved = probe.x.copy()
    moved[step] = -moved[step]
    states = probe.states[: probe.target.states]
    before, after = (
        probe.target.run(there(probe.asked(start, x, states), swapped=probe.swapped), backward=False, fresh=True).y
        for x in (probe.x, moved)
    )
    return tuple(t for t in ALL if not np.array_equal(before[t], after[t], equal_nan=True))
