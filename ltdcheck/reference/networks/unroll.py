"""A network is a fold of a step over time (S20), and BPTT is the adjoint of that fold (S31). Written for all cells.

    state_t = step(drive_t, state_{t-1})       y_t = the first array of state_t

The cotangents dy (T, B, H) and dstate (of the final state) pull back to every parameter, to x and to the initial state.
With ``lengths`` (B,) the steps at and beyond a row's length copy its state and output zeros, and what x holds there has
no effect; the final state is the one at each row's end.

Refuses: shapes that do not fit; lengths that are no whole numbers from 0 to T, one a row.

Source: GBC-draft 10.2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ltdcheck.problem import Problem
from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, Saved, Share, State, Wiring
from ltdcheck.reference.networks.fold import Joined, chain, collect, fold, fold_vjp
from ltdcheck.reference.networks.network import require_part
from ltdcheck.reference.networks.rows import Lengths, Rows, first, joined, rows


@dataclass(frozen=True)
class Tape:
    """What the forward fold leaves for its adjoint."""

    x: Any  # (T, B, I); with lengths: in the order of ``rows``, zero where nothing runs
    saved: Sequence[Saved]  # one a step; with lengths: of the rows that run
    rows: Rows | None = None


@dataclass(frozen=True)
class Gradients:
    """The pull-back of the cotangents. ``dh`` holds what arrived at each step's state, for reading along time."""

    params: dict[str, Any]
    x: Any  # (T, B, I)
    state: State  # of the initial state
    arrived: Sequence[State]  # T states: the cotangent of state_t, its own loss included


Carry = Callable[[int, State], State]


def unroll(
    cell: Cell, params: dict[str, Any], x: Any, state: State, *, lengths: Lengths | None = None
) -> tuple[Any, State, Tape]:
    """Run ``cell`` over x (T, B, I) from ``state``: the outputs (T, B, H), the final state, and the tape.

    Raises
    ------
    ValueError
        As the module says.
    """
    if isinstance(cell, Wiring):
        return cell.unroll(params, x, state, lengths)
    if len(state) != len(cell.states) or any(s.shape[0] != x.shape[1] for s in state):
        require_part("", cell, params, x, state)  # a state that is not looked at, or is of one row, would pass unseen
    if lengths is not None:
        return _unroll_ragged(cell, params, x, state, rows(lengths, *x.shape[:2]))
    params = {name: ops.for_rows(value) for name, value in params.items()}
    try:
        z = cell.drive(params, x)
        states, saved = fold(chain(x.shape[0]), [state], lambda t, before: cell.step(params, z[t], before))
    except ValueError:  # of NumPy, which does not know the names
        require_part("", cell, params, x, state)
        raise
    return _outputs(states), states[-1], Tape(x, saved)


def unroll_vjp(
    cell: Cell, params: dict[str, Any], tape: Tape, dy: Any, dstate: State, *, carry: Carry | None = None
) -> Gradients:
    """The adjoint of :func:`unroll`.

    ``carry(t, dstate)`` may change the cotangent that step t hands to step t - 1: truncation (S31) and clipping of
    hidden-state gradients (S42) live there. With lengths it is given the rows that run at step t, longest first.

    Raises
    ------
    ValueError
        For a network of several folds with ``carry``, which belongs to one.
    """
    if isinstance(cell, Wiring):
        if carry is not None:
            raise ValueError(f"carry is given for {cell.name}; it belongs to the fold of one cell")
        return Gradients(*cell.unroll_vjp(params, tape, dy, dstate))
    if tape.rows is not None:
        return _unroll_ragged_vjp(cell, params, tape, tape.rows, dy, dstate, carry)
    T = len(tape.saved)
    shares: list[dict[str, Share]] = []
    dz: list[Any] = []

    def step_vjp(t: int, d: State) -> tuple[State]:
        dz_t, before, share = cell.step_vjp(params, tape.saved[t], d)
        dz.append(dz_t)
        shares.append(share)
        return (before if carry is None else carry(t, before),)

    arrived = fold_vjp(chain(T), _own(dy, dstate, T), step_vjp)
    return _gradients(cell, params, tape, arrived, shares[::-1], dz[::-1], Joined())


