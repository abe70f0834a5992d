"""How far one step of keras' recurrent cells in float64 is from NumPy, with keras and NumPy alone.

Run with KERAS_BACKEND=torch, jax or tensorflow; prints the largest difference. keras promotes float64 with float64 to
float32 on torch and jax (``keras.backend.result_type``), which ``matmul`` on torch and ``tanh`` on jax cast to
(keras#23225, merged after 3.15.1).
"""

import os

os.environ["JAX_ENABLE_X64"] = "1"

import keras
import numpy as np

rng = np.random.default_rng(0)
kernel, recurrent, bias = rng.standard_normal((2, 9)), rng.standard_normal((3, 9)), rng.standard_normal(9)
x, h = rng.standard_normal((4, 2)), rng.standard_normal((4, 3))

cell = keras.layers.GRUCell(3, reset_after=False, dtype="float64")
cell.build((None, 2))
for variable, value in zip(cell.trainable_variables, (kernel, recurrent, bias), strict=True):
    variable.assign(value)
tensors = (keras.ops.convert_to_tensor(a, dtype="float64") for a in (x, h))
got, _ = cell(next(tensors), [next(tensors)])

a = x @ kernel + bias
z, r = (1 / (1 + np.exp(-(a[:, k : k + 3] + h @ recurrent[:, k : k + 3]))) for k in (0, 3))
wanted = z * h + (1 - z) * np.tanh(a[:, 6:] + (r * h) @ recurrent[:, 6:])
print(float(np.max(np.abs(keras.ops.convert_to_numpy(got) - wanted))))
