"""What a target was asked and what it answered, and what another network answers when it is asked the same in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ltdcheck.errors import LtdcheckError, TargetFailure
from ltdcheck.faults.fault import Network, WrongFunction
from ltdcheck.implementation import Ahead, Outputs
from ltdcheck.problem import Problem
from ltdcheck.properties.law import Evidence
from ltdcheck.properties.subject import Subject

Way = Literal["run", "in turn", "back again"]
Check = Callable[[Subject, Problem], Evidence]


@dataclass(frozen=True)
class Exchange:
    """One question, which may hold several problems, and the answers; no answers where the target refused."""

    way: Way
    problems: tuple[Problem, ...]
    answers: tuple[Outputs, ...] = ()
    backward: bool = True
    fresh: bool = False


def put(exchange: Exchange, network: Network) -> tuple[Outputs, ...]:
    """What the network answers to the same question; nothing where it refuses, or cannot be asked."""
    if _knows_no_lengths(network) and any(problem.lengths is not None for problem in exchange.problems):
        return ()
    try:
        if exchange.way == "in turn":
            return tuple(network.run_in_turn(exchange.problems))
        (problem,) = exchange.problems
        if exchange.way == "back again":
            return (network.run_back_again(problem),)
        return (network.run(problem, backward=exchange.backward, fresh=exchange.fresh),)
    except (LtdcheckError, ValueError, IndexError, FloatingPointError):
        return ()


def _knows_no_lengths(network: Network) -> bool:
    """A pass is its own and takes none: it would answer for whole rows, whatever fault it stands for."""
    kind = type(network)
    own = kind.forward is not Network.forward or kind.backward not in (Network.backward, WrongFunction.backward)
    return own and not network.takes_lengths


class Hearing(Subject):
    """A subject that keeps what it was asked, in the reference's coordinates, and what it answered."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject.implementation, subject.layout, subject.declared)
        self.exchanges: list[Exchange] = []

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """Asked of a new instance, kept here; else by :meth:`run_again`."""
        if not fresh:
            return super().run(problem, backward=backward)
        ask = super().run
        return self._heard("run", [problem], lambda: [ask(problem, backward=backward, fresh=True)], backward, True)[0]

    def run_again(self, problem: Problem, *, backward: bool = True) -> Outputs:
        """One pass that is not remembered."""
        ask = super().run_again
        return self._heard("run", [problem], lambda: [ask(problem, backward=backward)], backward)[0]

    def run_ahead(self, problem: Problem, *, backward: bool = True) -> Ahead:
        """As :meth:`run_again`, when it is waited for."""
        return Ahead(lambda: self.run_again(problem, backward=backward))

    def run_in_turn(self, problems: Sequence[Problem]) -> list[Outputs]:
        """Several passes on one instance."""
        ask = super().run_in_turn
        return self._heard("in turn", problems, lambda: ask(problems))

    def run_back_again(self, problem: Problem) -> Outputs:
        """Two backward passes through one forward pass."""
        ask = super().run_back_again
        return self._heard("back again", [problem], lambda: [ask(problem)])[0]

    def _heard(
        self,
        way: Way,
        problems: Sequence[Problem],
        ask: Callable[[], list[Outputs]],
        backward: bool = True,  # noqa: FBT001, FBT002
        fresh: bool = False,  # noqa: FBT001, FBT002
    ) -> list[Outputs]:
        asked = Exchange(way, tuple(problems), (), backward, fresh)
        try:
            answers = ask()
        except TargetFailure:
            if not any(0 in (problem.lengths or ()) for problem in problems):  # a row of no steps may be refused
                self.exchanges.append(asked)
            raise
        self.exchanges.append(replace(asked, answers=tuple(map(_copied, answers))))
        return answers


def heard(
    check: Check, subject: Subject, problem: Problem, others: Sequence[Problem]
) -> tuple[list[Exchange], list[Exchange]]:
    """A call about this problem, and all that a law asks about it; and then calls about others, each followed by it."""
    hearing = Hearing(subject)
    problem, *others = map(hearing.within, (problem, *others))
    backward, of_law = hearing.has_backward, 0
    try:
        hearing.run_again(problem, backward=backward)
        check(hearing, problem)
        of_law = len(hearing.exchanges)
        for other in others:
            hearing.run_again(other, backward=backward)
            hearing.run_again(problem, backward=backward)
    except TargetFailure:
        pass  # kept as an exchange without answers: a fault that explains it refuses as well
    of_law = of_law or len(hearing.exchanges)
    return hearing.exchanges[:of_law], hearing.exchanges[of_law:]


def _copied(out: Outputs) -> Outputs:
    """Memory of our own: what is kept must not be what a later call overwrites."""
    return replace(
        out,
        y=np.array(out.y),
        state=tuple(map(np.array, out.state)),
        dx=None if out.dx is None else np.array(out.dx),
        dstate=None if out.dstate is None else tuple(map(np.array, out.dstate)),
        dparams=None if out.dparams is None else {name: np.array(g) for name, g in out.dparams.items()},
    )
