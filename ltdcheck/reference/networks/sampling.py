"""Sampling from a generative network (S22): each symbol is drawn, and fed back as the next input.

    y_t ~ P(. | y_1 .. y_{t-1})

The sequence ends as the network says: after a given number of symbols, at an end symbol, by a coin after each symbol,
or after a number of symbols drawn first. One that has not ended after ``limit`` symbols stays open.

Shapes: symbols (limit, B), lengths (B,), open (B,); what lies beyond a row's length is 0.

Refuses: a limit below 0; shapes that do not fit.

Source: GBC-draft 10.2.2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdcheck.reference import ops
from ltdcheck.reference.cell import State
from ltdcheck.reference.networks.generative import Floats, Generative, Symbols
from ltdcheck.reference.networks.network import Blocks, inside, require_shapes
from ltdcheck.reference.networks.unroll import unroll


class Drawn(NamedTuple):
    """Sequences of symbols; with them, :meth:`Generative.forward` gives their probabilities."""

    symbols: Symbols  # (limit, B)
    lengths: NDArray[np.integer]  # (B,)
    open: NDArray[np.bool_]  # (B,): rows that were not ended by the network


def sample(
    network: Generative,
    params: Blocks,
    rng: np.random.Generator,
    limit: int,
    rows: int,
    state: State | None = None,
    context: Any = None,
) -> Drawn:
    """Draw one sequence for each of ``rows`` rows, of at most ``limit`` symbols.

    Raises
    ------
    ValueError
        As the module says.
    """
    if limit < 0:
        raise ValueError(f"limit is {limit}; it must be at least 0")
    context = np.zeros((rows, 0)) if context is None else context
    cell = inside("cell", params)
    state = network.body.start(cell, context) if state is None else state
    require_shapes(params, network.shapes(network.cell.hidden_size(state), context.shape[-1]))
    planned = _planned(network, params, rng, limit, rows)
    y, counts, running = np.zeros((limit, rows), int), np.zeros(rows, int), planned > 0
    drawn = np.full(rows, -1)
    for t in range(limit):
        if not np.any(running):
            break
        here = context[t : t + 1] if network.how == "sequence" else context
        x = network.body.inputs(network.inputs(drawn[None], planned, t), here)
        h, state, _ = unroll(network.cell, network.body.inner(cell), x, state)
        drawn = choose(rng, ops.softmax(network.scores(params, h[0])))
        running = running & (drawn < network.symbols)  # an end symbol is no symbol of the sequence
        y[t], counts = np.where(running, drawn, 0), counts + running
        drawn = y[t]
        running = running & (t + 1 < planned)
        if network.ending == "bernoulli" and t + 1 < limit:
            running = running & (choose(rng, ops.softmax(network.stopping(params, h[0]))) == 1)
    return Drawn(y, counts, running)


def choose(rng: np.random.Generator, p: Floats) -> NDArray[np.integer]:
    """One outcome a row, with the probabilities of the row, (B, O)."""
    below = np.cumsum(p, axis=-1)[:, :-1]  # the last outcome takes what rounding leaves
    return np.asarray(np.sum(rng.random((len(p), 1)) >= below, axis=-1))


def _planned(
    network: Generative, params: Blocks, rng: np.random.Generator, limit: int, rows: int
) -> NDArray[np.integer]:
    """How many symbols each row would have; more than the limit where the network is to find out."""
    if network.ending == "fixed":
        return np.full(rows, limit)
    if network.ending == "length":
        return choose(rng, np.tile(ops.softmax(params["l"]), (rows, 1)))
    return np.full(rows, limit + 1)
