"""The derivative of a target's own loss along a direction, from calls of its forward pass alone.

The loss is ``sum(dy * y) + sum(dstate * state_T)``. Its derivative is taken by central differences that know their own
error (:mod:`ltdcheck.oracles.finite_difference`). The noise of the target shows in its values; in single precision it
is what is measured of the target as well (:mod:`ltdcheck.properties.own_rounding`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ltdcheck.estimate import Estimate
from ltdcheck.implementation import Outputs
from ltdcheck.oracles.finite_difference import LADDER, from_values
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.subject import Subject


@dataclass(frozen=True, eq=False)
class Direction:
    """How each argument moves, in the shapes of a problem.

    ``block`` is the only array that moves, by the name of its gradient in an answer, and ``step`` the only step of it;
    "" and None stand for all.
    """

    x: Array
    state: Sequence[Array]  # as many as are given
    params: Mapping[str, Array]
    block: str = ""
    step: int | None = None

    def moved(self, problem: Problem, by: float) -> Problem:
        """The problem at a step along it."""
        state = problem.state
        return problem.with_(
            x=problem.x + by * self.x,
            state=None if state is None else tuple(s + by * d for s, d in zip(state, self.state, strict=True)),
            params={name: value + by * self.params[name] for name, value in problem.params.items()},
        )

    def inner(self, subject: Subject, out: Outputs) -> float:
        """Its inner product with the gradient of an answer."""
        gradients = subject.gradients(out)
        pairs = [(self.x, gradients["x"]), *((v, gradients[name]) for name, v in self.params.items())]
        pairs += [(v, gradients[f"{s}_0"]) for v, s in zip(self.state, subject.cell.states, strict=False)]
        return float(sum(np.sum(v * np.asarray(g, dtype=np.longdouble)) for v, g in pairs))

    def sizes(self, subject: Subject) -> dict[str, Array]:
        """How far each block of the gradient counts."""
        initial = {f"{s}_0": np.abs(v) for v, s in zip(self.state, subject.cell.states, strict=False)}
        return {"x": np.abs(self.x), **initial, **{name: np.abs(v) for name, v in self.params.items()}}


def directions(subject: Subject, problem: Problem) -> Iterator[Direction]:
    """The input of each step, the last first, each initial state that is given, each parameter array; and all."""
    moves = whole(problem)
    for step in reversed(range(len(problem.x))):
        x = np.zeros_like(problem.x)
        x[step] = moves.x[step]
        yield only(problem, "x", x, subject, step)
    states = zip((f"{s}_0" for s in subject.cell.states), moves.state, strict=False)
    for name, array in (*states, *moves.params.items()):
        yield only(problem, name, array, subject)
    yield moves


def whole(problem: Problem) -> Direction:
    """A direction in which all arguments move.

    Its numbers are multiples of 1/8 up to 1, and none is zero: few sums of them cancel, and steps along it are exact.
    """
    rng = np.random.default_rng(problem.x.size + 7)

    def signs(array: Array) -> Array:
        return np.asarray(rng.choice([-1.0, 1.0], array.shape) * rng.integers(1, 9, array.shape) / 8)

    params = {name: signs(value) for name, value in problem.params.items()}
    return Direction(signs(problem.x), [signs(s) for s in problem.state or ()], params)


def only(problem: Problem, block: str, moves: Array, subject: Subject, step: int | None = None) -> Direction:
    """The direction in which one block alone moves."""
    states = [f"{s}_0" for s in subject.cell.states][: len(problem.state or ())]
    return Direction(
        x=moves if block == "x" else np.zeros_like(problem.x),
        state=[
            moves if name == block else np.zeros_like(s) for name, s in zip(states, problem.state or (), strict=True)
        ],
        params={n: moves if n == block and n != "x" else np.zeros_like(v) for n, v in problem.params.items()},
        block=block,
        step=step,
    )


def slope(subject: Subject, problem: Problem, direction: Direction) -> Estimate:
    """The derivative of the loss along a direction, a number, from 23 forward passes.

    Raises
    ------
    TargetFailure
        When the target does not answer one of them.
    """

    def loss(step: float) -> float:
        return _loss(problem, subject.run_again(direction.moved(problem, step), backward=False))

    ahead, behind = (np.array([loss(sign * d) for d in LADDER]) for sign in (1.0, -1.0))
    # a number that the precision cannot move by a step is moved by another one
    arguments = (problem.x, *problem.given_state, *problem.params.values())
    size = max(float(np.max(np.abs(a), initial=0.0)) for a in arguments)
    with np.errstate(all="ignore"):
        slack = float(np.finfo(problem.precision).eps) * size
        return from_values(ahead, np.asarray(loss(0.0)), behind, slack, _noise(subject, problem))


def _noise(subject: Subject, problem: Problem) -> float:
    """How far the loss may be off in single precision, whose grain hides noise from steps that are smaller.

    It is what the measured bounds of the outputs add up to; of double precision the values show enough.
    """
    if problem.precision == "float64":
        return 0.0
    bounds = subject.expect(problem).outputs
    weights = {"y": problem.dy, **{f"{s}_T": d for s, d in zip(subject.cell.states, problem.dstate, strict=True)}}
    return float(sum(np.sum(np.abs(d) * bounds[name].error, where=d != 0) for name, d in weights.items()))


def _loss(problem: Problem, out: Outputs) -> float:
    pairs = [(problem.dy, out.y), *zip(problem.dstate, out.state, strict=True)]
    return float(sum(np.sum(d * np.asarray(v, dtype=np.longdouble)) for d, v in pairs))
