"""What keras' recurrent layers and cells need to be told, and how they are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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
    """The layer, its cells and their activations are keras' own, whose lines keep nothing between calls."""
    activations = [getattr(part, name, None) for part in _parts(layer) for name in ACTIVATIONS]
    kinds = [type(part) for part in _parts(layer)]
    return all(_own(what) for what in (*kinds, *filter(None, activations)))


def _parts(layer: Any) -> Iterator[Any]:
    """The layer, the layers of both directions, and the cells."""
    yield layer
    inner = [getattr(layer, name, None) for name in ("forward_layer", "backward_layer", "cell")]
    for part in (*inner, *getattr(layer, "cells", ())):
        if part is not None:
            yield from _parts(part)


def _own(what: Any) -> bool:
    return str(getattr(what, "__module__", "")).startswith("keras.")


def prepared(layer: Any, input_size: int) -> Any:
    """The layer with its weights, returning sequences and states whether it was made to or not."""
    for part in (layer, *(getattr(layer, f"{way}_layer", None) for way in ("forward", "backward"))):
        if is_layer(part):
            part.return_sequences = part.return_state = True
    if not layer.built:
        _build(layer, input_size)
    return layer


def _build(layer: Any, input_size: int) -> None:
    """Make the weights: keras' own layers can do so by a shape, a person's may do so when they are first called."""
    if _own(type(layer)):
        layer.build((None, None, input_size) if is_layer(layer) else (None, input_size))
        return
    for shape in ((1, 1, input_size), (1, input_size)):
        try:
            call_of(layer)(keras.ops.zeros(shape))
        except Exception:  # noqa: BLE001, S112  (it takes the other one, or raises again when its form is learned)
            continue
        return


def call_of(layer: Any) -> Callable[..., Any]:
    """``(x, state=None) -> (y, state)`` of a layer, or of a cell, whose first state is what it says itself.

    A layer takes a ``mask`` as well, (B, T), false after each row's end.
    """

    def of_layer(x: Any, state: Any = None, mask: Any = None) -> Any:
        y, *final = layer(x, initial_state=state, mask=mask)
        return y, final

    def of_two(x: Any, state: Any = None, mask: Any = None) -> Any:
        ahead, back, *final = layer(x, initial_state=state, mask=mask)
        return keras.ops.concatenate([ahead, back], axis=-1), final

    def of_cell(x: Any, state: Any = None) -> Any:
        state = layer.get_initial_state(batch_size=x.shape[0]) if state is None else state
        if len(keras.tree.flatten(state)) != len(keras.tree.flatten(layer.state_size)):
            raise TypeError(f"its state_size is {layer.state_size}, and it is given {len(state)} states")
        return layer(x, state)

    if is_cell(layer):
        return of_cell
    if not is_layer(layer):
        return layer  # type: ignore[no-any-return]
    return of_two if getattr(layer, "merge_mode", "") is None else of_layer


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


def refuse_what_remembers(layer: Any, target: str) -> None:
    """A layer that keeps its state between calls does what it was asked to, and is no function of its arguments.

    Raises
    ------
    TargetUnusableError
        When a layer is stateful.
    """
    if getattr(layer, "stateful", False):
        why = "it was made with stateful=True, so that a call goes on from where the last one stopped."
        fix = "Make it with stateful=False: it computes the same, from the state that it is given."
        raise TargetUnusableError(target, why, fix)
