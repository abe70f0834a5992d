"""How a fault gets into a cell: a class whose methods come before the cell's own, whatever the variant.

A graft overrides one method and calls ``super()`` for what the cell does right.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ltdcheck.faults.fault import Fault, Network, Plant, WrongFunction, faults
from ltdcheck.reference.cell import Cell, Saved, Share, State

N = TypeVar("N", bound=Network)

ALL = ("elman", "lstm", "gru")
GATED = ("lstm", "gru")

GATES: dict[str, dict[str, str]] = {
    "elman": {},
    "lstm": {"i": "input gate", "f": "forget gate", "o": "output gate"},
    "gru": {"r": "reset gate", "u": "update gate"},
}  # the parts that a logistic bounds, by family
PARTS = {**GATES["lstm"], **GATES["gru"], "g": "candidate g", "n": "candidate n"}


def plantable(family: str) -> list[Fault]:
    """The faults of a family, and after them those that no family is without: of the fold, of calls, of U, W and b.

    The catalogue lists the latter for :data:`ALL` alone, which is enough to show that they are found; a target may have
    them in every family.
    """
    return [*faults(family), *(f for f in faults() if set(ALL) <= set(f.cells) and family not in f.cells)]


class Graft(Cell):
    """Methods that are put in front of a cell's own; alone it is no cell."""

    if TYPE_CHECKING:  # what ``super()`` finds in the cell

        def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
            """As in the cell."""

        def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
            """As in the cell."""

        def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
            """As in the cell."""


def graft(mixin: type[Cell], cell: Cell, base: type[Cell] | None = None) -> Cell:
    """``cell``, of the same variant, with the methods of ``mixin`` in front of those of ``base`` (its own class)."""
    grafted = _class(mixin, base or type(cell))
    return cast("Cell", grafted(**{f.name: getattr(cell, f.name) for f in fields(cell)}))


@cache
def _class(mixin: type[Cell], base: type[Cell]) -> Any:
    """One class for each pair."""
    bases = (mixin,) if issubclass(mixin, base) else (mixin, base)
    return type(f"{mixin.__name__.lstrip('_')}{base.__name__}", bases, {})


def derived(mixin: type[Cell], **attributes: Any) -> type[Cell]:
    """The graft with some class attributes set: one site of a fault that has several."""
    return cast("type[Cell]", type(mixin.__name__, (mixin,), attributes))


def computes(mixin: type[Cell]) -> Plant:
    """The network of the grafted cell; for a graft that changes what the cell computes."""
    return lambda cell: WrongFunction(graft(mixin, cell))


def differentiates(mixin: type[Cell]) -> Plant:
    """The network of the grafted cell; for a graft that changes the adjoint alone."""
    return lambda cell: Network(graft(mixin, cell))


def unprojected(plant: Plant) -> Plant:
    """The plant for cells whose arrays of the state are all of one width, without which the fault would not run."""
    return lambda cell: plant(cell) if len(set(cell.widths(2 * cell.fewest))) < 2 else None


class SingleStep(WrongFunction):
    """Right in the loop, and another cell where the sequence is a single step: two paths that do not agree."""

    def __init__(self, cell: Cell, single: Cell) -> None:
        super().__init__(cell)
        self.single = WrongFunction(single)

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        """The forward pass of one of the two."""
        return self.single.forward(params, x, state) if len(x) == 1 else super().forward(params, x, state)


def derived_network(network: type[N], **attributes: Any) -> type[N]:
    """The network with some class attributes set; a class is itself the plant."""
    return cast("type[N]", type(network.__name__, (network,), attributes))
