"""Two implementations of one function, on the same problems: the laws of ``ltdcheck compare``.

Weights go into each by its own layout, and gradients come back into the other's arrays. Each may be off by its own
bound, so two right ones differ by no more than the sum of both; in two precisions each bound is that of its precision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.estimate import Estimate
from ltdcheck.implementation import Outputs
from ltdcheck.oracles.judging import judged
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.compare import compare, merged
from ltdcheck.properties.law import Disagreement, Evidence, law
from ltdcheck.properties.subject import Subject
from ltdcheck.properties.values import beyond
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.numbers.formats import FORMATS
from ltdcheck.result import Place

Floats = NDArray[np.float64]


@dataclass
class Side:
    """One of the two: its name, and what it is asked as."""

    name: str
    subject: Subject

    def precision(self, asked: str) -> str:
        """The precision asked for, or its own where it has no other."""
        own = self.subject.precisions
        return asked if asked in own else own[0]


class Pair:
    """What the laws are asked about. Both subjects have the same cell, or their variants differ."""

    unreferenced = "two implementations are held against each other"

    def __init__(self, first: Side, second: Side) -> None:
        self.first, self.second = first, second

    @property
    def cell(self) -> Cell:
        """In whose coordinates problems are drawn."""
        return self.first.subject.cell

    @property
    def precisions(self) -> Sequence[str]:
        """Those that both have; else the coarser of their first ones, whose numbers the other holds too."""
        ours, theirs = self.first.subject.precisions, self.second.subject.precisions
        shared = [precision for precision in ours if precision in theirs]
        return shared or [max(ours[0], theirs[0], key=lambda precision: FORMATS[precision].unit)]

    @property
    def differs(self) -> str:
        """In which way their variants are not one function, in a sentence, or ""."""
        ours, theirs = self.first.subject.cell, self.second.subject.cell
        if ours == theirs:
            return ""
        words = _variants(ours, theirs) or tuple(_words(side.subject) for side in (self.first, self.second))
        return f"{self.first.name} is {words[0]}, {self.second.name} is {words[1]}: not the same function"

    def asked(self, problem: Problem) -> tuple[Problem, Problem]:
        """The problem in each one's precision, with zeros for parameters that one of them does not have."""
        both = self.second.subject.within(self.first.subject.within(problem))
        precisions = [side.precision(problem.precision) for side in (self.first, self.second)]
        first, second = (both if p == both.precision else both.with_(precision=p) for p in precisions)
        return first, second


@law("pair.same_function", about="pair")
def same_function(pair: Pair, problem: Problem) -> Evidence:
    """Both were identified as the same variant of the same cell; gate orders, layouts and numbers of biases may differ.

    Where one has no reference there are no variants to compare.
    """
    if pair.first.subject.unreferenced:
        return Evidence(not_applicable="there is no reference for both of them, so that no variants are known")
    if not pair.differs:
        return Evidence(compared=1)
    got, expected = (_words(side.subject) for side in (pair.second, pair.first))
    return Evidence(1, disagreement=Disagreement(Place("the variant"), got, expected, 0.0, pair.differs))


@law("pair.forward_agrees", about="pair")
def forward_agrees(pair: Pair, problem: Problem) -> Evidence:
    """Every entry of the output sequence and of the final state is the same, within the sum of both bounds."""
    asked = pair.asked(problem)
    first, second = (side.subject for side in (pair.first, pair.second))
    if limit := beyond(first, asked[0]) or beyond(second, asked[1]):
        return limit
    ours = first.outputs(first.run(asked[0], backward=first.has_backward))
    theirs = second.outputs(second.run(asked[1], backward=second.has_backward))
    if first.unreferenced and _equal(ours, theirs):
        return Evidence(compared=sum(block.size for block in ours.values()))
    bounds = first.expect(asked[0]).outputs, second.expect(asked[1]).outputs
    wanted = {name: _summed(ours[name], bounds[0][name], bounds[1][name], problem.precision) for name in ours}
    return compare(second, asked[1], theirs, wanted, _text(pair.second, pair.first))


