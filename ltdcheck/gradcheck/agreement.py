"""Every entry of a small gradient at once: the comparison that ends most checks.

A complex step along all entries in one pass gives the Jacobian. What agrees with it within the rounding of its own last
operation, the least that any bound is, needs no more. Of the other entries, and of ``SAMPLE`` in each block for the
size that is detectable there, the spread is measured: on the code of a given gradient, else on the step itself. Whatever
is left over, a dispute or a doubt, is nobody's finding yet: all is then asked again with more care, block by block
(:mod:`ltdcheck.gradcheck.blocks`).
"""

from __future__ import annotations

from collections.abc import Sequence

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
    """Whether all entries cost about what directions would: a step, and numbers that float64 tells from rounded ones."""
    m = sum(b.size for b in tested.function.outputs)
    directions = len(tested.function.blocks) * max(2, DIRECTIONS // m) * m
    plain = not tested.forward and tested.eps <= HALF
    return plain and m <= OUTPUTS and len(tested.function.point) <= max(budget, 2 * directions)


def agreed(tested: Tested, slopes: Slopes, seed: int) -> list[BlockResult]:
    """The results of all blocks if every entry is right beyond doubt; else none."""
    blocks = tested.function.blocks
    G = tested.rows(np.eye(sum(b.size for b in tested.function.outputs)))  # (m, n)
    stepped = slopes.every_entry() if np.all(np.isfinite(G)) else None
    if stepped is None:
        return []
    with np.errstate(all="ignore"):
        gap, there = np.abs(G - stepped.J), np.maximum(np.abs(G), np.abs(stepped.J))
        least = 2 * tested.eps * np.abs(G) + stepped.error + SHAKE * max(b.tiny for b in blocks)
        chosen = np.any(~(gap <= least), axis=0) | _sample(blocks, seed)
        spread = _spread(tested, slopes, stepped, np.flatnonzero(chosen))
        if spread is None:
            return []
        bound = least.copy()
        bound[:, chosen] += tested.factor * (1 + EPS / tested.eps) * spread
        if not np.all((there == 0) | ((gap <= bound) & (bound <= HIDDEN * there))):
            return []
        detectable = np.where(chosen & (there != 0), bound / there, np.nan)
    return _results(tested.function, G, stepped.J, bound, detectable)


def _sample(blocks: Sequence[Block], seed: int) -> NDArray[np.bool_]:
    """Of every block, a few entries."""
    generator = np.random.default_rng(seed)
    found = [generator.permutation(b.size) < SAMPLE for b in blocks]
    return np.concatenate(found)


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
        part = slice(start, start + b.size)
        row, k = divmod(int(np.argmax(ratio[:, part])), b.size)
        numbers = (float(a[row, start + k]) for a in (ratio, G, J, bound))
        output = _index(row, function.outputs[0]) if len(function.outputs) == 1 < len(G) else None
        seen = detectable[:, part][~np.isnan(detectable[:, part])]
        size = float(np.median(seen)) if len(seen) else 0.0
        found.append(BlockResult(b.name, b.shape, b.size, 0, *numbers, _index(k, b), output, size, COMPLEX_STEP))
        start += b.size
    return found


def _index(k: int, block: Block) -> tuple[int, ...]:
    return tuple(map(int, np.unravel_index(k, block.shape)))
