"""Small ONNX models for tests: an operator with its weights inside, alone or with a graph around it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

I, H = 4, 6
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
OPSET = 17
Shape = Sequence[int | str | None] | None


def weights(kind: str, inputs: int = I, directions: int = 1, seed: int = 0) -> dict[str, Any]:
    """W, R and B of O(1) numbers of few digits."""
    rng, G = np.random.default_rng(seed), GATES[kind]
    shapes = {"W": (directions, G * H, inputs), "R": (directions, G * H, H), "B": (directions, 2 * G * H)}
    return {name: np.round(rng.standard_normal(s) * 16).astype(np.float32) / 16 for name, s in shapes.items()}


def info(name: str, shape: Shape, kind: int = TensorProto.FLOAT) -> Any:
    """An input or output."""
    return helper.make_tensor_value_info(name, kind, shape)


def save(
    path: Path,
    nodes: Sequence[Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    initializers: dict[str, Any],
    opset: int = OPSET,
) -> str:
    """Write a model, and name its path."""
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in initializers.items()]
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), str(path))
    return str(path)


def operator(path: Path, kind: str = "LSTM", x: Shape = ("t", "b", I), opset: int = OPSET, **attributes: Any) -> str:
    """One node that gives Y and the final state, and takes no initial one."""
    outputs = ["Y", "Y_h", "Y_c"][: 3 if kind == "LSTM" else 2]
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    node = helper.make_node(kind, ["X", "W", "R", "B"], outputs, hidden_size=H, **attributes)
    return save(
        path, [node], [info("X", x)], [info(n, None) for n in outputs], weights(kind, directions=directions), opset
    )


def rows_first(path: Path, readout: int = 0) -> str:
    """A GRU read from (B, T, I), whose R is computed from its transpose; Y alone comes out, or a readout of it."""
    held = weights("GRU")
    held["R_turned"] = held.pop("R").swapaxes(1, 2).copy()
    nodes = [
        helper.make_node("Transpose", ["x"], ["X"], perm=[1, 0, 2]),
        helper.make_node("Transpose", ["R_turned"], ["R"], perm=[0, 2, 1]),
        helper.make_node("GRU", ["X", "W", "R", "B"], ["Y"], hidden_size=H, linear_before_reset=1),
        helper.make_node("Squeeze", ["Y", "one"], ["Y3"]),
        helper.make_node("Transpose", ["Y3"], ["y"], perm=[1, 0, 2]),
    ]
    held["one"] = np.array([1])
    if readout:
        held["V"] = np.ones((H, readout), np.float32)
        nodes.append(helper.make_node("MatMul", ["y", "V"], ["scores"]))
    return save(path, nodes, [info("x", ("b", "t", I))], [info(nodes[-1].output[0], None)], held)


def with_function(path: Path) -> str:
    """A GRU inside of a function of the model's own."""
    node = helper.make_node("GRU", ["x", "W", "R", "B"], ["y"], hidden_size=H)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("mine", 1)]
    layer = helper.make_function("mine", "Layer", ["x", "W", "R", "B"], ["y"], [node], opsets[:1])
    held = [numpy_helper.from_array(value, name) for name, value in weights("GRU").items()]
    call = helper.make_node("Layer", ["X", "W", "R", "B"], ["Y"], domain="mine")
    graph = helper.make_graph([call], "g", [info("X", ("t", "b", I))], [info("Y", None)], held)
    onnx.save(helper.make_model(graph, functions=[layer], opset_imports=opsets, ir_version=8), str(path))
    return str(path)


def last_state(path: Path) -> str:
    """An LSTM that answers with Y_h alone."""
    node = helper.make_node("LSTM", ["X", "W", "R", "B"], ["", "Y_h"], hidden_size=H)
    return save(path, [node], [info("X", ("t", "b", I))], [info("Y_h", None)], weights("LSTM"))


def with_lengths(path: Path) -> str:
    """A GRU that is given lengths and a state, and answers with Y alone."""
    node = helper.make_node("GRU", ["X", "W", "R", "B", "lengths", "start"], ["Y"], hidden_size=H)
    given = [info("X", ("t", "b", I)), info("lengths", ("b",), TensorProto.INT32), info("start", (1, "b", H))]
    return save(path, [node], given, [info("Y", None)], weights("GRU"))


def two_nodes(path: Path) -> str:
    """Two GRUs, one of them in reverse, side by side."""
    ahead, back = weights("GRU"), weights("GRU", seed=1)
    held: dict[str, Any] = {**{f"{n}1": a for n, a in ahead.items()}, **{f"{n}2": a for n, a in back.items()}}
    held["one"] = np.array([1])
    nodes = [
        helper.make_node("GRU", ["x", "W1", "R1", "B1"], ["Y1"], name="there", hidden_size=H),
        helper.make_node("GRU", ["x", "W2", "R2", "B2"], ["Y2"], name="back", hidden_size=H, direction="reverse"),
        helper.make_node("Concat", ["Y1", "Y2"], ["both"], axis=3),
        helper.make_node("Squeeze", ["both", "one"], ["y"]),
    ]
    return save(path, nodes, [info("x", ("t", "b", I))], [info("y", None)], held)


def two_layers(path: Path, *, low: str = "forward", high: str = "forward") -> str:
    """Two RNNs, one upon the other, that share an input and an output for their states: h (2, B, H)."""
    attributes = [{"name": n, "hidden_size": H, "direction": d} for n, d in (("low", low), ("high", high))]
    first, second = weights("RNN"), weights("RNN", inputs=H, seed=1)
    held: dict[str, Any] = {**{f"{n}1": a for n, a in first.items()}, **{f"{n}2": a for n, a in second.items()}}
    held["one"] = np.array([1])
    nodes = [
        helper.make_node("Split", ["h"], ["h1", "h2"], axis=0),
        helper.make_node("RNN", ["x", "W1", "R1", "B1", "", "h1"], ["Y1", "end1"], **attributes[0]),
        helper.make_node("Squeeze", ["Y1", "one"], ["between"]),
        helper.make_node("RNN", ["between", "W2", "R2", "B2", "", "h2"], ["Y2", "end2"], **attributes[1]),
        helper.make_node("Squeeze", ["Y2", "one"], ["y"]),
        helper.make_node("Concat", ["end1", "end2"], ["end"], axis=0),
    ]
    given = [info("x", ("t", "b", I)), info("h", (2, "b", H))]
    return save(path, nodes, given, [info("y", None), info("end", None)], held, opset=13)
