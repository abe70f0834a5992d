"""Networks and cells as pairings: outputs of named arrays, and the gradients that the reference gives.

What holds for all of them, such as that a gradient is proved, is tested over these subjects (:mod:`networks.every`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from networks.agreement import Backward, Blocks, Forward
from networks.draws import array, arrays, named, taken

from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.jordan import Forced
from ltdcheck.reference.cells.ntm import NTM
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp
from ltdcheck.strategies.problems import Regime

Rng = np.random.Generator


@dataclass(frozen=True)
class Subject:
    """A pairing of outputs with cotangents, and its gradients."""

    forward: Forward
    backward: Backward
    blocks: Blocks


@dataclass(frozen=True)
class Draw:
    """Where a subject's numbers come from, and its sizes."""

    rng: Rng
    scale: float = 1.0  # of the weights, relative to 1/sqrt(fan-in)
    regime: Regime | None = None  # in place of a scale: sizes of weights, biases, inputs and states
    T: int = 2
    B: int = 2
    I: int = 2
    H: int = 2

    def blocks(self, shapes: dict[str, tuple[int, ...]], **inputs: tuple[int, ...]) -> Blocks:
        """Parameters of these shapes, and inputs."""
        return {**self.parameters(shapes), **{k: self.given(*s) for k, s in inputs.items()}}

    def parameters(self, shapes: dict[str, tuple[int, ...]]) -> Blocks:
        """Parameters of these shapes; recurrent weights are called W."""
        r = self.regime
        if r is None:
            return arrays(self.rng, shapes, self.scale)
        found = {}
        for name, shape in shapes.items():
            recurrent = name.rpartition(".")[2].startswith("W") or ".W." in name
            weights = (r.recurrent if recurrent else r.weights) / np.sqrt(max(shape[-1], 1))
            found[name] = array(self.rng, *shape, scale=r.biases if len(shape) == 1 else weights)
        return found

    def given(self, *shape: int) -> Any:
        """An input."""
        return array(self.rng, *shape, scale=self.regime.inputs if self.regime else 1.0)

    def first(self, cell: Cell, H: int, prefix: str = "") -> Blocks:
        """The arrays of an initial state by name; a memory's weights are a distribution."""
        if isinstance(cell, NTM):
            return named(prefix, self._machine(cell, H))
        size = self.regime.states if self.regime else 1.0
        return named(prefix, tuple(array(self.rng, self.B, width, scale=size) for width in cell.widths(H)))

    def _machine(self, cell: NTM, H: int) -> Any:
        own = [array(self.rng, self.B, width) for width in cell.controller.widths(H)]
        places = [self.rng.integers(1, 9, (self.B, cell.rows)) / 8.0 for _ in "rw"]
        return (*own, array(self.rng, self.B, cell.width), *places, array(self.rng, self.B, cell.rows * cell.width))

    @property
    def ends(self) -> list[int]:
        """Lengths of the rows: the whole sequence, and one step less for the last."""
        return ([self.T] * self.B)[1:] + [max(self.T - 1, 0)] * (self.B > 0)


Make = Callable[[Draw], Subject]


def of_cell(cell: Cell, *, ragged: bool = False) -> Make:
    """A cell over time."""

    def make(draw: Draw) -> Subject:
        H, count = draw.H, len(cell.states)
        I = H + 2 if isinstance(cell, Forced) else draw.I
        ends = draw.ends if ragged else None
        blocks = {**draw.blocks(cell.shapes(I, H), x=(draw.T, draw.B, I)), **draw.first(cell, H)}

        def run(b: Blocks) -> Any:
            return unroll(cell, parameters(cell.shapes(I, H), b), b["x"], taken(b, "", count), lengths=ends)

        def backward(b: Blocks, dys: list[Any]) -> Blocks:
            p = parameters(cell.shapes(I, H), b)
            g = unroll_vjp(cell, p, run(b)[2], dys[0], tuple(dys[1:]))
            return {**{k: g.params[k] for k in p}, "x": g.x, **named("", g.state)}

        return Subject(lambda b: [run(b)[0], *run(b)[1]], backward, blocks)

    return make


def of_sequences(net: Any, sizes: Callable[[Draw], tuple[Any, ...]], given: Any, more: Any = None) -> Make:
    """A network with outputs (T, B, H) and final states.

    ``given(draw)`` are the blocks beside the parameters; ``more(draw, blocks)`` the inputs of ``forward`` in order.
    """

    def make(draw: Draw) -> Subject:
        blocks = {**draw.blocks(net.shapes(*sizes(draw))), **given(draw)}

        def run(b: Blocks) -> Any:
            return net.forward(b, *more(draw, b))

        def forward(b: Blocks) -> list[Any]:
            (y, final), _ = run(b)
            return [y, *_flat(final)]

        def backward(b: Blocks, dys: list[Any]) -> Blocks:
            (_, final), tape = run(b)
            return net.backward(tape, dys[0], _like(final, list(dys[1:])))

        return Subject(forward, backward, blocks)

    return make


def of_states(net: Any, cell: Cell, sizes: Any = None, units: Any = None, ragged: bool = False) -> Make:  # noqa: FBT001, FBT002
    """A network of one cell from one state over x."""
    count = len(cell.states)
    width = units or (lambda draw: draw.H)
    return of_sequences(
        net,
        sizes or (lambda draw: (draw.I, draw.H)),
        lambda draw: {"x": draw.given(draw.T, draw.B, draw.I), **draw.first(cell, width(draw))},
        lambda draw, b: (b["x"], taken(b, "", count), *([draw.ends] if ragged else [])),
    )


def parameters(shapes: Any, blocks: Blocks) -> Blocks:
    """Those of the blocks that are parameters."""
    return {name: blocks[name] for name in shapes}


def _flat(states: Any) -> list[Any]:
    """The arrays of a state, or of several."""
    return [a for s in states for a in (_flat(s) if isinstance(s, tuple | list) else [s])]


def _like(states: Any, flat: list[Any]) -> Any:
    """Arrays nested as in ``states``; they are taken from the list."""
    return tuple(_like(s, flat) if isinstance(s, tuple | list) else flat.pop(0) for s in states)
