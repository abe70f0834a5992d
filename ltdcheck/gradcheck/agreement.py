"""Every entry of a small gradient at once: the comparison that ends most checks.

A complex step along all entries in one pass gives the Jacobian. What agrees with it to two units in the last place, the
least that any bound is, needs no more. Of the other entries, and of about ``SAMPLE`` in each block for the size that is
detectable there, the spread is measured: on the code of a given gradient, else on the step itself. Whatever is left
over, a dispute or a doubt, is no finding yet: all is then asked again with more care, block by block
(:mod:`ltdcheck.gradcheck.blocks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from statistics import median

import numpy as np
from numpy.typing import NDArray

from ltdcheck.adapters.functions import Block, Function
from ltdcheck.gradcheck.notes import DIRECTIONS
from ltdcheck.gradcheck.report import BlockResult
from ltdcheck.gradcheck.slopes import COMPLEX_STEP, Slopes, Stepped
from ltdcheck.gradcheck.tested import FIRST, HALF, OUTPUTS, Tested
from ltdcheck.oracles.judging import HIDDEN
from ltdcheck.oracles.shaking import EPS, SHAKE

Floats = NDArray[np.float64]
SAMPLE = 3  # entries of a block whose spread is measured though they agree
STEPPED = 32  # columns whose spread a step measures; of more, the code of the gradient does, all at once


def small(tested: Tested, budget: int) -> bool:
    """Whether one step along each entry costs about what directions would; halves take bounds of their own."""
    m = sum(b.size for b in tested.function.outputs)
    directions = len(tested.function.blocks) * max(2, DIRECTIONS // m) * m
    plain = not tested.forward and tested.eps <= HALF
    return plain and m <= OUTPUTS and len(tested.function.point) <= max(budget, 2 * directions)


def agreed(tested: Tested, slopes: Slopes) -> list[BlockResult]:
    """The results of all blocks if every entry is right beyond doubt; else none."""
    blocks = tested.function.blocks
    G = tested.rows(np.eye(sum(b.size for b in tested.function.outputs)))  # (m, n)
    stepped = slopes.every_entry() if np.all(np.isfinite(G)) else None
    if stepped is None:
        return []
    with np.errstate(all="ignore"):
        gap, there = np.abs(G - stepped.J), np.maximum(np.abs(G), np.abs(stepped.J))
        least = 2 * tested.eps * np.abs(G) + stepped.error + SHAKE * max(b.tiny for b in blocks)
        chosen = np.any(~(gap <= least), axis=0) | _sample(blocks, G.shape[1])
        spread = _spread(tested, slopes, stepped, np.flatnonzero(chosen))
        if spread is None:
            return []
        bound = least.copy()
        bound[:, chosen] += tested.factor * (1 + EPS / tested.eps) * spread
        if not np.all((there == 0) | ((gap <= bound) & (bound <= HIDDEN * there))):
            return []
        detectable = np.where(chosen & (there != 0), bound / there, np.nan)
    return _results(tested.function, G, stepped.J, bound, detectable)


def _sample(blocks: Sequence[Block], n: int) -> NDArray[np.bool_]:
    """Of every block the first entry, the last and one between: which matters to no verdict."""
    chosen, start = np.zeros(n, dtype=bool), 0
    for b in blocks:
        chosen[start : start + b.size : max(1, (b.size - 1) // (SAMPLE - 1))] = True
        start += b.size
    return chosen


def _spread(tested: Tested, slopes: Slopes, stepped: Stepped, columns: NDArray[np.intp]) -> Floats | None:
    """How far rounding moves some columns of the Jacobian, (m, columns)."""
    if callable(tested.gradient) or (tested.gradient is None and len(columns) > STEPPED):
        found = tested.spread_by_entry(np.eye(len(stepped.J)))
        if found is not None:
            return found[:, columns]
    return slopes.spread_of_entries(stepped, columns, tested.unit, FIRST)


def _results(function: Function, G: Floats, J: Floats, bound: Floats, detectable: Floats) -> list[BlockResult]:
    """Each block with the entry that is nearest to its bound."""
    gap, found, start = np.abs(G - J), [], 0
    ratio = np.divide(gap, bound, out=np.zeros_like(gap), where=gap != 0)
    for b in function.blocks:
        if not b.size:
            continue
        row, k = divmod(int(ratio[:, start : start + b.size].argmax()), b.size)
        worst, got, right, limit = (float(a[row, start + k]) for a in (ratio, G, J, bound))
        output = _index(row, function.outputs[0]) if len(function.outputs) == 1 < len(G) else None
        seen = [size for size in detectable[:, start : start + b.size].ravel().tolist() if not isnan(size)]
        size = median(seen) if seen else 0.0
        where = _index(k, b), output
        found.append(BlockResult(b.name, b.shape, b.size, 0, worst, got, right, limit, *where, size, COMPLEX_STEP))
        start += b.size
    return found


def _index(k: int, block: Block) -> tuple[int, ...]:
    return tuple(map(int, np.unravel_index(k, block.shape)))
