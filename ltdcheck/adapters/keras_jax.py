"""keras on jax: a layer is a pure function of its variables, as ``keras.StatelessScope`` makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import keras

from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.jax import JaxNetwork
from ltdcheck.adapters.jax_model import Model
from ltdcheck.adapters.keras_layers import Weights, call_of, default_dtype, is_cell, is_layer, offered, prepared


@dataclass
class Sized:
    """A layer still to be made, since it is made in a precision; ``precisions`` are those that it can have."""

    make: Callable[[int, int], Any]
    sizes: tuple[int, int]  # I and H
    precisions: tuple[str, ...]

    def layer(self, precision: str) -> Any:
        """The layer; its weights have shapes, and values where a layer of one's own needs them at once."""
        with default_dtype(precision):
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
        # else what has no value yet gets one at the end of the call, which would be traced as a part of it
        with default_dtype(precision), keras.StatelessScope(held, initialize_variables=False):
            return call_of(layer)(x, *state, **mask)

    def ragged(tree: dict[str, Any], x: Any, lengths: Any, *state: Any) -> Any:
        return apply(tree, x, *state, mask=jnp.arange(x.shape[1]) < lengths[:, None])

    start = (lambda x: layer.get_initial_state(batch_size=len(x))) if is_cell(layer) else None
    return Model(init, apply, start=start, ragged=ragged if is_layer(layer) else None)


def adapt(blueprint: Blueprint, first: Any) -> JaxNetwork:
    """A layer as an implementation; its framework is called keras."""
    precisions, weights = offered(blueprint, first), Weights()

    def sized(input_size: int, hidden_size: int) -> Sized:
        return Sized(blueprint.make, (input_size, hidden_size), precisions)

    deferred = Blueprint(blueprint.target, sized, blueprint.fixed)
    made = sized(0, 0)
    network = JaxNetwork(
        blueprint.target, deferred, made, lambda it, p: model_of(it.layer(p), weights, p), package="keras"
    )
    network.framework_version += f" on jax {jax.__version__}"
    return network
