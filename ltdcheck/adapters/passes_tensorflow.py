"""The passes of TensorFlow, executed eagerly, under a tape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from ltdcheck.adapters.adapted import Kit, named
from ltdcheck.adapters.passes import Answered, Asked, Engine, Forward, refuse_other_kinds
from ltdcheck.adapters.views import same
from ltdcheck.problem import Array


class TensorflowEngine(Engine):
    """Gradients by ``tf.GradientTape``; a variable is a ``tf.Variable``, or has one as ``value``."""

    name, version = "tensorflow", str(tf.__version__)

    def array(self, values: Array, precision: str) -> Any:
        """A tensor on the CPU."""
        return tf.cast(tf.convert_to_tensor(values), precision)

    def kit(self, precision: str) -> Kit:
        """Zeros, and stacking."""
        return Kit(lambda shape: tf.zeros(shape, precision), tf.stack)

    def numbers(self, array: Any) -> Array:
        """The values; of a gradient that lists rows, all rows."""
        values = tf.convert_to_tensor(array)
        found: Array = (tf.cast(values, "float32") if values.dtype == tf.bfloat16 else values).numpy()
        return found

    def passes(self, asked: Asked, variables: Mapping[str, Any], forward: Forward, owner: Any) -> Answered:
        """Under a tape that lasts for all backward passes."""
        for name, variable in variables.items():
            variable.assign(self.array(asked.params[name], asked.precision))
        arrays = {n: self.array(asked.viewed(n, a), asked.precision) for n, a in asked.given.items()}
        pulled = [self.array(asked.viewed(n, a), asked.precision) for n, a in asked.cotangents.items()]
        x, *state = arrays.values()
        leaves = [x, *state, *(getattr(v, "value", v) if not _is_own(v) else v for v in variables.values())]
        with tf.GradientTape(persistent=asked.pulls > 1, watch_accessed_variables=False) as tape:
            if asked.pulls:
                tape.watch(leaves)
            y, final = forward(x, state)
        answers = {"y": y, **named("state", final)}
        dtypes = refuse_other_kinds(answers)
        grads: Sequence[Any] = ()
        for _ in range(asked.pulls):
            targets = [(a, tf.cast(c, a.dtype)) for a, c in zip(answers.values(), pulled, strict=True)]
            grads = tape.gradient([a for a, _ in targets], leaves, [c for _, c in targets])
        values = {n: self.numbers(v if _is_own(v) else v.value) for n, v in variables.items()}
        facts = {"mutated": [n for n, value in values.items() if not same(value, asked.params[n])]}
        if asked.given["x"].size:
            facts["dtype"] = [f"{n}: {dtype}" for n, dtype in dtypes.items() if dtype != asked.precision]
        if asked.given["x"].size and asked.pulls:
            facts["missing"] = [n for n, g in zip([*arrays, *variables], grads, strict=True) if g is None]
        return Answered(list(answers.values()), grads, facts)


ENGINE = TensorflowEngine()


def _is_own(variable: Any) -> bool:
    return isinstance(variable, tf.Variable)
