"""A model with its weights as inputs, its states as inputs and outputs; what is between x, the states and Y stays."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import helper

from ltdcheck.adapters.onnx_cut import Cut
from ltdcheck.adapters.onnx_graph import INITIAL, MEMORY, Graph, is_recurrent, padded, states


def rewritten(graph: Graph, found: Cut, *, stateful: bool) -> bytes:
    """The model with x, weights, lengths and, if it is given one, the state as inputs; Y and the state as outputs."""
    made = onnx.ModelProto()
    made.CopyFrom(graph.model)
    proto, floats = made.graph, graph.element(found.x)
    freed = {weight.input for weight in found.weights}
    kept = [array for array in proto.initializer if array.name not in freed]
    nodes = [node for node in proto.node if not (node.op_type == "Constant" and node.output[0] in freed)]
    if found.own and stateful:
        _take(nodes, list(found.initial))
    elements = {name: graph.element(name) for name in (found.x, *found.lengths)}
    given = [found.x, *found.lengths, *(found.initial if stateful else ()), *freed]
    for part, values in {"initializer": kept, "node": nodes, "value_info": [], "input": [], "output": []}.items():
        copies = [type(value).FromString(value.SerializeToString()) for value in values]
        proto.ClearField(part)
        getattr(proto, part).extend(copies)
    proto.input.extend(helper.make_tensor_value_info(n, elements.get(n, floats), None) for n in given)
    proto.output.extend(helper.make_tensor_value_info(n, floats, None) for n in (found.y, *found.final))
    return bytes(made.SerializeToString())


def _take(nodes: list[Any], initial: list[str]) -> None:
    """Every recurrent node reads its initial state from these inputs."""
    for node in filter(is_recurrent, nodes):
        for k in (INITIAL, MEMORY)[: states(node)]:
            padded(node.input, k)[k] = initial.pop(0)
