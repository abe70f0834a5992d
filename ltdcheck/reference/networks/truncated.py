"""Full and truncated backpropagation through time, and the gradient taken apart by time (S31).

    dL/dtheta = sum_t sum_{k <= t} dL_t/dh_t @ dh_t/dh_k @ d+h_k/dtheta

d+h_k/dtheta is the immediate partial derivative: that of one step with h_{k-1} held fixed. A term with k far below t is
a long-term contribution; their sum over t and k is the gradient. Truncated, BPTT keeps some of them:

    chunks      those that do not cross a border between chunks of ``steps`` steps, from the beginning
    window      those with t - k < ``steps``: the loss of each step reaches back over so many steps, its own included

The cotangent of the final state counts as part of the loss of the last step, with ``lengths`` (B,) of each row's own. A
truncated gradient is no function's gradient.

Shapes: those of :mod:`ltdcheck.reference.networks.unroll`.

Refuses: fewer than 1 step; an unknown kind; shapes that do not fit; lengths outside 0 .. T.

Source: PMB 1.1 eq. 3-5; GBC-draft 10.2.1; Williams & Peng 1990.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.networks.fold import Joined, collect
from ltdcheck.reference.networks.network import Blocks, Network, Shapes, require_part, states_of
from ltdcheck.reference.networks.rows import Lengths, first
from ltdcheck.reference.networks.unroll import Gradients, Tape, unroll, unroll_vjp


@dataclass(frozen=True)
class BPTTTape:
    """What the forward pass leaves for its adjoint."""

    params: Blocks
    tape: Tape


@dataclass(frozen=True)
class BPTT(Network):
    """A cell over time, and how far its backward pass reaches: over ``steps`` steps, or all of them with None."""

    cell: Cell
    steps: int | None = None
    kind: Literal["chunks", "window"] = "chunks"

    name: ClassVar[str] = "bptt"
    source: ClassVar[str] = "PMB 1.1; GBC-draft 10.2.1"

    def __post_init__(self) -> None:
        """Refuse reaches that cannot be."""
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps is {self.steps}; it must be at least 1, or None for all of them")

    def shapes(self, I: int, H: int) -> Shapes:
        """Parameters by name: the cell's."""
        return self.cell.shapes(I, H)

    def forward(
        self, params: Blocks, x: Any, state: State, lengths: Lengths | None = None
    ) -> tuple[tuple[Any, State], BPTTTape]:
        """The outputs (T, B, H) and the final state; and the tape.

        Raises
        ------
        ValueError
            When shapes or lengths do not fit.
        """
        own = require_part("", self.cell, params, x, state)
        y, final, tape = unroll(self.cell, own, x, state, lengths=lengths)
        return (y, final), BPTTTape(own, tape)

    def backward(self, tape: BPTTTape, dy: Any, dstate: State) -> Blocks:
        """The gradients of the parameters, of ``x``, and of the initial state, truncated where ``steps`` is given."""
        T = len(tape.tape.saved)
        if self.steps is None or self.steps >= T:
            return _named(unroll_vjp(self.cell, tape.params, tape.tape, dy, dstate))
        if self.kind == "chunks":
            return _named(unroll_vjp(self.cell, tape.params, tape.tape, dy, dstate, carry=self._border))
        return self._windows(tape, dy, dstate)

    def _border(self, t: int, dstate: State) -> State:
        """Nothing is handed from the first step of a chunk to the chunk before."""
        assert self.steps is not None
        return _none(dstate) if t and t % self.steps == 0 else dstate

    def _windows(self, tape: BPTTTape, dy: Any, dstate: State) -> Blocks:
        """The sum of the gradients of each step's loss, over its window."""
        assert self.steps is not None
        T, grads = len(tape.tape.saved), self._nothing(tape, dy, dstate)
        grads |= states_of(_of_last(tape.tape, -1, dstate))  # of rows without steps the final state is the initial one
        for t in range(T):
            low = max(0, t + 1 - self.steps)
            g = _named(_loss_at(self.cell, tape, t, dy, dstate, low))
            x = _padded(g.pop("x"), low, grads["x"])
            within = {name: value for name, value in g.items() if low == 0 or not name.startswith("state.")}
            grads |= {"x": grads["x"] + x, **{name: grads[name] + value for name, value in within.items()}}
        return grads

    def _nothing(self, tape: BPTTTape, dy: Any, dstate: State) -> Blocks:
        zero = unroll_vjp(self.cell, tape.params, tape.tape, ops.zeros_like(dy), _none(dstate))
        return _named(zero)


