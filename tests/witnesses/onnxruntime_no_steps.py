"""``python onnxruntime_no_steps.py RNN|GRU|LSTM [LENGTHS]``: what ONNX Runtime answers to no steps, X (0, B, I).

ONNX says that Y_h is "the last output value of the hidden", and leaves open what that is where there is none; a loop
over the steps would hand initial_h on. ONNX Runtime 1.31.1, on the processor:

- RNN answers zeros, whatever initial_h is;
- LSTM answers zeros for Y_h, and for Y_c whatever was in its memory;
- GRU ends the process (SIGABRT, "terminate called without an active exception"); so do GRU and LSTM for no rows;
- with the input sequence_lens, all zeros, all three answer zeros.

It needs onnx, onnxruntime and NumPy.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

B, I, H = 2, 2, 3
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def answers(kind: str, steps: int, rows: int = B, *, lengths: bool = False) -> dict[str, Any]:
    """The final states, from initial states of 0.5; ``lengths`` are given to the operator, too."""
    states = ["h", "c"] if kind == "LSTM" else ["h"]
    given, outputs = [f"initial_{s}" for s in states], ["Y", *(f"Y_{s}" for s in states)]
    ends = ["N"] * lengths
    node = helper.make_node(kind, ["X", "W", "R", "", *(ends or [""]), *given], outputs, hidden_size=H)
    infos = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("X", "W", "R", *given)}
    infos |= {name: helper.make_tensor_value_info(name, TensorProto.INT32, None) for name in ends}
    answered = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    graph = helper.make_graph([node], "g", list(infos.values()), answered)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    G = GATES[kind]
    shapes = {"X": (steps, rows, I), "W": (1, G * H, I), "R": (1, G * H, H)}
    feeds = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    feeds |= {name: np.full((1, rows, H), 0.5, np.float32) for name in given}
    feeds |= {name: np.full(rows, steps, np.int32) for name in ends}
    return dict(zip(outputs[1:], session.run(None, feeds)[1:], strict=True))


if __name__ == "__main__":
    for name, value in answers(sys.argv[1], 0, lengths=len(sys.argv) > 2).items():
        print(name, value.tolist())
