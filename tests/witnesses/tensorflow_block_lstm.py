"""The gradient of TensorFlow's BlockLSTMV2 is that of another gate order; TensorFlow and NumPy alone.

``tf.raw_ops.BlockLSTMV2`` reads its gates in the order i f c o: "i, f, cs, o" is the order of its outputs and, by its
answers, of the columns of ``w`` and ``b``. The gradient that is registered for it in 2.21 is the one of ``BlockLSTM``,
which reads i c f o. Here is one step of one unit from c = 0: h = o*tanh(i*c~) does not depend on the forget gate.

Prints the gradient of h by the pre-activations of i f c o, from TensorFlow and by central differences of NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

GATES = np.array([1.0, 2.0, -1.0, 0.5])  # pre-activations of i f c o


def by_tensorflow() -> tuple[float, Any]:
    """h, and its gradient."""
    w, zero = tf.Variable(tf.constant([GATES, [0.0] * 4], tf.float32)), tf.zeros(1)
    with tf.GradientTape() as tape:
        h = tf.raw_ops.BlockLSTMV2(
            seq_len_max=tf.constant(1, tf.int64), x=tf.ones((1, 1, 1)), cs_prev=tf.zeros((1, 1)),
            h_prev=tf.zeros((1, 1)), w=w, wci=zero, wcf=zero, wco=zero, b=tf.zeros(4), cell_clip=0.0,
            use_peephole=False,
        )[-1]  # fmt: skip
    return float(h.numpy()[0, 0, 0]), tape.gradient(h, w).numpy()[0]


def by_numpy(gates: Any = GATES) -> float:
    """h of one step from c = 0."""
    i, f, o = 1 / (1 + np.exp(-gates[[0, 1, 3]]))
    return float(o * np.tanh(f * 0.0 + i * np.tanh(gates[2])))


def differences(step: float = 1e-6) -> Any:
    """The gradient of :func:`by_numpy`."""
    return np.array([(by_numpy(GATES + e) - by_numpy(GATES - e)) / (2 * step) for e in step * np.eye(4)])


if __name__ == "__main__":
    h, gradient = by_tensorflow()
    print("h", h, "in NumPy", by_numpy())
    print("gradient by i f c o", gradient, "in NumPy", differences())
