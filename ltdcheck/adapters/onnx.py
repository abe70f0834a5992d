"""ONNX: a model from a file, or one of the operators RNN, GRU and LSTM, as ONNX Runtime runs them; forward only.

``ltdcheck.adapters.onnx:LSTM`` is the operator with its default attributes. Others are given by a factory:

    from ltdcheck.adapters import onnx

    def my_lstm(input_size, hidden_size):
        return onnx.LSTM(input_size, hidden_size, direction="bidirectional", peepholes=True)

Whoever has a kernel of their own names its execution provider, ``runtime=onnx.runtime("CUDAExecutionProvider")``, or
gives any function ``runtime(model)(feeds)``.
"""

from __future__ import annotations

from typing import Any

import onnxruntime

from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.numpy_class import NumpyNetwork
from ltdcheck.adapters.onnx_operator import GRU, LSTM, RNN
from ltdcheck.adapters.onnx_runtime import evaluator, require_versions, runtime


class OnnxNetwork(NumpyNetwork):
    """A model, asked as a NumPy class is."""

    framework = "onnxruntime"
    framework_version = str(onnxruntime.__version__)

    def __init__(self, target: str, blueprint: Blueprint, first: Any) -> None:
        super().__init__(target, blueprint, first)
        self.takes_lengths = bool(first.wires.lengths)


def adapt(blueprint: Blueprint, first: Any) -> OnnxNetwork:
    """A model as an implementation, from the way to make it and the first one made.

    Raises
    ------
    TargetUnusableError
        When ONNX or ONNX Runtime is too old, or the model's answers are not those of a layer.
    """
    require_versions(blueprint.target)
    return OnnxNetwork(blueprint.target, blueprint, first)


__all__ = ["GRU", "LSTM", "RNN", "adapt", "evaluator", "runtime"]
