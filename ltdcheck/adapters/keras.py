"""keras: layers and cells of keras 3 as implementations, on whichever backend the process has.

A class of layers is made with ``units`` and returns sequences and states; an instance, or what a factory
``(input_size, hidden_size)`` makes, is set to return them too, since without them there is nothing to compare. A class
is made in double and in single precision; an instance has the precision that it was made with. Gradients are those of
the backend. Dropout is off, as in every call of a layer outside of training. A stateful layer begins from zeros where
it is given no state, by its ``reset_state()``, and is asked as well whether a call without one goes on from the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

from ltdcheck.adapters.adapted import Adapted, raising
from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.engine import Engine
from ltdcheck.adapters.form import Call, Form, H, I
from ltdcheck.adapters.keras_calls import call_of, prepared, raised_by, run_on
from ltdcheck.adapters.keras_layers import Weights, default_dtype, is_layer, is_of_keras, offered
from ltdcheck.adapters.keras_stateful import COMPILED, ways
from ltdcheck.adapters.passes import Passing
from ltdcheck.adapters.precisions import in_each_precision
from ltdcheck.adapters.sizes import learn_with_sizes, probing
from ltdcheck.errors import TargetUnusableError
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Problem

FORMS = (
    lambda made, _i, h: made(h, return_sequences=True, return_state=True),
    lambda made, i, h: made(input_size=i, hidden_size=h),
    lambda made, _i, h: made(h),
    lambda made, i, h: made(i, h),
)
BACKENDS = ("jax", "tensorflow", "torch")


class KerasNetwork(Passing):
    """A layer or a cell whose backend computes as it goes: torch or TensorFlow."""

    framework = "keras"

    def __init__(self, target: str, blueprint: Blueprint, first: Any, engine: Engine) -> None:
        self.engine, self.weights = engine, Weights()
        self.framework_version = f"{keras.__version__} on {engine.name} {engine.version}"
        made = SimpleNamespace(precisions=offered(blueprint, first))
        learned = in_each_precision(made, lambda precision, _known: self._learn(target, blueprint, precision))
        super().__init__(target, blueprint, learned)
        self.takes_lengths = is_layer(first)
        self.remembers = ways(first, compiles=engine.compiled(first) is not None)
        kept = self.form.kind == "layer" and engine.name == "tensorflow" and is_of_keras(first)
        self._kept = kept and not self.remembers
        self.compiles = "TBIH" if self._kept else ""

    @contextmanager
    def computing(self, precision: str) -> Iterator[None]:
        """What is made and called has this precision."""
        with self.engine.computing(precision), default_dtype(precision):
            yield

    def _learn(self, target: str, blueprint: Blueprint, precision: str) -> tuple[Form, int]:
        """The form, and the input size with which it was found."""
        probe = probing(lambda values: self.engine.array(values, precision))
        with self.computing(precision):
            with raising():
                layer = prepared(blueprint.make(I, H), I)
            call = Call.of(call_of(layer), target)
            shapes = [tuple(v.shape) for v in layer.trainable_variables] if blueprint.fixed else None
            return learn_with_sizes(call, probe, target, layer, shapes)

    def finish(self, made: Any, input_size: int, precision: str) -> Any:
        """With its weights; it is made in the precision."""
        return prepared(made, input_size)

    def variables(self, owner: Any) -> dict[str, Any]:
        """The weights that are trained."""
        return self.weights.of(owner)

    def traceable(self, problem: Problem) -> bool:
        """A layer of keras' own, without a mask; one that keeps its state is run at every call."""
        return self._kept and problem.lengths is None

    def call_of(self, owner: Any) -> Callable[..., Any]:
        """As keras calls it."""
        return call_of(owner)

    def call_on(self, owner: Any, problem: Problem) -> Callable[..., Any]:
        """With a mask where rows have lengths."""
        if problem.lengths is None:
            return call_of(owner)
        running = np.arange(len(problem.x)) < np.array(problem.lengths)[:, None]  # (B, T)
        return partial(call_of(owner), mask=keras.ops.convert_to_tensor(running))

    def run_on(self, problems: Sequence[Problem], way: str) -> list[Outputs]:
        """One call after the other on the kept instance."""
        sizes, precision = problems[0].sizes, problems[0].precision
        layer = self.instance(sizes["I"], sizes["H"], precision, fresh=False)
        with self.computing(precision), raising():
            called = self.engine.compiled(layer) if way == COMPILED else layer
            call = partial(call_of, layer, called)
            return run_on(self, call, self.variables(layer), problems, self.engine.numbers)


def adapt(blueprint: Blueprint, first: Any) -> Adapted:
    """A layer as an implementation, from the way to make it and the first one made.

    Raises
    ------
    TargetUnusableError
        When it has no weights, or is neither a layer nor a cell; or when keras has a backend without gradients.
    """
    target, backend = blueprint.target, keras.backend.backend()
    if backend not in BACKENDS:
        fix = f"Set KERAS_BACKEND to {', '.join(BACKENDS)}."
        raise TargetUnusableError(target, f"the backend of keras is {backend}, which has no gradients.", fix)
    with raising():
        layer = prepared(blueprint.make(I, H), I)
        weights = layer.trainable_variables
        if not weights and (error := raised_by(layer, I)) is not None:
            raise error
    if not weights:
        why = "it has no weights that are trained, so that there is nothing to check a gradient of."
        raise TargetUnusableError(target, why, "Give it some, with trainable=True.")
    if backend == "jax":
        on_jax: Adapted = import_module("ltdcheck.adapters.keras_jax").adapt(blueprint, first)
        return on_jax
    engine: Engine = import_module(f"ltdcheck.adapters.passes_{backend}").ENGINE
    return KerasNetwork(target, blueprint, first, engine)
