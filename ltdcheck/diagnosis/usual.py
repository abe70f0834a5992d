"""A problem on which most of what is wrong shows, asked beside the one that was found to fail."""

from __future__ import annotations

from ltdcheck.problem import PRECISIONS, Problem
from ltdcheck.properties.subject import Subject
from ltdcheck.strategies.problems import Recipe, build


def fresh(subject: Subject, like: Problem | None = None) -> Problem:
    """Of usual sizes, in the precision of another one; of the target's own sizes where it has no others."""
    I, H = subject.implementation.fixed_sizes or (4, 6)
    precision = like.precision if like else next(p for p in subject.precisions if p in PRECISIONS)
    return build(subject.cell, Recipe(T=5, B=3, I=I, H=H, seed=4711, precision=precision))
