"""What earlier calls of an instance leave behind: the faults that answer alike when all is put to them in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ltdcheck.diagnosis.apart import residual
from ltdcheck.diagnosis.describe import other_answer
from ltdcheck.diagnosis.hearing import Exchange, heard
from ltdcheck.diagnosis.search import Candidate, candidates
from ltdcheck.faults.fault import Fault, Network
from ltdcheck.problem import Problem
from ltdcheck.properties.law import Property, properties
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Cell
from ltdcheck.result import UNKNOWN, Diagnosis
from ltdcheck.strategies.problems import Recipe, build

TWICE = "a second backward pass through one forward pass gives another gradient"
LATER = "an answer that is read after the next call is another one"


@dataclass
class Past:
    """All that a failing law asks of a target, and more, with what was answered.

    It is asked at sizes that were not asked for before, so that nothing is kept from earlier calls; then at the failing
    problem's.
    """

    subject: Subject
    problem: Problem
    law: Property
    limit: float
    exchanges: list[Exchange] = field(default_factory=list)

    def left_behind(self, known: Sequence[Exchange]) -> list[Candidate]:
        """The faults that answer as the target does, all that is ``known`` of it from new instances included.

        Where there is none, those that answer what is asked here: what a fault of calls makes of it may have begun
        earlier, and what is known may have another cause. A function of the arguments counts where it is the only one.
        """
        for case, others in _in_turn(self.subject, self.problem, self.law):
            of_law, more = heard(self.law.check, self.subject, case, others)
            self.exchanges += [*of_law, *more]
            # what a target does with other sizes and arguments may be its own: then what the law asks decides
            for exchanges in ([*of_law, *more], of_law):
                if found := self._explaining([*known, *exchanges]):
                    return found
            for exchanges in ([*of_law, *more], of_law):
                here = self._explaining(exchanges)
                if found := [one for one in here if _of_calls(one.fault, self.subject.cell)]:
                    return found
                if len({one.fault.row for one in here}) == 1:
                    return here
        return []

    def _explaining(self, exchanges: Sequence[Exchange]) -> list[Candidate]:
        """The faults that answer all of this as the target does, where the reference does not."""
        right = residual(self.subject, Network(self.subject.cell), exchanges)
        if not (right.far > self.limit or right.facts):
            return []
        return candidates(self.subject, exchanges, right, self.limit)

    def described(self) -> list[Diagnosis]:
        """How the first answer that is not a new instance's differs from that, and after which call it came."""
        before: Problem | None = None
        for exchange in self.exchanges:
            for problem, answer in zip(exchange.problems, exchange.answers, strict=False):
                new = self.subject.run(problem, backward=exchange.backward, fresh=True)
                if words := other_answer(self.subject, new, answer, problem, self.limit):
                    return [Diagnosis(UNKNOWN, f"{_when(exchange, problem, before)}: {words}", 0.0)]
            before = before if exchange.fresh else exchange.problems[-1]
        return []


def _of_calls(fault: Fault, cell: Cell) -> bool:
    """It is more than another function of the arguments, whose answers to what is known would tell."""
    network = fault.plant(cell)
    return network is not None and type(network).run is not Network.run


def _when(exchange: Exchange, problem: Problem, before: Problem | None) -> str:
    """What makes it another answer."""
    if exchange.way != "run":
        return TWICE if exchange.way == "back again" else LATER
    return f"a new instance answers otherwise than one that was called before, {_call(problem, before)}"


def _call(problem: Problem, before: Problem | None) -> str:
    """The call before, against this one."""
    if before is None or before is problem:
        return "with the same arguments"
    sizes = {name: n for name, n in before.sizes.items() if n != problem.sizes[name]}
    if not sizes:
        return "with other arguments"
    return f"with {', '.join(f'{name} = {n} for {problem.sizes[name]}' for name, n in sizes.items())}"


def _in_turn(subject: Subject, problem: Problem, law: Property) -> Iterator[tuple[Problem, list[Problem]]]:
    """Problems that may show what earlier calls leave behind, and others of their sizes of units."""
    sizes, like = problem.sizes, problem.state is not None
    T, B = max(sizes["T"], 3), max(sizes["B"], 2)
    usual = Recipe(T=T, B=B, seed=815, precision=problem.precision, given_state=like)
    if subject.implementation.fixed_sizes is None:
        own = 7 + [p.id for p in properties()].index(law.id)  # each law is diagnosed once
        unasked = replace(usual, I=own, H=own + 4)
        yield build(subject.cell, unasked), _others(subject, unasked)
    yield problem, _others(subject, replace(usual, I=sizes["I"], H=sizes["H"]))


def _others(subject: Subject, recipe: Recipe) -> list[Problem]:
    """Of more steps, of more rows, and with one kind of argument changed at a time."""
    recipe = replace(recipe, given_state=True)
    like, other = (build(subject.cell, replace(recipe, seed=seed)) for seed in (recipe.seed, 816))
    sizes = replace(recipe, T=2 * recipe.T + 3), replace(recipe, B=recipe.B + 2)
    rows = np.arange(recipe.B)[::-1]
    return [
        *(build(subject.cell, each) for each in sizes),
        like.with_(x=other.x),
        like.with_(params=other.params),
        like.with_(params=other.params, x=other.x),
        like.with_(state=other.state),
        like.with_(dy=other.dy, dstate=other.dstate),
        like.with_(
            x=like.x[:, rows],
            dy=like.dy[:, rows],
            dstate=tuple(d[rows] for d in like.dstate),
            state=None if like.state is None else tuple(s[rows] for s in like.state),
        ),
        like.with_(state=None),
    ]
