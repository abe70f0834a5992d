"""The smallest recipe that still shows a failure: one field at a time, the simplest value first, until none gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ltdcheck.reference.cell import Cell
from ltdcheck.strategies.problems import Recipe

_SIMPLEST: dict[str, list[Any]] = {
    "views": [()],
    "gaps": [False],
    "regime": ["usual"],
    "cotangent": ["y", "h_T", "c_T", "all"],
    "given_state": [False],
    "precision": ["float64"],
    "grain": [1, 2, 3, 6],
    "seed": [0, 1, 2, 3],
}


def shrink(cell: Cell, start: Recipe, fails: Callable[[Recipe], bool], tries: int) -> Recipe:
    """A smaller recipe for which ``fails`` holds, after at most ``tries`` questions.

    Sizes are lowered by bisection first: failures of a size usually start at one size.
    """
    left = tries
    best = start

    def still(recipe: Recipe) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and fails(recipe)

    before = None
    while before != best and left > 0:
        before = best
        for size in ("T", "H", "B", "I"):
            best = _bisect(best, size, still)
        for candidate in _simpler(cell, best):
            merged = _towards(best, candidate)
            if merged != best and still(merged):
                best = merged
    return best


def _bisect(best: Recipe, size: str, still: Callable[[Recipe], bool]) -> Recipe:
    low, high = 0, getattr(best, size)  # fails at high; taken to hold at low
    for guess in (1, 2):
        if guess < high and still(_with(best, size, guess)):
            return _with(best, size, guess)
        low = max(low, min(guess, high - 1))
    while high - low > 1:
        middle = (low + high) // 2
        if still(_with(best, size, middle)):
            high = middle
        else:
            low = middle
    return _with(best, size, high)


def _with(recipe: Recipe, field: str, value: Any) -> Recipe:
    changed: Recipe = replace(recipe, **{field: value})
    return changed


def _simpler(cell: Cell, best: Recipe) -> Iterator[tuple[str, Any]]:
    for field, values in _SIMPLEST.items():
        for value in values:
            if value == getattr(best, field):
                break
            if value == "c_T" and "c" not in cell.states:
                continue
            yield field, value


def _towards(best: Recipe, change: tuple[str, Any]) -> Recipe:
    """One field simplified, unless an earlier simplification of it was already accepted."""
    field, value = change
    values = _SIMPLEST[field]
    current = getattr(best, field)
    if current in values and values.index(current) <= values.index(value):
        return best
    return _with(best, field, value)
