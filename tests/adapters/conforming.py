"""What an adapter's tests ask of the classes of a framework: to be found out, and to be right."""

from __future__ import annotations

from typing import Any

from ltdcheck.adapters.adapting import adapt
from ltdcheck.diagnosis.layers import recognise
from ltdcheck.diagnosis.probe import SIZES
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
