"""keras' LSTM and GRU in float64 on torch lose half their digits when they are given a mask; keras and NumPy alone.

Without a mask the layers call an implementation of the backend's own, and with one the loop over their cells, whose
``ops.matmul`` computes in float32 (keras#23225, merged after 3.15.1). A mask that hides nothing changes nothing else.
Run with KERAS_BACKEND=torch or tensorflow; prints, for each layer, the largest difference that such a mask makes.
"""

import keras
import numpy as np

rng = np.random.default_rng(0)
x = keras.ops.convert_to_tensor(rng.standard_normal((4, 5, 2)), dtype="float64")
nothing_hidden = keras.ops.convert_to_tensor(np.full((4, 5), True))
for kind in (keras.layers.LSTM, keras.layers.GRU):
    layer = kind(3, return_sequences=True, dtype="float64")
    layer.build((None, None, 2))
    for variable in layer.trainable_variables:
        variable.assign(rng.standard_normal(variable.shape))
    plain, masked = (keras.ops.convert_to_numpy(layer(x, mask=mask)) for mask in (None, nothing_hidden))
    print(kind.__name__, float(np.max(np.abs(plain - masked))))
