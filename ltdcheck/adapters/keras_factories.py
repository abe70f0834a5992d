"""Layers that keras makes of other layers, as factories (input_size, hidden_size)."""

from __future__ import annotations

from typing import Any

import keras


def bidirectional_gru(_input_size: int, hidden_size: int) -> Any:
    """A GRU in each direction, outputs side by side."""
    return keras.layers.Bidirectional(keras.layers.GRU(hidden_size))


def stacked_lstm(_input_size: int, hidden_size: int) -> Any:
    """Two cells, one on top of the other, as one layer."""
    return keras.layers.RNN([keras.layers.LSTMCell(hidden_size) for _ in range(2)])
