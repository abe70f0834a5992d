"""Comparisons: the gradient under test and the oracle, each along one direction of x and for one cotangent.

The bound of one is the sum of what rounding does to the gradient under test, ``FACTOR`` times its measured spread; the
same for the oracle, in float64; the oracle's own error; two units of the terms that are added up; and the smallest
normal number for each entry, since some back ends flush what lies below it.

Arrays have no code whose spread could be measured, and that of a step along many entries is too large for them: a sum
in f rounds by the size of all its terms, u*n*|t| where n entries have terms of size |t|, while a backward pass hands
one cotangent to all of these and rounds none. What n entries round by themselves adds up along random signs to
u*sqrt(n)*|t|. So along several entries they are held to that first, as if every entry were off by one operation. It is
no bound of what is right, but a reason to look closer: at all of them by the spread of the step and, where that is too
large to tell, at the one entry in which the error sits (:mod:`ltdcheck.gradcheck.blocks`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.gradcheck.slope import Slope
from ltdcheck.gradcheck.slopes import Slopes
from ltdcheck.gradcheck.tested import Tested
from ltdcheck.oracles.judging import HIDDEN
from ltdcheck.oracles.shaking import EPS, SHAKE, root_mean_square

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Compared:
    """``got`` against the slopes from ``low`` to ``high``, of t comparisons; or of one, without that axis."""

    row: Any  # of the cotangents
    v: Floats  # (t, n)
    got: Any
    low: Any
    high: Any
    bound: Any
    size: Any  # of the terms of ``got``
    weight: Any  # of one of them, the median
    kink: Any
    complete: Any
    exact: Any  # the oracle tells zero from what is small

    def __getitem__(self, which: Any) -> Compared:
        """Some of them, or one."""
        return Compared(*(getattr(self, f.name)[which] for f in fields(self)))

    def replaced(self, k: int, one: Compared) -> Compared:
        """With another comparison in the place of one."""
        parts = ((getattr(self, f.name).copy(), getattr(one, f.name)) for f in fields(self))
        return Compared(*(_put(part, k, value) for part, value in parts))

    @property
    def expected(self) -> Any:
        """The slope that is nearest."""
        return np.where(np.isfinite(self.got), np.clip(self.got, self.low, self.high), (self.low + self.high) / 2)

    @property
    def ratio(self) -> Any:
        """The error over its bound."""
        with np.errstate(all="ignore"):
            error = np.abs(self.got - self.expected)
            ratio = np.where(error == 0, 0.0, error / self.bound)
        return np.where(np.isnan(ratio), np.inf, ratio)

    @property
    def zero(self) -> Any:
        """Both sides say exactly zero; differences that are zero do not, for f rounds away what is small."""
        return self.exact & (self.got == 0) & (self.low == 0) & (self.high == 0)

    @property
    def hidden(self) -> Any:
        """A gradient of zeros could pass: the bound exceeds the share of what is there that the judges have."""
        return ~self.zero & ~(self.bound <= HIDDEN * self.there)

    @property
    def there(self) -> Any:
        """What zeros would have to be told from."""
        return _largest(np.abs(self.low), np.abs(self.high), self.size)

    @property
    def resolution(self) -> Any:
        """The relative error that would be seen in an entry of median weight."""
        least = _largest(np.abs(self.low), np.abs(self.high)) / np.sqrt(np.count_nonzero(self.v, axis=-1))
        weight = _largest(self.weight, least)
        with np.errstate(all="ignore"):
            return np.where(weight != 0, self.bound / weight, np.where(self.zero, 0.0, np.inf))


def together(parts: Sequence[Compared]) -> Compared:
    """Several comparisons' trials as one's."""
    return Compared(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Compared)))


class Trials:
    """The comparisons of one gradient; ``C`` (q, m) are the cotangents."""

    def __init__(self, tested: Tested, slopes: Slopes, C: Floats) -> None:
        self.tested, self.slopes, self.C = tested, slopes, C
        self.rows = None if tested.forward else tested.rows(C)
        self.tiny = SHAKE * max(b.tiny for b in tested.function.blocks)
        self._kept: dict[bytes, Slope] = {}

    def one(self, row: int, v: Floats, *, careful: bool = False) -> Compared:
        """One comparison."""
        return self.compared(np.array([row]), v[None], careful=careful)[0]

    def compared(self, rows: NDArray[np.intp], V: Floats, *, careful: bool = False) -> Compared:
        """t comparisons, of rows (t,) and directions V (t, n).

        ``careful`` measures the rounding by every copy, and on the oracle as well, which sees what f's own code does.
        """
        slopes = self._slopes(V)
        C = self.C[rows]
        several = {k: s.values @ C[k] for k, s in enumerate(slopes) if len(s.values) > 1}
        with np.errstate(invalid="ignore", over="ignore"):
            low = np.sum(np.stack([s.values[0] for s in slopes]) * C, axis=1)
            high = low.copy()
            for k, values in several.items():
                low[k], high[k] = np.min(values), np.max(values)
            got, size, weight = self._got(rows, V, np.maximum(np.abs(low), np.abs(high)))
            gaps = {k: got[k] - values for k, values in several.items()}
            rounding = self._rounding(rows, V, gaps, size, careful=careful)
            bound = np.where(np.isfinite(got), rounding, self._allowed * self.tested.once * size)
            bound += 2 * self.tested.eps * size
            bound += np.sum(np.stack([s.error for s in slopes]) * np.abs(C), axis=1)
            bound += self.tiny * np.sum(np.abs(V), axis=1)
        kink, complete = (np.array([getattr(s, name) for s in slopes]) for name in ("kink", "complete"))
        exact = np.full(len(V), self.slopes.exact)
        return Compared(rows, V, got, low, high, bound, size, weight, kink, complete, exact)

    def sizes(self, row: int, part: slice) -> tuple[Floats, bool]:
        """What the entries of a block are weighed by: their rounding, True; or their gradient, False."""
        assert self.rows is not None
        G = np.abs(self.rows[row][part])
        found = self.tested.spread_by_entry(self.C)
        return (G, False) if found is None else (found[row][part] + self.tested.eps * G, True)

    def prepare(self, V: Floats) -> None:
        """Ask for all slopes that will be compared at once; those of equal directions, once."""
        new = {key: v for v in V if (key := v.tobytes()) not in self._kept}
        if new:
            self._kept |= zip(new, self.slopes.many(np.stack(list(new.values()))), strict=True)

    def _slopes(self, V: Floats) -> list[Slope]:
        self.prepare(V)
        return [self._kept[v.tobytes()] for v in V]

    def _got(self, rows: NDArray[np.intp], V: Floats, slope: Floats) -> tuple[Floats, Floats, Floats]:
        """The answers, the sizes of their terms in the root of their sum of squares, and their medians."""
        support = np.count_nonzero(V, axis=1)
        if self.rows is None:
            got = self.tested.along(self.C, V)[rows, np.arange(len(V))]
            size = np.where(np.isfinite(got), np.maximum(np.abs(got), slope), slope)
            return got, size, size / np.sqrt(support)
        if np.all(support == 1) and np.all(np.isfinite(self.rows)):
            at = np.argmax(V != 0, axis=1)
            got = self.rows[rows, at] * V[np.arange(len(V)), at]
            return got, np.abs(got), np.abs(got)
        found = np.empty((3, len(V)))
        masks = V != 0
        for which in _alike(masks):
            chosen = masks[which[0]]
            gradient = self.rows[np.ix_(rows[which], chosen)]
            terms = gradient.astype(np.longdouble) * V[np.ix_(which, chosen)]
            squares = np.sqrt(np.sum(terms**2, axis=1))
            found[:, which] = np.sum(terms, axis=1), squares, np.median(np.abs(terms), axis=1)
            lost = ~np.all(np.isfinite(gradient), axis=1)
            found[1:, which[lost]] = slope[which[lost]]
        got, size, weight = found
        return got, size, weight

    def _rounding(
        self, rows: NDArray[np.intp], V: Floats, gaps: dict[int, Floats], size: Floats, *, careful: bool
    ) -> Floats:
        """FACTOR times the spread, for both sides; at a kink a copy may as well be near another slope, a gap away."""
        found, measured = self.tested.deviations(self.C, rows, V, every=careful), np.zeros(len(V))
        if found is not None:
            off = np.abs(found)
            for k, gap in gaps.items():
                off[:, k] = np.minimum(off[:, k], np.min(np.abs(found[:, k, None] + gap), axis=1))
            measured = root_mean_square(off)
            lost = ~np.isfinite(measured)  # where the gradient's own code overflows, or a backward pass for one forward
            if np.any(lost):
                measured[lost] = self._stepped(rows[lost], V[lost])
        if found is None or (careful and self.slopes.steps):
            alone = np.full(len(V), careful or self.rows is None) | (np.count_nonzero(V, axis=1) == 1)
            measured[~alone] = self.tested.once * size[~alone]
            measured[alone] = np.maximum(measured[alone], self._stepped(rows[alone], V[alone]))
        return np.asarray(self._allowed * measured)

    @property
    def _allowed(self) -> float:
        """Spreads, of both sides."""
        return self.tested.factor * (1 + EPS / self.tested.eps)

    def _stepped(self, rows: NDArray[np.intp], V: Floats) -> Floats:
        """The spread of the oracle."""
        seen = {v.tobytes(): v for v in V}
        spreads = {key: self.slopes.spread(v, self.tested.unit, self.tested.copies) for key, v in seen.items()}
        parts = [spreads[v.tobytes()] @ np.abs(c) for v, c in zip(V, self.C[rows], strict=True)]
        return np.array(parts, dtype=float)


def _largest(*parts: Any) -> Any:
    return np.maximum.reduce(np.broadcast_arrays(*parts))


def _put(part: NDArray[Any], k: int, value: Any) -> NDArray[Any]:
    part[k] = value
    return part


def _alike(masks: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """The rows that are equal, together."""
    groups: dict[bytes, list[int]] = {}
    for k, mask in enumerate(masks):
        groups.setdefault(mask.tobytes(), []).append(k)
    return [np.array(group) for group in groups.values()]