def _outputs(states: Sequence[State]) -> Any:
    return ops.stack([s[0] for s in states[1:]]) if len(states) > 1 else ops.stack([states[0][0]])[:0]


def _own(dy: Any, dstate: State, T: int) -> list[State]:
    """What comes to each state from outside: y_t is the first array of state_t, and the last state is handed out."""
    if T == 0:
        return [dstate]
    return [(), *[(dy[t],) for t in range(T - 1)], (dstate[0] + dy[T - 1], *dstate[1:])]


def _gradients(
    cell: Cell,
    params: dict[str, Any],
    tape: Tape,
    arrived: Sequence[State],
    shares: Sequence[dict[str, Share]],
    dz: Sequence[Any],
    join: Joined,
) -> Gradients:
    """Through the drive and into the parameters, for all steps at once."""
    if not dz:
        zero = {name: ops.zeros_like(value) for name, value in params.items()}
        return Gradients(zero, ops.zeros_like(tape.x), arrived[0], arrived[1:])
    whole = join(dz) if join.axis is None else ops.stack(dz)
    dx, driven = cell.drive_vjp(params, tape.x, whole)
    return Gradients({**driven, **collect(shares, join)}, dx, arrived[0], arrived[1:])


# -- with lengths: the same fold over the rows that run ------------------------------------------------------


def _unroll_ragged(cell: Cell, params: dict[str, Any], x: Any, state: State, batch: Rows) -> tuple[Any, State, Tape]:
    x, B = batch.sorted(x), len(batch.order)
    z = cell.drive(params, x)

    def step(t: int, before: State) -> tuple[State, Saved]:
        n = batch.running[t]
        if n == B:
            return cell.step(params, z[t], before)
        if n == 0:
            return before, ()
        new, kept = cell.step(params, first((z[t],), n)[0], first(before, n))
        return joined(new, before, n), kept

    states, saved = fold(chain(x.shape[0]), [tuple(s[batch.order] for s in state)], step)
    y = batch.padded(_outputs(states))
    return y[:, batch.inverse], tuple(s[batch.inverse] for s in states[-1]), Tape(x, saved, batch)


def _unroll_ragged_vjp(
    cell: Cell, params: dict[str, Any], tape: Tape, batch: Rows, dy: Any, dstate: State, carry: Carry | None
) -> Gradients:
    T, B = len(tape.saved), len(batch.order)
    shares: list[dict[str, Share]] = []
    dz: list[Any] = []

    def step_vjp(t: int, d: State) -> tuple[State]:
        n = batch.running[t]
        if n == 0:
            return (d,)
        dz_t, before, share = cell.step_vjp(params, tape.saved[t], d if n == B else first(d, n))
        none = ops.zeros_like(dz_t[:1])[np.zeros(B - n, dtype=int)]
        dz.append(dz_t if n == B else ops.concatenate([dz_t, none], axis=-2))
        shares.append(share)
        before = before if carry is None else carry(t, before)
        return (before if n == B else joined(before, d, n),)

    own = _own(batch.sorted(dy), tuple(d[batch.order] for d in dstate), T)
    arrived = [tuple(d[batch.inverse] for d in s) for s in fold_vjp(chain(T), own, step_vjp)]
    dz = dz[::-1] + [ops.zeros_like(dz[0])] * (T - len(dz)) if dz else []
    g = _gradients(cell, params, tape, arrived, shares[::-1], dz, Joined(axis=-2))
    return Gradients(g.params, g.x[:, batch.inverse], g.state, g.arrived)


def run(cell: Cell, problem: Problem) -> tuple[Any, State, Gradients]:
    """Forward and backward of one problem in float64."""
    y, state, tape = unroll(cell, problem.params, problem.x, problem.given_state)
    return y, state, unroll_vjp(cell, problem.params, tape, problem.dy, problem.dstate)
