"""The official node tests of ONNX for RNN, GRU and LSTM, as problems for the reference.

They come with the package onnx: each is a model of one node, its inputs, its outputs, and the tolerance with which a
backend is held to them. Importing the modules that define them makes them.

Source: onnx/backend/test/case/node/{lstm,gru,rnn}.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from onnx import helper
from witnesses.onnx_models import ORDER

from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Params, Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.lstm import LSTM

FAMILIES = {"LSTM": "lstm", "GRU": "gru", "RNN": "elman"}
Plant = Callable[[Cell], Network | None]


@dataclass(frozen=True, eq=False)
class NodeTest:
    """One test: the cell of each direction, what it is asked, and what the node must answer.

    ``ahead`` says of each direction whether it reads from the first step; ``rows_first`` that the layout is 1.
    """

    name: str
    cell: Cell
    problems: tuple[Problem, ...]  # x in the order in which the direction reads it
    ahead: tuple[bool, ...]
    rows_first: bool
    wanted: dict[str, Array]  # Y, Y_h, Y_c, as far as the test looks at them
    rtol: float
    atol: float

    def answers(self, plant: Plant = Network) -> dict[str, Array] | None:
        """The node's outputs from the reference, or from a network with a fault; None where it has no place for it."""
        network = plant(self.cell)
        if network is None:
            return None
        outs = [network.run(problem, backward=False) for problem in self.problems]
        return {name: self.joined(name, outs) for name in self.wanted}

    def joined(self, name: str, outs: list[Outputs]) -> Array:
        """One output of the node from what each direction answers."""
        if name == "Y":
            y = np.stack([out.y if a else out.y[::-1] for out, a in zip(outs, self.ahead, strict=True)], axis=1)
            return y.transpose(2, 0, 1, 3) if self.rows_first else y
        state = np.stack([out.state[("Y_h", "Y_c").index(name)] for out in outs])
        return state.swapaxes(0, 1) if self.rows_first else state

    def passes(self, got: dict[str, Array]) -> bool:
        """What the test says, by its own tolerance."""
        return all(
            got[name].shape == value.shape and np.allclose(got[name], value, self.rtol, self.atol)
            for name, value in self.wanted.items()
        )


@cache
def node_tests() -> tuple[NodeTest, ...]:
    """All of them."""
    for module in ("lstm", "gru", "rnn"):
        import_module(f"onnx.backend.test.case.node.{module}")
    made = import_module("onnx.backend.test.case.node")._NodeTestCases
    return tuple(_read(case) for case in made if case.model.graph.node[0].op_type in FAMILIES)


def _read(case: Any) -> NodeTest:
    (node,) = case.model.graph.node
    ((inputs, outputs),) = case.data_sets
    given = dict(zip(filter(None, node.input), inputs, strict=True))
    wanted = dict(zip(filter(None, node.output), outputs, strict=True))
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    rows_first = bool(attributes.pop("layout", 0))
    direction = attributes.pop("direction", b"forward").decode()
    del attributes["hidden_size"]
    assert not attributes, f"{case.name}: {attributes}"
    x = given["X"].swapaxes(0, 1) if rows_first else given["X"]
    lengths = given.get("sequence_lens")
    assert lengths is None or np.all(lengths == len(x)), case.name
    cell = {
        "LSTM": LSTM(peepholes="current") if "P" in given else LSTM(),
        "GRU": GRU(),
        "RNN": Elman(),
    }[node.op_type]
    ahead = {"forward": (True,), "reverse": (False,), "bidirectional": (True, False)}[direction]
    problems = tuple(_problem(cell, given, d, x if a else x[::-1]) for d, a in enumerate(ahead))
    return NodeTest(case.name, cell, problems, ahead, rows_first, wanted, case.rtol, case.atol)


def _problem(cell: Cell, given: dict[str, Array], d: int, x: Array) -> Problem:
    """What direction d is asked; initial states are never in layout 1."""
    T, B, _ = x.shape
    H = given["R"].shape[-1]
    zeros = np.zeros((B, H))
    names = ("initial_h", "initial_c")[: len(cell.states)]
    state = tuple(given[name][d].astype(float) if name in given else zeros for name in names)
    params = parameters(cell, {name: given[name][d].astype(float) for name in "WRBP" if name in given})
    return Problem(params, x.astype(float), state, np.zeros((T, B, H)), (zeros,) * len(names), "float32")


def parameters(cell: Cell, given: dict[str, Array]) -> Params:
    """Our parameters from one direction's W, R, B and P: the inverse of :func:`witnesses.onnx_models.weights`."""
    W, R, order = given["W"], given["R"], ORDER[cell.name]
    biases = given.get("B", np.zeros(2 * len(W)))
    found = {name: _ours(cell, array, order) for name, array in {"U": W, "W": R, "b": sum(np.split(biases, 2))}.items()}
    if "P" in given:
        i, o, f = np.split(given["P"], 3)
        found["p"] = np.concatenate([i, f, o])
    return found


def _ours(cell: Cell, array: Array, order: Any) -> Array:
    parts = dict(zip(order, np.split(array, len(order)), strict=True))
    return np.concatenate([parts[gate] for gate in cell.gates])
