"""Layers and directions as one system: what a cell is for one fold, this is for a stack of folds (S24, S27).

    x_{k+1} = y_k        y_k = layer_k(x_k)

A layer is one cell, or two cells of which the second reads the sequence backwards
(:mod:`ltdcheck.reference.networks.bidirectional`); a cell alone may read it backwards too
(:mod:`ltdcheck.reference.networks.facing`). The state is flat: layer by layer, ahead before back, the arrays of
each cell in its own order; so ``layer2.back.c`` is the memory of the second layer's backward cell. All cells have H
units.

Shapes: x (T, B, I), y (T, B, H), or (T, B, 2H) where the last layer concatenates two directions, or as wide as its
cells' outputs where these are projected, which is then what the next layer reads; parameters under
``layer1``, ``layer2.back``, or ``ahead`` and ``back`` where there is one layer. ``lengths`` (B,).

Refuses: no layers, a layer of more than two cells, one cell alone; shapes that do not fit; lengths outside 0 .. T.

Source: GBC-draft 10.3 and 10.5, fig. 10.8 and 10.13a.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ltdcheck.reference.cell import Block, Cell, Pulled, State, Wiring
from ltdcheck.reference.networks.bidirectional import SIDE_BY_SIDE, Bidirectional, Merge
from ltdcheck.reference.networks.network import inside, require_part, under
from ltdcheck.reference.networks.rows import Lengths
from ltdcheck.reference.networks.unroll import Gradients, unroll, unroll_vjp


@dataclass(frozen=True)
class Unit:
    """One cell and its place. ``layer`` counts from 0."""

    name: str
    cell: Cell
    layer: int
    back: bool


@dataclass(frozen=True)
class Layered(Wiring):
    """Layers of one or two cells, the first layer next to the input."""

    layers: tuple[tuple[Cell, ...], ...]
    merge: Merge = "concatenate"

    name: ClassVar[str] = "layered"
    states: ClassVar[tuple[str, ...]] = ()
    gates: ClassVar[tuple[str, ...]] = ()
    source: ClassVar[str] = "GBC-draft 10.3, 10.5"

    def __post_init__(self) -> None:
        """Refuse what is no network of layers; and say what, for a cell, its class says."""
        if not self.layers or any(len(layer) not in (1, 2) for layer in self.layers):
            raise ValueError(f"layers is {self.layers}; it must hold layers of one or two cells")
        if len(self.units) == 1:
            raise ValueError("layers holds one cell alone; unroll that cell itself")
        cells = [unit.cell for unit in self.units]
        told = {
            "name": "stacked" if len(self.layers) > 1 else "bidirectional",
            "states": tuple(f"{unit.name}.{s}" for unit in self.units for s in unit.cell.states),
            "differentiable": all(cell.differentiable for cell in cells),
            "timed": any(cell.timed for cell in cells),
        }
        for name, value in told.items():
            object.__setattr__(self, name, value)

    @property
    def paired(self) -> bool:
        """Some layer reads the sequence in both directions."""
        return any(len(layer) == 2 for layer in self.layers)

    @property
    def both_ways(self) -> bool:
        """Some layer reads the sequence backwards."""
        return self.paired or any(unit.cell.both_ways for unit in self.units)

    @property
    def units(self) -> tuple[Unit, ...]:
        """Every cell with its place, in the order of the state."""
        return tuple(
            Unit(".".join(filter(None, (self._layer_name(k), way))), cell, k, way == "back")
            for k, layer in enumerate(self.layers)
            for way, cell in zip(("ahead", "back") if len(layer) == 2 else ("",), layer, strict=True)
        )

    def _layer_name(self, k: int) -> str:
        return f"layer{k + 1}" if len(self.layers) > 1 else ""

    def inputs(self, k: int, I: int, H: int) -> int:
        """How wide the sequence is that layer k reads."""
        return I if k == 0 else self._width(k - 1, H)

    def _width(self, k: int, H: int) -> int:
        widths = [cell.output_width(H) for cell in self.layers[k]]
        return sum(widths) if self.merge in SIDE_BY_SIDE else widths[0]

    def output_width(self, H: int) -> int:
        """Columns of the last layer's outputs."""
        return self._width(len(self.layers) - 1, H)

    def widths(self, H: int) -> tuple[int, ...]:
        """Columns of each array of the state."""
        return tuple(width for unit in self.units for width in unit.cell.widths(H))

    def hidden_size(self, state: State) -> int:
        """H of a flat state, which begins with the first cell's."""
        return self.units[0].cell.hidden_size(state)

    @property
    def fewest(self) -> int:
        """The fewest units that every cell can have."""
        return max(unit.cell.fewest for unit in self.units)

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name: ``layer2.back.W``."""
        parts = [under(u.name, u.cell.shapes(self.inputs(u.layer, I, H), H)) for u in self.units]
        return {name: shape for part in parts for name, shape in part.items()}

    def blocks(self, H: int) -> list[Block]:
        """Every part of every cell's arrays: ``layer2.back.W_f``."""
        return [
            replace(b, name=f"{unit.name}.{b.name}", array=f"{unit.name}.{b.array}")
            for unit in self.units
            for b in unit.cell.blocks(H)
        ]

    @property
    def variant(self) -> str:
        """Nothing: the layout's words name the cells, their variants and their places."""
        return ""

    def apart(self, state: State) -> list[list[State]]:
        """A flat state by layers, and in a layer by cells.

        Raises
        ------
        ValueError
            When it has too few or too many arrays.
        """
        if len(state) != len(self.states):
            raise ValueError(f"state has {len(state)} arrays; it must have {len(self.states)}: {self.states}")
        arrays = iter(state)
        return [[tuple(next(arrays) for _ in cell.states) for cell in layer] for layer in self.layers]

    # three places for a fault to be planted in: how a layer is read both ways, and what goes up and down

    def pair(self, ahead: Cell, back: Cell) -> Bidirectional:
        """The network of a layer of two cells."""
        return Bidirectional(ahead, back, self.merge)

    def fed(self, k: int, x: Any, y: Any) -> Any:
        """What the next layer reads, of what layer k read and what it answered; of the last, the outputs."""
        return y

    def handed_down(self, k: int, dx: Any) -> Any:
        """The cotangent of the outputs of the layer below, from that of what layer k read."""
        return dx

    def unroll(
        self, params: dict[str, Any], x: Any, state: State, lengths: Lengths | None = None
    ) -> tuple[Any, State, list[Any]]:
        """The outputs of the last layer, the flat final state, and the tapes of the layers.

        Raises
        ------
        ValueError
            As the module says.
        """
        finals: list[Any] = []
        tapes: list[Any] = []
        for k, (layer, own) in enumerate(zip(self.layers, self.apart(state), strict=True)):
            part = inside(self._layer_name(k), params) if len(self.layers) > 1 else params
            if len(layer) == 2:
                (y, (ahead, back)), pair = self.pair(*layer).forward(part, x, (own[0], own[1]), lengths)
                finals += [*ahead, *back]
                tapes.append((part, pair))
            else:
                part = require_part(self._layer_name(k), layer[0], params, x, own[0])
                y, final, tape = unroll(layer[0], part, x, own[0], lengths=lengths)
                finals += final
                tapes.append((part, tape))
            x = self.fed(k, x, y)
        return x, tuple(finals), tapes

    def unroll_vjp(self, params: dict[str, Any], tape: Sequence[Any], dy: Any, dstate: State) -> Pulled:
        """The adjoint of :meth:`unroll`; what arrived at a cell's states is in the order of the cell's own steps."""
        folds: list[tuple[Gradients, ...]] = []
        layers = list(enumerate(zip(tape, self.layers, self.apart(dstate), strict=True)))
        for k, ((part, left), layer, own) in reversed(layers):
            if len(layer) == 2:
                pair, dx = self.pair(*layer).pulled(left, dy, (own[0], own[1]))
                folds.append(pair)
            else:
                folds.append((unroll_vjp(layer[0], part, left, dy, own[0]),))
                dx = folds[-1][0].x
            dy = self.handed_down(k, dx)
        units = [g for layer in reversed(folds) for g in layer]
        grads = {k: v for u, g in zip(self.units, units, strict=True) for k, v in under(u.name, g.params).items()}
        arrived = [tuple(a for s in states for a in s) for states in zip(*(g.arrived for g in units), strict=False)]
        return {name: grads[name] for name in params}, dx, tuple(a for g in units for a in g.state), arrived


def stack(cell: Cell, layers: int, *, both_ways: bool = False, merge: Merge = "concatenate") -> Layered:
    """The same cell in every place."""
    return Layered(((cell,) * (1 + both_ways),) * layers, merge)
