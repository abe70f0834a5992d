"""What an adapter's tests ask of the classes of a framework: to be found out, and to be right."""

from __future__ import annotations

from typing import Any

import numpy as np

from ltdcheck.adapters.adapting import adapt
from ltdcheck.diagnosis.layers import recognise
from ltdcheck.diagnosis.probe import SIZES
from ltdcheck.properties.compare import ratios
from ltdcheck.properties.law import property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.strategies.problems import Recipe, build

LAWS = ("values.forward_agrees", "gradients.present", "gradients.backward_agrees")
# of the sizes at which targets are identified, for which a framework has compiled its program already
RECIPES = (Recipe(3, 2, *SIZES), Recipe(3, 2, *SIZES, precision="float32", given_state=False))


def words_if_right(make: Any) -> str:
    """Cell and variant in words; outputs and gradients are the reference's, in both precisions."""
    it = adapt(make, "it")
    found = recognise(it, "it")
    subject = Subject(it, found.layout)
    for recipe in RECIPES:
        for law in LAWS:
            evidence = property_named(law).check(subject, build(subject.cell, recipe))
            assert evidence.disagreement is None, (recipe, law, evidence.disagreement)
            assert evidence.compared
    return f"{found.cell.name}({found.words})"


def subject_of(make: Any) -> Subject:
    """What was found out, to be asked."""
    it = adapt(make, "it")
    return Subject(it, recognise(it, "it").layout)


def farthest_with_lengths(subject: Subject, lengths: tuple[int, ...]) -> float:
    """The largest error over its bound, of outputs until each row's end, final states and every gradient."""
    precision = "float64" if "float64" in subject.implementation.precisions else "float32"
    problem = build(subject.cell, Recipe(4, len(lengths), *SIZES, precision=precision))
    problem = subject.within(problem).with_(lengths=lengths)
    running = np.arange(4)[:, None] < np.array(lengths)[None]
    problem = problem.with_(dy=problem.dy * running[..., None])
    out = subject.run(problem)
    got = {**subject.outputs(out), **subject.gradients(out)}
    due = {**subject.expect(problem).outputs, **subject.expected_gradients(problem)}
    far = {name: ratios(got[name], estimate) for name, estimate in due.items()}
    far["y"] = far["y"][running]
    return max(float(np.max(r)) for r in far.values())
