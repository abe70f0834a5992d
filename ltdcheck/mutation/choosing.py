"""Which faults can show in a target: those that change an answer in its layout, on some problem or in some order."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ltdcheck.errors import LtdcheckError
from ltdcheck.faults.fault import Fault, Network
from ltdcheck.implementation import Outputs
from ltdcheck.mutation.catalogue import every, leaves_something, meant
from ltdcheck.mutation.in_layout import InLayout
from ltdcheck.mutation.plan import PURE, Plan
from ltdcheck.problem import HALF_PRECISIONS, PRECISIONS, Array, Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.direction import turned
from ltdcheck.reference.layout import Layout
from ltdcheck.strategies.problems import Recipe, build, configurations

# a relative distance: far above the rounding of another order of sums, far below that of any fault; in half precision,
# where a right target may round every step, two roundings of a number
ALIKE = {"float64": 2.0**-40, "float32": 2.0**-16, "float16": 2.0**-10, "bfloat16": 2.0**-7}
HIDDEN = "it changes no answer of a target with these parameters"
FORWARD_ONLY = "it changes no answer of a target that has no backward pass"
NOTHING_LEFT = "a function of jax changes no argument, has no strides, and keeps nothing between calls"
NOT_PLANTED = "this variant has nothing to get wrong there"


def candidates(layout: Layout, named: Sequence[str], sample: int | None, seed: int) -> list[Fault]:
    """Those named, a row with all its sites, or all of the family; or a sample of them."""
    chosen = [f for f in every(layout.cell) if not named or any(meant(f, name) for name in named)]
    if sample is None or sample >= len(chosen):
        return chosen
    kept = set(random.Random(seed).sample([f.id for f in chosen], sample))  # noqa: S311  (a sample, no secret)
    return [f for f in chosen if f.id in kept]


def showing(
    plan: Plan, asked: Iterable[Fault], precisions: Collection[str], *, backward: bool
) -> Iterator[tuple[Fault, str]]:
    """Each fault with the reason why it cannot show, or ""; in the finest of the precisions that the target has."""
    layout = plan.layout
    finest = next(precision for precision in (*PRECISIONS, *HALF_PRECISIONS) if precision in precisions)
    problems = _problems(layout, finest)
    right = InLayout(Network(layout.cell), layout)
    answers = [right.run(problem, backward=backward) for problem in problems]
    for fault in asked:
        network = fault.plant(layout.cell)
        if network is None:
            yield fault, NOT_PLANTED
        elif plan.seat.framework in PURE and leaves_something(fault):
            yield fault, NOTHING_LEFT
        elif _shows(InLayout(network, layout), problems, answers, ALIKE[finest], backward=backward):
            yield fault, ""
        else:
            yield fault, HIDDEN if backward else FORWARD_ONLY


def _problems(layout: Layout, precision: str) -> list[Problem]:
    """The fixed problems of a check, and those that only faults of calls need, in the target's coordinates.

    Those of half precision are computed in single precision, as what stands in for the target computes them.
    """
    cell = layout.cell
    found = [*(build(cell, recipe) for recipe in configurations(cell, [precision])), *_variations(cell)]
    computed = precision if precision in PRECISIONS else "float32"
    return [_there(layout, problem).with_(precision=computed) for problem in found]


def _variations(cell: Cell) -> list[Problem]:
    """One problem with another input, other weights, .. in turn; then no step, many steps, and other views."""
    base, other = build(cell, Recipe(seed=50)), build(cell, Recipe(seed=51))
    parts: list[dict[str, Any]] = [
        {"x": other.x},
        {"params": other.params},
        {"state": other.state},
        {"dy": other.dy, "dstate": other.dstate},
        {"x": base.x[:, ::-1], "state": tuple(s[::-1] for s in base.given_state), "dy": base.dy[:, ::-1],
         "dstate": tuple(d[::-1] for d in base.dstate)},
        {"views": {"dstate": "strided"}},
        {"views": {"x": "transposed"}},
    ]  # fmt: skip
    sizes: list[dict[str, Any]] = [
        {"T": 9},
        {"T": 4},
        {"B": 5},
        {"T": 0},
        {"T": 1},
        {"T": 110, "regime": "linear", "cotangent": "h_T"},
    ]
    return [base, *(base.with_(**part) for part in parts), *(build(cell, Recipe(seed=52, **s)) for s in sizes)]


def _there(layout: Layout, problem: Problem) -> Problem:
    I, H = problem.sizes["I"], problem.sizes["H"]
    back = np.argsort(layout.places)
    there = problem.with_(
        params=layout.to_target(problem.params, I, H),
        state=None if problem.state is None else tuple(problem.state[k] for k in back),
        dstate=tuple(problem.dstate[k] for k in back),
    )
    return turned(there, layout.direction)


def _shows(
    wrong: InLayout, problems: Sequence[Problem], answers: Sequence[Outputs], alike: float, *, backward: bool
) -> bool:
    """One network is asked all problems in turn, so that what it keeps between calls shows too."""
    before: Outputs | None = None
    kept: Outputs | None = None
    for problem, right in zip(problems, answers, strict=True):
        try:
            out = wrong.run(problem, backward=backward)
            again = wrong.run_back_again(problem) if backward else out
        except (LtdcheckError, ValueError, IndexError, FloatingPointError):
            return True  # a right implementation answers these
        told = [(out, right), (again, right), *([(before, kept)] if before and kept else [])]
        if out.facts or any(_differ(one, other, alike) for one, other in told):
            return True
        before, kept = out, right
    return False


def _differ(out: Outputs, right: Outputs, alike: float) -> bool:
    return any(not _alike(a, b, alike) for a, b in zip(_arrays(out), _arrays(right), strict=True))


def _arrays(out: Outputs) -> list[Array]:
    pulled = [] if out.dx is None else [out.dx, *(out.dstate or ()), *(out.dparams or {}).values()]
    return [out.y, *out.state, *pulled]


def _alike(a: Array, b: Array, alike: float) -> bool:
    """To this distance, relative to the largest entry; two NaNs are equal."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return bool(np.array_equal(a, b, equal_nan=True))
    scale = max(np.abs(b).max(initial=0.0), np.abs(a).max(initial=0.0))
    return bool(np.abs(a - b).max(initial=0.0) <= alike * scale)
