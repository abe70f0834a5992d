"""Every entry of a small gradient at once: the comparison that ends most checks.

A complex step along all entries in one pass gives the Jacobian. What agrees with it as well as one operation rounds,
within ``FACTOR`` times the spread of a single one, needs no more. Of the other entries the spread is measured, on the
code of a given gradient, else on the step itself; and on the step of about ``SAMPLE`` entries in each block for the
size that is detectable there, which is no less than what agrees unmeasured. At a kink every value between the steps
ahead and back agrees, if several do together (:mod:`ltdcheck.gradcheck.kinks`). Whatever is left over, a dispute or a
doubt, is no finding yet: all is then asked again with more care, block by block (:mod:`ltdcheck.gradcheck.blocks`). So
no bound of this module calls a gradient wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ltdcheck.adapters.functions import Block, Function, split
from ltdcheck.gradcheck.kinks import between
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
        right = np.clip(G, np.minimum(stepped.J, stepped.back), np.maximum(stepped.J, stepped.back))
        gap, there = np.abs(G - right), np.maximum(np.abs(G), np.maximum(np.abs(stepped.J), np.abs(stepped.back)))
        allowed = tested.factor * (1 + EPS / tested.eps)  # of a spread
        least = 2 * tested.eps * np.abs(G) + stepped.error + SHAKE * max(b.tiny for b in blocks)
        bound = least + allowed * tested.once * there
        off, kinks = np.any(~(gap <= bound), axis=0), stepped.kinks
        if np.any(off & kinks) or any(np.all(part) for part in split(kinks, blocks) if part.size):
            return []
        chosen = off | _sample(kinks, blocks)
        spread = _spread(tested, slopes, stepped, np.flatnonzero(chosen), measured=bool(np.any(off)))
        if spread is None:
            return []
        bound[:, chosen] = np.maximum(bound[:, chosen] * ~off[chosen], least[:, chosen] + allowed * spread)
        if not np.all((there == 0) | ((gap <= bound) & (bound <= HIDDEN * there))):
            return []
        if not between(slopes, stepped, G, bound):
            return []
        detectable = np.where(chosen & (there != 0), bound / there, np.nan)
    return _results(tested.function, G, right, bound, detectable, kinks)


def _sample(apart: NDArray[np.bool_], blocks: Sequence[Block]) -> NDArray[np.bool_]:
    """Of every block the first entry that is not ``apart``, the last and one between: which matters to no verdict."""
    chosen, start = np.zeros(len(apart), dtype=bool), 0
    for b in blocks:
        there = start + np.flatnonzero(~apart[start : start + b.size])
        chosen[there[:: max(1, (len(there) - 1) // (SAMPLE - 1))]] = True
        start += b.size
    return chosen


def _spread(
    tested: Tested, slopes: Slopes, stepped: Stepped, columns: NDArray[np.intp], *, measured: bool
) -> Floats | None:
    """How far rounding moves some columns of the Jacobian, (m, columns).

    ``measured`` on the code of a given gradient, or on that of a framework where there are many; else on the step.
    """
    if measured and (callable(tested.gradient) or (tested.gradient is None and len(columns) > STEPPED)):
        found = tested.spread_by_entry(np.eye(len(stepped.J)))
        if found is not None:
            return found[:, columns]
    return slopes.spread_of_entries(stepped, columns, tested.unit, FIRST)


def _results(
    function: Function, G: Floats, J: Floats, bound: Floats, detectable: Floats, kinks: NDArray[np.bool_]
) -> list[BlockResult]:
    """Each block with the entry that is nearest to its bound."""
    gap, found, start = np.abs(G - J), [], 0
    ratio = np.divide(gap, bound, out=np.zeros_like(gap), where=gap != 0)
    for b in function.blocks:
        if not b.size:
            continue
        row, k = divmod(int(ratio[:, start : start + b.size].argmax()), b.size)
        worst, got, right, limit = (float(a[row, start + k]) for a in (ratio, G, J, bound))
        output = _index(row, function.outputs[0]) if len(function.outputs) == 1 < len(G) else None
        seen = detectable[:, start : start + b.size]
        seen = seen[~np.isnan(seen)]
        size = float(np.median(seen)) if len(seen) else 0.0
        where = _index(k, b), output
        kink = bool(np.any(kinks[start : start + b.size]))
        found.append(
            BlockResult(b.name, b.shape, b.size, 0, worst, got, right, limit, *where, size, COMPLEX_STEP, kink)
        )
        start += b.size
    return found


def _index(k: int, block: Block) -> tuple[int, ...]:
    return tuple(map(int, np.unravel_index(k, block.shape)))
