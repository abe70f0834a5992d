"""How clipping functions of frameworks take gradients, and functions of a person that are written for them.

No framework is imported but for its own functions, or where it is loaded already.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from ltdcheck.adapters.clipping_form import Form
from ltdcheck.adapters.clipping_origin import option_of, root
from ltdcheck.problem import Array

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

    from ltdcheck.adapters.jax_model import bits

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

    def computing(precision: str) -> AbstractContextManager[Any]:
        if keras.backend.backend() != "jax":
            return nullcontext()
        from ltdcheck.adapters.jax_model import bits

        return bits(precision)

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
        computing=computing,
    )


LOADED: dict[str, Callable[..., Iterator[Form]]] = {"torch": _torch, "jax": _jax, "tensorflow": _tensorflow}
OWN = {**LOADED, "optax": _optax, "keras": _keras}
