"""An ONNX model as an object with ``params`` and ``forward(x, state=None)``, as a NumPy class is.

ONNX keeps the weights of both directions of an operator in one array, W (D, G*H, I); here they are ``W[0]`` and
``W[1]``, so that an array belongs to one cell. Y (T, D, B, H) is y (T, B, D*H), and every array of a state is
(D, B, H): axes are moved, and nothing is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ltdcheck.adapters.onnx_runtime import Run, Runtime
from ltdcheck.problem import Array

State = tuple[Array, ...]


@dataclass(frozen=True)
class Weight:
    """An input of the model that is a parameter: its name there, its shape, and what it is called here.

    ``directions`` says that its first axis is that of directions; ``idle`` are rows of each direction that the operator
    does not read, and that are no parameters.
    """

    input: str
    shape: tuple[int, ...]
    name: str
    directions: bool = True
    idle: tuple[int, ...] = ()

    @property
    def parts(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters."""
        if not self.directions:
            return {self.name: self.shape}
        _, rows, *columns = self.shape
        return {f"{self.name}[{d}]": (rows - len(self.idle), *columns) for d in range(self.shape[0])}

    def of(self, params: Mapping[str, Array]) -> Array:
        """The input that these parameters are, with zeros in rows that are not read."""
        parts = [params[name] for name in self.parts]
        if not self.directions:
            return parts[0]
        read = np.delete(np.arange(self.shape[1]), self.idle)
        whole = np.zeros(self.shape, parts[0].dtype)
        whole[:, read] = parts
        return whole


@dataclass(frozen=True)
class Wires:
    """Which input and output of the model is what.

    ``y`` and ``state`` are axes in order: t steps, b rows, d directions or layers, h units.
    """

    x: str
    weights: tuple[Weight, ...]
    initial: tuple[str, ...]
    lengths: tuple[str, ...] = ()
    y: str = "tdbh"
    state: str = "dbh"
    batch_first: bool = False
    open: tuple[int, ...] = ()  # of a model that cannot do without a state, how many arrays (B, H) each input holds


Source = Callable[[str, bool], bytes]  # of a dtype, and of whether an initial state is given


class Model:
    """A model that is asked with parameters, a sequence and a state; its first output is Y, the others are the state.

    ``source`` makes the model for a dtype, with or without inputs for the initial state; ``runtime`` runs it.
    """

    def __init__(self, wires: Wires, source: Source, runtime: Runtime, sizes: tuple[int, int]) -> None:
        self.wires, self.source, self.runtime = wires, source, runtime
        self.input_size, self.hidden_size = sizes
        rng = np.random.default_rng(0)
        shapes = {name: shape for weight in wires.weights for name, shape in weight.parts.items()}
        self.params: dict[str, Array] = {name: rng.uniform(-0.5, 0.5, shape) for name, shape in shapes.items()}
        self._loaded: dict[tuple[str, bool], Run] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Everything but what is running: a copy loads the model anew."""
        return {**vars(self), "_loaded": {}}

    def forward(self, x: Array, state: Any = None, lengths: Array | None = None) -> tuple[Array, Any]:
        """Y and the final state for x (T, B, I), or (B, T, I) where the model's rows come first.

        ``lengths`` (B,) are for a model that has an input for them; it is given T for every row where there are none.

        Raises
        ------
        Exception
            Whatever the runtime raises.
        """
        y, *final = self.answers(x, state, lengths)
        ends = tuple(_moved(a, self.wires.state, "dbh") for a in final)
        return self._outputs(y), ends if len(ends) > 1 else ends[0]

    def answers(self, x: Array, state: Any = None, lengths: Array | None = None) -> list[Array]:
        """Y and the final state with the model's own axes."""
        wires, dtype = self.wires, str(x.dtype)
        steps, rows = x.shape[1::-1] if wires.batch_first else x.shape[:2]
        feeds = {weight.input: weight.of(self.params).astype(dtype) for weight in wires.weights}
        ends = np.full(rows, steps) if lengths is None else lengths
        feeds |= {wires.x: x, **{name: ends.astype(np.int32) for name in wires.lengths}}
        if state is None and wires.open:
            state = tuple(np.zeros((n, rows, self.hidden_size), dtype) for n in wires.open)
        if state is not None:
            given = state if isinstance(state, tuple) else (state,)
            feeds |= {name: _moved(array, "dbh", wires.state) for name, array in zip(wires.initial, given, strict=True)}
        return [np.asarray(a) for a in self._run(dtype, stateful=state is not None)(feeds)]

    def _outputs(self, y: Array) -> Array:
        if y.ndim == 4:
            y = _moved(y, self.wires.y, "btdh" if self.wires.batch_first else "tbdh")
            y = y.reshape(*y.shape[:2], y.shape[2] * y.shape[3])
        return y

    def _run(self, dtype: str, *, stateful: bool) -> Run:
        key = dtype, stateful
        if key not in self._loaded:
            self._loaded[key] = self.runtime(self.source(*key))
        return self._loaded[key]


def _moved(array: Array, now: str, wanted: str) -> Array:
    """The axes in another order; an array without an axis of directions has none afterwards."""
    if array.ndim == len(now) and now != wanted:
        array = array.transpose([now.index(axis) for axis in wanted])
    return np.ascontiguousarray(array)


def forget_rows(name: str, H: int) -> tuple[int, ...]:
    """The rows of an LSTM's forget gate in W, R, B or P: the third of i o f c, in B twice."""
    return tuple(row for start in ((2, 6) if name == "B" else (2,)) for row in range(start * H, (start + 1) * H))
