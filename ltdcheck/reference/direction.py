"""Which way a target reads its sequence, and in which order it answers.

    forward         from the first step to the last
    backward        from the last step to the first; the outputs in the order of the input (ONNX, flax's reverse)
    go_backwards    from the last step to the first; the outputs in the order in which they are made (Keras)

A target of another direction than forward, given the sequence turned round, is a forward one: so it is held against the
reference, and a step's number counts what was read before it. Of a row that ends before step T its own steps are turned
round, and what comes after them stays; go_backwards passes over that first, so that it answers to it first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem

Direction = Literal["forward", "backward", "go_backwards"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
Lengths = tuple[int, ...] | None


def turned(problem: Problem, direction: Direction) -> Problem:
    """The problem as a target of this direction is asked it."""
    if direction == "forward":
        return problem
    dy = _last_first(problem.dy, problem.lengths) if direction == "backward" else _late(problem.dy, problem.lengths, -1)
    return problem.with_(x=_last_first(problem.x, problem.lengths), dy=dy)


def turned_back(out: Outputs, direction: Direction, lengths: Lengths = None) -> Outputs:
    """The answer of a target of this direction, step by step in the order in which it read."""
    if direction == "forward":
        return out
    y = _last_first(out.y, lengths) if direction == "backward" else _late(out.y, lengths, 1)
    return replace(out, y=y, dx=None if out.dx is None else _last_first(out.dx, lengths))


def _last_first(sequence: Array, lengths: Lengths) -> Array:
    """The first steps of each row, as many as it has, from the last to the first."""
    steps, own = _steps(sequence, lengths)
    return _picked(sequence, np.where(steps < own, own - 1 - steps, steps))


def _late(sequence: Array, lengths: Lengths, sign: int) -> Array:
    """Each row from where its own steps begin when they come last; with -1 back again."""
    steps, own = _steps(sequence, lengths)
    return _picked(sequence, (steps - sign * own) % max(len(sequence), 1))


def _steps(sequence: Array, lengths: Lengths) -> tuple[Array, Array]:
    """The numbers of the steps, (T, 1), and how many each row has, (1, B)."""
    T, B = sequence.shape[:2]
    return np.arange(T)[:, None], np.array([[T] * B if lengths is None else list(lengths)], dtype=int).reshape(1, B)


def _picked(sequence: Array, steps: Array) -> Array:
    return np.take_along_axis(sequence, np.broadcast_to(steps, sequence.shape[:2])[:, :, None], axis=0)
