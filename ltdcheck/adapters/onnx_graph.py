"""What of an ONNX model's graph is what: which of its nodes recur, and what their inputs and outputs hang on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import onnx

RECURRENT = ("RNN", "GRU", "LSTM")
X, W, R, B, LENGTHS, INITIAL, MEMORY, PEEPHOLES = range(8)  # of a recurrent node's inputs
SIZES_ALONE = ("Shape", "Size")  # what they answer holds nothing of the numbers


class Graph:
    """A model's graph, with what produces each name."""

    def __init__(self, model: Any) -> None:
        self.model, self.proto = model, model.graph
        self.constants = {array.name: array for array in self.proto.initializer}
        for node in self.proto.node:
            if node.op_type == "Constant" and node.attribute[0].HasField("t"):
                self.constants[node.output[0]] = node.attribute[0].t
        self.inputs = {info.name: info for info in self.proto.input if info.name not in self.constants}
        self.producers = {name: node for node in self.proto.node for name in node.output if name}
        self.recurrent = list(filter(is_recurrent, self.proto.node))

    def sources(self, name: str) -> list[str]:
        """The inputs, constants, and outputs of recurrent nodes, that the numbers of a name are made of."""
        found: dict[str, None] = {}
        seen: set[str] = set()
        waiting = [name] if name else []
        while waiting:
            at = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            node = self.producers.get(at)
            if node is None or at in self.constants or node in self.recurrent:
                found[at] = None
            elif node.op_type not in SIZES_ALONE:
                waiting += [n for n in reversed(node.input) if n]
        return list(found)

    def given(self, names: Iterable[str]) -> list[str]:
        """Those inputs of the model that these names are made of, in the model's order."""
        found = {source for name in names for source in self.sources(name)}
        return [name for name in self.inputs if name in found]

    def answered(self, names: Iterable[str]) -> list[str]:
        """Those outputs of the model that are made of these names, in the model's order."""
        wanted = set(names)
        return [info.name for info in self.proto.output if wanted & set(self.sources(info.name))]

    def shape(self, name: str) -> tuple[int | None, ...] | None:
        """The shape that the model says a name has, None for an axis of any length; None where it says nothing."""
        if name in self.constants:
            return tuple(self.constants[name].dims)
        info = self.inputs.get(name)
        if info is None or not info.type.tensor_type.HasField("shape"):
            return None
        return tuple(d.dim_value if d.HasField("dim_value") else None for d in info.type.tensor_type.shape.dim)

    def element(self, name: str) -> int:
        """ONNX's number for the type of an input or a constant."""
        held = self.constants[name].data_type if name in self.constants else None
        return int(held or self.inputs[name].type.tensor_type.elem_type)


def is_recurrent(node: Any) -> bool:
    """It is one of ONNX's own recurrent operators."""
    return node.op_type in RECURRENT and not node.domain


def states(node: Any) -> int:
    """How many arrays the state of a recurrent node has."""
    return 2 if node.op_type == "LSTM" else 1


def directions(node: Any) -> int:
    """In how many directions a recurrent node reads."""
    return 2 if attribute(node, "direction", b"") == b"bidirectional" else 1


def slot(node: Any, k: int) -> str:
    """The name at a place of a node's inputs; "" where it has none."""
    return node.input[k] if k < len(node.input) else ""


def padded(names: Any, k: int) -> Any:
    """A node's inputs or outputs, with "" at the places up to k that they do not have."""
    names.extend([""] * (k + 1 - len(names)))
    return names


def attribute(node: Any, name: str, default: Any) -> Any:
    """An attribute of a node."""
    return next((onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)
