"""Long lags: what a gradient is after a thousand steps, and where the precision of the target ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ltdcheck.problem import Array, Problem
from ltdcheck.properties.compare import compare, merged
from ltdcheck.properties.law import Evidence, law
from ltdcheck.properties.subject import Subject
from ltdcheck.properties.values import beyond
from ltdcheck.reference.numbers.formats import FORMATS


@law("lags.long_memory", reference=True)
def long_memory(subject: Subject, problem: Problem) -> Evidence:
    """Over a thousand steps every output and every gradient is the reference's, to the end of the precision.

    A gradient of 1e-290 is held to its own digits. Where none is large enough for the precision's normal numbers 0 is
    right, and a number that they hold is wrong. The lag at which that begins is said.
    """
    problem = subject.within(problem)
    subject.ahead(problem, backward=subject.has_backward)
    if limit := beyond(subject, problem):
        return limit
    expect = subject.expect(problem)
    out = subject.run(problem, backward=subject.has_backward)
    forward = compare(subject, problem, subject.outputs(out), expect.outputs)
    if not subject.has_backward or forward.disagreement:
        return forward
    seen = merged(forward, compare(subject, problem, subject.gradients(out), subject.expected_gradients(problem)))
    return seen if problem.dy.any() else replace(seen, notes=(_reach(problem.precision, lag_sizes(expect.arrived)),))


def _reach(precision: str, sizes: NDArray[np.float64]) -> str:
    """How far back the gradient of a loss at the last step is a number of the precision, in words."""
    form, T = FORMATS[precision], len(sizes)
    reached = representable(sizes, form.smallest, form.largest)
    where = f"{precision}: the gradient of a loss at the last of {T} steps"
    if reached == T:
        return f"{where} is representable at every lag; at the largest it is {sizes[-1]:.1g}"
    end = f"below {form.smallest:.2g}" if sizes[reached] < form.smallest else f"above {form.largest:.2g}"
    return f"{where} is representable up to lag {reached - 1}; at the next it is {end}"


def lag_sizes(arrived: Mapping[str, Array]) -> NDArray[np.float64]:
    """The largest entry of the cotangent that arrives at the state k steps before the last, k = 0 .. T - 1."""
    steps = [np.abs(block).reshape(len(block), -1).max(axis=1, initial=0.0) for block in arrived.values()]
    return np.asarray(np.max(steps, axis=0)[::-1])


def representable(sizes: NDArray[np.float64], smallest: float, largest: float) -> int:
    """How many of them, from the first on, are normal numbers."""
    outside = ~((sizes >= smallest) & (sizes <= largest))
    return int(np.argmax(outside)) if outside.any() else len(sizes)
