"""From an object to an implementation: which adapter it is for is seen from its class, or from what it makes."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from ltdcheck.adapters.blueprint import Blueprint, Forms
from ltdcheck.adapters.keywords import bare
from ltdcheck.errors import TargetUnusableError
from ltdcheck.implementation import Implementation

ACCEPTED = (
    "A target is a torch nn.Module class, instance, or factory (input_size, hidden_size), or a module of flax, equinox "
    "or haiku likewise; an object with init(key, input_size, hidden_size) and apply(params, x, state) for jax; a NumPy "
    "class with self.params and forward(x, state=None); an ltdcheck.Implementation; or a clipping function, with "
    "--cell clip-norm or clip-value."
)


# the module of ltdcheck.adapters for each framework's base class, which is named by where it is defined
BASES = {
    ("keras.src.layers.layer", "Layer"): "keras",
    ("tensorflow.python.module.module", "Module"): "tensorflow",
    ("ltdcheck.adapters.program_session", "Command"): "program",
    ("ltdcheck.adapters.onnx_model", "Model"): "onnx",
    ("torch.nn.modules.module", "Module"): "torch",
    ("flax.linen.module", "Module"): "flax_linen",
    ("flax.nnx.module", "Module"): "flax_nnx",
    ("equinox._module._module", "Module"): "equinox",
    ("reservoirpy.nodes.reservoir", "Reservoir"): "reservoirpy",
    ("haiku._src.recurrent", "RNNCore"): "haiku",
    ("haiku._src.transform", "Transformed"): "haiku",
    ("haiku._src.transform", "TransformedWithState"): "haiku",
    ("ltdcheck.adapters.haiku", "Core"): "haiku",
}

Finish = Callable[[], Implementation]


def adapt(obj: Any, target: str) -> Implementation:
    """The implementation that ``obj`` is, or makes.

    Raises
    ------
    TargetUnusableError
        When it is nothing that is accepted, cannot be made, or does not fit its adapter.
    TargetFailure
        When it raised, however it was called, or answered without a state.
    """
    return recognise(obj, target)()


def recognise(obj: Any, target: str) -> Finish:
    """Make the first instance, and see which adapter it is for; what is returned calls it to learn its form.

    Raises
    ------
    TargetUnusableError
        When it is nothing that is accepted, or cannot be made.
    """
    if isinstance(obj, type) and issubclass(obj, Implementation):
        obj = _made(obj, target)
    if isinstance(obj, Implementation):
        return lambda: obj
    if isinstance(obj, type) and _is_functional(obj):
        obj = _made(obj, target)
    if not isinstance(obj, type) and (framework := adapter_of(obj)) is not None:
        own = getattr(import_module(f"ltdcheck.adapters.{framework}"), "blueprint", Blueprint.copies)
        return _by_instance(own(obj, target), obj)
    if not callable(obj):
        raise TargetUnusableError(target, f"it is a {type(obj).__name__}.", ACCEPTED)
    return _by_instance(*Blueprint.of(obj, target, _forms(obj)))


def _forms(obj: Any) -> Forms | None:
    """The ways to make an instance; a function may make a core of haiku, which only haiku's adapter can."""
    obj = bare(obj)
    if framework := adapter_of(obj):
        forms: Forms | None = getattr(import_module(f"ltdcheck.adapters.{framework}"), "FORMS", None)
        return forms
    if isinstance(obj, type) or "haiku" not in sys.modules:
        return None
    return tuple(import_module("ltdcheck.adapters.haiku").FACTORIES)


def _made(kind: type[Any], target: str) -> Any:
    try:
        return kind()
    except Exception as error:
        why = f"making it without arguments raised {type(error).__name__}: {error}."
        raise TargetUnusableError(target, why, "Name an instance instead.") from error


def _by_instance(blueprint: Blueprint, first: Any) -> Finish:
    framework = adapter_of(first)
    if framework is None:
        raise TargetUnusableError(blueprint.target, f"it makes a {type(first).__name__}.", ACCEPTED)
    return partial(import_module(f"ltdcheck.adapters.{framework}").adapt, blueprint, first)


def adapter_of(obj: Any) -> str | None:
    """The adapter for a class or an instance; no framework is imported to find out.

    An adapter is a module of ``ltdcheck.adapters`` with ``adapt(blueprint, first)`` and, where its classes are not made
    with two sizes, ``FORMS``, the ways to make one; and ``blueprint(obj, target)`` where an instance is of no size.
    """
    for base in inspect.getmro(obj if isinstance(obj, type) else type(obj)):
        if framework := BASES.get((base.__module__, base.__name__)):
            return framework
    if not isinstance(obj, type) and _is_functional(obj):
        return "jax"
    return "numpy_class" if _is_numpy(obj) else None


def _is_functional(obj: Any) -> bool:
    """It has ``init(key, input_size, hidden_size)`` and ``apply(params, x, state)``, and is of no framework."""
    bases = inspect.getmro(obj if isinstance(obj, type) else type(obj))
    if any((base.__module__, base.__name__) in BASES for base in bases):
        return False
    return callable(getattr(obj, "init", None)) and callable(getattr(obj, "apply", None))


def _is_numpy(obj: Any) -> bool:
    return (
        not isinstance(obj, type)
        and isinstance(getattr(obj, "params", None), dict)
        and callable(getattr(obj, "forward", None))
    )
