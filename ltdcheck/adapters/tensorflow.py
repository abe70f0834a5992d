"""TensorFlow: a ``tf.Module`` class, instance or factory as an implementation, ``tf.function`` or not.

It is called as a torch module is, ``(x, state=None) -> (y, state)``, and its weights are the variables that are
trained. ``tf.keras`` is keras 3, whose layers have an adapter of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from ltdcheck.adapters.adapted import raising
from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.form import Call, Form, H, I
from ltdcheck.adapters.passes import Passing
from ltdcheck.adapters.passes_tensorflow import ENGINE
from ltdcheck.adapters.precisions import Learned
from ltdcheck.adapters.sizes import learn_with_sizes, probing
from ltdcheck.errors import TargetUnusableError


class TensorflowNetwork(Passing):
    """A module, its gradients by ``tf.GradientTape``.

    It is asked in the precision that its variables have, since a variable keeps the one that it is made in.
    """

    framework = "tensorflow"
    framework_version = str(tf.__version__)
    engine = ENGINE

    def __init__(self, target: str, blueprint: Blueprint, first: Any) -> None:
        precision = next(v.dtype.name for v in first.trainable_variables)
        super().__init__(target, blueprint, Learned(*learn_form(target, blueprint, precision), (precision,)))

    def finish(self, made: Any, input_size: int, precision: str) -> Any:
        """As it is made."""
        return made

    def variables(self, owner: Any) -> dict[str, Any]:
        """The variables that are trained."""
        return variables_of(owner)

    def call_of(self, owner: Any) -> Callable[..., Any]:
        """As it is."""
        call: Callable[..., Any] = owner
        return call


def learn_form(target: str, blueprint: Blueprint, precision: str) -> tuple[Form, int]:
    """The form, and the input size with which it was found."""
    with raising():
        module = blueprint.make(I, H)
    probe = probing(lambda values: ENGINE.array(values, precision))
    shapes = [tuple(v.shape) for v in module.trainable_variables] if blueprint.fixed else None
    return learn_with_sizes(Call.of(module, target), probe, target, module, shapes)


def variables_of(module: Any) -> dict[str, Any]:
    """The variables of a module that are trained, each once, by the attributes that lead to them: ``cell.kernel``."""
    found: dict[int, tuple[str, Any]] = {}
    _walk(module, "", found, [])
    return dict(found.values())


def _walk(value: Any, path: str, found: dict[int, tuple[str, Any]], visited: list[Any]) -> None:
    """Add the variables in an attribute: those of a module, of a dict or of a list."""
    if isinstance(value, tf.Variable):
        if value.trainable:
            found.setdefault(id(value), (path, value))
        return
    for name, part in _parts(value, visited):
        _walk(part, f"{path}.{name}".removeprefix("."), found, visited)


def _parts(value: Any, visited: list[Any]) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(enumerate(value))
    if not isinstance(value, tf.Module) or any(value is seen for seen in visited):
        return []
    visited.append(value)
    # _self_: TensorFlow's own records of the attributes
    return [(name, part) for name, part in vars(value).items() if not name.startswith("_self_")]


def adapt(blueprint: Blueprint, first: Any) -> TensorflowNetwork:
    """A module as an implementation, from the way to make it and the first one made.

    Raises
    ------
    TargetUnusableError
        When it has no variables that are trained, or is neither a layer nor a cell.
    """
    if not variables_of(first):
        why = "it has no variables that are trained, so that there is nothing to check a gradient of."
        raise TargetUnusableError(blueprint.target, why, "Let its weights be tf.Variable, in its attributes.")
    return TensorflowNetwork(blueprint.target, blueprint, first)
