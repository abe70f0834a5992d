"""A fault that only zeros show: an input that is all zeros is taken for padding."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp

from ltdcheck.faults.fault import Network, WrongFunction, fault
from ltdcheck.faults.graft import ALL
from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, State


class _PassedOver(WrongFunction):
    """A row's state stays where it is at a step whose input is all zeros."""

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        """Step by step; rows with lengths are right."""
        if self.lengths is not None or not len(x):
            return super().forward(params, x, state)
        outputs = []
        for t in range(len(x)):
            empty = anp.all(x[t] == 0, axis=-1)[:, None]
            y_t, new = super().forward(params, x[t : t + 1], state)
            state = tuple(anp.where(empty, old, one) for old, one in zip(state, new, strict=True))
            # autograd's derivative of where() keeps the shape of the result: the state is given that of the output
            outputs.append(anp.where(empty, state[0][None], y_t) if state[0].shape == y_t.shape[1:] else y_t)
        return ops.concatenate(outputs, axis=0), state


def _plant(cell: Cell) -> Network | None:
    """None for a cell that counts its steps."""
    return None if cell.timed else _PassedOver(cell)


fault(
    "zero-input-skipped",
    "A step whose input is all zeros is passed over: the state of the row and its output stay as they were.",
    effect="a zero that means something is lost, such as silence, a black image or a token with an embedding of zeros",
    trigger="a step of a row at which x is all zeros",
    source="thought of: a mask that is made of the input itself",
    cells=ALL,
    forward=True,
)(_plant)
