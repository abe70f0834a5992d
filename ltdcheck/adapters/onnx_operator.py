"""The recurrent operators of ONNX, each as a model of one node, with every attribute that it has.

Source: ONNX operator set 22, LSTM, GRU and RNN.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar, Literal

from ltdcheck.adapters.onnx_model import Model, Weight, Wires, forget_rows
from ltdcheck.adapters.onnx_node import one_node
from ltdcheck.adapters.onnx_runtime import Runtime, runtime

Direction = Literal["forward", "reverse", "bidirectional"]
Numbers = Sequence[float] | None


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
        source = partial(one_node, self.kind, wires, attributes, self.states, opset)
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
