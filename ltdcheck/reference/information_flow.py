"""The information-flow regulariser Omega and its gradients (S45).

    Omega = sum_t (rho_t - 1)^2        rho_t = ||q_t|| / ||hbar_t||        q_t = J_t'@hbar_t        J_t = ds_t/ds_{t-1}

over the steps t = 1 .. T and the rows of the batch; with ``lengths`` (B,) a row has terms for its own steps. s_t is the
whole state, (h, c) for the LSTM; hbar_t is the gradient of ``sum(dy * y) + sum(dstate * s_T)`` that arrives at s_t. A
row whose hbar_t is 0 passes nothing on that could be kept, and has no term; where q_t alone is 0 the term is 1 and its
slope is taken as 0.

Three gradients, by what they hold constant:

    exact        nothing
    cheap        hbar (GBC 10.52)
    immediate    hbar and the states: the parameters inside J_t alone (PMB)

With c_t = 2*(rho_t - 1)*q_t/(||q_t||*||hbar_t||) and e_t = -2*(rho_t - 1)*rho_t*hbar_t/||hbar_t||^2,

    dOmega = sum_t c_t.dq_t + e_t.dhbar_t = sum_t u_{t-1}.(dJ_t'@hbar_t)        u_{t-1} = c_t + w_{t-1}
    w_t = J_t@u_{t-1} + e_t        w_0 = 0, and w = 0 throughout where hbar is constant

since dhbar_{t-1} = dJ_t'@hbar_t + J_t'@dhbar_t. The derivative of J_t'@hbar_t along u is, by the symmetry of second
derivatives, that of the adjoint on a state moved along u: one backward pass over dual numbers.

Source: GBC 10.50-10.52; PMB, eq. 9 and 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, Saved, State
from ltdcheck.reference.dual import Dual, dot_of, lifted, value_of
from ltdcheck.reference.networks.rows import Lengths, Rows, first, joined
from ltdcheck.reference.networks.unroll import Gradients, Tape, unroll, unroll_vjp

Kind = Literal["exact", "cheap", "immediate"]


@dataclass(frozen=True)
class Flow:
    """How much of every back-propagated vector's length each step keeps."""

    hbar: Sequence[State]  # T states
    q: Sequence[State]  # T states: hbar_t pulled back by one step
    counted: NDArray[np.bool_]  # (T, B): the row runs, and hbar_t is not 0
    ratios: Any  # rho, (T, B); 1 where nothing arrives, and where the row has ended
    rows: Rows | None  # None where all rows have all steps

    @property
    def omega(self) -> Any:
        """Omega."""
        return ((self.ratios - 1) * (self.ratios - 1)).sum()


def information_flow(
    cell: Cell, p: dict[str, Any], x: Any, state: State, dy: Any, dstate: State, lengths: Lengths | None = None
) -> Flow:
    """rho_t of every step and row; x (T, B, I), dy (T, B, H), state and dstate the arrays of a state.

    Raises
    ------
    ValueError
        For shapes and lengths that do not fit.
    """
    _, _, tape = unroll(cell, p, x, state, lengths=lengths)
    hbar = unroll_vjp(cell, p, tape, dy, dstate).arrived
    q = [_pulled(cell, p, tape, t, arrived) for t, arrived in enumerate(hbar)]
    if not hbar:
        return Flow(hbar, q, np.ones((0, x.shape[1]), dtype=bool), np.ones((0, x.shape[1])), tape.rows)
    kept, empty = (ops.stack(parts) for parts in zip(*map(_kept, hbar, q), strict=True))
    runs = True if tape.rows is None else np.arange(len(q))[:, None] < tape.rows.counts
    return Flow(hbar, q, (empty[..., 0] == 0) & runs, kept[..., 0], tape.rows)


def _pulled(cell: Cell, p: dict[str, Any], tape: Tape, t: int, hbar: State) -> State:
    """q_t: a row that has ended copies its state, so that its hbar_t passes as it is."""
    if tape.rows is None:
        return cell.step_vjp(p, tape.saved[t], hbar)[1]
    n, whole = tape.rows.running[t], _in(hbar, tape.rows.order)
    top = cell.step_vjp(p, tape.saved[t], first(whole, n))[1] if n else first(whole, 0)
    return _in(joined(top, whole, n), tape.rows.inverse)


