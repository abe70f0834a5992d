"""The passes of TensorFlow under a tape: executed eagerly, or as a graph where one is asked for again.

A graph is what users get of keras' ``fit`` and of ``tf.function``; eager calls take ten to twenty times as long, and
making a graph as long as about ten of them. So the first passes at a shape are eager and the others are one graph, and
both are seen; long sequences are a graph at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import tensorflow as tf

from ltdcheck.adapters.adapted import Kit, named
from ltdcheck.adapters.engine import Answered, Asked, Engine, Forward, refuse_other_kinds
from ltdcheck.adapters.views import same
from ltdcheck.problem import Array

EAGER = 8  # passes at a shape before one is traced
LONG = 64  # steps that take longer eagerly than a graph takes to be made

Whole = Callable[[list[Any], list[Any]], tuple[dict[str, Any], Sequence[Any]]]  # (given, cotangents)


class TensorflowEngine(Engine):
    """Gradients by ``tf.GradientTape``; a variable is a ``tf.Variable``, or has one as ``value``."""

    name, version = "tensorflow", str(tf.__version__)

    def __init__(self) -> None:
        self._graphs: WeakKeyDictionary[Any, _Graphs] = WeakKeyDictionary()

    def compiled(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """As a graph."""
        graph: Callable[..., Any] = tf.function(call, autograph=False)
        return graph

    def array(self, values: Array, precision: str) -> Any:
        """A tensor on the CPU."""
        return tf.cast(tf.convert_to_tensor(values), precision)

    def kit(self, x: Any) -> Kit:
        """Zeros like the numbers of x, and stacking."""
        return Kit(lambda shape: tf.zeros(shape, x.dtype), tf.stack)

    def numbers(self, array: Any) -> Array:
        """The values; of a gradient that lists rows, all rows."""
        values = tf.convert_to_tensor(array)
        found: Array = (tf.cast(values, "float32") if values.dtype == tf.bfloat16 else values).numpy()
        return found

    def passes(self, asked: Asked, variables: Mapping[str, Any], forward: Forward, owner: Any) -> Answered:
        """Under a tape that lasts for all backward passes; as a graph where the question can be asked of one."""
        for name, variable in variables.items():
            variable.assign(self.array(asked.params[name], asked.precision))
        arrays = {n: self.array(asked.viewed(n, a), asked.precision) for n, a in asked.given.items()}
        pulled = [self.array(asked.viewed(n, a), asked.precision) for n, a in asked.cotangents.items()]
        weights = {n: v if isinstance(v, tf.Variable) else v.value for n, v in variables.items()}
        whole = _whole(forward, list(weights.values()), asked.pulls)
        if asked.traceable and asked.pulls < 2:
            whole = self._graphs.setdefault(owner, _Graphs()).of(asked, whole)
        answers, grads = whole(list(arrays.values()), pulled)
        dtypes = refuse_other_kinds(answers)
        facts = {"mutated": [n for n, v in weights.items() if not same(self.numbers(v), asked.params[n])]}
        facts["dtype"] = [f"{n}: {dtype}" for n, dtype in dtypes.items() if dtype != asked.precision]
        if asked.pulls:
            facts["missing"] = [n for n, g in zip([*arrays, *variables], grads, strict=True) if g is None]
        return Answered(list(answers.values()), grads, facts)


def _whole(forward: Forward, weights: Sequence[Any], pulls: int) -> Whole:
    """The answers, and the gradients of what is given and of the weights."""

    def whole(given: list[Any], cotangents: list[Any]) -> tuple[dict[str, Any], Sequence[Any]]:
        leaves = [*given, *weights]
        with tf.GradientTape(persistent=pulls > 1, watch_accessed_variables=False) as tape:
            if pulls:
                tape.watch(leaves)
            y, final = forward(given[0], given[1:])
        answers = {"y": y, **named("state", final)}
        refuse_other_kinds(answers)
        grads: Sequence[Any] = ()
        for _ in range(pulls):
            targets = [(a, tf.cast(c, a.dtype)) for a, c in zip(answers.values(), cotangents, strict=True)]
            grads = tape.gradient([a for a, _ in targets], leaves, [c for _, c in targets])
        return answers, grads

    return whole


class _Graphs:
    """Those of one instance, by the shapes of what is given."""

    def __init__(self) -> None:
        self._asked: Counter[Any] = Counter()
        self._made: dict[Any, Whole] = {}

    def of(self, asked: Asked, whole: Whole) -> Whole:
        """The graph for this question, or ``whole`` itself where it was not asked for often."""
        key = asked.pulls, tuple((name, array.shape) for name, array in asked.given.items())
        self._asked[key] += 1
        if self._asked[key] <= EAGER and max(asked.given["x"].shape[:2]) < LONG:
            return whole
        return self._made.setdefault(key, tf.function(whole, autograph=False))


ENGINE = TensorflowEngine()
