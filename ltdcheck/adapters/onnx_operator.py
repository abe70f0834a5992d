"""The recurrent operators of ONNX, each as a model of one node, with every attribute that it has.

Source: ONNX operator set 22, LSTM, GRU and RNN.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Literal

from onnx import TensorProto, helper

from ltdcheck.adapters.onnx_model import Model, Weight, Wires, forget_rows
from ltdcheck.adapters.onnx_runtime import Runtime, runtime, typed

Direction = Literal["forward", "reverse", "bidirectional"]
Numbers = Sequence[float] | None

IR = 8  # the version of the file format: that of the oldest ONNX that is supported
SLOTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")  # of a node's inputs, in order


class Operator(Model):
    """One node: an RNN, GRU or LSTM of sizes I and H.

    Parameters are ``W[d]`` (G*H, I), ``R[d]`` (G*H, H), ``B[d]`` (2*G*H,) and, with peepholes, ``P[d]`` (3*H,), of each
    direction d. Attributes are those of ONNX, by ONNX's names; for two directions the activations of both are given.

    Parameters
    ----------
    input_size, hidden_size
        I and H.
    direction, layout, clip, activations, activation_alpha, activation_beta
        As in ONNX.
    biases
        B is an input.
    sequence_lens
        The lengths are an input: rows may have fewer steps than others.
    opset
        The operator set, from 14 on, since which there is ``layout``.
    runtime
        What runs the model: ``runtime(model)(feeds)`` is the list of outputs. By default ONNX Runtime on the processor.
    """

    kind: ClassVar[str]
    gates: ClassVar[int]
    states: ClassVar[int] = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        direction: Direction = "forward",
        layout: Literal[0, 1] = 0,
        clip: float | None = None,
        activations: Sequence[str] | None = None,
        activation_alpha: Numbers = None,
        activation_beta: Numbers = None,
        biases: bool = True,
        sequence_lens: bool = False,
        opset: int = 14,
        runtime: Runtime = runtime(),  # noqa: B008  (a constant: ONNX Runtime with its usual provider)
        **own: Any,
    ) -> None:
        D, G, I, H = 1 + (direction == "bidirectional"), self.gates, input_size, hidden_size
        shapes = {"W": (D, G * H, I), "R": (D, G * H, H)} | ({"B": (D, 2 * G * H)} if biases else {})
        if own.pop("peepholes", False):
            shapes["P"] = (D, 3 * H)
        idle = {name: forget_rows(name, H) if own.get("input_forget") else () for name in shapes}
        wires = Wires(
            x="X",
            weights=tuple(Weight(name, shape, name, idle=idle[name]) for name, shape in shapes.items()),
            initial=("initial_h", "initial_c")[: self.states],
            lengths=("sequence_lens",) * sequence_lens,
            y="btdh" if layout else "tdbh",
            state="bdh" if layout else "dbh",
            batch_first=bool(layout),
        )
        given: dict[str, Any] = {"clip": clip, "activations": activations, "activation_alpha": activation_alpha}
        given |= {"activation_beta": activation_beta, **own}
        attributes: dict[str, Any] = {"hidden_size": H, "direction": direction, "layout": layout}
        attributes |= {name: value for name, value in given.items() if value is not None}
        source = partial(_one_node, self.kind, wires, attributes, self.states, opset)
        super().__init__(wires, source, runtime, (I, H))


class RNN(Operator):
    """``RNN``: Elman's, one gate."""

    kind, gates = "RNN", 1


class GRU(Operator):
    """``GRU``: rows in the order z r h. ``linear_before_reset`` is 0 for the reset before the product, 1 for after."""

    kind, gates = "GRU", 3

    def __init__(
        self, input_size: int, hidden_size: int, *, linear_before_reset: Literal[0, 1] = 0, **attributes: Any
    ) -> None:
        super().__init__(input_size, hidden_size, linear_before_reset=linear_before_reset, **attributes)


class LSTM(Operator):
    """``LSTM``: rows in the order i o f c, peepholes i o f.

    With ``input_forget=1`` the forget gate is 1 - i, and its rows, which are not read, are left out of the parameters.
    """

    kind, gates, states = "LSTM", 4, 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        input_forget: Literal[0, 1] = 0,
        peepholes: bool = False,
        **attributes: Any,
    ) -> None:
        super().__init__(input_size, hidden_size, input_forget=input_forget, peepholes=peepholes, **attributes)


def _one_node(
    kind: str,
    wires: Wires,
    attributes: dict[str, Any],
    states: int,
    opset: int,
    dtype: str,
    stateful: bool,  # noqa: FBT001  (as Source asks for it)
) -> bytes:
    """The model, its inputs and outputs of any size."""
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
