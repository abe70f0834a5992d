"""The ways in which clipping functions take their gradients: what an array becomes, and how the function is called.

No framework is imported but for its own functions; for a person's function those are tried that are loaded already.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from ltdcheck.adapters.keywords import bare
from ltdcheck.problem import Array

OPTIONS = {"clipnorm": "clip-norm", "global_clipnorm": "clip-norm", "clipvalue": "clip-value"}  # of keras' optimizers


def _plainly(function: Callable[..., Any], grads: Any, threshold: float) -> Any:
    return function(grads, threshold)


@dataclass(frozen=True)
class Form:
    """One way to hand gradients over: what an array becomes, how it is read back, what holds them, how it is called.

    ``joined`` are functions of one array, with a norm of its own: they are given all entries in one.
    """

    name: str
    wrap: Callable[[Array], Any]
    read: Callable[[Any], Array]
    containers: tuple[str, ...]
    call: Callable[[Callable[..., Any], Any, float], Any] = _plainly
    joined: bool = False
    computing: Callable[[str], AbstractContextManager[Any]] = lambda _precision: nullcontext()


def root(function: Any) -> str:
    """The top package that the function comes from, through functools.partial."""
    function = bare(function)
    own = getattr(function, "__module__", None) or type(function).__module__
    return str(own or "").partition(".")[0]


def option_of(optimizer: Any) -> str | None:
    """The one clipping option that an optimizer of keras was, or is to be, made with; None for everything else."""
    told, kind = optimizer, type(optimizer)
    if isinstance(optimizer, functools.partial) and isinstance(bare(optimizer), type):
        told, kind = SimpleNamespace(**optimizer.keywords), bare(optimizer)
    bases = [(base.__module__.partition(".")[0], base.__name__) for base in kind.__mro__]
    if ("keras", "BaseOptimizer") not in bases:
        return None
    given = [name for name in OPTIONS if getattr(told, name, None) is not None]
    return given[0] if len(given) == 1 else None


def forms(function: Any) -> Iterator[Form]:
    """The forms to try, in order."""
    own = root(function)
    if own in OWN:
        yield from OWN[own](function)
        return
    yield Form("a list of arrays", np.array, _ndarray, ("list",))
    yield Form("a dict of arrays", np.array, _ndarray, ("dict",))
    for package, more in LOADED.items():
        if package in sys.modules:
            yield from more()


# -- torch -----------------------------------------------------------------------------------------------------------


def _torch(function: Any = None) -> Iterator[Form]:
    import torch

    wrap = functools.partial(_parameter, torch)
    yield Form("parameters with .grad", wrap, _gradient, ("list", "generator"))
    yield Form("a list of tensors", torch.tensor, _array, ("list",))
    yield Form("a dict of tensors", torch.tensor, _array, ("dict",))


def _parameter(torch: Any, array: Array) -> Any:
    parameter = torch.nn.Parameter(torch.zeros(array.shape, dtype=torch.tensor(array).dtype))
    parameter.grad = torch.tensor(array)
    return parameter


def _gradient(parameter: Any) -> Array:
    if not parameter.is_leaf:  # asking it for a gradient would warn
        raise TypeError("a computed tensor has no gradient of its own")
    return _array(parameter.grad)


def _array(tensor: Any) -> Array:
    return np.asarray(tensor.detach().numpy())


# -- jax and optax ---------------------------------------------------------------------------------------------------


def _jax(_function: Any = None, **how: Any) -> Iterator[Form]:
    import jax

    def bits(precision: str) -> AbstractContextManager[Any]:
        enabled: AbstractContextManager[Any] = jax.enable_x64(precision == "float64")
        return enabled

    for container in ("list", "dict"):
        name = f"a {container} of jax arrays"
        yield Form(name, jax.numpy.asarray, np.asarray, (container,), computing=bits, **how)


def _optax(_function: Any) -> Iterator[Form]:
    """Functions of the threshold, which return a transformation of gradients."""
    yield from _jax(call=_transformed)


def _transformed(function: Callable[..., Any], grads: Any, threshold: float) -> Any:
    transformation = function(threshold)
    return transformation.update(grads, transformation.init(grads))[0]


# -- TensorFlow ------------------------------------------------------------------------------------------------------


def _tensorflow(function: Any = None) -> Iterator[Form]:
    import tensorflow as tf

    name = getattr(function, "__name__", "")
    if root(function) == "tensorflow" and name in ("clip_by_norm", "clip_by_value"):
        call = _between if name == "clip_by_value" else _alone
        yield Form("one tensor", tf.constant, _numpy, ("list",), call, joined=True)
        return
    yield Form("a list of TensorFlow tensors", tf.constant, _numpy, ("list",))
    yield Form("a dict of TensorFlow tensors", tf.constant, _numpy, ("dict",))


def _alone(function: Callable[..., Any], grads: Any, threshold: float) -> Any:
    return [function(grads[0], threshold)]


def _between(function: Callable[..., Any], grads: Any, threshold: float) -> Any:
    return [function(grads[0], -threshold, threshold)]


def _numpy(tensor: Any) -> Array:
    return np.asarray(tensor.numpy())


# -- keras -----------------------------------------------------------------------------------------------------------


def _keras(optimizer: Any) -> Iterator[Form]:
    """An optimizer with one of the clipping options: what it leaves is a step of gradient descent from 0."""
    import keras

    def bits(precision: str) -> AbstractContextManager[Any]:
        on_jax: AbstractContextManager[Any] = nullcontext()
        if keras.backend.backend() == "jax":
            import jax

            on_jax = jax.enable_x64(precision == "float64")
        return on_jax

    def stepped(_optimizer: Any, grads: Any, threshold: float) -> Any:
        descent = keras.optimizers.SGD(1.0, **{option: threshold})
        variables = [keras.Variable(np.zeros(g.shape), dtype=keras.backend.standardize_dtype(g.dtype)) for g in grads]
        descent.apply(grads, variables)
        return [-variable.value for variable in variables]

    option = str(option_of(optimizer))
    yield Form(
        f"gradients of variables, with {option}",
        lambda array: keras.ops.convert_to_tensor(array, dtype=str(array.dtype)),
        lambda tensor: np.array(keras.ops.convert_to_numpy(tensor)),
        ("list",),
        stepped,
        joined=option == "clipnorm",
        computing=bits,
    )


def _ndarray(value: Any) -> Array:
    """An array of NumPy, not of a framework that took one for its own."""
    if type(value).__module__.partition(".")[0] in LOADED or type(value).__name__ == "ArrayImpl":
        raise TypeError(f"it answers with {type(value).__name__}, given NumPy arrays")
    return np.asarray(value)


LOADED: dict[str, Callable[..., Iterator[Form]]] = {"torch": _torch, "jax": _jax, "tensorflow": _tensorflow}
OWN = {**LOADED, "optax": _optax, "keras": _keras}
