"""The vectors of a cell: which problems, their proved answers, and what rounding allows in two precisions.

Of every cell the default variant gets all problems; a variant that differs from it in one field gets a few. Numbers of
problems are multiples of 1/32, so that they are short in decimals and the same in single and double precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np

from ltdcheck.estimate import Estimate
from ltdcheck.oracles.ball import enclosure
from ltdcheck.oracles.rounding import expected
from ltdcheck.problem import PRECISIONS, Array, Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import cell_named
from ltdcheck.reference.variants import variants
from ltdcheck.strategies.problems import FINE, LARGE_BATCH, Recipe, build, configurations, few

Json = dict[str, Any]

GRAIN = 5  # numbers are multiples of 2**-GRAIN
ENTRIES = 1 << 15  # of the largest array, beyond which some implementations divide their work

SMALL = Recipe(T=2, B=1, seed=53)  # of the default I and H

ONE_STEP = Recipe(T=1, seed=51)

# beside what a check always asks: (recipe, grain)
MORE = (
    (SMALL, GRAIN),
    (Recipe(T=0, seed=50), GRAIN),
    (ONE_STEP, GRAIN),
    (Recipe(T=104, B=1, I=2, H=3, cotangent="h_T", seed=52), GRAIN),
    (Recipe(views=(("dstate", "strided"),), seed=54), GRAIN),
    (Recipe(views=(("x", "transposed"), ("dy", "transposed")), seed=55), GRAIN),
    (Recipe(T=64, B=65, I=1, H=8, seed=56), GRAIN),  # more than ENTRIES outputs
    (Recipe(seed=57), FINE),
)

# what the first vector becomes when one thing is changed, by the label of the change
CHANGES: dict[str, Callable[[Problem], Problem]] = {
    "other input": lambda p: p.with_(x=-p.x),
    "other weights": lambda p: p.with_(params={name: -value for name, value in p.params.items()}),
    "other state": lambda p: p.with_(state=tuple(-s for s in p.given_state)),
    "other cotangents": lambda p: p.with_(dy=-p.dy, dstate=tuple(-d / 2 for d in p.dstate)),
    "rows in another order": lambda p: p.with_(
        x=p.x[:, ::-1], dy=p.dy[:, ::-1],
        state=tuple(s[::-1] for s in p.given_state), dstate=tuple(d[::-1] for d in p.dstate),
    ),
}  # fmt: skip
# rows of different lengths, of the first vector too; a row without steps hands on its initial state
LENGTHS = {
    "rows of different lengths": (4, 5, 2),
    "rows of different lengths, one without steps": (4, 5, 0),
    "lengths that are all T": (5, 5, 5),
}
FIRST, NO_STATE, SHORT = "the first", "without a state", "shorter"

# one instance, several calls: vectors in turn, and backward passes of each
SEQUENCES = (
    ("again", (FIRST, FIRST), 1),
    ("no state after another call", (FIRST, NO_STATE), 1),
    ("shorter after longer, and back", (FIRST, SHORT, FIRST), 1),
    ("more rows after fewer", (SHORT, FIRST), 1),
    ("two backward passes", (FIRST,), 2),
    *((f"{change}, and back", (FIRST, change, FIRST), 1) for change in CHANGES),
)


def chosen(cell_name: str) -> list[Cell]:
    """The default variant, and those that differ from it in one field."""
    first, *others = variants(cell_name)
    names = [f.name for f in fields(first)]
    return [first, *(v for v in others if sum(getattr(v, n) != getattr(first, n) for n in names) == 1)]


def problems_of(cell: Cell) -> list[Problem]:
    """All problems of the default variant of a cell; a few of any other."""
    if cell != cell_named(cell.name)():
        first, without_state, *_, longer, _ = few(cell, ("float64",))
        chosen = (first, without_state, longer, ONE_STEP)
        return [build(cell, replace(r, grain=GRAIN, seed=100 + r.seed)) for r in chosen]
    always = [r for r in configurations(cell, ("float64",)) if r.B < LARGE_BATCH and r.grain < FINE]
    wide = Recipe(T=2, B=2, I=1, H=_wide(cell), seed=58)
    recipes = [replace(r, grain=grain) for r, grain in (*((r, GRAIN) for r in (*always, wide)), *MORE)]
    found = [build(cell, recipe) for recipe in recipes]
    changed = [change(found[0]).with_(label=label) for label, change in CHANGES.items()]
    return [*found, *changed, *(_ragged(found[0], lengths, label) for label, lengths in LENGTHS.items())]


def _ragged(problem: Problem, lengths: tuple[int, ...], label: str) -> Problem:
    """With cotangents inside the rows."""
    inside = np.arange(len(problem.x))[:, None] < np.array(lengths)[None]
    return problem.with_(lengths=lengths, dy=np.where(inside[..., None], problem.dy, 0.0), label=label)


def _wide(cell: Cell) -> int:
    """More than 128 units, and an array of more than ``ENTRIES`` entries."""
    return next(H for H in range(129, ENTRIES) if max(np.prod(s) for s in cell.shapes(1, H).values()) > ENTRIES)


@dataclass(frozen=True)
class Vector:
    """What a file says of a problem, flags aside, and the variant of which it is asked."""

    cell: Cell
    asked: Json


@cache
def cell_vectors(cell_name: str) -> tuple[Vector, ...]:
    """All vectors of a cell.

    Raises
    ------
    UnknownNameError
        When there is no cell of this name.
    """
    problems = [(cell, problem) for cell in chosen(cell_name) for problem in problems_of(cell)]
    return tuple(Vector(c, _vector(f"{cell_name}.{k + 1}", c, problem)) for k, (c, problem) in enumerate(problems))


def _precisions(problem: Problem) -> list[str]:
    """Those that hold every number of the problem."""
    arrays = (problem.x, problem.dy, *problem.params.values(), *problem.given_state, *problem.dstate)
    return [p for p in PRECISIONS if all(np.array_equal(a, a.astype(p)) for a in arrays)]


def _vector(id: str, cell: Cell, problem: Problem) -> Json:
    proved = enclosure(cell, problem)
    allowed = {precision: expected(cell, problem.with_(precision=precision)) for precision in _precisions(problem)}
    initial = {f"state.{k}": f"{s}_0" for k, s in enumerate(cell.states)}
    gradients = {initial.get(name, name): block for name, block in proved.gradients.items()}
    given = None if problem.state is None else [written(s) for s in problem.state]
    return {
        "id": id,
        "variant": cell.variant,
        "label": problem.label,
        "precisions": list(allowed),
        "sizes": problem.sizes,
        "views": dict(problem.views),
        "lengths": None if problem.lengths is None else list(problem.lengths),
        "params": {name: written(value) for name, value in problem.params.items()},
        "x": written(problem.x),
        "state": given,
        "dy": written(problem.dy),
        "dstate": [written(d) for d in problem.dstate],
        "outputs": _answers(proved.outputs, {p: _until_the_end(e.outputs, problem) for p, e in allowed.items()}),
        "gradients": _answers(gradients, {p: e.gradients for p, e in allowed.items()}),
        "bits": proved.bits,
        "reveals": [],
    }


def _until_the_end(outputs: Mapping[str, Estimate], problem: Problem) -> dict[str, Estimate]:
    """No bound for y after the end of a row: zeros are right there, and so is its last output."""
    if problem.lengths is None:
        return dict(outputs)
    inside = np.arange(len(problem.x))[:, None] < np.array(problem.lengths)[None]
    y = outputs["y"]
    return {**outputs, "y": replace(y, error=np.where(inside[..., None], y.error, np.inf))}


def _answers(proved: Mapping[str, Estimate], allowed: Mapping[str, Mapping[str, Estimate]]) -> Json:
    """Values, and how far an entry may be from them: the rounding of the precision, and the width of the proof."""
    told = {}
    for name, block in proved.items():
        bounds = {p: of[name] for p, of in allowed.items()}
        if block.status == "ok" and all(e.status == "ok" for e in bounds.values()):
            told[name] = {
                **written(block.value),
                "bounds": {p: upwards(e.error + block.error) for p, e in bounds.items()},
            }
    return told


def written(array: Array) -> Json:
    """An array for a file; every number reads back as itself."""
    return {"shape": list(array.shape), "values": np.asarray(array, float).ravel().tolist()}


def upwards(bound: Array) -> list[float | str]:
    """In three digits, never less; infinite where anything may be answered."""
    bounds = np.asarray(bound, float).ravel().tolist()
    return [float(f"{b * 1.005:.3g}") if np.isfinite(b) else "inf" for b in bounds]  # JSON has no such number


def sequences_of(cell_name: str, vectors: Sequence[Json]) -> list[Json]:
    """Calls in turn, of vectors of the default variant."""
    sizes = {"T": SMALL.T, "B": SMALL.B, "I": SMALL.I, "H": SMALL.H}
    ids = {vector["label"]: vector["id"] for vector in reversed(vectors) if vector["variant"] == vectors[0]["variant"]}
    ids[FIRST] = vectors[0]["id"]
    ids[NO_STATE] = next(v["id"] for v in vectors if v["state"] is None)
    ids[SHORT] = next(v["id"] for v in vectors if v["sizes"] == sizes)
    return [
        {
            "id": f"{cell_name}.s{k + 1}",
            "label": label,
            "calls": [ids[call] for call in calls],
            "backwards": backwards,
            "reveals": [],
        }
        for k, (label, calls, backwards) in enumerate(SEQUENCES)
    ]
