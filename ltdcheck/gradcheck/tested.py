"""The gradient under test, whatever form it has: arrays, a function of x, or the framework's own.

It answers for cotangents C (q, m) with the rows C J (q, n) of vector-Jacobian products, or along directions V (d, n)
with C J V.T (q, d); and with how far rounding moves these: the root mean square over runs in which every operation
of the gradient's own code is off by a few units of its precision. That model is to first order that of forward and of
reverse mode alike: an error u*|t| of a tangent t counts by its cotangent c, one u*|c| of the cotangent by t.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ltdcheck.adapters.functions import Block, Function, How, Named, leaves
from ltdcheck.errors import NotAnalyticError
from ltdcheck.gradcheck.numpy_function import NO_GRADIENT
from ltdcheck.oracles.shaking import COPIES, EPS, FACTOR, SHAKE, root_mean_square
from ltdcheck.reference.numbers.perturbed.rounding import REACH, reach

Floats = NDArray[np.float64]
Mode = Literal["reverse", "forward"]
OUTPUTS = 8  # at most so many are pulled back one by one; more, in random combinations
HALF = (
    1e-4  # the machine epsilon of half precisions is larger: their bounds are made of more copies, which reach less far
)
FIRST = 4  # copies; more are asked for where an error lies beyond their reach


class Tested:
    """A gradient of ``function``."""

    def __init__(self, function: Function, gradient: Any, mode: Mode, copies: int = COPIES) -> None:
        self.function, self.gradient, self.mode = function, gradient, mode
        self.eps = max(b.eps for b in (*function.blocks, *function.outputs))
        self.copies = copies
        # many copies reach less far; they are for halves, which one unit moves by enough to be seen in float64
        self.unit = self.eps if copies == COPIES else self.eps / SHAKE
        self.factor = FACTOR if copies == COPIES else FACTOR * SHAKE * reach(copies) / REACH
        if gradient is None and not function.own:
            raise ValueError(NO_GRADIENT)
        self._jacobian = None if gradient is None else self._given()
        self._copies: dict[bytes, Floats] = {}
        self._rows: dict[bytes, Floats] = {}
        self._last: tuple[bytes, Floats] | None = None

    @property
    def once(self) -> float:
        """The spread of a result that is off by the rounding of one operation, relative to it: of a uniform error."""
        return float(SHAKE * self.unit / np.sqrt(3))

    @cached_property
    def twice(self) -> tuple[Floats | None, Floats, Floats]:
        """Two answers to one question, or the first rows of two; and f(x), where the first came by way of it."""
        if self.forward:
            v = np.ones_like(self.function.point)
            return None, self.function.push(self.function.point, v), self.function.push(self.function.point, v)
        if self.gradient is None:
            C = np.eye(self._m) if self._m <= OUTPUTS else np.ones((1, self._m))
            value, rows, again = self.function.twice(C)
            self._rows[C.tobytes()] = rows
            return value, rows[: len(again)], again
        ones = np.ones((1, self._m))
        return None, self.rows(ones), self._again(ones)

    @property
    def differs(self) -> float:
        """How far two calls are apart, relative to the largest entry."""
        _, first, second = self.twice
        with np.errstate(invalid="ignore"):
            gap = np.where(np.isnan(first) & np.isnan(second) | (first == second), 0.0, np.abs(first - second))
        largest = np.max(np.abs(first), where=np.isfinite(first), initial=0.0)
        return float(np.max(gap) / (largest or 1.0)) if np.any(gap) else 0.0

    @property
    def forward(self) -> bool:
        """Whether it answers along directions only."""
        return self.gradient is None and self.mode == "forward"

    def rows(self, C: Floats) -> Floats:
        """C J, (q, n)."""
        return C @ self._jacobian if self._jacobian is not None else self._known(C)

    def along(self, C: Floats, V: Floats) -> Floats:
        """C J V.T, (q, d)."""
        if self.forward:
            return C @ np.stack([self._push(v) for v in V]).T
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(_product(self.rows(C), V), dtype=float)

    def deviations(self, C: Floats, rows: NDArray[np.intp], V: Floats, *, every: bool = True) -> Floats | None:
        """How far rounded copies of C J V.T are off in t of its entries, of rows (t,) and directions V (t, n).

        (copies, t); None where the code does not show it. The first few copies, or every one: whoever finds an error
        within the reach of few need not ask for more.
        """
        found = self._shown(C, every=every)
        return None if found is None else _products(found, rows, V)

    def spread_by_entry(self, C: Floats) -> Floats | None:
        """The same for every entry of C J, (q, n); None where only directions show it."""
        found = self._shown(C, every=False)
        return None if found is None else root_mean_square(np.abs(found))

    def _shown(self, C: Floats, *, every: bool) -> Floats | None:
        """The deviations of C J, (copies, q, n); None where there is no code, or it does not show them."""
        if self.gradient is not None and not callable(self.gradient):
            return None
        try:
            return self._deviations(C, every=every)
        except Exception:  # noqa: BLE001  (code that does not run on arrays that round: the caller measures otherwise)
            return None

    def _deviations(self, C: Floats, *, every: bool) -> Floats:
        """(copies, q, n), kept."""
        few = not every and self.copies == COPIES
        key, wanted = C.tobytes(), FIRST if few else self.copies
        found = self._copies.get(key)
        if found is None or len(found) < wanted:
            first = 0 if found is None else len(found)
            with np.errstate(invalid="ignore"):
                new = self._copied(C, first, wanted - first) - self._centre(C)
            self._copies[key] = found = new if found is None else np.concatenate([found, new])
        return found

    def _centre(self, C: Floats) -> Floats:
        """What copies deviate from: in float64 the answer itself."""
        return self.rows(C) if self.eps == EPS else self._once(C, How(unit=self.unit))

    def _copied(self, C: Floats, first: int, count: int) -> Floats:
        """Rounded copies of C J, (count, q, n): in one pass where the code allows it, else one by one."""
        try:
            return self._once(C, How(seed=first, unit=self.unit, copies=count))
        except NotAnalyticError:
            return np.stack([self._once(C, How(seed=first + k, unit=self.unit)) for k in range(count)])

    def _known(self, C: Floats) -> Floats:
        """C J, kept; by cotangents, for one alone and among others may round differently."""
        key = C.tobytes()
        if key not in self._rows:
            self._rows[key] = self._again(C)
        return self._rows[key]

    def _again(self, C: Floats) -> Floats:
        """C J by a call of its own."""
        return self._once(C, None)

    def _push(self, v: Floats) -> Floats:
        """The framework's product along one direction; the last one is kept, as every cotangent asks for it."""
        if self._last is None or self._last[0] != v.tobytes():
            self._last = v.tobytes(), self.function.push(self.function.point, v)
        return self._last[1]

    def _once(self, C: Floats, how: How | None) -> Floats:
        if self.gradient is not None and not callable(self.gradient):
            assert self._jacobian is not None
            return C @ self._jacobian
        if self.gradient is None:
            return self.function.pull(self.function.point, C, how)
        named = self.function.answer(self.gradient, self.function.point, how)
        if how is None or not how.copies:
            return C @ self._matrix(named)
        copies = range(how.copies)
        return np.stack([C @ self._matrix([(name, part[k]) for name, part in named]) for k in copies])

    def _given(self) -> Floats:
        if callable(self.gradient):
            return self._matrix(self.function.answer(self.gradient, self.function.point))
        return self._matrix([(name, np.asarray(_detached(part))) for name, part in leaves(self.gradient)])

    @property
    def _m(self) -> int:
        return sum(b.size for b in self.function.outputs)

    def _matrix(self, named: Named) -> Floats:
        """The Jacobian (m, n) of arrays in the shapes of x, or of the output's shape followed by those of x."""
        blocks, outputs = self.function.blocks, self.function.outputs
        if len(blocks) == 1 < len(named) and all(part.ndim == 0 for _, part in named):
            named = [(blocks[0].name, np.stack([part for _, part in named]))]  # a list of numbers
        if not named:
            raise ValueError(f"the gradient returns None, or nothing, where x has {_names(blocks)}")
        if {b.name for b in blocks} < {name for name, _ in named}:
            named = [(name, part) for name, part in named if name in {b.name for b in blocks}]
        if len(named) != len(blocks):
            raise ValueError(f"the gradient has {len(named)} arrays where x has {len(blocks)}: {_names(blocks)}")
        by_name = dict(named)  # some frameworks sort the keys of dicts
        same = set(by_name) == {b.name for b in blocks}
        parts = [by_name[b.name] for b in blocks] if same else [part for _, part in named]
        lead = outputs[0].shape if len(outputs) == 1 else (self._m,)
        return np.concatenate([self._columns(part, b, lead) for part, b in zip(parts, blocks, strict=True)], axis=1)

    def _columns(self, part: NDArray[Any], b: Block, lead: tuple[int, ...]) -> Floats:
        if part.dtype.kind not in "fiub":
            raise ValueError(f"the gradient of {b.name} holds {part.dtype}, which are no real numbers")
        if part.shape != (*lead, *b.shape) and not (self._m == 1 and part.shape == b.shape):
            wanted = b.shape if self._m == 1 else (*lead, *b.shape)
            raise ValueError(f"the gradient of {b.name} has shape {part.shape} where {wanted} is right")
        return part.reshape(self._m, b.size).astype(float)


def _product(rows: Floats, V: Floats) -> Any:
    """In long double, so that the sum of many entries adds no rounding that counts; no term where v is 0."""
    chosen = np.any(V != 0, axis=0)
    return rows[..., chosen].astype(np.longdouble) @ V[:, chosen].T.astype(np.longdouble)


def _products(J: Floats, rows: NDArray[np.intp], V: Floats) -> Floats:
    """Of rows (t,) of J (copies, q, n) with V (t, n), (copies, t)."""
    if np.all(np.count_nonzero(V, axis=1) == 1):
        at = np.argmax(V != 0, axis=1)
        return np.asarray(J[:, rows, at] * V[np.arange(len(V)), at])
    found = np.empty((len(J), len(V)))
    for row in np.unique(rows):
        found[:, rows == row] = _product(J[:, row], V[rows == row])
    return found


def _detached(part: Any) -> Any:
    """A tensor as an array, without asking whose it is."""
    if not hasattr(part, "detach"):
        return part
    part = part.detach().cpu()
    return part.double().numpy() if part.is_floating_point() else part.numpy()


def _names(blocks: Sequence[Block]) -> str:
    return ", ".join(b.name for b in blocks)
