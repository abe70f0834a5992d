"""Layers that flax makes of cells, as factories (input_size, hidden_size)."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
from flax import nnx


def linen_rnn(_input_size: int, hidden_size: int) -> Any:
    """A layer of linen's LSTM."""
    return nn.RNN(nn.LSTMCell(hidden_size))


def linen_bidirectional(_input_size: int, hidden_size: int) -> Any:
    """A layer of linen's GRU in each direction, outputs side by side."""
    return nn.Bidirectional(*(nn.RNN(nn.GRUCell(hidden_size)) for _ in range(2)))


def nnx_rnn(input_size: int, hidden_size: int) -> Any:
    """A layer of nnx's GRU."""
    return nnx.RNN(nnx.GRUCell(input_size, hidden_size, rngs=nnx.Rngs(0)))