def immediate(cell: Cell, params: Blocks, tape: Tape, arrived: list[State]) -> list[Blocks]:
    """What each step's immediate partial derivative makes of the cotangent of its state: one gradient a step."""
    grads = []
    for t, dstate in enumerate(arrived):
        x, d = _running(tape, t, dstate)
        if not x.shape[1]:
            grads.append({name: ops.zeros_like(value) for name, value in params.items()})
            continue
        dz, _, shares = cell.step_vjp(params, tape.saved[t], d)
        _, driven = cell.drive_vjp(params, x, ops.stack([dz]))
        grads.append({**driven, **collect([shares], Joined())})
    return grads


def contributions(cell: Cell, tape: BPTTTape, dy: Any, dstate: State) -> list[list[Blocks]]:
    """The temporal contributions: entry [t][k] is that of step k to the gradient of the loss of step t, for k <= t."""
    T = len(tape.tape.saved)
    terms = []
    for t in range(T):
        g = _loss_at(cell, tape, t, dy, dstate, 0)
        terms.append(immediate(cell, tape.params, _part(tape.tape, 0, t + 1), list(g.arrived)))
    return terms


def _loss_at(cell: Cell, tape: BPTTTape, t: int, dy: Any, dstate: State, low: int) -> Gradients:
    """The gradients of the loss of step t alone, through the steps from ``low`` on."""
    zero, last = ops.zeros_like(dy[t]), _of_last(tape.tape, t, dstate)
    part = _part(tape.tape, low, t + 1)
    return unroll_vjp(cell, tape.params, part, ops.stack([zero] * (t - low) + [dy[t]]), last)


def _part(tape: Tape, low: int, high: int) -> Tape:
    """The tape of the steps from ``low`` to ``high``."""
    return Tape(tape.x[low:high], tape.saved[low:high], tape.rows and tape.rows.part(low, high))


def _of_last(tape: Tape, t: int, dstate: State) -> State:
    """The cotangent of the final state, of those rows alone whose last step is t; -1 is that of rows without steps."""
    if tape.rows is None:
        return dstate if t == len(tape.saved) - 1 else _none(dstate)
    ends = [int(n) - 1 == t for n in tape.rows.counts]
    return tuple(
        ops.concatenate(
            [d[b : b + 1] if here else ops.zeros_like(d[b : b + 1]) for b, here in enumerate(ends)], axis=-2
        )
        if ends
        else d
        for d in dstate
    )


def _running(tape: Tape, t: int, dstate: State) -> tuple[Any, State]:
    """Of the rows that run at step t, in the order of the tape: the input (1, n, I), and the state's cotangent."""
    if tape.rows is None:
        return tape.x[t : t + 1], dstate
    n = tape.rows.running[t]
    return tape.x[t : t + 1, :n], first(tuple(d[tape.rows.order] for d in dstate), n)


def _padded(dx: Any, low: int, like: Any) -> Any:
    """Steps ``low``, .. of a sequence, with zeros around."""
    steps = [dx[t] for t in range(dx.shape[0])]
    zero = ops.zeros_like(like[0])
    return ops.stack([zero] * low + steps + [zero] * (like.shape[0] - low - len(steps)))


def _none(dstate: State) -> State:
    return tuple(ops.zeros_like(d) for d in dstate)


def _named(g: Gradients) -> Blocks:
    return {**g.params, **states_of(g.state), "x": g.x}
