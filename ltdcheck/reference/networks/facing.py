"""One cell that reads its sequence from the last step to the first, to stand in a layer of its own.

    backward        y_t of the step that reads x_t: the outputs in the order of the input
    go_backwards    the outputs in the order in which they are made: y_1 is of the step that reads x_T

The state is that of the cell, and the final state is the one after x_1. Of a row that ends before step T its own steps
are turned round; go_backwards passes over what comes after them first, and answers zeros to it.

Source: GBC-draft 10.3, of one direction; ``direction=reverse`` of ONNX, ``go_backwards`` of Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ltdcheck.reference.cell import Block, Cell, Pulled, State, Wiring
from ltdcheck.reference.direction import Direction
from ltdcheck.reference.networks.rows import Lengths, checked_lengths, reverse
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp


@dataclass(frozen=True)
class Facing(Wiring):
    """A cell and the direction in which it reads."""

    cell: Cell
    direction: Direction = "backward"

    name: ClassVar[str] = "facing"
    source: ClassVar[str] = "GBC-draft 10.3"

    def __post_init__(self) -> None:
        """Say what the cell says."""
        for field in ("name", "states", "gates", "differentiable", "timed", "biases"):
            object.__setattr__(self, field, getattr(self.cell, field))

    @property
    def both_ways(self) -> bool:
        """It reads backwards."""
        return self.direction != "forward"

    @property
    def fewest(self) -> int:
        """That of the cell."""
        return self.cell.fewest

    @property
    def variant(self) -> str:
        """That of the cell; the layout's words name the direction."""
        return self.cell.variant

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Those of the cell."""
        return self.cell.shapes(I, H)

    def widths(self, H: int) -> tuple[int, ...]:
        """Those of the cell."""
        return self.cell.widths(H)

    def hidden_size(self, state: State) -> int:
        """H of a state."""
        return self.cell.hidden_size(state)

    def blocks(self, H: int) -> list[Block]:
        """Those of the cell."""
        return self.cell.blocks(H)

    def source_of(self, array: str) -> str:
        """What feeds an array of the cell."""
        return self.cell.source_of(array)

    def unroll(
        self, params: dict[str, Any], x: Any, state: State, lengths: Lengths | None = None
    ) -> tuple[Any, State, Any]:
        """The outputs in the order of the direction, the final state, and what the adjoint needs."""
        if self.direction != "forward":
            x = reverse(x, lengths)
        y, final, tape = unroll(self.cell, params, x, state, lengths=lengths)
        return self._ordered(y, lengths, 1), final, (tape, lengths)

    def unroll_vjp(self, params: dict[str, Any], tape: Any, dy: Any, dstate: State) -> Pulled:
        """The adjoint of :meth:`unroll`."""
        left, lengths = tape
        g = unroll_vjp(self.cell, params, left, self._ordered(dy, lengths, -1), dstate)
        return g.params, g.x if self.direction == "forward" else reverse(g.x, lengths), g.state, g.arrived

    def _ordered(self, y: Any, lengths: Lengths | None, sign: int) -> Any:
        """From the cell's own steps to the order of the answer; with -1 back again."""
        if self.direction == "backward":
            return reverse(y, lengths)
        if self.direction == "forward" or lengths is None:
            return y
        T, B = y.shape[:2]
        ends = checked_lengths(lengths, T, B)[None]
        return y[(np.arange(T)[:, None] + sign * ends) % max(T, 1), np.arange(B)[None]]


def facing(cell: Cell, direction: Direction) -> Cell:
    """The cell, reading in this direction."""
    return cell if direction == "forward" else Facing(cell, direction)
