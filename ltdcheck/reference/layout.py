"""How a target's parameter arrays map to the reference's: which entry is which, at any size.

An array is read as a core (g, u, s): g the gates it holds, u the units, s the sources that feed them: columns for the
input x, for the hidden state h, and for biases. An arrangement says how the core became the array, in the notation
``"(g u) s"``: axes in order, those in brackets merged, 1 an axis of one entry. So ``weight_ih`` (4H, I) of torch is
``"(g u) s"`` with source x, and a fused ``(I + H, 4H)`` matrix is ``"s (g u)"`` with sources x and h.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ltdcheck.problem import Array, Params
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.direction import Direction

Source = str  # "x", "h", "m" (what a projection reads), "1" (a bias, or a diagonal weight)

FUSED = ("(g u) s", "(u g) s", "s (g u)", "s (u g)", "g u s", "g s u", "u g s", "u s g", "s g u", "s u g")
SINGLE = ("u s", "s u")
FUSED_VECTORS = ("(g u)", "(u g)", "g u", "u g")
SINGLE_VECTORS = ("u",)
JOINED_VECTORS = ("(s g u)", "(s u)")  # two biases, one after the other: of all gates, of one


def arrange(core: Array, arrangement: str) -> Array:
    """The core (g, u, s) as the target's array.

    Axes that the arrangement does not name must have length 1.
    """
    order = ["gus".index(axis) for axis in re.findall("[gus]", arrangement)]
    missing = [axis for axis in range(3) if axis not in order]
    core = core.transpose(*missing, *order)
    shape: list[int] = []
    at = len(missing)
    for group in re.findall(r"\([^)]*\)|\w", arrangement):
        count = len(re.findall("[gus]", group))
        shape.append(int(np.prod(core.shape[at : at + count])))
        at += count
    return core.reshape(shape)


@dataclass(frozen=True)
class ArrayLayout:
    """One array: its arrangement, its sources, and which block of the reference each gate and source is.

    ``roles[s][g]`` is a block name such as ``"W_f"``, or "" where the entries have no effect that could be seen.
    ``inner`` says that each recurrent block is used transposed, against the rest of the array. ``unit`` is what its
    number of units is called: H, or G where they are groups of units, or P where they are projected; ``hidden`` is what
    the width of h is called.
    """

    arrangement: str
    sources: tuple[Source, ...]
    roles: tuple[tuple[str, ...], ...]
    inner: bool = False
    unit: str = "H"
    hidden: str = "H"

    @property
    def gates(self) -> int:
        """How many gates the array holds."""
        return len(self.roles[0])

    @property
    def shape_words(self) -> str:
        """The shape in symbols: ``(4H, I)``, ``(I+H, 4H)``, ``(H*4, I)`` where the gates of a unit lie side by side."""
        wide = "+".join({"x": "I", "h": self.hidden, "m": "H", "1": "1"}[s] for s in self.sources)
        g, u, columns = str(self.gates), self.unit, len(self.sources)
        words = {"(g u)": f"{g}{u}", "(u g)": f"{u}*{g}", "g": g, "u": u, "s": wide, "1": "1"}
        words |= {"(s g u)": f"{columns}*{g}{u}", "(s u)": f"{columns}{u}"}
        axes = [words[axis] for axis in re.findall(r"\([^)]*\)|\w", self.arrangement)]
        return f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"

    def index(self, blocks: Mapping[str, NDArray[np.int_]], widths: Mapping[Source, int], H: int) -> NDArray[np.int_]:
        """For each entry of the array the reference's entry that it is, by flat number; -1 for none."""
        units = next((len(blocks[name]) for names in self.roles for name in names if name), H)
        columns = []
        for source, names in zip(self.sources, self.roles, strict=True):
            width = widths[source]
            none = np.full((units, width), -1)
            parts = [blocks[name].reshape(units, width) if name else none for name in names]
            columns.append([part.T if self.inner and source == "h" else part for part in parts])
        core = np.stack([np.concatenate([column[g] for column in columns], axis=1) for g in range(self.gates)])
        return arrange(core, self.arrangement)


