"""A model of one recurrent node, its inputs and outputs of any size."""

from __future__ import annotations

from typing import Any

from onnx import TensorProto, helper

from ltdcheck.adapters.onnx_model import Wires
from ltdcheck.adapters.onnx_runtime import typed

IR = 8  # the version of the file format: that of the oldest ONNX that is supported
SLOTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")  # of a node's inputs, in order


def one_node(
    kind: str,
    wires: Wires,
    attributes: dict[str, Any],
    states: int,
    opset: int,
    dtype: str,
    stateful: bool,  # noqa: FBT001  (as Source asks for it)
) -> bytes:
    """The model, its inputs without what it is not given."""
    given = ["X", *(weight.input for weight in wires.weights), *wires.lengths, *(wires.initial if stateful else ())]
    outputs = ["Y", "Y_h", "Y_c"][: 1 + states]
    inputs = [name if name in given else "" for name in SLOTS]
    while not inputs[-1]:
        inputs.pop()
    node = helper.make_node(kind, inputs, outputs, **attributes)
    element = typed(dtype)
    kinds = {"sequence_lens": TensorProto.INT32}
    ranks = {"sequence_lens": 1, "B": 2, "P": 2, "Y": 4}
    infos = {
        name: helper.make_tensor_value_info(name, kinds.get(name, element), [None] * ranks.get(name, 3))
        for name in (*given, *outputs)
    }
    graph = helper.make_graph([node], kind, [infos[n] for n in given], [infos[n] for n in outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=IR)
    return bytes(model.SerializeToString())
