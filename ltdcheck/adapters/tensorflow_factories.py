"""TensorFlow's own fused LSTMs, which are operators, as modules: factories (input_size, hidden_size).

An operator takes the weights of x and h in one array (I+H, 4H), three peepholes that are not used, a bias, and the
state with which it starts; of its seven outputs the second is c of every step, and the last h.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


class _Fused(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """``(x, state=None) -> (h of every step, (c, h))``, time-major, in single precision: they have no other."""

    def __init__(self, operator: Any, input_size: int, hidden_size: int, **options: Any) -> None:
        super().__init__()
        self.operator, self.hidden_size, self.options = operator, hidden_size, options
        self.kernel = tf.Variable(tf.zeros((input_size + hidden_size, 4 * hidden_size)))
        self.bias = tf.Variable(tf.zeros(4 * hidden_size))

    def __call__(self, x: Any, state: Any = None) -> Any:
        none = tf.zeros(self.hidden_size)
        c, h = (tf.zeros((x.shape[1], self.hidden_size)),) * 2 if state is None else state
        steps = tf.constant(x.shape[0], tf.int64)
        _, cs, _, _, _, _, hs = self.operator(
            seq_len_max=steps, x=x, cs_prev=c, h_prev=h, w=self.kernel, wci=none, wcf=none, wco=none, b=self.bias,
            cell_clip=-1.0, use_peephole=False, **self.options,
        )  # fmt: skip
        return hs, (cs[-1], hs[-1])


def block_lstm(input_size: int, hidden_size: int) -> Any:
    """``BlockLSTM``, which adds nothing to the forget gate's bias here."""
    return _Fused(tf.raw_ops.BlockLSTM, input_size, hidden_size, forget_bias=0.0)


def block_lstm_v2(input_size: int, hidden_size: int) -> Any:
    """``BlockLSTMV2``."""
    return _Fused(tf.raw_ops.BlockLSTMV2, input_size, hidden_size)
