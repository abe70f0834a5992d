"""The faults that can be planted in the place of a target, by ids that are each one's own.

In a network of layers and directions, a fault of one cell has the cell's place behind its id,
``gate-unbounded.f@layer2.back``; what is wrong with a call, whatever it computes, is a fault of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ltdcheck.errors import LtdcheckError
from ltdcheck.faults.fault import Fault, Network, fault_named
from ltdcheck.faults.graft import plantable
from ltdcheck.faults.wired import WIRED, wired_faults
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.networks.layered import Layered, stack

UNREGISTERED = "weight-unregistered"  # of the weights W of one cell


def every(cell: Cell) -> list[Fault]:
    """All faults of a cell, or of a network of cells: of its wiring, of its calls, of each of its cells."""
    return list(_placed(cell)) if isinstance(cell, Layered) else plantable(cell.name)


def _placed(network: Layered) -> Iterator[Fault]:
    known = list(wired_faults(network))
    inner = [fault for fault in known if fault.cells != WIRED]
    names = [unit.name for unit in network.units for _ in plantable(unit.cell.name)]
    yield from (fault for fault in known if fault.cells == WIRED)
    yield from (fault for fault in plantable(network.name) if of_calls(fault))
    for fault, name in zip(inner, names, strict=True):
        if not of_calls(fault):
            yield replace(fault, id=f"{fault.id}@{name}")


def of_calls(fault: Fault) -> bool:
    """Its network passes on what it is asked and what comes back, and changes neither pass: any cell can be in it."""
    kind = fault.plant
    if not (isinstance(kind, type) and issubclass(kind, Network)):
        return False
    changed = {name for base in kind.__mro__[: kind.__mro__.index(Network)] for name in vars(base)}
    return not changed & {"forward", "backward"} and fault.id != UNREGISTERED


def leaves_something(fault: Fault) -> bool:
    """It is of calls, and of more than the digits of one."""
    return fault.id == UNREGISTERED or (of_calls(fault) and fault.row != "precision-lost")


def require_fault(id: str) -> None:
    """Refuse an id, with a place or without, that no fault has.

    Raises
    ------
    UnknownNameError
        When there is none.
    """
    bare = id.partition("@")[0]
    if bare not in _wirings():
        fault_named(bare)


def _wirings() -> set[str]:
    return {fault.id for fault in wired_faults(stack(Elman(), 2, both_ways=True)) if fault.cells == WIRED}


def meant(fault: Fault, asked: str) -> bool:
    """Whether a person who writes ``asked`` means it: its id, its row with all sites, with a place or in all places."""
    bare, _, place = fault.id.partition("@")
    words, _, asked_place = asked.partition("@")
    return words in (bare, bare.partition(".")[0]) and asked_place in ("", place)


def plant_in(cell: Cell, id: str) -> tuple[Fault, Network]:
    """The network of the cell with the fault of this id.

    Raises
    ------
    LtdcheckError
        When the cell has nothing that it gets wrong.
    """
    fault = next((f for f in every(cell) if f.id == id), None)
    network = None if fault is None else fault.plant(cell)
    if fault is None or network is None:
        raise LtdcheckError(f"{id} cannot be planted in {cell.name}({cell.variant})")
    return fault, network
