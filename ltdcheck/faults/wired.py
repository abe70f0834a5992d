"""Faults of a network of layers and directions, planted in :class:`~ltdcheck.reference.networks.layered.Layered`.

Two kinds: of the wiring, and of one of its cells, where every fault of that cell can be planted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ltdcheck.faults.fault import Fault, Network, WrongFunction
from ltdcheck.faults.graft import plantable
from ltdcheck.faults.systems.fault import SystemFault, system_faults
from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, Pulled, State, Wiring
from ltdcheck.reference.networks.bidirectional import Bidirectional
from ltdcheck.reference.networks.facing import Facing
from ltdcheck.reference.networks.layered import Layered

WIRED = ("stacked", "bidirectional")


def wired_faults(network: Layered) -> Iterator[Fault]:
    """All that can be wrong with this network: its wiring first, then its cells."""
    yield from wirings()
    if network.paired and network.merge == "concatenate":
        yield from map(_read, _readings())
    for place, unit in enumerate(network.units):
        for fault in plantable(unit.cell.name):
            yield replace(
                fault,
                sentence=f"In {unit.name}: {fault.sentence[:1].lower()}{fault.sentence[1:]}",
                plant=lambda cell, fault=fault, place=place: _in_cell(cell, place, fault),  # type: ignore[misc]
            )


# -- of the wiring ---------------------------------------------------------------------------------------------------


def wirings() -> list[Fault]:
    """Faults of what a layer is fed, and of what it hands down."""
    return [
        Fault(
            "layer-fed-input",
            "Every layer reads the input of the network, where it should read the outputs of the layer below.",
            "the lower layers have no effect on any output",
            "two layers, and an input as wide as the outputs of the layer below",
            "thought of",
            WIRED,
            lambda cell: _unless_alone(cell, lambda deep: WrongFunction(_FedInput(deep.layers, deep.merge))),
            forward=True,
        ),
        Fault(
            "layer-gradient-missing",
            "The gradient does not go from a layer to the one below it.",
            "the lower layers learn nothing",
            "two layers",
            "thought of",
            WIRED,
            lambda cell: _unless_alone(cell, lambda deep: Network(_Detached(deep.layers, deep.merge))),
            forward=False,
        ),
    ]


def _unless_alone(cell: Cell, plant: Any) -> Network | None:
    planted: Network | None = plant(cell) if isinstance(cell, Layered) and len(cell.layers) > 1 else None
    return planted


class _FedInput(Layered):
    def fed(self, k: int, x: Any, y: Any) -> Any:
        return x if x.shape[-1] == y.shape[-1] and k < len(self.layers) - 1 else y


class _Detached(Layered):
    def handed_down(self, k: int, dx: Any) -> Any:
        return ops.zeros_like(dx) if k else dx


def _readings() -> list[SystemFault]:
    """Those of two directions that change the forward pass."""
    return [f for f in system_faults("bidirectional") if "forward" in vars(f.wrong)]


def _read(fault: SystemFault) -> Fault:
    """A fault of one bidirectional layer, in all of them."""

    def plant(cell: Cell) -> Network | None:
        if not isinstance(cell, Layered):
            return None
        return WrongFunction(_Misread(cell.layers, cell.merge, fault.wrong))

    return Fault(fault.id, fault.sentence, fault.effect, fault.trigger, fault.source, WIRED, plant, forward=True)


@dataclass(frozen=True)
class _Misread(Layered):
    reader: Any = Bidirectional

    def pair(self, ahead: Cell, back: Cell) -> Bidirectional:
        both: Bidirectional = self.reader(ahead, back, self.merge)
        return both


# -- of a cell -------------------------------------------------------------------------------------------------------


def _in_cell(cell: Cell, place: int, fault: Fault) -> Network | None:
    """The network with this fault in its cell of this number."""
    assert isinstance(cell, Layered)
    whole = cell.units[place].cell
    planted = fault.plant(whole.cell if isinstance(whole, Facing) else whole)
    if planted is None:
        return None
    wrong: Cell = Planted(planted)
    if isinstance(whole, Facing):
        wrong = replace(whole, cell=wrong)
    cells = [wrong if k == place else unit.cell for k, unit in enumerate(cell.units)]
    left = iter(cells)
    return Network(Layered(tuple(tuple(next(left) for _ in layer) for layer in cell.layers), cell.merge))


@dataclass(frozen=True)
class Planted(Wiring):
    """A network of one cell, with a fault, in the place of that cell."""

    network: Network

    name: ClassVar[str] = "planted"
    source: ClassVar[str] = "the fault that is planted"

    def __post_init__(self) -> None:
        """Say what the cell says."""
        cell = self.network.cell
        for field in ("name", "states", "gates", "differentiable", "timed"):
            object.__setattr__(self, field, getattr(cell, field))

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Those of the cell."""
        return self.network.cell.shapes(I, H)

    def widths(self, H: int) -> tuple[int, ...]:
        """Those of the cell."""
        return self.network.cell.widths(H)

    def hidden_size(self, state: State) -> int:
        """H of a state."""
        return self.network.cell.hidden_size(state)

    def unroll(self, params: dict[str, Any], x: Any, state: State, lengths: Any = None) -> tuple[Any, State, Any]:
        """What the network answers; the tape is what it was asked."""
        self.network.lengths = lengths
        nothing = np.zeros((*x.shape[:2], self.output_width(self.hidden_size(state))), x.dtype)
        out = self.network.answer(params, x, state, nothing, tuple(np.zeros_like(s) for s in state), backward=False)
        return out.y, out.state, (x, state, lengths)

    def unroll_vjp(self, params: dict[str, Any], tape: Any, dy: Any, dstate: State) -> Pulled:
        """What the network answers; a gradient that it leaves out is zero."""
        x, state, self.network.lengths = tape
        out = self.network.answer(params, x, state, dy, dstate, backward=True)
        given = out.dparams or {}
        grads = {n: np.zeros_like(p) if given.get(n) is None else given[n] for n, p in params.items()}
        dx = np.zeros_like(x) if out.dx is None else out.dx
        return grads, dx, out.dstate or tuple(np.zeros_like(s) for s in state), ()
