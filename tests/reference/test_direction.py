"""Turning a sequence round, and what a target of another direction answers to it."""

from __future__ import annotations

import numpy as np
import pytest

from ltdcheck.implementation import Outputs
from ltdcheck.problem import Problem
from ltdcheck.reference.direction import DIRECTIONS, Direction, turned, turned_back

T, B = 4, 3
NUMBERS = np.arange(T * B, dtype=float).reshape(T, B, 1)  # step t of row b is t*B + b


def asked(lengths: tuple[int, ...] | None) -> Problem:
    """A problem whose input and cotangent say which step and row each entry is."""
    return Problem({}, NUMBERS, None, NUMBERS, (np.zeros((B, 1)),), lengths=lengths)


@pytest.mark.parametrize("lengths", [None, (4, 2, 0)])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_turning_back_undoes_it(direction: Direction, lengths: tuple[int, ...] | None) -> None:
    """A target that answers with what it was given, in the order of the input or of the cotangent."""
    there = turned(asked(lengths), direction)
    back = turned_back(Outputs(there.dy, (), there.x), direction, lengths)
    assert np.array_equal(back.y, NUMBERS)
    assert back.dx is not None
    assert np.array_equal(back.dx, NUMBERS)


def test_rows_are_read_from_their_own_end() -> None:
    """Of two of four steps the second is read first; the padding stays where it is."""
    there = turned(asked((4, 2, 0)), "backward")
    assert np.array_equal(there.x[:, :, 0] // B, [[3, 1, 0], [2, 0, 1], [1, 2, 2], [0, 3, 3]])
    assert np.array_equal(there.dy, there.x)
    late = turned(asked((4, 2, 0)), "go_backwards").dy[:, :, 0] // B
    assert np.array_equal(late, [[0, 2, 0], [1, 3, 1], [2, 0, 2], [3, 1, 3]])


def test_a_sequence_of_no_steps_has_no_direction() -> None:
    """It stays as it is."""
    none = asked(None).with_(x=NUMBERS[:0], dy=NUMBERS[:0])
    assert all(turned(none, d).x.shape == (0, B, 1) for d in DIRECTIONS)
