"""What stateful layers of keras do not do that they are made for, with keras and NumPy alone.

Prints a line for each: what was asked, and how far it is off or what it raised.

- ``predict``: a GRU is asked for a sequence in two batches, and the same weights for all of it; compiled on jax, the
  states are not among the variables that are handed over
- ``gradient``: a step of training from the states that are kept, into which keras on torch writes the new ones before
  torch differentiates (keras#23462, merged after 3.15.1)
- ``reset_state`` of a layer of several cells, whose states are lists
- ``bidirectional``: a call that returns the states

Run with KERAS_BACKEND=jax, tensorflow or torch.
"""

from typing import Any

import keras
import numpy as np

rng = np.random.default_rng(0)
x = rng.standard_normal((2, 6, 3)).astype("float32")


def model(**options: Any) -> Any:
    """A GRU of four units over batches of two."""
    layer = keras.layers.GRU(4, return_sequences=True, **options)
    return keras.Sequential([keras.Input(batch_shape=(2, None, 3)), layer])


def predict() -> float:
    """How far two batches are from the sequence at once."""
    kept, plain = model(stateful=True), model()
    plain.set_weights(kept.get_weights())
    pieces = [kept.predict(part, batch_size=2, verbose=0) for part in (x[:, :3], x[:, 3:])]
    return float(np.max(np.abs(np.concatenate(pieces, axis=1) - plain.predict(x, batch_size=2, verbose=0))))


def gradient() -> None:
    """A step of training."""
    it = model(stateful=True)
    it.compile("sgd", "mse")
    it.fit(x, np.zeros((2, 6, 4), "float32"), batch_size=2, verbose=0)


def reset_state() -> None:
    """Two cells, one on top of the other."""
    layer = keras.layers.RNN([keras.layers.GRUCell(4), keras.layers.GRUCell(4)], stateful=True)
    layer(keras.ops.convert_to_tensor(x))
    layer.reset_state()


def bidirectional() -> None:
    """A layer in each direction."""
    inner = keras.layers.GRU(4, stateful=True, return_state=True)
    keras.layers.Bidirectional(inner)(keras.ops.convert_to_tensor(x))


for ask in (predict, gradient, reset_state, bidirectional):
    try:
        print(ask.__name__, ask() or "fine")
    except Exception as error:  # noqa: BLE001  (what it raises is what is shown)
        print(ask.__name__, type(error).__name__)
