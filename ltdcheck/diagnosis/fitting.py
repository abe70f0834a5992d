"""Which variants of a family a target can be, by the number of its states and the shapes of its parameters alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from math import inf
from typing import Any

import numpy as np

from ltdcheck.diagnosis.probe import SIZES
from ltdcheck.errors import TargetFailure
from ltdcheck.implementation import Implementation
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.layout import Layout
from ltdcheck.reference.variants import combinations, variants

# what shapes tell of a field that counts something: the variants that are tried for their behaviour hold a few of these
COUNTS: dict[str, Iterable[Any]] = {"lag": range(1, 17), "group": (*range(1, 17), "layer")}
OTHER = (4, 241)  # I and H at which a layout must fit too: ceil(H/k) tells all k to 16 apart, as H > 15*16


def fitting(target: Implementation, family: str) -> list[Cell]:
    """The variants of a family, those with other counts too, that have the target's states and sizes of weights.

    None holds what it reads: that threshold is measured.

    Raises
    ------
    TargetFailure
        When the target cannot be made at the sizes of the probe.
    """
    return _of_shapes(target, _counted(family))


def rare(target: Implementation, family: str) -> list[Cell]:
    """The combinations of a family's fields that :func:`fitting` leaves away, of the target's states and sizes."""
    usual = set(_of_shapes(target, variants(family)))
    return [cell for cell in _of_shapes(target, combinations(family)) if cell not in usual]


def _of_shapes(target: Implementation, cells: Iterable[Cell]) -> list[Cell]:
    """Those that have the target's states and sizes of weights, projected where the target is."""
    I, H = target.fixed_sizes or SIZES
    held = _matrices(target.parameters(I, H).values())
    widths = sorted(target.widths(H))
    P = widths[0] if widths and widths[0] < H else 0
    known = dict.fromkeys(_projected(cell, P) for cell in cells)
    return [cell for cell in known if sorted(cell.widths(H)) == widths and _fits(cell, I, H, held)]


def _projected(cell: Cell, P: int) -> Cell:
    """The same with its output projected to P, where its family can; 0 is none."""
    changed: Any = replace(cell, projection=P) if hasattr(cell, "projection") else cell  # type: ignore[call-arg]
    return changed  # type: ignore[no-any-return]


def grows(target: Implementation, layout: Layout) -> bool:
    """The arrays have the shapes of the layout at other sizes too, where there are any."""
    if target.fixed_sizes is not None:
        return True
    try:
        held = target.parameters(*OTHER)
    except TargetFailure:
        return False
    return held == {name: index.shape for name, index in layout.indices(*OTHER).items()}


def _counted(family: str) -> Iterator[Cell]:
    """The variants, the default first, and the same with every other count."""
    known = variants(family)
    yield from known
    for name in {f.name for cell in known for f in fields(cell)} & COUNTS.keys():
        for count in COUNTS[name]:
            for cell in known:
                counted: Any = replace(cell, **{name: count})
                yield counted


def _fits(cell: Cell, I: int, H: int, held: int) -> bool:
    """The matrices may also hold, as columns, three times what is as long as a bias: biases, and peepholes."""
    if getattr(cell, "clip", inf) < inf:
        return False
    shapes = cell.shapes(I, H)
    return 0 <= held - _matrices(shapes.values()) <= 3 * len(cell.gates) * H


def _matrices(shapes: Iterable[tuple[int, ...]]) -> int:
    """How many entries the weights have."""
    return sum(int(np.prod(shape)) for shape in shapes if len(shape) > 1)
