"""Balls disprove every wrong backward pass of the catalogue, at the problem that triggers it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from faults.problems import names, network, planted
from faults.triggers import shows

from ltdcheck.errors import OracleDisagreementError
from ltdcheck.faults.fault import Fault, Network
from ltdcheck.faults.graft import ALL
from ltdcheck.oracles.ball import prove
from ltdcheck.problem import Problem
from ltdcheck.reference.cell import Cell

BACKWARD = [(f, cell) for f, cell in planted() if cell.name in ALL and not f.forward]

# rows whose backward pass computes the right numbers: what is wrong is around it, where no single problem sees it
AROUND = {
    "argument-mutated": "what the arguments hold after the pass",
    "answer-cached": "a second call that is given the first one's answer",
    "answer-overwritten": "an answer that is read after the next call",
    "buffer-of-longest": "a call after a longer one",
    "gradient-leaks-between-calls": "a second call that adds to the first one's gradients",
    "memory-not-set": "memory that holds what an earlier call left there",
    "padding-has-gradient": "the gradient of x where a row has ended, set after the pass",
    "strides-ignored": "arrays that do not lie in memory in order",
    "tape-changed-by-backward": "a second backward pass over one forward pass",
    "precision-lost.cotangents": "arguments rounded before the pass",
}
# ids that round to a format, which no operation on balls does
ROUNDS = {"precision-lost.backward", "precision-lost.gradients"}


def around(fault: Fault, cell: Cell) -> bool:
    """The backward pass is the reference's, of the reference's cell."""
    wrong = network(fault, cell)
    return type(wrong).backward is Network.backward and type(wrong.cell) is type(cell)


WRONG = [(f, cell) for f, cell in BACKWARD if f.id not in ROUNDS and not around(f, cell)]
RIGHT = [(f, cell) for f, cell in BACKWARD if around(f, cell)]


def triggering(fault: Fault, cell: Cell) -> Problem:
    """The least problem that shows the fault, smaller where its sizes are no part of the trigger."""
    where = shows(fault)
    small = replace(where, B=min(where.B, 2), I=min(where.I, 2), H=where.H if where.H > 6 else 3)
    return small.problems(cell)[where.look]


@pytest.mark.parametrize(("fault", "cell"), WRONG, ids=names(WRONG))
def test_a_wrong_backward_pass_is_disproved(fault: Fault, cell: Cell) -> None:
    """Along one random direction in each block."""
    wrong, problem = network(fault, cell), triggering(fault, cell)
    wrong.lengths = problem.lengths
    with pytest.raises(OracleDisagreementError, match="exclude each other along"):
        prove(cell, problem, 1, backward=wrong.backward)


@pytest.mark.parametrize(("fault", "cell"), RIGHT, ids=names(RIGHT))
def test_what_is_wrong_around_a_right_backward_pass_is_named(fault: Fault, cell: Cell) -> None:
    """Its numbers are proved; the table says where the fault shows instead."""
    assert fault.id in AROUND or fault.row in AROUND
    wrong, problem = network(fault, cell), triggering(fault, cell)
    wrong.lengths = problem.lengths
    assert prove(cell, problem, 1, backward=wrong.backward).ok


@pytest.mark.parametrize("family", ALL)
def test_the_same_problems_prove_the_right_backward_pass(family: str) -> None:
    """What disproves the faults is the faults: each variant and trigger, but the largest, proves the reference."""
    own = {(shows(f), repr(cell)): (f, cell) for f, cell in WRONG if cell.name == family and shows(f).H <= 6}
    assert len(own) > 5
    assert all(prove(cell, triggering(f, cell), 1).ok for f, cell in own.values())


def test_most_backward_faults_are_disproved() -> None:
    """Nine in ten, and every family has some; what rounds has a backward pass of its own."""
    assert len(WRONG) > 0.9 * len(BACKWARD)
    assert {cell.name for _, cell in WRONG} == set(ALL)
    assert not any(around(f, cell) for f, cell in BACKWARD if f.id in ROUNDS)
