"""What both ways to write a module of flax share: the state is called the carry, and comes first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp


def called_on(start: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """One step of a cell of flax, which returns ``(carry, y)``; ``start`` is its first carry, of the cell and x."""

    def cell_called(cell: Any, x: Any, *state: Any) -> Any:
        carry, y = cell(state[0] if state else start(cell, x), x)
        return y, carry

    return cell_called


def carried(layer: Any, x: Any, *state: Any, lengths: Any = None) -> Any:
    """A layer of flax, which calls its state the carry, and returns it first, or not at all.

    One that reads backwards, and answers in the order in which it reads, reads a row before its padding, where others
    pass over the padding first: its answers to a row are moved to where theirs are, to the end.
    """
    carry, y = layer(x, initial_carry=state[0] if state else None, seq_lengths=lengths, return_carry=True)
    if lengths is not None and getattr(layer, "reverse", False) and not layer.keep_order:
        rows = 1 if layer.time_major else 0
        late = jax.vmap(partial(jnp.roll, axis=0), in_axes=(rows, 0), out_axes=rows)
        y = late(y, -lengths)
    return y, carry
