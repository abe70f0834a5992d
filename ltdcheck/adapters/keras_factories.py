"""Layers of keras with arguments that their classes do not have by default, as factories (input_size, hidden_size)."""

from __future__ import annotations

from typing import Any

import keras

BOTH = {"return_sequences": True, "return_state": True}


def backwards_lstm(_input_size: int, hidden_size: int) -> Any:
    """An LSTM that reads the sequence from its end."""
    return keras.layers.LSTM(hidden_size, go_backwards=True, **BOTH)


def bidirectional_gru(_input_size: int, hidden_size: int) -> Any:
    """A GRU in each direction, outputs side by side."""
    return keras.layers.Bidirectional(keras.layers.GRU(hidden_size, **BOTH))


def reset_before_gru(_input_size: int, hidden_size: int) -> Any:
    """A GRU that resets the state before the product with its weights."""
    return keras.layers.GRU(hidden_size, reset_after=False, **BOTH)
