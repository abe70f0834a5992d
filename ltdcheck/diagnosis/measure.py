"""Numbers that are part of a variant, such as a time constant, measured from what the target answers.

A number is one for all units, or one for each group of units.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.diagnosis.probe import FARTHEST
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.groups import shared
from ltdcheck.reference.numbers.formats import FORMATS

Floats = NDArray[np.float64]

# what is searched for a field of a cell: a map from [0, 1] to its values, so that a grid is even where it matters
RANGES: dict[str, Callable[[Any, float], float]] = {
    "tau": lambda cell, s: getattr(cell, "dt", 1.0) / (1 - 0.9999 * s),
    "tau_m": lambda _, s: 1 / (1 - 0.9999 * s),
    "leak": lambda _, s: 1 - 0.9999 * s,
    "forget_offset": lambda _, s: 8 * s - 4,
}
CHOSEN = ("tau", "tau_m", "leak")  # of which no value is the usual one: measured under faults too
GROUPED = ("tau",)  # those that may differ between groups of units
GRID = 65
NEAR = 1e-3  # a distance beyond which the best of the grid, refined once, is not worth refining further


@dataclass(frozen=True)
class Rounding:
    """``tight`` is the distance within which answers are explained, ``unit`` the precision's: 2**-52, say."""

    tight: float
    unit: float


def rounding(precision: str) -> Rounding:
    """Of answers in a precision: six digits more than ``tight`` are left to it in double, three in single."""
    return Rounding(1e-9 if precision == "float64" else 1e-3, 2 * FORMATS[precision].unit)


def measured(
    cell: Cell, far: Callable[[Cell], float], within: Rounding, names: Collection[str] = RANGES.keys()
) -> Iterator[Cell]:
    """The cell with each of its numbers in turn set to the number that explains the answers."""
    for name in numbers(cell):
        if name not in names:
            continue
        value = _measured(cell, name, far, within)
        if value is not None:
            yield _with(cell, name, value)


def measured_by_group(cell: Cell, first: Callable[[Cell], Floats], seen: Floats, within: Rounding) -> Iterator[Cell]:
    """The cell with a number for each of the fewest groups that explain the outputs ``seen`` (B, H) of the first step.

    ``first`` is that step of a cell: what it gives a unit depends on no other unit's number, so that each is measured
    by itself. Nothing where a unit is explained by none, or all units by one.
    """
    steps = cache(first)
    for name in numbers(cell):
        if name not in GROUPED:
            continue
        values: list[float] = []
        for k in range(seen.shape[-1]):
            value = _measured(cell, name, lambda c, k=k: float(np.max(abs(steps(c) - seen)[:, k])), within)  # type: ignore[misc]
            if value is None:
                return
            values.append(value)
        for count in range(2, len(values) + 1):
            grouped = shared(values, count)
            if grouped is not None:
                yield _with(cell, name, grouped)
                break


def numbers(cell: Cell) -> list[str]:
    """The fields that can be measured."""
    return [f.name for f in fields(cell) if f.name in RANGES and isinstance(getattr(cell, f.name), float)]


def _measured(cell: Cell, name: str, far: Callable[[Cell], float], within: Rounding) -> float | None:
    """The number for a field that explains the answers, the shortest as near as rounding; None where none does.

    A number that was written with few digits is then the very one; another is found to its last digits.
    """

    def distance(value: float) -> float:
        try:
            return far(_with(cell, name, value))
        except ValueError:
            return FARTHEST  # beyond what the cell allows, as tau below 1

    coarse = _best(lambda s: RANGES[name](cell, s), distance)
    if distance(coarse) > NEAR:
        return None
    value = _refined(coarse, distance)
    nearest = distance(value)
    if nearest >= within.tight:
        return None
    limit = 4 * max(nearest, within.unit)  # a short number that rounding hides is found to its last digits instead
    return next((short for short in _shorter(value) if distance(short) <= limit), value)


def _with(cell: Cell, name: str, value: float | tuple[float, ...]) -> Cell:
    changed: Any = replace(cell, **{name: value})
    return changed  # type: ignore[no-any-return]


def _best(value_at: Callable[[float], float], far: Callable[[float], float]) -> float:
    """The value with the smallest distance: on a grid, then between its neighbours."""
    from scipy.optimize import minimize_scalar  # a third of a second, which only a number to measure costs

    grid = np.linspace(0.0, 1.0, GRID)
    at = int(np.argmin([far(value_at(s)) for s in grid]))
    low, high = grid[max(at - 1, 0)], grid[min(at + 1, GRID - 1)]
    found = minimize_scalar(lambda s: far(value_at(s)), bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    return value_at(float(found.x))


def _refined(value: float, far: Callable[[float], float]) -> float:
    """The same to its last digits: what is searched for is its distance from ``value``, which has digits of its own."""
    from scipy.optimize import minimize_scalar

    for reach in (1e-3, 1e-9):  # of the value; a search for a number finds half of its digits
        span = reach * abs(value)
        found = minimize_scalar(
            lambda d, v=value: far(v + d), bounds=(-span, span), method="bounded", options={"xatol": span * 1e-9}
        )
        value = min((value, value + float(found.x)), key=far)
    return value


def _shorter(value: float) -> Iterator[float]:
    """Numbers of few digits near ``value``, and ones whose reciprocals have few, the shortest first."""
    for count in range(7):
        yield round(value, count)
        if round(1 / value, count) if value else 0.0:
            yield 1 / round(1 / value, count)
