"""A target whose rows change each other, asked one row at a time: no row alone shows what others do to it."""

from __future__ import annotations

import numpy as np

from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import Problem


class RowByRow(Implementation):
    """The forward pass of a target, each row in a call of its own."""

    has_backward = False

    def __init__(self, target: Implementation) -> None:
        self.target = target
        self.name, self.states, self.width, self.narrow = target.name, target.states, target.width, target.narrow
        self.precisions, self.takes_state = target.precisions, target.takes_state
        self.fixed_sizes = target.fixed_sizes

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Those of the target."""
        return self.target.parameters(input_size, hidden_size)

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """The rows' answers side by side."""
        rows = [self.target.run(_row(problem, k), backward=False, fresh=fresh) for k in range(problem.sizes["B"])]
        states = zip(*(row.state for row in rows), strict=True)
        return Outputs(
            np.concatenate([row.y for row in rows], axis=1), tuple(np.concatenate(state) for state in states)
        )


def coupled(target: Implementation, problem: Problem) -> bool:
    """A row alone is answered otherwise than in the batch, more than by rounding: by more than half of its digits."""
    whole = target.run(problem, backward=False, fresh=True)
    alone = RowByRow(target).run(problem, fresh=True)
    pairs = zip((whole.y, *whole.state), (alone.y, *alone.state), strict=True)
    return any(_differ(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64), a.dtype) for a, b in pairs)


def _differ(a: np.ndarray, b: np.ndarray, dtype: np.dtype) -> bool:
    return bool(np.max(np.abs(a - b), initial=0.0) > np.finfo(dtype).eps ** 0.5 * np.max(np.abs(a), initial=0.0))


def _row(problem: Problem, k: int) -> Problem:
    def of(array: np.ndarray) -> np.ndarray:
        return array[..., k : k + 1, :]

    state = None if problem.state is None else tuple(map(of, problem.state))
    return problem.with_(
        x=of(problem.x), dy=of(problem.dy), state=state, dstate=tuple(map(of, problem.dstate)), views={}
    )
