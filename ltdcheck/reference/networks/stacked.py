"""Stacked recurrent layers (S27): the outputs of one layer are the inputs of the next, step by step.

    y_k = layer_k(x_k)        x_{k+1} = y_k                  skip="none"
                              x_{k+1} = y_k + x_k            skip="residual", where the sizes are equal

The layers may be different cells of different sizes. Skip connections let a gradient pass a layer without going
through it.

Shapes: x (T, B, I), y (T, B, H of the last layer); the parameters of layer k are under ``k``, its state is the k-th of
the states. ``lengths`` (B,) as in :mod:`ltdcheck.reference.networks.unroll`.

Refuses: no layers; shapes that do not fit; lengths outside 0 .. T; residual connections between different sizes.

Source: GBC-draft 10.5, fig. 10.13a; He et al. 2016 for residual connections.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.networks.network import (
    Blocks,
    Network,
    Shapes,
    require_part,
    states_of,
    under,
)
from ltdcheck.reference.networks.rows import Lengths
from ltdcheck.reference.networks.unroll import Tape, unroll, unroll_vjp


@dataclass(frozen=True)
class StackedTape:
    """What the forward pass leaves for its adjoint."""

    params: Sequence[Blocks]  # of each layer
    tapes: Sequence[Tape]


@dataclass(frozen=True)
class Stacked(Network):
    """Layers of cells, the first one next to the input."""

    cells: tuple[Cell, ...]
    skip: Literal["none", "residual"] = "none"

    name: ClassVar[str] = "stacked"
    source: ClassVar[str] = "GBC-draft 10.5"

    def __post_init__(self) -> None:
        """Refuse a network of nothing."""
        if not self.cells:
            raise ValueError("cells is (); it must hold at least one cell")

    def shapes(self, I: int, H: Sequence[int]) -> Shapes:
        """Parameters by name, of layers of H[0], H[1], .. units."""
        if len(H) != len(self.cells):
            raise ValueError(f"H is {tuple(H)}; it must hold one size for each of {len(self.cells)} layers")
        below = (cell.output_width(h) for cell, h in zip(self.cells[:-1], H[:-1], strict=True))
        sizes = zip(self.cells, (I, *below), H, strict=True)
        return {k: v for n, (cell, i, h) in enumerate(sizes) for k, v in under(str(n), cell.shapes(i, h)).items()}

    def forward(
        self, params: Blocks, x: Any, states: Sequence[State], lengths: Lengths | None = None
    ) -> tuple[tuple[Any, list[State]], StackedTape]:
        """The outputs of the last layer (T, B, H) and every layer's final state; and the tape.

        Raises
        ------
        ValueError
            As the module says.
        """
        if len(states) != len(self.cells):
            raise ValueError(f"states has {len(states)} entries; it must hold one for each of {len(self.cells)} layers")
        own, finals, tapes = [], [], []
        for n, (cell, state) in enumerate(zip(self.cells, states, strict=True)):
            own.append(require_part(str(n), cell, params, x, state))
            y, final, tape = unroll(cell, own[-1], x, state, lengths=lengths)
            if self.skip == "residual" and y.shape != x.shape:
                raise ValueError(f"layer {n} has {y.shape[-1]} units; with residuals it must have {x.shape[-1]}")
            x = y if self.skip == "none" else y + x
            finals.append(final)
            tapes.append(tape)
        return (x, finals), StackedTape(own, tapes)

    def backward(self, tape: StackedTape, dy: Any, dstates: Sequence[State]) -> Blocks:
        """The gradients of the parameters, of ``x``, and of each layer's initial state: ``0.state.1``."""
        grads: Blocks = {}
        for n in reversed(range(len(self.cells))):
            g = unroll_vjp(self.cells[n], tape.params[n], tape.tapes[n], dy, dstates[n])
            grads |= under(str(n), {**g.params, **states_of(g.state)})
            dy = g.x if self.skip == "none" else g.x + dy  # x_{k+1} = y_k + x_k
        return {**grads, "x": dy}
