"""keras' SimpleRNN in float64 on jax cannot be called; keras and NumPy alone.

``ops.tanh`` on jax returns float32 for float64 (keras#23225, merged after 3.15.1), and ``jax.lax.scan`` refuses a state
whose type a step changes. Prints the name of what is raised, or the type of the answer; float32 first.
"""

import os

os.environ["JAX_ENABLE_X64"] = "1"
os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np

for dtype in ("float32", "float64"):
    layer = keras.layers.SimpleRNN(3, dtype=dtype)
    try:
        print(keras.ops.convert_to_numpy(layer(np.ones((2, 4, 2), dtype))).dtype)
    except TypeError as error:
        print(type(error).__name__)
