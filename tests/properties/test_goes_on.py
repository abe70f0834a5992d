"""What a layer keeps between its calls: the law holds for the reference that keeps all of it, and for nothing less."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from properties.subjects import ask

from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.law import properties
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import GRU, LSTM, Elman
from ltdcheck.strategies.problems import Recipe

ID = "sequence.goes_on"


class Keeping(Network):
    """The reference, which keeps its final state for the next call."""

    remembers = ("called",)

    def kept(self, problem: Problem, out: Outputs, way: str) -> Sequence[Array] | None:
        """What the next call begins from; None for zeros."""
        return out.state

    def run_on(self, problems: Sequence[Problem], way: str) -> list[Outputs]:
        """One call after the other."""
        outs = [self.run(problems[0], backward=False)]
        for before, problem in pairwise(problems):
            kept = self.kept(before, outs[-1], way)
            state = None if kept is None else tuple(np.asarray(s, np.float64) for s in kept)
            outs.append(self.run(problem.with_(state=state), backward=False))
        return outs


class Forgets(Keeping):
    """It begins anew."""

    def kept(self, problem: Problem, out: Outputs, way: str) -> None:
        return None


class KeepsH(Keeping):
    """Of (h, c) it keeps h alone."""

    def kept(self, problem: Problem, out: Outputs, way: str) -> Sequence[Array]:
        return [out.state[0], 0 * out.state[1]]


class KeepsTheFirst(Keeping):
    """It keeps what its last call began from."""

    def kept(self, problem: Problem, out: Outputs, way: str) -> Sequence[Array] | None:
        return problem.state


class KeepsItsOwn(Keeping):
    """It forgets the final state of a call that was given its first."""

    def kept(self, problem: Problem, out: Outputs, way: str) -> Sequence[Array] | None:
        return out.state if problem.state is None else None


class KeepsAnother(Keeping):
    """Each row goes on from the state of the one before."""

    def kept(self, problem: Problem, out: Outputs, way: str) -> Sequence[Array]:
        return [np.roll(s, 1, axis=0) for s in out.state]


class KeepsCalled(Keeping):
    """It forgets when it is compiled."""

    remembers = ("called", "compiled")

    def kept(self, problem: Problem, out: Outputs, way: str) -> Sequence[Array] | None:
        return out.state if way == "called" else None


WRONG = (Forgets, KeepsH, KeepsTheFirst, KeepsItsOwn, KeepsAnother, KeepsCalled)
KILLS = {ID: [kind.__name__ for kind in WRONG]}  # the law, and those for which it does not hold


@pytest.mark.parametrize("cell", [Elman(), LSTM(), GRU("after")], ids=lambda c: c.name)
@pytest.mark.parametrize("given", [True, False], ids=["given", "zeros"])
def test_what_keeps_its_state_goes_on(cell: Cell, *, given: bool) -> None:
    """From a state that was given, and from zeros; every output and final state is compared."""
    seen = ask(ID, Keeping(cell), Recipe(given_state=given))
    assert seen.ok
    assert seen.compared == 6 * 3 * (5 + len(cell.states))


@pytest.mark.parametrize("kind", WRONG)
def test_what_keeps_less_does_not(kind: type[Keeping]) -> None:
    """The first step of the second call is where it shows, and the finding says how it was called."""
    seen = ask(ID, kind(LSTM())).disagreement
    assert seen is not None
    way = "compiled" if kind is KeepsCalled else "called"
    assert seen.message == f"{way} without a state for the steps after step 3"
    assert seen.where.step is None or seen.where.step > 3


def test_it_takes_two_steps() -> None:
    """One step has no rest."""
    assert ask(ID, Keeping(LSTM()), Recipe(T=1)).not_applicable == "it takes two steps"


def test_only_what_remembers_is_asked() -> None:
    """The law is about memory, which the reference does not have and cannot be asked about."""
    assert [law.id for law in properties("memory")] == [ID]
    assert not Network(LSTM()).remembers
    with pytest.raises(NotImplementedError, match="lstm keeps no state between calls"):
        Network(LSTM()).run_on([], "called")
