"""The nonlinearities of gates, candidates and outputs, each with its derivative written with its value.

    tanh                    1 - h*h
    sigmoid                 s*(1 - s)
    relu                    1 where h > 0
    identity                1
    softsign                a/(1 + |a|), and (1 - |h|)**2
    hard sigmoid 0.2        0.2*a + 0.5 held between 0 and 1 (Keras before 3, TensorFlow 1, the default of ONNX)
    hard sigmoid 1/6        a/6 + 0.5 held between 0 and 1: relu6(a + 3)/6 (torch, jax, Keras 3)

At a kink the derivative is taken as 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from ltdcheck.reference import ops

Nonlinearity = Literal["tanh", "sigmoid", "relu", "identity"]
Gate = Literal["sigmoid", "hard sigmoid 0.2", "hard sigmoid 1/6"]
Function = Callable[[Any], Any]
Pair = tuple[Function, Function]  # phi, and its derivative written with the value h = phi(a)


def softsign(a: Any) -> Any:
    """``a/(1 + |a|)``: as tanh, but slower to saturate."""
    return a / (1 + ops.absolute(a))


def softsign_slope(h: Any) -> Any:
    """``(1 - |h|)**2``, from the value: ``1 - |h|`` is ``1/(1 + |a|)``."""
    left = 1 - ops.absolute(h)
    return left * left


def hard_sigmoid(slope: float) -> Pair:
    """``slope*a + 0.5`` between 0 and 1, and its derivative from the value: ``slope`` there, else 0."""
    return (
        lambda a: ops.held(slope * a + 0.5, 0.0, 1.0),
        lambda s: slope * ops.inside(s, 0.0, 1.0),
    )


NONLINEARITIES: dict[str, Pair] = {
    "tanh": (ops.tanh, ops.tanh_slope),
    "sigmoid": (ops.sigmoid, ops.sigmoid_slope),
    "relu": (ops.relu, ops.positive),
    "identity": (lambda a: a, lambda h: 0 * h + 1),
    "softsign": (softsign, softsign_slope),
    "hard sigmoid 0.2": hard_sigmoid(0.2),
    "hard sigmoid 1/6": hard_sigmoid(1 / 6),
}
