"""What keras' recurrent layers and cells are: their precisions, kinds, parts and weights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras

from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.form import H, I
from ltdcheck.errors import TargetUnusableError
from ltdcheck.problem import HALF_PRECISIONS, PRECISIONS

PLAIN = (*PRECISIONS, *HALF_PRECISIONS)  # names of dtype policies that compute in the dtype that they hold

ACTIVATIONS = ("activation", "recurrent_activation")


@contextmanager
def default_dtype(precision: str) -> Iterator[None]:
    """Layers that are made without a dtype have this one."""
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(precision)
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)


def offered(blueprint: Blueprint, first: Any) -> tuple[str, ...]:
    """The precisions that it is made in; that of an instance, and of what is made with a dtype, is its own.

    Raises
    ------
    TargetUnusableError
        When it is none of float64, float32, float16 and bfloat16, but a mixture, say.
    """
    own = str(first.dtype_policy.name)
    found = []
    for precision in () if blueprint.fixed else PRECISIONS:
        with default_dtype(precision):
            found += [precision] * (blueprint.make(I, H).dtype_policy.name == precision)
    if not found and own not in PLAIN:
        fix = f"Make it with a dtype of {', '.join(PLAIN)}."
        raise TargetUnusableError(blueprint.target, f"its dtype policy is {own}.", fix)
    return tuple(found) or (own,)


def is_layer(layer: Any) -> bool:
    """It takes a sequence, in the way of ``keras.layers.RNN``."""
    return isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)


def is_cell(layer: Any) -> bool:
    """It takes one step and a list of states, in the way of what ``keras.layers.RNN`` takes."""
    return not is_layer(layer) and hasattr(layer, "state_size")


def is_of_keras(layer: Any) -> bool:
    """The layer, its cells and their activations are keras' own."""
    activations = [getattr(part, name, None) for part in parts(layer) for name in ACTIVATIONS]
    kinds = [type(part) for part in parts(layer)]
    return all(own(what) for what in (*kinds, *filter(None, activations)))


def parts(layer: Any) -> Iterator[Any]:
    """The layer, the layers of both directions, and the cells."""
    yield layer
    inner = [getattr(layer, name, None) for name in ("forward_layer", "backward_layer", "cell")]
    for part in (*inner, *getattr(layer, "cells", ())):
        if part is not None:
            yield from parts(part)


def own(what: Any) -> bool:
    """A class or function is defined in keras."""
    return str(getattr(what, "__module__", "")).startswith("keras.")


@dataclass
class Weights:
    """The variables that are trained, by the names that they have in the first instance that is asked about.

    keras numbers the layers that it makes, and the numbers are in the paths of their variables.
    """

    names: list[str] = field(default_factory=list)

    def of(self, layer: Any) -> dict[str, Any]:
        """By name, in keras' order."""
        self.names = self.names or _names(layer)
        return dict(zip(self.names, layer.trainable_variables, strict=True))


def _names(layer: Any) -> list[str]:
    """Their paths without what all of them begin with, and without the numbers, unless only these tell them apart."""
    paths = [variable.path.split("/") for variable in layer.trainable_variables]
    common = next((k for k, parts in enumerate(zip(*paths, strict=False)) if len(set(parts)) > 1), -1)
    names = ["/".join(path[common:]) for path in paths]
    plain = [re.sub(r"_\d+(?=/|$)", "", name) for name in names]
    return plain if len(set(plain)) == len(plain) else names
