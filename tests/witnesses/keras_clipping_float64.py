"""keras' optimizers clip gradients in float64 in single precision on torch; keras and NumPy alone.

The clipping options are made of ``keras.ops``, which promote float64 with float64 to float32 on torch (keras#23225,
merged after 3.15.1). Run with KERAS_BACKEND=torch or tensorflow; prints, for each option, how far the gradient
(1.1, 1.3) that is clipped to 0.7 is from what NumPy makes of it.
"""

import keras
import numpy as np

GRADIENT, THRESHOLD = np.array([1.1, 1.3]), 0.7
BY_NORM = GRADIENT * THRESHOLD / np.sqrt(np.sum(GRADIENT**2))
WANTED = {"clipnorm": BY_NORM, "global_clipnorm": BY_NORM, "clipvalue": np.full(2, THRESHOLD)}
for option, wanted in WANTED.items():
    variable = keras.Variable(np.zeros(2), dtype="float64")
    gradient = keras.ops.convert_to_tensor(GRADIENT, dtype="float64")
    keras.optimizers.SGD(1.0, **{option: THRESHOLD}).apply([gradient], [variable])
    print(option, float(np.max(np.abs(-keras.ops.convert_to_numpy(variable.value) - wanted))))