@law("pair.gradients_agree", about="pair")
def gradients_agree(pair: Pair, problem: Problem) -> Evidence:
    """Every entry of every gradient is the same, within the sum of both bounds; parameters by both layouts."""
    asked = pair.asked(problem)
    sides = [pair.first, pair.second]
    for side in sides:
        if not side.subject.has_backward:
            return Evidence(not_applicable=f"{side.name}: {side.subject.forward_only}")
    if limit := beyond(sides[0].subject, asked[0]) or beyond(sides[1].subject, asked[1]):
        return limit
    answers = [side.subject.run(question) for side, question in zip(sides, asked, strict=True)]
    ours, theirs = (side.subject.gradients(out) for side, out in zip(sides, answers, strict=True))
    if sides[0].subject.unreferenced and _equal(ours, theirs):
        return Evidence(compared=sum(block.size for block in ours.values()))
    errors = _errors(pair, asked)
    common = [name for name in ours if name not in sides[0].subject.layout.arrays and name in theirs]
    wanted = {name: judged(ours[name], errors[name], problem.precision) for name in common}
    text = _text(*reversed(sides))
    return merged(
        compare(sides[1].subject, asked[1], theirs, wanted, text),
        _in_arrays(sides[1], sides[0], answers[::-1], asked[1], errors),
        _in_arrays(sides[0], sides[1], answers, asked[0], errors),
    )


def _in_arrays(
    own: Side, other: Side, answers: Sequence[Outputs], problem: Problem, errors: Mapping[str, Floats]
) -> Evidence:
    """The gradients of one's parameter arrays against the other's, entry by entry of what both hold."""
    I, H = problem.sizes["I"], problem.sizes["H"]
    theta, held = _flat(other.subject, answers[1].dparams or {}, I, H)
    bound = np.append(np.concatenate([errors[name].reshape(-1) for name in own.subject.cell.shapes(I, H)]), np.inf)
    bound = np.where(held, bound, np.inf)
    wanted = {
        name: judged(theta[index], bound[index], problem.precision)
        for name, index in own.subject.layout.indices(I, H).items()
        if held[index].any()
    }
    return compare(own.subject, problem, answers[0].dparams or {}, wanted, _text(own, other))


def _flat(subject: Subject, gradients: Mapping[str, Array], I: int, H: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Gradients in the coordinates of the cell, with one entry more for what is in none, and which are held."""
    count = sum(int(np.prod(shape)) for shape in subject.cell.shapes(I, H).values())
    theta, held = np.zeros(count + 1), np.zeros(count + 1, dtype=bool)
    for name, index in subject.layout.indices(I, H).items():
        theta[index] = gradients[name]  # entries that add up to one of the cell have the same gradient
        held[index] = True
    held[-1] = False
    return theta, held


def _errors(pair: Pair, asked: tuple[Problem, Problem]) -> dict[str, Floats]:
    """The sum of both bounds of each gradient block of the cell; infinite where rounding hides one of them."""
    ours = pair.first.subject.expect(asked[0]).gradients
    theirs = pair.second.subject.expect(asked[1]).gradients
    return {name: _error(ours[name]) + _error(theirs[name]) for name in ours}


def _summed(value: Array, first: Estimate, second: Estimate, precision: str) -> Estimate:
    return judged(value, _error(first) + _error(second), precision)


def _error(estimate: Estimate) -> Floats:
    known = estimate.status == "ok"
    return np.asarray(estimate.error if known else np.full(estimate.error.shape, np.inf), dtype=np.float64)


def _equal(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> bool:
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[n], theirs[n], equal_nan=True) for n in ours)


def _text(own: Side, other: Side) -> str:
    return f"{own.name} answers otherwise than {other.name}"


def _words(subject: Subject) -> str:
    """``gru(reset=after, order=r u n, biases=2)``."""
    inside = ", ".join(filter(None, (subject.cell.variant, subject.layout.words())))
    return f"{subject.cell.name}({inside})"


def _variants(ours: Any, theirs: Any) -> tuple[str, ...]:
    """The fields in which two variants of one cell differ: ``gru(reset=before)`` and ``gru(reset=after)``."""
    if type(ours) is not type(theirs):
        return ()
    names = [field.name for field in fields(ours) if getattr(ours, field.name) != getattr(theirs, field.name)]
    if "layers" in names:
        return ()
    return tuple(f"{cell.name}({', '.join(f'{n}={getattr(cell, n)}' for n in names)})" for cell in (ours, theirs))
