"""How the arrays of several layers and directions lie: one layout for each cell, and the order of the state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ltdcheck.reference.layout import Layout, _numbers
from ltdcheck.reference.networks.layered import Layered, Unit


@dataclass(frozen=True)
class LayeredLayout(Layout):
    """All arrays of a network of layers. ``cells`` are the layouts of its cells, in the order of its units.

    ``state_order[k]`` is the place, in the target's state, of the k-th array of the reference's.
    """

    cells: tuple[Layout, ...] = ()
    state_order: tuple[int, ...] = ()

    @property
    def network(self) -> Layered:
        """The reference."""
        assert isinstance(self.cell, Layered)
        return self.cell

    def indices(self, I: int, H: int) -> dict[str, NDArray[np.int_]]:
        """For each array, the flat numbers of the reference's entries."""
        if (I, H) not in self._cache:
            numbers = _numbers(self.cell, I, H)
            found: dict[str, NDArray[np.int_]] = {}
            for unit, part in zip(self.network.units, self.parts, strict=True):
                blocks = {b.name: b.of(numbers[f"{unit.name}.{b.array}"]) for b in unit.cell.blocks(H)}
                widths = unit.cell.sources(self.network.inputs(unit.layer, I, H), H)
                found |= {name: layout.index(blocks, widths, H) for name, layout in part.arrays.items()}
            self._cache[I, H] = {name: found[name] for name in self.arrays}
        return self._cache[I, H]

    @property
    def parts(self) -> tuple[Layout, ...]:
        """The layouts of the cells."""
        return self.cells

    @property
    def places(self) -> tuple[int, ...]:
        """For each array of the reference's state, its place in the target's."""
        return self.state_order

    @property
    def biases(self) -> int:
        """How many arrays hold biases of one cell that are added up, at most."""
        return max(part.biases for part in self.parts)

    def words(self) -> str:
        """What the cells are and how they are wired: ``lstm(order=i f g o, biases=2), layers=2``."""
        network = self.network
        said = [[_cell(unit, part) for unit, part in self._of_layer(k)] for k in range(len(network.layers))]
        layers = [_layer(words, network.merge, alone=len(said) == 1) for words in said]
        if len(layers) == 1:
            return layers[0]
        if len(set(layers)) == 1:
            return f"{layers[0]}, layers={len(layers)}"
        return ", ".join(f"{k}: {words}" for k, words in enumerate(layers, 1))

    def describe(self) -> list[str]:
        """One line an array, under the place of its cell; ``I`` is the width of what that layer reads."""
        return [
            f"{unit.name}: {line}"
            for unit, part in zip(self.network.units, self.parts, strict=True)
            for line in part.describe()
        ]

    def _of_layer(self, k: int) -> list[tuple[Unit, Layout]]:
        return [(u, part) for u, part in zip(self.network.units, self.parts, strict=True) if u.layer == k]


def _cell(unit: Unit, part: Layout) -> str:
    return f"{unit.cell.name}({', '.join(filter(None, (unit.cell.variant, part.words())))})"


def _layer(words: list[str], merge: str, *, alone: bool) -> str:
    """One layer; ``alone``, it is inside the brackets of its own name already."""
    if len(words) == 1:
        return words[0]
    cells = words[0] if words[0] == words[1] else f"ahead={words[0]}, back={words[1]}"
    inner = f"{cells}, merge={merge}"
    return inner if alone else f"bidirectional({inner})"
