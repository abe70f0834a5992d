"""A cell that reads backwards is the cell on the sequence turned round, in a stack as well."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ltdcheck.implementation import Outputs
from ltdcheck.oracles import tape
from ltdcheck.problem import Problem
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.direction import DIRECTIONS, Direction, turned, turned_back
from ltdcheck.reference.networks.facing import facing
from ltdcheck.reference.networks.layered import Layered
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp
from ltdcheck.strategies.problems import Recipe, build

LENGTHS = [None, (4, 5, 0)]


def answers(cell: Any, problem: Problem) -> tuple[Any, ...]:
    """Outputs, final states, and all gradients."""
    y, state, left = unroll(cell, problem.params, problem.x, problem.given_state, lengths=problem.lengths)
    g = unroll_vjp(cell, problem.params, left, problem.dy, problem.dstate)
    return y, *state, g.x, *g.state, *(g.params[name] for name in problem.params)


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_it_is_the_cell_on_what_is_turned_round(direction: Direction, lengths: tuple[int, ...] | None) -> None:
    """To the last bit, as a target of this direction is asked and read."""
    cell = LSTM(peepholes="current")
    problem = build(cell, Recipe()).with_(lengths=lengths)
    due = answers(cell, problem)
    there = answers(facing(cell, direction), turned(problem, direction))
    back = turned_back(Outputs(there[0], there[1:3], there[3]), direction, lengths)
    for got, wanted in zip((back.y, *back.state, back.dx, *there[4:]), due, strict=True):
        assert np.array_equal(got, wanted)


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("ways", [("backward", "forward"), ("go_backwards", "backward"), ("forward", "go_backwards")])
def test_a_stack_turns_between_its_layers(ways: tuple[Direction, Direction], lengths: tuple[int, ...] | None) -> None:
    """Layer by layer, as two calls would; and its gradients are those of the tape."""
    low, high = (facing(Elman(), way) for way in ways)
    network = Layered(((low,), (high,)))
    problem = build(network, Recipe()).with_(lengths=lengths)
    y, *state = answers(network, problem)[:3]
    one, two = ({n[7:]: v for n, v in problem.params.items() if n.startswith(f"layer{k}")} for k in (1, 2))
    between, first, _ = unroll(low, one, problem.x, problem.given_state[:1], lengths=lengths)
    top, second, _ = unroll(high, two, between, problem.given_state[1:], lengths=lengths)
    assert np.array_equal(y, top)
    assert np.array_equal(state, [*first, *second])
    if lengths is None:
        wanted = tape.gradients(network, problem)
        names = ["x", "state.0", "state.1", *problem.params]
        for name, got in zip(names, answers(network, problem)[3:], strict=True):
            assert np.all(np.abs(got - wanted[name].value) <= 2 * wanted[name].error), name


def test_turning_what_is_turned() -> None:
    """A layer that answers in its own order under one that reads forward is two layers that read backwards."""
    kept = Layered(((facing(Elman(), "go_backwards"),), (Elman(),)))
    other = Layered(((facing(Elman(), "backward"),), (facing(Elman(), "go_backwards"),)))
    problem = build(kept, Recipe())
    assert all(np.array_equal(a, b) for a, b in zip(answers(kept, problem), answers(other, problem), strict=True))
    assert kept.both_ways
    assert not kept.paired
