"""What a report says of TensorFlow's second fused LSTM, seen in TensorFlow alone."""

from __future__ import annotations

import numpy as np
from witnesses.tensorflow_block_lstm import by_numpy, by_tensorflow, differences

# of one step in float32: some thirty operations on numbers below 2, each off by 2**-24 of its result; every slope is
# a thousand times as large, and that of the differences 1e-10
ROUNDED = 64 * 2.0**-24


def test_the_gradient_of_the_second_fused_lstm_is_of_the_other_gate_order() -> None:
    """Its answer is that of the order i f c o; in its gradient forget gate and candidate have changed places."""
    h, gradient = by_tensorflow()
    assert abs(h - by_numpy()) < ROUNDED
    slopes = differences()
    assert slopes[1] == 0.0
    assert abs(slopes[2]) > ROUNDED
    np.testing.assert_allclose(gradient, slopes[[0, 2, 1, 3]], atol=ROUNDED)
