"""A model from a file, ``model.onnx``: read, cut to its recurrent part, and tried out.

It is checked in the precision of its own numbers, with its own sizes I and H. Its width and its number of units stay;
steps and rows must be open.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx.inliner import inline_local_functions

from ltdcheck.adapters.onnx_cut import Cut, cut, require_recurrent
from ltdcheck.adapters.onnx_graph import Graph
from ltdcheck.adapters.onnx_runtime import require_versions, runtime, said
from ltdcheck.adapters.onnx_trial import FileModel, tried
from ltdcheck.errors import TargetUnusableError
from ltdcheck.problem import Array


def read(path: str) -> FileModel:
    """The model in a file, with its weights and states as inputs.

    Raises
    ------
    TargetUnusableError
        When the file is no model, ONNX Runtime does not load it, or it is not one that can be asked.
    """
    require_versions(path)
    proto = _parsed(path)
    if proto.functions:
        proto = inline_local_functions(proto)
    graph = Graph(proto)
    require_recurrent(graph, path)
    _require_loads(path, proto)
    found = cut(graph, path)
    model = tried(path, graph, found)
    model.precisions = (found.dtype,)
    for name, value in _held(graph, found).items():
        model.params[name] = value
    return model


def _parsed(path: str) -> Any:
    try:
        proto = onnx.load(path)
    except Exception as error:
        why = f"it is no ONNX model, or not the whole of one ({said(error)})."
        raise TargetUnusableError(path, why, "Export or download it again.") from error
    if not proto.HasField("graph"):
        why = f"it is no ONNX model: its {Path(path).stat().st_size} bytes hold no graph."
        raise TargetUnusableError(path, why, "Export or download it again.")
    return proto


def _require_loads(path: str, proto: Any) -> None:
    """ONNX Runtime takes it as it is."""
    try:
        runtime()(proto.SerializeToString())
    except Exception as error:
        sets = ", ".join(f"{o.domain or 'ai.onnx'} {o.version}" for o in proto.opset_import)
        fix = "Export it as ONNX Runtime takes it, or upgrade: pip install --upgrade 'ltdcheck[onnx]'"
        why = f"ONNX Runtime does not load it (operator set {sets}): {said(error)}."
        raise TargetUnusableError(path, why, fix) from error


def _held(graph: Graph, found: Cut) -> dict[str, Array]:
    """The parameters as the file has them."""
    held: dict[str, Array] = {}
    for weight in found.weights:
        if weight.input in graph.constants:
            array = onnx.numpy_helper.to_array(graph.constants[weight.input])
            parts = np.delete(array, weight.idle, 1) if weight.directions else [array]
            held |= dict(zip(weight.parts, parts, strict=True))
    return held
