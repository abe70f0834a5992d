"""Deep recurrent networks (S27): an MLP inside the transition, before the input, and after the output.

    h~ = mlp(h_{t-1})        state_t = cell(x_t, (h~, ..))            :class:`DeepTransition`, itself a cell
    u_t = before(x_t)        y_t = after(first array of state_t)      :class:`Deep`

An MLP of n layers in the transition lengthens the shortest path between two steps from 1 layer to n + 1; a skip
connection around it restores it. Stacked layers are :mod:`ltdcheck.reference.networks.stacked`.

Shapes: x (T, B, I), y (T, B, O); the cell's parameters, those of the transition under ``transition``, of the others
under ``before`` and ``after``, the cell's of a deep network under ``cell``. ``lengths`` (B,), beyond which y is what
the last MLP makes of zeros.

Refuses: shapes that do not fit; lengths outside 0 .. T; a transition that does not give back as many units; skip
connections between different sizes.

Source: GBC-draft 10.5, fig. 10.13; Pascanu et al. 2014.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ltdcheck.reference import ops
from ltdcheck.reference.cell import Block, Cell, Outer, Saved, Share, State
from ltdcheck.reference.networks.mlp import MLP, Layers
from ltdcheck.reference.networks.network import (
    Blocks,
    Network,
    Shapes,
    inside,
    require_part,
    require_shape,
    require_shapes,
    states_of,
    under,
)
from ltdcheck.reference.networks.rows import Lengths
from ltdcheck.reference.networks.unroll import Tape, unroll, unroll_vjp


@dataclass(frozen=True)
class DeepTransition(Cell):
    """A cell whose previous output goes through an MLP first; the state is the cell's."""

    cell: Cell
    mlp: MLP

    name: ClassVar[str] = "deep-transition"
    states: ClassVar[tuple[str, ...]] = ("h",)
    gates: ClassVar[tuple[str, ...]] = ("",)
    source: ClassVar[str] = "GBC-draft 10.5, fig. 10.13b, c"

    def __post_init__(self) -> None:
        """The state is the cell's."""
        for name in ("states", "gates", "timed", "differentiable"):
            object.__setattr__(self, name, getattr(self.cell, name))

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name.

        Raises
        ------
        ValueError
            When the MLP does not end in H units.
        """
        W = self.cell.output_width(H)
        if self.mlp.outputs(W) != W:
            raise ValueError(f"widths is {self.mlp.widths}; in a transition of {W} units the last must be {W}")
        return {**self.cell.shapes(I, H), **under("transition", self.mlp.shapes(W))}

    def widths(self, H: int) -> tuple[int, ...]:
        """Columns of each array of the state."""
        return self.cell.widths(H)

    def hidden_size(self, state: State) -> int:
        """H of a state."""
        return self.cell.hidden_size(state)

    @property
    def fewest(self) -> int:
        """The fewest units that the cell can have."""
        return self.cell.fewest

    def blocks(self, H: int) -> list[Block]:
        """The cell's, and each array of the MLP as one block."""
        own = under("transition", self.mlp.shapes(self.cell.output_width(H)))
        return [*self.cell.blocks(H), *[Block(name, name, 0, shape[0]) for name, shape in own.items()]]

    def drive(self, p: dict[str, Any], x: Any) -> Any:
        """The cell's."""
        return self.cell.drive(p, x)

    def drive_vjp(self, p: dict[str, Any], x: Any, dz: Any) -> tuple[Any, dict[str, Any]]:
        """The cell's."""
        return self.cell.drive_vjp(p, x, dz)

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is one entry of the cell's drive."""
        h, layers = self.mlp.forward(inside("transition", p), state[0])  # h~ = mlp(h)
        new, saved = self.cell.step(p, z, (h, *state[1:]))
        return new, (saved, layers)

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        kept, layers = saved
        dz, (dh, *rest), shares = self.cell.step_vjp(p, kept, dstate)
        dh_prev, own = self.mlp.backward(inside("transition", p), layers, dh)  # h~ = mlp(h)
        return dz, (dh_prev, *rest), {**shares, **under("transition", own)}


NOTHING = MLP(())


@dataclass(frozen=True)
class DeepTape:
    """What the forward pass leaves for its adjoint."""

    params: Blocks
    before: Layers
    tape: Tape
    after: Layers


@dataclass(frozen=True)
class Deep(Network):
    """A cell between two MLPs; one without layers does nothing."""

    cell: Cell
    before: MLP = NOTHING
    after: MLP = NOTHING

    name: ClassVar[str] = "deep"
    source: ClassVar[str] = "GBC-draft 10.5"

    def shapes(self, I: int, H: int) -> Shapes:
        """Parameters by name."""
        cell = under("cell", self.cell.shapes(self.before.outputs(I), H))
        after = under("after", self.after.shapes(self.cell.output_width(H)))
        return {**under("before", self.before.shapes(I)), **cell, **after}

    def forward(
        self, params: Blocks, x: Any, state: State, lengths: Lengths | None = None
    ) -> tuple[tuple[Any, State], DeepTape]:
        """The outputs (T, B, O) and the final state; and the tape.

        Raises
        ------
        ValueError
            As the module says.
        """
        require_shape("x", x, ("T", "B", "I"))
        require_shapes(params, under("before", self.before.shapes(x.shape[2])))
        u, below = self.before.forward(inside("before", params), x)
        cell = require_part("cell", self.cell, params, u, state)
        require_shapes(params, under("after", self.after.shapes(state[0].shape[1])))
        h, final, tape = unroll(self.cell, cell, u, state, lengths=lengths)
        y, above = self.after.forward(inside("after", params), h)
        return (y, final), DeepTape(params, below, tape, above)

    def backward(self, tape: DeepTape, dy: Any, dstate: State) -> Blocks:
        """The gradients of the parameters, of ``x``, and of the initial state."""
        before, cell, after = (inside(part, tape.params) for part in ("before", "cell", "after"))
        dh, above = self.after.backward(after, tape.after, dy)
        g = unroll_vjp(self.cell, cell, tape.tape, dh, dstate)
        dx, below = self.before.backward(before, tape.before, g.x)
        mlps = {**under("before", _whole(below)), **under("after", _whole(above))}
        return {**mlps, **under("cell", g.params), **states_of(g.state), "x": dx}


def _whole(shares: Blocks) -> Blocks:
    """Gradients from shares of all steps at once."""
    return {
        name: ops.outer_total(share.da, share.x) if isinstance(share, Outer) else ops.total(share.da)
        for name, share in shares.items()
    }
