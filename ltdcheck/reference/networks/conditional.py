"""A recurrent network conditioned on a context (S23): a vector v for all steps, or a sequence beside the inputs.

    z_t = b + U@x_t + R@v                    how="bias": an extra bias at every step
    state_0 = A_k@v + a_k                    how="initial": each array k of the initial state
    both of these                            how="both"
    z_t = b + U@x_t + R@v_t                  how="sequence"

R is the last C columns of the cell's input weights, so that it enters wherever the cell's input does, in every gate.

Shapes: x (T, B, I), v (B, C), or (T, B, C) for a sequence; the cell's parameters for I + C inputs, or for I with
how="initial"; under ``start`` A0, A1, .. (H, C) and a0, a1, .. (H,), for arrays of the state with H columns.
``lengths`` (B,). The initial state is given where the context does not make it.

Refuses: shapes that do not fit; lengths outside 0 .. T; a state where the context makes it, and none where it does not.

Source: GBC-draft 10.2.3, fig. 10.10 (a vector) and fig. 10.11 (a sequence).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.networks.network import (
    Blocks,
    Network,
    Shapes,
    inside,
    require_shape,
    require_shapes,
    require_state,
    sequence,
    states_of,
    under,
)
from ltdcheck.reference.networks.rows import Lengths
from ltdcheck.reference.networks.unroll import Tape, unroll, unroll_vjp

How = Literal["bias", "initial", "both", "sequence"]


@dataclass(frozen=True)
class ConditionalTape:
    """What the forward pass leaves for its adjoint."""

    cell: Blocks  # the parameters
    start: Blocks
    context: Any
    tape: Tape
    I: int


@dataclass(frozen=True)
class Conditional(Network):
    """A cell, and how it is told the context."""

    cell: Cell
    how: How = "bias"

    name: ClassVar[str] = "conditional"
    source: ClassVar[str] = "GBC-draft 10.2.3"

    @property
    def starts(self) -> bool:
        """Whether the context makes the initial state."""
        return self.how in ("initial", "both")

    def shapes(self, I: int, H: int, C: int) -> Shapes:
        """Parameters by name."""
        cell = self.cell.shapes(I if self.how == "initial" else I + C, H)
        arrays = enumerate(self.cell.widths(H)) if self.starts else ()
        return {**cell, **{k: v for n, G in arrays for k, v in {f"start.A{n}": (G, C), f"start.a{n}": (G,)}.items()}}

    def forward(
        self, params: Blocks, x: Any, context: Any, state: State | None = None, lengths: Lengths | None = None
    ) -> tuple[tuple[Any, State], ConditionalTape]:
        """The outputs (T, B, H) and the final state; and the tape.

        Raises
        ------
        ValueError
            As the module says.
        """
        self._require(params, x, context, state)
        cell, begun = self.inner(params), self.start(params, context) if state is None else state
        y, final, tape = unroll(self.cell, cell, self.inputs(x, context), begun, lengths=lengths)
        return (y, final), ConditionalTape(cell, inside("start", params), context, tape, x.shape[-1])

    def backward(self, tape: ConditionalTape, dy: Any, dstate: State) -> Blocks:
        """The gradients of the parameters, of ``x``, ``context``, and of the initial state where it was given."""
        g = unroll_vjp(self.cell, tape.cell, tape.tape, dy, dstate)
        dx, dv = g.x[..., : tape.I], g.x[..., tape.I :]
        grads = {**g.params, "x": dx}
        if self.how == "sequence":
            return {**grads, **states_of(g.state), "context": dv}
        biases = [] if self.how == "initial" else [dv[t] for t in range(dv.shape[0])]  # R@v at every step
        dcontext = sum(biases, ops.zeros_like(tape.context))
        if not self.starts:
            return {**grads, **states_of(g.state), "context": dcontext}
        for k, d in enumerate(g.state):  # state_0 = A_k@v + a_k
            dA, da = ops.outer_total(d, tape.context), ops.total(ops.stack([d]))
            grads |= under("start", {f"A{k}": dA, f"a{k}": da})
            dcontext = dcontext + ops.linear_adjoint(d, tape.start[f"A{k}"])
        return {**grads, "context": dcontext}

    def start(self, params: Blocks, context: Any) -> State:
        """The initial state that a context (B, C) makes."""
        p = inside("start", params)
        return tuple(ops.linear(context, p[f"A{k}"]) + p[f"a{k}"] for k in range(len(self.cell.states)))

    @staticmethod
    def inner(params: Blocks) -> Blocks:
        """The cell's own parameters."""
        return {name: value for name, value in params.items() if not name.startswith("start.")}

    def inputs(self, x: Any, context: Any) -> Any:
        """x with the context beside it: (T, B, I + C)."""
        if self.how == "initial":
            return x
        if self.how == "sequence":
            return ops.concatenate([x, context])
        return ops.concatenate([x, sequence([context] * x.shape[0], context)])

    def _require(self, params: Blocks, x: Any, context: Any, state: State | None) -> None:
        require_shape("x", x, ("T", "B", "I"))
        T, B, I = x.shape
        require_shape("context", context, (T, B, "C") if self.how == "sequence" else (B, "C"))
        if self.starts != (state is None):
            given = "given" if state is not None else "None"
            raise ValueError(f"state is {given}; with how={self.how!r} it must be {'None' if self.starts else 'given'}")
        if state is None:
            first = {f"start.a{k}": ("H",) for k in range(len(self.cell.states))}
            require_shapes(params, first)
            H = self.cell.hidden_size(tuple(params[name] for name in first))
        else:
            H = require_state("state", self.cell, state, B)
        require_shapes(params, self.shapes(I, H, context.shape[-1]))
