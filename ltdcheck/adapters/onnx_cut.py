"""What of a model from a file is what: x, Y, the weights and the states, for it to be asked with.

Where the model takes and answers the states itself, they are its own inputs and outputs; else they are each operator's
initial_h and initial_c, and its Y_h and Y_c.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import onnx

from ltdcheck.adapters.onnx_graph import INITIAL, LENGTHS, MEMORY, Graph, R, W, X, attribute, padded, slot, states
from ltdcheck.adapters.onnx_model import Weight
from ltdcheck.adapters.onnx_weights import FLOATS, weights
from ltdcheck.errors import TargetUnusableError

EXPORT = "Export the recurrent layers alone: x (T, B, I) to Y and the final states."


@dataclass(frozen=True)
class Cut:
    """What of the graph is what. ``own`` says that states are those of the nodes, and not the model's."""

    x: str
    y: str
    weights: tuple[Weight, ...]
    initial: tuple[str, ...]
    final: tuple[str, ...]
    lengths: tuple[str, ...]
    own: bool
    open: bool  # the model has inputs for the state, and cannot do without
    dtype: str


def require_recurrent(graph: Graph, target: str) -> None:
    """Something of it recurs.

    Raises
    ------
    TargetUnusableError
        When the model has no recurrent operator.
    """
    if not graph.recurrent:
        kinds = sorted({node.op_type for node in graph.proto.node})
        has = f"it has {', '.join(kinds[:6])}{', ..' if len(kinds) > 6 else ''}" if kinds else "it is empty"
        why = f"it has no RNN, GRU or LSTM operator, outside of branches and loops: {has}."
        raise TargetUnusableError(target, why, EXPORT)


def cut(graph: Graph, target: str) -> Cut:
    """Find x, Y, the weights and the states.

    Raises
    ------
    TargetUnusableError
        When x, Y, or the shape of a weight is not to be told.
    """
    x = _input(graph, target)
    initial = [n for n in graph.given(slot(node, k) for node in graph.recurrent for k in (INITIAL, MEMORY)) if n != x]
    ends = [name for node in graph.recurrent for name in node.output[1:] if name]
    sequences = [node.output[0] for node in graph.recurrent if node.output and node.output[0]]
    final = graph.answered(ends)
    own = not initial or len(initial) != len(final)
    parameters = tuple(weights(graph, target))
    lengths = tuple(graph.given(slot(node, LENGTHS) for node in graph.recurrent))
    y = [name for name in graph.answered(sequences) if name not in final]
    if len(y) > 1:
        raise TargetUnusableError(target, f"its outputs {' and '.join(y)} are both made of sequences.", EXPORT)
    dtype = FLOATS[graph.element(x)]
    sequence = _sequence(graph, target, y)
    found = Cut(x, sequence, parameters, tuple(initial), tuple(final), lengths, own, bool(initial), dtype)
    return _owned(graph, found) if own else found


def _input(graph: Graph, target: str) -> str:
    found = graph.given(slot(node, X) for node in graph.recurrent)
    if len(found) != 1:
        says = f"its operators read the inputs {' and '.join(found)}" if found else "no input reaches its operators"
        raise TargetUnusableError(target, f"{says}, where one sequence x is needed.", EXPORT)
    element = graph.element(found[0])
    if element not in FLOATS:
        kind = onnx.TensorProto.DataType.Name(element).lower()
        why = f"its input {found[0]} holds {kind} numbers, where x is of float32 or float64 numbers."
        raise TargetUnusableError(target, why, EXPORT)
    return found[0]


def _sequence(graph: Graph, target: str, y: list[str]) -> str:
    """The output that Y is, or the name of the last operator's own."""
    if y:
        return y[0]
    read = {source for node in graph.recurrent for source in graph.sources(slot(node, X))}
    last = [node for node in graph.recurrent if not read & set(node.output)]
    if len(last) != 1:
        raise TargetUnusableError(target, "none of its outputs is the sequence Y.", EXPORT)
    return _named(last[0], 0)


def _owned(graph: Graph, found: Cut) -> Cut:
    """The states of the nodes themselves."""
    initial, final = [], []
    for node in graph.recurrent:
        for k in range(1, 1 + states(node)):
            initial.append(f"{_named(node, 0)}.initial_{'hc'[k - 1]}")
            final.append(_named(node, k))
    return replace(found, initial=tuple(initial), final=tuple(final))


def _named(node: Any, k: int) -> str:
    """The name of a node's output, which it is given where it has none."""
    padded(node.output, k)
    if not node.output[k]:
        first = next((name for name in node.output if name), node.name)
        node.output[k] = f"{first}.{('Y', 'Y_h', 'Y_c')[k]}"
    return str(node.output[k])


def sizes(graph: Graph, found: Cut, target: str) -> tuple[int, int]:
    """I and H, as the first operator's weights or the model's input and attributes say.

    Raises
    ------
    TargetUnusableError
        When they do not.
    """
    node = graph.recurrent[0]
    read, weight, recurrent = graph.shape(found.x), graph.shape(slot(node, W)), graph.shape(slot(node, R))
    I = weight[-1] if weight else read[-1] if read else None
    H = attribute(node, "hidden_size", None) or (recurrent[-1] if recurrent else None)
    if not (I and H):
        why = f"neither its weights nor its input {found.x} say how wide a step is, or how many units there are."
        raise TargetUnusableError(target, why, "Export it with a fixed width of x, and only steps and rows left open.")
    return int(I), int(H)
