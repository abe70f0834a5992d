"""TensorFlow."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # what its libraries found on this machine is no result

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from benchmarks.peers.case import Array, Flat


class TensorFlow:
    """Tensors; functions run eagerly unless the checker compiles them."""

    tanh, relu, sum, array, stop = map(
        staticmethod, (tf.tanh, tf.nn.relu, tf.reduce_sum, tf.constant, tf.stop_gradient)
    )

    def bent(self, z: Any, M: Any) -> Any:
        """A function with a gradient of its own."""

        @tf.custom_gradient
        def same(z: Any) -> Any:
            return tf.identity(z), lambda g: tf.reshape(tf.linalg.matvec(M, tf.reshape(g, [-1])), tf.shape(g))

        return same(z)

    def passes(self, f: Callable[..., Any], arguments: Sequence[Any]) -> object:
        """A gradient of the sum of the outputs."""
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            y = f(*arguments)
        return tape.gradient(y, arguments)

    def flat(self, f: Callable[..., Any], arguments: Sequence[Any]) -> Flat:
        """Nobody asks for it here.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError("no checker of the table takes TensorFlow by way of NumPy")

    def counted(self, f: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[[], int]]:
        """By a variable, which counts inside compiled functions, too."""
        calls = tf.Variable(0)

        def counted(*arguments: Any) -> Any:
            calls.assign_add(1)
            return f(*arguments)

        return counted, lambda: int(calls.numpy())

    def arguments(self, values: Sequence[Array]) -> list[Any]:
        """Constants."""
        return [tf.constant(a) for a in values]
