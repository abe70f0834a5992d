"""A reservoir of reservoirpy: the forward pass of an echo state network, whose weights are arrays of the node.

reservoirpy keeps one state for all of its series: a batch is run a row at a time, each from its own state. It computes
in double precision: what ``run`` returns is of it whatever the ``dtype``. It has no gradients.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import reservoirpy

from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.form import H, I
from ltdcheck.adapters.numpy_class import NumpyNetwork
from ltdcheck.errors import TargetUnusableError
from ltdcheck.problem import Array

WEIGHTS = ("W", "Win", "bias")
INPUTS = "Name a class, a factory (input_size, hidden_size), or a node made with input_dim."


class Rows:
    """A node as an object with ``params`` and ``forward``; a bias that is one number for all units is no parameter."""

    precisions = ("float64",)

    def __init__(self, node: Any, input_size: int) -> None:
        self.node, self.input_size, self.hidden_size = node, input_size, node.units
        if not node.initialized:
            node.initialize(np.zeros((1, input_size)))
        held = {name: _dense(getattr(node, name)) for name in WEIGHTS}
        self.params = {name: value for name, value in held.items() if value.ndim}

    def forward(self, x: Array, state: Array | None = None) -> tuple[Array, Array]:
        """x (T, B, I) to y (T, B, H) and the final state (B, H)."""
        T, B, _ = x.shape
        for name, value in self.params.items():
            setattr(self.node, name, value)
        y, final = np.zeros((T, B, self.node.units)), np.zeros((B, self.node.units))
        for row in range(B):
            self.node.reset()
            if state is not None:
                self.node.state = {"out": state[row].copy()}
            y[:, row] = self.node.run(x[:, row])
            final[row] = self.node.state["out"]
        return y, final


class Reservoirs(NumpyNetwork):
    """A node of reservoirpy, as an implementation without gradients."""

    framework, framework_version = "reservoirpy", reservoirpy.__version__
    claims = "echo_state"


def _dense(weights: Any) -> Array:
    """As an array of numbers; reservoirpy draws sparse matrices."""
    return np.array(weights.toarray() if hasattr(weights, "toarray") else weights, dtype=np.float64)


def _reservoir(kind: Any, input_size: int, hidden_size: int) -> Any:
    """A node of the class with weights that are arrays: those that it draws need three units and more."""
    shapes = {"W": (hidden_size, hidden_size), "Win": (hidden_size, input_size), "bias": (hidden_size,)}
    return kind(hidden_size, **{name: np.zeros(shape) for name, shape in shapes.items()})


def _other(make: Any, input_size: int, hidden_size: int) -> Any:
    return make(input_size, hidden_size)


FORMS = (_reservoir, _other)


def adapt(blueprint: Blueprint, first: Any) -> Reservoirs:
    """A node as an implementation, from the way to make one and the first one made.

    Raises
    ------
    TargetUnusableError
        When it is an instance that does not know its inputs.
    """
    if blueprint.fixed and first.input_dim is None:
        raise TargetUnusableError(blueprint.target, "it does not know how many inputs it has.", INPUTS)

    def make(input_size: int, hidden_size: int) -> Rows:
        return Rows(blueprint.make(input_size, hidden_size), first.input_dim if blueprint.fixed else input_size)

    return Reservoirs(blueprint.target, Blueprint(blueprint.target, make, fixed=blueprint.fixed), make(I, H))
