"""Which way a target reads its sequence, and in which order it answers.

    forward         from the first step to the last
    backward        from the last step to the first; the outputs in the order of the input (ONNX, flax's reverse)
    go_backwards    from the last step to the first; the outputs in the order in which they are made (Keras)

A target of another direction than forward, given the sequence turned round, is a forward one: so it is held against the
reference, and a step's number counts what was read before it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem

Direction = Literal["forward", "backward", "go_backwards"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


def turned(problem: Problem, direction: Direction) -> Problem:
    """The problem as a target of this direction is asked it."""
    if direction == "forward":
        return problem
    dy = _reversed(problem.dy) if direction == "backward" else problem.dy
    return problem.with_(x=_reversed(problem.x), dy=dy)


def turned_back(out: Outputs, direction: Direction) -> Outputs:
    """The answer of a target of this direction, step by step in the order in which it read."""
    if direction == "forward":
        return out
    y = _reversed(out.y) if direction == "backward" else out.y
    return replace(out, y=y, dx=None if out.dx is None else _reversed(out.dx))


def _reversed(sequence: Array) -> Array:
    return np.ascontiguousarray(sequence[::-1])
