"""Layers of keras that keep their state between calls, made with ``stateful=True``.

Such a layer is built for one number of rows and refuses another. A call without a state begins from the state that is
kept, a call with ``initial_state`` from that one; after either, what is kept is the final state of the call, as numbers
without a past, so that no gradient goes back into an earlier call. ``reset_state()`` makes it zeros. So do layers of
keras 3.15 that are called, on jax, torch and TensorFlow, and those that are compiled on TensorFlow. Compiled on jax, as
in ``predict``, they keep nothing: their states are not among their variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from ltdcheck.adapters.keras_layers import parts

CALLED, COMPILED = "called", "compiled"


def remembers(layer: Any) -> bool:
    """It keeps its state between calls."""
    return bool(getattr(layer, "stateful", False))


def ways(layer: Any, *, compiles: bool) -> tuple[str, ...]:
    """In which calls it is to go on from the last one; none where it keeps nothing."""
    return (CALLED, COMPILED)[: 1 + compiles] if remembers(layer) else ()


def make_room(layer: Any, shape: Sequence[int]) -> None:
    """States of zeros for as many rows as x of this shape has, where the layer is built and keeps others.

    A layer that is not built yet makes them when it is.
    """
    for part in parts(layer):
        if isinstance(part, keras.layers.RNN) and part.stateful and part.built and _rows(part) != shape[0]:
            part.states = None
            keras.layers.RNN.build(part, (shape[0], None, *shape[2:]))


def begin(layer: Any, shape: Sequence[int], *, anew: bool) -> None:
    """A call with x of this shape comes next; ``anew`` says that it is to begin from zeros."""
    make_room(layer, shape)
    if anew:
        layer.reset_state()


def _rows(layer: Any) -> int | None:
    """For how many rows it keeps states."""
    states = keras.tree.flatten(layer.states)
    return None if layer.states is None else int(states[0].shape[0])