def omega_vjp(
    cell: Cell, p: dict[str, Any], x: Any, state: State, flow: Flow, dy: Any, dstate: State, kind: Kind = "exact"
) -> Gradients:
    """The gradient of Omega in the parameters, in x and in the initial state; ``arrived`` is Omega's in every state.

    Raises
    ------
    ValueError
        For a kind that does not exist.
    """
    if kind not in ("exact", "cheap", "immediate"):
        raise ValueError(f"kind is {kind!r}; it must be exact, cheap or immediate")
    tape = _moved(cell, p, x, state, flow, exact=kind == "exact")
    carry = _states_constant if kind == "immediate" else None
    g = unroll_vjp(cell, p, tape, lifted(dy), tuple(map(lifted, dstate)), carry=carry)
    dots = {name: dot_of(value) for name, value in g.params.items()}
    return Gradients(dots, dot_of(g.x), _dots(g.state), [_dots(arrived) for arrived in g.arrived])


def _moved(cell: Cell, p: dict[str, Any], x: Any, state: State, flow: Flow, *, exact: bool) -> Tape:
    """The forward pass, with the state before step t moved along u_{t-1}; rows in the order of the tape."""
    batch, B = flow.rows, x.shape[1]
    order = slice(None) if batch is None else batch.order
    if batch is not None:
        x, state = batch.sorted(x), _in(state, order)
    z = cell.drive(p, lifted(x))
    w: State = tuple(map(ops.zeros_like, state))
    saved: list[Saved] = []
    for t in range(len(flow.q)):
        n = B if batch is None else batch.running[t]
        if B and n == 0:
            saved.append(())
            continue
        hbar, q, before, w_n = (first(s, n) for s in (_in(flow.hbar[t], order), _in(flow.q[t], order), state, w))
        rho = flow.ratios[t][order][:n][:, None]  # (n, 1)
        scale, length = 2 * (rho - 1), _divisor(hbar)  # a row that has no term has the ratio 1
        u = tuple(scale * (c / length) + w_k for c, w_k in zip(_unit(q), w_n, strict=True))
        moved, kept = cell.step(p, first((z[t],), n)[0], tuple(map(Dual, before, u)))
        saved.append(kept)
        state = joined(tuple(map(value_of, moved)), state, n)
        if exact:
            e = (scale * rho * (unit / length) for unit in _unit(hbar))
            w = joined(tuple(dot - e_k for dot, e_k in zip(_dots(moved), e, strict=True)), w, n)  # J@u + e
    return Tape(x, saved, batch)


def _in(state: State, order: Any) -> State:
    return tuple(s[order] for s in state)


def _states_constant(t: int, dstate: State) -> State:
    """Hands on hbar, and nothing of Omega's."""
    return tuple(lifted(value_of(d)) for d in dstate)


def _dots(state: State) -> State:
    return tuple(map(dot_of, state))


def _kept(hbar: State, q: State) -> tuple[Any, Any]:
    """rho of each row, (B, 1), and 1 for the rows that have none."""
    (n, empty), (m, _) = _lengths(hbar), _lengths(q)
    return (m + empty) / (n + empty), empty


def _lengths(state: State) -> tuple[Any, Any]:
    """The norm of each row over all arrays of the state, (B, 1), and 1 for the rows of zeros, else 0.

    A row is divided by its peak, so that no square vanishes; of a row of zeros the root is taken of 1.
    """
    peak = np.max(np.concatenate(list(map(ops.magnitude, state)), axis=-1), axis=-1, keepdims=True, initial=0.0)
    empty = (peak == 0).astype(peak.dtype)
    scaled = [s / (peak + empty) for s in state]
    return peak * ops.sqrt(sum((s * s).sum(axis=-1, keepdims=True) for s in scaled) + empty), empty


def _divisor(state: State) -> Any:
    """The norm of each row; 1 where it is 0."""
    return sum(_lengths(state))


def _unit(state: State) -> State:
    """Each row divided by its norm; 0 where it is 0."""
    divisor = _divisor(state)
    return tuple(s / divisor for s in state)
