"""A model from a file, tried out: which axes of its input and of its answers are steps, rows, layers and units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np

from ltdcheck.adapters.onnx_cut import EXPORT, Cut, sizes
from ltdcheck.adapters.onnx_graph import Graph, directions, states
from ltdcheck.adapters.onnx_model import Model, Wires
from ltdcheck.adapters.onnx_rewriting import rewritten
from ltdcheck.adapters.onnx_runtime import runtime, said
from ltdcheck.errors import TargetUnusableError

TRIALS = ((3, 5), (4, 6))  # steps and rows: no number of directions


class FileModel(Model):
    """A model that says in which precision it computes."""

    precisions: tuple[str, ...]


def tried(path: str, graph: Graph, found: Cut) -> FileModel:
    """The model with the axes of its answers, which a call without a state and one of another size show.

    Raises
    ------
    TargetUnusableError
        When no way to call it gives Y and the final states, with steps and rows open.
    """
    inputs = sizes(graph, found, path)
    raised: list[Exception] = []
    for wires in _wires(graph, found):
        source = partial(_source, graph, found)
        model = FileModel(wires, source, runtime(), inputs)
        try:
            seen = [_shapes(model, t, b, found.dtype) for t, b in TRIALS]
        except Exception as error:  # noqa: BLE001  (called with the axes in the wrong order on purpose)
            raised.append(error)
            continue
        told = {_axes(shapes, t, b) for shapes, (t, b) in zip(seen, TRIALS, strict=True)}
        if len(told) == 1 and all(axes := told.pop()):
            _require_widths(path, found, seen[0], inputs[1])
            model.wires = replace(wires, y=axes[0], state=axes[1])
            return model
    raise _refused(path, graph, found, raised)


def _source(graph: Graph, found: Cut, _dtype: str, stateful: bool) -> bytes:  # noqa: FBT001
    return rewritten(graph, found, stateful=stateful)


def _wires(graph: Graph, found: Cut) -> Iterator[Wires]:
    """What may be: x with steps or with rows first, and a state that is needed with layers or with rows first."""
    for batch_first, state in product((False, True), ("dbh", "bdh") if found.open else ("dbh",)):
        heights = _heights(graph, found, state) if found.open else ()
        yield Wires(
            found.x, found.weights, found.initial, found.lengths, state=state, batch_first=batch_first, open=heights
        )


def _heights(graph: Graph, found: Cut, axes: str) -> tuple[int, ...]:
    """How many arrays (B, H) each input for the state holds: as it says, or one for each direction of each operator."""
    if found.own:
        return tuple(directions(node) for node in graph.recurrent for _ in range(states(node)))
    shapes = [graph.shape(name) or () for name in found.initial]
    said = [shape[axes.index("d")] if len(shape) == 3 else None for shape in shapes]
    return tuple(n or sum(map(directions, graph.recurrent)) for n in said)


def _shapes(model: Model, t: int, b: int, dtype: str) -> list[tuple[int, ...]]:
    """Of the answers to zeros of so many steps and rows."""
    x = np.zeros((b, t, model.input_size) if model.wires.batch_first else (t, b, model.input_size), dtype)
    return [answer.shape for answer in model.answers(x)]


def _axes(shapes: Sequence[tuple[int, ...]], t: int, b: int) -> tuple[str, str]:
    """The axes of Y and of the states, by their lengths; "" for what is no order of axes."""
    y, *states = shapes
    known = {(t, b): "tbh", (b, t): "bth"} if len(y) == 3 else {}
    orders = [known.get(y[:2], "")] if len(y) == 3 else [a for a in ("tdbh", "btdh", "tbdh") if _fits(y, a, t, b)]
    ends = [a for a in ("dbh", "bdh", "bh") if all(_fits(s, a, t, b) for s in states)]
    return next(iter(orders), ""), next(iter(ends), "")


def _fits(shape: tuple[int, ...], axes: str, t: int, b: int) -> bool:
    wanted = {"t": t, "b": b}
    return len(shape) == len(axes) and all(wanted.get(a, n) == n for a, n in zip(axes, shape, strict=True))


def _require_widths(path: str, found: Cut, shapes: Sequence[tuple[int, ...]], H: int) -> None:
    for name, shape in zip((found.y, *found.final), shapes, strict=True):
        if shape[-1] not in (H, 2 * H)[: 1 + (name == found.y)]:
            why = f"its output {name} is {shape[-1]} wide where H is {H}: a readout or a projection follows its cells."
            raise TargetUnusableError(path, why, EXPORT)


def _refused(path: str, graph: Graph, found: Cut, raised: Sequence[Exception]) -> TargetUnusableError:
    """Why no way to call it gave an answer: axes of fixed length, or what it raised, or what came."""
    shape = graph.shape(found.x) or ()
    if raised and None not in shape[:2] and shape:
        why = f"its input {found.x} has the fixed shape {shape}, and its steps and rows must be open."
        return TargetUnusableError(path, why, "Export it with dynamic axes for steps and rows.")
    if raised:
        why = f"called with {TRIALS[0][0]} steps and {TRIALS[0][1]} rows it raised {said(raised[0])}."
        return TargetUnusableError(path, why, "Export it as ONNX Runtime runs it.")
    why = f"its outputs {', '.join((found.y, *found.final))} are not Y with steps and rows, and states with rows."
    return TargetUnusableError(path, why, EXPORT)
