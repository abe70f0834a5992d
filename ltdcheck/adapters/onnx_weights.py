"""The parameters of a model from a file.

An initializer that is an operator's W, R, B or P is a parameter; so is every floating-point constant that one of these
is computed from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import onnx

from ltdcheck.adapters.onnx_graph import PEEPHOLES, B, Graph, R, W, attribute, directions, slot
from ltdcheck.adapters.onnx_model import Weight, forget_rows
from ltdcheck.errors import TargetUnusableError

FLOATS = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.DOUBLE: "float64", onnx.TensorProto.FLOAT16: "float16"}
LETTERS = {W: "W", R: "R", B: "B", PEEPHOLES: "P"}


def weights(graph: Graph, target: str) -> Iterator[Weight]:
    """Of every node, in order; an array that two nodes share comes once.

    Raises
    ------
    TargetUnusableError
        When one has no fixed shape.
    """
    known: set[str] = set()
    for k, node in enumerate(graph.recurrent, 1):
        place = "" if len(graph.recurrent) == 1 else f"{node.name or f'{node.op_type}{k}'}."
        for number, letter in LETTERS.items():
            axes = (directions(node), 3 if number in (W, R) else 2)
            for weight in _weight(graph, target, slot(node, number), f"{place}{letter}", axes):
                if weight.input not in known:
                    known.add(weight.input)
                    yield replace(weight, idle=_idle(node, letter, weight))


def _idle(node: Any, letter: str, weight: Weight) -> tuple[int, ...]:
    """The rows of one of its own inputs that an operator does not read."""
    if weight.input not in node.input or not weight.directions or not attribute(node, "input_forget", 0):
        return ()
    return forget_rows(letter, weight.shape[1] // {"B": 8, "P": 3}.get(letter, 4))


def _weight(graph: Graph, target: str, name: str, called: str, axes: tuple[int, int]) -> Iterator[Weight]:
    """What one input of a node is made of; ``axes`` are how many directions the node has, and axes that input."""
    direct = name in graph.constants or name in graph.inputs
    for source in [name] if direct else graph.sources(name):
        if not source or graph.element(source) not in FLOATS:
            continue
        shape = graph.shape(source)
        if shape is None or None in shape:
            says = "any shape" if shape is None else str(tuple("any" if n is None else n for n in shape))
            why = f"its weights {source} have no fixed shape: {says}."
            raise TargetUnusableError(target, why, "Export it with weights of fixed shapes.")
        fixed = tuple(n for n in shape if n is not None)
        apart = (fixed[0] if fixed else 0, len(fixed)) == axes
        yield Weight(source, fixed, called if direct else f"{called}.{source}", directions=apart)
