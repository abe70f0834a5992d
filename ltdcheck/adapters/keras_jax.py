"""keras on jax: a layer is a pure function of its variables, as ``keras.StatelessScope`` makes it.

What a stateful layer keeps of a call is gone with the scope, in which it begins from zeros by its ``reset_state()``.
Whether it goes on from one call to the next is asked of a layer outside of any scope: as it is called, and compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras

from ltdcheck.adapters.adapted import raising
from ltdcheck.adapters.blueprint import Blueprint, Key
from ltdcheck.adapters.jax import JaxNetwork
from ltdcheck.adapters.jax_arrays import numbers
from ltdcheck.adapters.jax_model import Model, bits
from ltdcheck.adapters.keras_calls import call_of, prepared, run_on
from ltdcheck.adapters.keras_layers import Weights, default_dtype, is_cell, is_layer, offered
from ltdcheck.adapters.keras_stateful import COMPILED, make_room, ways
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Problem


@dataclass
class Sized:
    """A layer still to be made, since it is made in a precision; ``precisions`` are those that it can have."""

    make: Callable[[int, int], Any]
    sizes: tuple[int, int]  # I and H
    precisions: tuple[str, ...]
    remembers: bool = False  # it keeps its state, in variables that have values from the start

    def layer(self, precision: str) -> Any:
        """The layer; its weights have shapes, and values where a layer of one's own needs them at once."""
        with default_dtype(precision):
            if self.remembers:
                return prepared(self.make(*self.sizes), self.sizes[0])
            try:
                with keras.StatelessScope(initialize_variables=False):  # jax would compile each drawing of values
                    return prepared(self.make(*self.sizes), self.sizes[0])
            except ValueError:
                return prepared(self.make(*self.sizes), self.sizes[0])


def model_of(layer: Any, weights: Weights, precision: str) -> Model:
    """The layer as two functions."""
    variables = weights.of(layer)

    def init(_x: Any) -> dict[str, Any]:
        return {name: jnp.zeros(tuple(v.shape), v.dtype) for name, v in variables.items()}

    def apply(tree: dict[str, Any], x: Any, *state: Any, **mask: Any) -> Any:
        held = [(variable, tree[name]) for name, variable in variables.items()]
        with default_dtype(precision), jax.ensure_compile_time_eval():  # variables are not made in a scope or a trace
            make_room(layer, x.shape)
        # else what has no value yet gets one at the end of the call, which would be traced as a part of it
        with default_dtype(precision), keras.StatelessScope(held, initialize_variables=False):
            return call_of(layer)(x, *state, **mask)

    def ragged(tree: dict[str, Any], x: Any, lengths: Any, *state: Any) -> Any:
        return apply(tree, x, *state, mask=jnp.arange(x.shape[1]) < lengths[:, None])

    start = (lambda x: layer.get_initial_state(batch_size=len(x))) if is_cell(layer) else None
    return Model(init, apply, start=start, ragged=ragged if is_layer(layer) else None)


def compiled(layer: Any) -> Callable[..., Any]:
    """The layer as keras' ``predict`` compiles it: its variables go in, and those that are not trained come back."""
    stateless = jax.jit(layer.stateless_call)

    def call(x: Any, **given: Any) -> Any:
        weights, others = ([v.value for v in vs] for vs in (layer.trainable_variables, layer.non_trainable_variables))
        answer, after = stateless(weights, others, x, **given)
        for variable, value in zip(layer.non_trainable_variables, after, strict=True):
            variable.assign(value)
        return answer

    return call


class KerasOnJax(JaxNetwork):
    """A layer or a cell."""

    def __init__(self, blueprint: Blueprint, first: Any) -> None:
        self.weights = Weights()
        self._outside: dict[Key, Any] = {}  # layers that are called outside of scopes
        precisions, self.remembers = offered(blueprint, first), ways(first, compiles=True)

        def sized(input_size: int, hidden_size: int) -> Sized:
            return Sized(blueprint.make, (input_size, hidden_size), precisions, bool(self.remembers))

        def model(it: Sized, precision: str) -> Model:
            return model_of(it.layer(precision), self.weights, precision)

        deferred = Blueprint(blueprint.target, sized, blueprint.fixed)
        super().__init__(blueprint.target, deferred, sized(0, 0), model, package="keras")
        self.framework_version += f" on jax {jax.__version__}"

    def run_on(self, problems: Sequence[Problem], way: str) -> list[Outputs]:
        """One call after the other of one layer."""
        key = I, H, precision = problems[0].sizes["I"], problems[0].sizes["H"], problems[0].precision
        self.refuse_other_sizes(I, H)
        with bits(precision), default_dtype(precision), raising():
            if key not in self._outside:
                self._outside[key] = self.blueprint.make(I, H).layer(precision)
            layer = self._outside[key]
            called = compiled(layer) if way == COMPILED else layer
            return run_on(self, partial(call_of, layer, called), self.weights.of(layer), problems, numbers)


def adapt(blueprint: Blueprint, first: Any) -> JaxNetwork:
    """A layer as an implementation; its framework is called keras."""
    return KerasOnJax(blueprint, first)
