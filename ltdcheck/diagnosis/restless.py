"""Whether a target answers a question in one way: what differs between new instances that are asked the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ltdcheck.diagnosis.describe import where
from ltdcheck.faults.fault import fault_named
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.numbers.formats import FORMATS
from ltdcheck.result import Diagnosis

ROUNDS = 3  # memory that is not written may hold the same twice
ID = "nondeterministic"

Masks = dict[str, NDArray[np.bool_]]


@dataclass(frozen=True)
class Restless:
    """The entries that are other ones each time: of outputs by :meth:`Subject.outputs`, of gradients by the other."""

    outputs: Masks = field(default_factory=dict)
    gradients: Masks = field(default_factory=dict)

    def __bool__(self) -> bool:
        """There are any."""
        return bool(self.outputs or self.gradients)


def restless(subject: Subject, problem: Problem) -> Restless:
    """What differs between the answers of new instances to one question.

    What an instance keeps from earlier calls is no part of it, as each is called once. Between two of them another one
    is asked something else of the same sizes, so that memory which a call leaves unwritten holds something else. What
    sums in another order, as threads take them, differ by is no noise.
    """
    problem = subject.within(problem)
    first, found, rounding = _blocks(subject, problem), Restless(), _rounding(subject, problem)
    for k in range(ROUNDS):
        _blocks(subject, problem.with_(x=(-0.5 - k) * problem.x, dy=(-0.5 - k) * problem.dy))
        again = _blocks(subject, problem)
        for kind, masks in enumerate((found.outputs, found.gradients)):
            for name, mask in _differing(first[kind], again[kind], rounding[kind], FORMATS[problem.precision].unit):
                masks[name] = masks.get(name, np.zeros_like(mask)) | mask
    return found


def noise(subject: Subject, problems: Sequence[Problem]) -> list[Diagnosis]:
    """That the same call gives another answer each time, and where; nothing where it does not."""
    for problem in problems:
        if found := restless(subject, problem):
            masks = {**found.outputs, **{f"d{name}": mask for name, mask in found.gradients.items()}}
            return [Diagnosis(ID, f"{_sentence()}: {_words(masks)}", 0.0)]
    return []


def _sentence() -> str:
    """What the catalogue says, without the size of its own noise."""
    return fault_named(ID).sentence.partition(",")[0]


def _words(masks: Mapping[str, NDArray[np.bool_]]) -> str:
    """The blocks of which all is noise, and of others where it is."""
    whole = [name for name, mask in masks.items() if mask.all()]
    parts = [f"{name} {where(mask, dx=name == 'dx')}" for name, mask in masks.items() if not mask.all()]
    return "; ".join([f"all of {', '.join(whole)}"] * bool(whole) + parts)


def _blocks(subject: Subject, problem: Problem) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """What a new instance answers: outputs, and gradients where it has any."""
    out = subject.run(subject.within(problem), backward=subject.has_backward, fresh=True)
    return subject.outputs(out), {} if out.dx is None else subject.gradients(out)


def _rounding(subject: Subject, problem: Problem) -> tuple[dict[str, Array], dict[str, Array]]:
    """By how much two right answers may differ, where there is a reference that says so."""
    if subject.unreferenced:
        return {}, {}
    kinds = subject.expect(problem).outputs, subject.expected_gradients(problem) if subject.has_backward else {}
    outputs, gradients = ({name: 2 * np.asarray(e.error) for name, e in kind.items()} for kind in kinds)
    return outputs, gradients


def _differing(
    first: Mapping[str, Array], second: Mapping[str, Array], rounding: Mapping[str, Array], unit: float
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The blocks that are not the same in both, and the entries; all of one whose shape is another.

    Without a reference the entries of a block are the same within a hundred units of its largest.
    """
    for name in first.keys() & second.keys():
        a, b = (np.asarray(blocks[name], dtype=np.float64) for blocks in (first, second))
        if a.shape != b.shape:
            yield name, np.ones(a.shape, dtype=bool)
            continue
        with np.errstate(invalid="ignore"):
            within = np.abs(a - b) <= rounding.get(name, 100 * unit * np.max(np.abs(a), initial=0.0))
        mask = (a != b) & ~within & ~(np.isnan(a) & np.isnan(b))
        if mask.any():
            yield name, mask
