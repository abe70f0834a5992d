"""One cell of a target of several layers, as a target of its own."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ltdcheck.diagnosis.probe import BASE, SIZES, Asks, B, Probe
from ltdcheck.diagnosis.structure import Place, question
from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import Array, Params, Problem
from ltdcheck.reference.layered_layout import LayeredLayout
from ltdcheck.reference.layout import Layout
from ltdcheck.reference.networks.bidirectional import Merge
from ltdcheck.reference.networks.facing import facing
from ltdcheck.reference.networks.layered import Layered
from ltdcheck.reference.networks.unroll import unroll
from ltdcheck.strategies.problems import Recipe, build

ROWS = 8  # of which the one that reads most is looked at


@dataclass(frozen=True)
class Known:
    """What a cell was taken for: its place in the target, how its arrays lie, and whether that explains it.

    ``explained`` says that it does, if only with a known fault.
    """

    place: Place
    layout: Layout
    exact: bool
    explained: bool = False

    @property
    def states(self) -> tuple[int, ...]:
        """The places of its state's arrays in the target's state, in the reference's order."""
        return tuple(self.place.states[k] for k in self.layout.places)


@dataclass(frozen=True)
class Below:
    """The layers below a cell, and how their directions are merged."""

    layers: tuple[tuple[Known, ...], ...] = ()
    merge: Merge = "concatenate"

    def held(self, I: int, H: int) -> tuple[Layout, dict[str, Array]]:
        """Their layout, and the parameters of few digits with which they are held, zero where the target has none."""
        layout, _ = assembled(self)
        params = build(layout.cell, Recipe(T=1, B=1, I=I, H=H, seed=29, grain=6)).params
        return layout, layout.within(params, I, H)


class View(Implementation):
    """One cell of a target as a target of its own, which reads what the layers below it make of ``x``.

    It answers with its final state; the outputs, which the target shows of the last layer alone, are zeros. The x of a
    question says how many steps and rows there are, and nothing else.
    """

    def __init__(self, target: Implementation, place: Place, below: Below, *, back: bool) -> None:
        self.target, self.place, self.below, self.back = target, place, below, back
        self.name = target.name
        self.states = len(place.states)
        self.precisions = target.precisions
        self.takes_state = target.takes_state
        self.has_backward = False
        self._read: dict[tuple[int, int], Array] = {}
        _, H = target.fixed_sizes or SIZES
        self.sizes = (self.seen(1, 1).shape[2], H)
        self.fixed_sizes = self.sizes

    def widths(self, H: int) -> tuple[int, ...]:
        """Of its own states."""
        whole = self.target.widths(H)
        return tuple(whole[k] for k in self.place.states)

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """The cell's own arrays."""
        held = self.target.parameters(*(self.target.fixed_sizes or SIZES))
        return {name: held[name] for name in self.place.arrays}

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """The cell's final state; forward alone."""
        T, B, _ = problem.x.shape
        params, x, states = self._held(T, B)
        for k, array in zip(self.place.states, problem.given_state, strict=True):
            states[k] = array
        asked = question(self.target, {**params, **problem.params}, x, states)
        out = self.target.run(asked, backward=False, fresh=fresh)
        return Outputs(np.zeros_like(problem.dy), tuple(out.state[k] for k in self.place.states))

    def seen(self, T: int, B: int) -> Array:
        """The sequence that the cell reads, in its own direction: (T, B, I) or what the layer below answers."""
        if (T, B) not in self._read:
            self._read[T, B] = self._reading(T, B)
        return self._read[T, B]

    def _reading(self, T: int, B: int) -> Array:
        _, x, states = self._held(T, B)
        if self.below.layers:
            layout, held = self.below.held(x.shape[2], max(s.shape[1] for s in states))
            own = tuple(states[k] for k in assembled(self.below)[1])
            y, _, _ = unroll(layout.cell, held, x, own)
            x = np.asarray(y)
        return x[::-1] if self.back else x

    def _held(self, T: int, B: int) -> tuple[dict[str, Array], Array, list[Array]]:
        """Parameters, input and initial state of the whole target, of few digits and always the same."""
        I, H = self.target.fixed_sizes or SIZES
        rng = np.random.default_rng(23)

        def grains(*shape: int) -> Array:
            return np.asarray(np.round(rng.standard_normal(shape) * 64) / 64)

        x, states = grains(T, B, I), [grains(B, width) * self.takes_state for width in self.target.widths(H)]
        params = {name: grains(*shape) / 4 for name, shape in self.target.parameters(I, H).items()}
        if self.below.layers:
            layout, held = self.below.held(I, H)
            params |= layout.to_target(held, I, H)
        return params, x, states


class ViewProbe(Probe):
    """The questions to one cell of a target: references read what it reads, and show what it shows."""

    target: View

    def driven(self, ask: Asks, base: Params, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same with what the cell reads as it is: all its weights are as large as makes the pre-activations so."""
        sums = self.target.seen(1, ROWS)[0].sum(axis=1)
        row = int(np.argmax(np.abs(sums)))
        x, own = np.zeros((1, ROWS, self.I)), self.states[: self.target.states]
        states = [np.zeros((ROWS, s.shape[1])) for s in own]
        scales = levels / (BASE * sums[row])
        return np.array([ask(self.asked({n: s * v for n, v in base.items()}, x, states))[row] for s in scales])

    def asks_alike(self) -> tuple[Hashable, ...]:
        """What the cell reads decides them too."""
        return *super().asks_alike(), self.target.seen(self.steps, B).tobytes(), self.target.takes_state

    def reference(self, network: Network, problem: Problem) -> Outputs:
        """The reference's final state."""
        x = self.target.seen(*problem.x.shape[:2])
        state = problem.state if self.target.takes_state else None
        out = network.run(problem.with_(x=x, state=state), backward=False)
        return replace(out, y=np.zeros_like(out.y))


def assembled(below: Below) -> tuple[Layout, tuple[int, ...]]:
    """Layers that are known, as one layout, and the places of their states in the target's."""
    known = [one for layer in below.layers for one in layer]
    order = tuple(k for one in known for k in one.states)
    if len(known) == 1:
        alone = known[0].layout
        return replace(alone, cell=facing(alone.cell, alone.direction)), order
    layers = tuple(tuple(facing(one.layout.cell, one.layout.direction) for one in layer) for layer in below.layers)
    network = Layered(layers, below.merge)
    arrays = {name: a for one in known for name, a in one.layout.arrays.items()}
    return LayeredLayout(network, arrays, cells=tuple(one.layout for one in known), state_order=order), order
