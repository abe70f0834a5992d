"""Gradients of a target that has no reference, against the derivative of its own forward pass."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ltdcheck.estimate import Estimate
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.compare import digits
from ltdcheck.properties.law import Disagreement, Evidence
from ltdcheck.properties.own_slopes import Direction, directions, only, slope, whole
from ltdcheck.properties.subject import Subject
from ltdcheck.result import Place

WIDE = ("float64", "float32")  # differences are taken in the first of them that a target has
ENTRIES = 24  # of a block, up to which a wrong gradient is looked for entry by entry
DIFFERS = "the gradient is not the derivative of the target's own forward pass"


def adjoint(subject: Subject, problem: Problem) -> Evidence:
    """The inner product of the gradient with each direction is the derivative along it; the first other one is told."""
    wide = next((precision for precision in WIDE if precision in subject.precisions), "single or double precision")
    if problem.precision != wide:
        return Evidence(not_applicable=f"differences are taken in {wide} only")
    out = subject.run(problem)
    compared, worst, unknown = 0, 0.0, []
    seen: dict[str, float] = {}
    for direction in directions(subject, problem):
        known = slope(subject, problem, direction)
        if known.status != "ok" or not np.isfinite(known.error):
            unknown.append(known.reason or "the differences do not settle")
            continue
        ratio, bound = _apart(subject, problem, out, direction, known)
        compared, worst = compared + 1, max(worst, ratio)
        if ratio > 1:
            return Evidence(compared, worst, disagreement=_told(subject, problem, out, direction, known, bound))
        if (value := abs(float(known.value))) > bound:
            name = direction.block or "all"
            seen[name] = min(seen.get(name, np.inf), bound / value)
    undecided = "" if compared else f"no derivative is known: {next(iter(unknown), 'there is nothing to move')}"
    detectable = max(seen.values(), default=None)
    return Evidence(compared, worst, detectable, undecided=undecided, left_out=len(unknown), blocks=seen)


def present(subject: Subject, problem: Problem) -> Evidence:
    """What gets no gradient, or hands none back, does not matter by differences either."""
    facts = subject.run(problem).facts
    own = {f"state[{k}]": f"{s}_0" for k, s in enumerate(subject.cell.states)}  # as adapters count them
    for name in facts.get("missing", ()):
        block = own.get(name, name)
        if any(_is_not_zero(slope(subject, problem, d)) for d in directions(subject, problem) if d.block == block):
            return _absent(name, f"no gradient reaches {name}")
    for name in facts.get("detached", ()):
        if _is_not_zero(slope(subject, _loss_on(problem, name), whole(problem))):
            return _absent(name, f"no gradient comes back from {name}")
    return Evidence(compared=1 + len(problem.state or ()) + len(problem.params))


def _apart(
    subject: Subject, problem: Problem, out: Outputs, direction: Direction, known: Estimate
) -> tuple[float, float]:
    """How far the inner product is from the derivative, over the bound, and the bound.

    The rounding of the gradient itself is measured where the error of the differences does not explain the distance.
    """
    gap = abs(direction.inner(subject, out) - float(known.value))
    bound = float(known.error)
    if not gap <= bound:
        sizes = direction.sizes(subject)
        expected = subject.expected_gradients(problem)
        bound += float(sum(np.sum(sizes[name] * expected[name].error, where=sizes[name] > 0) for name in expected))
    ratio = 0.0 if gap == 0 else gap / bound if bound else np.inf
    return (np.inf if np.isnan(ratio) else ratio), bound


def _told(
    subject: Subject, problem: Problem, out: Outputs, direction: Direction, known: Estimate, bound: float
) -> Disagreement:
    """The entry of the block that is wrong, where the block is small; else the direction."""
    for index, alone in _entries(subject, problem, direction):
        entry = slope(subject, problem, alone)
        if entry.status != "ok" or not np.isfinite(entry.error):
            continue
        ratio, least = _apart(subject, problem, out, alone, entry)
        if ratio > 1:
            return _disagreement(subject.place(direction.block, index, problem), subject, out, alone, entry, least)
    what = f"d{direction.block} along a direction" if direction.block else "the gradient along a direction"
    step = None if direction.step is None else direction.step + 1
    return _disagreement(Place(what, step=step), subject, out, direction, known, bound)


def _disagreement(
    where: Place, subject: Subject, out: Outputs, direction: Direction, known: Estimate, bound: float
) -> Disagreement:
    got, expected = direction.inner(subject, out), float(known.value)
    return Disagreement(where, digits(got, bound), digits(expected, bound), bound, DIFFERS)


def _entries(subject: Subject, problem: Problem, direction: Direction) -> Iterator[tuple[tuple[int, ...], Direction]]:
    """Each entry that moves along a direction of one block, alone."""
    if not direction.block:
        return
    moves: Array = direction.sizes(subject)[direction.block]
    moving = np.argwhere(moves)
    if len(moving) > ENTRIES:
        return
    for place in moving:
        index = tuple(int(k) for k in place)
        unit = np.zeros_like(moves)
        unit[index] = 1.0
        yield index, only(problem, direction.block, unit, subject, direction.step)


def _is_not_zero(known: Estimate) -> bool:
    return known.status == "ok" and bool(abs(known.value) > known.error)


def _loss_on(problem: Problem, name: str) -> Problem:
    """The problem with the cotangent of one output alone, ``y`` or ``state[0]``."""
    dstate = tuple(d if name == f"state[{k}]" else np.zeros_like(d) for k, d in enumerate(problem.dstate))
    return problem.with_(dy=problem.dy if name == "y" else np.zeros_like(problem.dy), dstate=dstate)


def _absent(name: str, text: str) -> Evidence:
    where = Place(f"d{name}", target_block=name)
    return Evidence(disagreement=Disagreement(where, "no gradient", "a gradient", 0.0, text))