@dataclass(frozen=True)
class Layout:
    """All arrays of a target, and the order of its state."""

    cell: Cell
    arrays: Mapping[str, ArrayLayout]
    swapped_state: bool = False  # in reversed order: (c, h) for (h, c)
    doubt: str = ""  # why it may not be the target's: no reference answers as the target does
    unseen: frozenset[str] = frozenset()  # arrays with a part that changes nothing: its role is a guess
    direction: Direction = "forward"
    _cache: dict[tuple[int, int], dict[str, NDArray[np.int_]]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _shares: dict[tuple[int, int], list[NDArray[np.float64]]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @property
    def parts(self) -> tuple[Layout, ...]:
        """The layouts of the cells of a network; none for a cell."""
        return ()

    @property
    def places(self) -> tuple[int, ...]:
        """For each array of the reference's state, its place in the target's."""
        count = len(self.cell.states)
        return tuple(reversed(range(count))) if self.swapped_state else tuple(range(count))

    def indices(self, I: int, H: int) -> dict[str, NDArray[np.int_]]:
        """For each array, the flat numbers of the reference's entries."""
        if (I, H) not in self._cache:
            numbers = _numbers(self.cell, I, H)
            blocks = {b.name: b.of(numbers[b.array]) for b in self.cell.blocks(H)}
            widths = self.cell.sources(I, H)
            self._cache[I, H] = {name: layout.index(blocks, widths, H) for name, layout in self.arrays.items()}
        return self._cache[I, H]

    def to_target(self, params: Params, I: int, H: int) -> Params:
        """The target's arrays for these parameters of the reference.

        Where several entries of the target add up to one of the reference (two biases), each holds a different
        multiple of it, so that leaving one out shows; nothing is rounded, because a problem's numbers have few digits.
        """
        theta = np.concatenate([params[name].reshape(-1) for name in self.cell.shapes(I, H)])
        padded = np.append(theta, 0.0)
        indices = self.indices(I, H)
        return {
            name: padded[index] * factor
            for (name, index), factor in zip(indices.items(), self._factors(I, H), strict=True)
        }

    def from_target(self, arrays: Mapping[str, Array], I: int, H: int) -> Params:
        """The parameters of the reference that the target's arrays add up to: what :meth:`to_target` spreads."""
        numbers = _numbers(self.cell, I, H)
        theta = np.zeros(sum(number.size for number in numbers.values()) + 1)  # the last: entries without an effect
        for name, index in self.indices(I, H).items():
            np.add.at(theta, index, arrays[name])
        return {name: theta[number] for name, number in numbers.items()}

    def within(self, params: Params, I: int, H: int) -> Params:
        """The same parameters with zeros where the target has none, as for biases that it does not have."""
        shapes = self.cell.shapes(I, H)
        held = np.zeros(sum(int(np.prod(s)) for s in shapes.values()) + 1, dtype=bool)
        for index in self.indices(I, H).values():
            held[index] = True
        return {name: np.where(held[number], params[name], 0.0) for name, number in _numbers(self.cell, I, H).items()}

    def _factors(self, I: int, H: int) -> list[NDArray[np.float64]]:
        """What each entry of the target holds of the reference's: 1, or 2 and -1 where two add up to it."""
        if (I, H) not in self._shares:
            self._shares[I, H] = self._shared(I, H)
        return self._shares[I, H]

    def _shared(self, I: int, H: int) -> list[NDArray[np.float64]]:
        indices = self.indices(I, H)
        flat = np.concatenate([index.reshape(-1) for index in indices.values()])
        order = np.argsort(flat, kind="stable")
        _, first, copies = np.unique(flat[order], return_index=True, return_counts=True)
        rank = np.empty(flat.size, dtype=int)
        rank[order] = np.arange(flat.size) - np.repeat(first, copies)
        count = np.empty(flat.size, dtype=int)
        count[order] = np.repeat(copies, copies)
        last = rank == count - 1
        factor = np.where(last, 1 - (count - 1) * (count + 2) // 2, rank + 2).astype(float)
        factor[count == 1] = 1.0
        parts = np.split(factor, np.cumsum([index.size for index in indices.values()])[:-1])
        return [part.reshape(index.shape) for part, index in zip(parts, indices.values(), strict=True)]

    def scatter(self, values: Mapping[str, Array], I: int, H: int) -> dict[str, Array]:
        """Values given for every entry of the reference, at every entry of the target's arrays; 0 where none is."""
        flat = np.concatenate([np.asarray(values[name]).reshape(-1) for name in self.cell.shapes(I, H)])
        padded = np.append(flat, np.zeros(1, dtype=flat.dtype))
        return {name: padded[index] for name, index in self.indices(I, H).items()}

    def once(self, values: Mapping[str, Array], I: int, H: int) -> dict[str, Array]:
        """The same values, with zeros at all but the first of several entries that add up to one of the reference."""
        indices = self.indices(I, H)
        flat = np.concatenate([index.reshape(-1) for index in indices.values()])
        first = np.zeros(flat.size, dtype=bool)
        first[np.unique(flat, return_index=True)[1]] = True
        parts = np.split(first, np.cumsum([index.size for index in indices.values()])[:-1])
        return {
            name: np.where(part.reshape(index.shape), values[name], 0)
            for (name, index), part in zip(indices.items(), parts, strict=True)
        }

    def name_of(self, array: str, index: tuple[int, ...], I: int, H: int) -> tuple[str, tuple[int, ...]]:
        """The papers' name of an entry of a target's array: block, and index within it."""
        number = int(self.indices(I, H)[array][index])
        if number < 0:
            return array, index
        numbers = _numbers(self.cell, I, H)
        for block in self.cell.blocks(H):
            place = np.argwhere(block.of(numbers[block.array]) == number)
            if len(place):
                return block.name, tuple(int(k) for k in place[0])
        raise AssertionError(f"entry {number} is in no block")

    @property
    def biases(self) -> int:
        """How many arrays hold biases that are added up, at most."""
        counts: dict[str, int] = {}
        for layout in self.arrays.values():
            for role in (r for roles in layout.roles for r in roles if r.startswith("b_") or r == "b"):
                counts[role] = counts.get(role, 0) + 1
        return max(counts.values(), default=0)

    def words(self) -> str:
        """In one line: gate order where gates are fused, number of biases, ``1+n`` with one inside a GRU's reset."""
        parts = []
        most = max(a.gates for a in self.arrays.values())  # peepholes lie in an order of fewer gates
        orders = {self.order(a) for a in self.arrays.values() if a.gates == most > 1}
        if orders:
            parts.append("order=" + " | ".join(sorted(orders)))
        inside = any("bh_n" in roles for array in self.arrays.values() for roles in array.roles)
        parts.append("biases=1+n" if inside and self.biases == 1 else f"biases={self.biases}")
        if self.swapped_state:
            parts.append(f"state=({', '.join(reversed(self.cell.states))})")
        if self.direction != "forward":
            parts.append(f"direction={self.direction}")
        return ", ".join(parts)

    @staticmethod
    def order(layout: ArrayLayout) -> str:
        """The gates of an array, in its order: ``i f g o``."""
        return " ".join(role.rpartition("_")[2] or "?" for role in layout.roles[0])

    def describe(self) -> list[str]:
        """One line an array: ``weight_ih (4H, I): U_i U_f U_g U_o``."""
        lines = []
        for name, a in self.arrays.items():
            roles = ", ".join(" ".join(r or "(no effect)" for r in roles) for roles in a.roles)
            lines.append(f"{name} {a.shape_words}: {roles}" + (", recurrent blocks transposed" if a.inner else ""))
        return lines


def _numbers(cell: Cell, I: int, H: int) -> dict[str, NDArray[np.int_]]:
    """Every parameter entry of the reference, numbered through."""
    numbers, at = {}, 0
    for name, shape in cell.shapes(I, H).items():
        size = int(np.prod(shape))
        numbers[name] = np.arange(at, at + size).reshape(shape)
        at += size
    return numbers
