"""Which block of the reference each part of a target's array is: the one that answers a poke alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ltdcheck.diagnosis.probe import Probe, Reading, Response, far
from ltdcheck.faults.fault import Fault, Network
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.layout import ArrayLayout, Layout

UNCHANGED = 1e-6  # a poke of about 1 in weights of about 1 changes answers of about 1 by far more, or by rounding
Pool = tuple[str, int]  # what feeds a part, and how many units it feeds: only blocks that agree in both compete for it
Slot = tuple[Reading, int, int]  # of an array under a reading, gate g of source k


@dataclass(frozen=True)
class Candidate:
    """A variant, as it is or with one known fault, and how far its answer at the base point is from the target's."""

    far: float
    cell: Cell
    fault: Fault | None = None

    @property
    def network(self) -> Network:
        """What answers so, never called."""
        planted = self.fault.plant(self.cell) if self.fault else None
        return planted or Network(self.cell)


@dataclass(frozen=True)
class _Explained:
    """An array under a reading: which block each part is, and how badly that explains the answers."""

    cost: float
    reading: Reading
    roles: Mapping[Slot, str]

    def layout(self, H: int, hidden: int) -> ArrayLayout:
        """As the report tells it, with h as wide as ``hidden`` says."""
        r = self.reading
        roles = tuple(tuple(self.roles[r, g, k] for g in range(r.gates)) for k in range(len(r.sources)))
        unit = "H" if r.units == H else "P" if r.units == hidden else "G"
        return ArrayLayout(r.arrangement, r.sources, roles, r.inner, unit, "H" if hidden == H else "P")


class _Blocks:
    """The reference's blocks, what each answers to a poke, and what the target's parts answer to theirs."""

    def __init__(self, probe: Probe, candidate: Candidate, response: Response) -> None:
        cell = candidate.cell
        self.response = response
        self.base = probe.base(cell, fault=candidate.fault)
        self.names: dict[Pool, list[str]] = {}
        self.answers: dict[str, NDArray[np.float64]] = {}
        for block in cell.blocks(probe.H):
            self.names.setdefault((cell.source_of(block.array), block.stop - block.start), []).append(block.name)
            self.answers[block.name] = probe.base(cell, block.name, candidate.fault)

    def named(self, slot: Slot) -> list[str]:
        """Which blocks a part can be."""
        reading, _, k = slot
        return self.names.get((reading.sources[k], reading.units), [])

    def costs(self, slots: Sequence[Slot], names: Sequence[str]) -> NDArray[np.float64]:
        """How far the answer of each part is from that of each block."""
        replies = [self.response(reading, g, k) for reading, g, k in slots]
        return np.array([[far(self.answers[name], reply) for name in names] for reply in replies])

    def idle(self, slot: Slot) -> bool:
        """A poke changes nothing: the part may be any block without effect."""
        return far(self.base, self.response(*slot)) < UNCHANGED

    def explained(self, reading: Reading) -> _Explained | None:
        """The array under this reading; None where there are not as many such blocks."""
        roles, total = dict[Slot, str](), 0.0
        for slots in _apart(reading):
            names = self.named(slots[0])
            if len(slots) > len(names):
                return None
            cost = self.costs(slots, names)
            rows, columns = _assigned(cost)
            roles |= {slots[r]: names[c] for r, c in zip(rows, columns, strict=True)}
            total += float(cost[rows, columns].sum())
        # of two readings that explain the answers alike, the one without transposed blocks is meant
        return _Explained(round(total, 9), reading, roles)


def explain(
    probe: Probe, candidate: Candidate, readings: Mapping[str, list[Reading]], response: Response, *, swapped: bool
) -> Layout | None:
    """The layout under which the reference's blocks answer the pokes as the target does; None where blocks are left."""
    cell, blocks = candidate.cell, _Blocks(probe, candidate, response)
    fitting: dict[str, list[_Explained]] = {}
    for array, found in readings.items():
        fitting[array] = [e for e in map(blocks.explained, found) if e is not None]
        if not fitting[array]:
            return None
    needed = {block.name for block in cell.blocks(probe.H) if block.array not in cell.biases}  # biases may be missing
    for chosen in (_nearest(fitting), _shared_out(fitting, needed)):
        arrays = _needed(_exclusive(chosen, blocks), blocks)
        if needed <= {role for explained in arrays.values() for role in explained.roles.values()}:
            break
    else:
        return None  # a variant with parameters that the target has not
    layouts = {name: e.layout(probe.H, probe.wide["h"]) for name, e in arrays.items()}
    idle = frozenset(name for name, e in arrays.items() if any(blocks.idle(slot) for slot in e.roles))
    return Layout(cell, layouts, swapped, unseen=idle)


def _nearest(fitting: Mapping[str, list[_Explained]]) -> dict[str, _Explained]:
    """Each array under the reading that explains it best."""
    return {array: min(found, key=lambda e: (e.cost, e.reading.inner)) for array, found in fitting.items()}


def _shared_out(fitting: Mapping[str, list[_Explained]], needed: set[str]) -> dict[str, _Explained]:
    """The same, but no array takes weights that another has, which can be read in fewer ways, if it need not."""
    taken: set[str] = set()
    arrays: dict[str, _Explained] = {}
    for array in sorted(fitting, key=lambda array: len(fitting[array])):
        arrays[array] = min(
            fitting[array], key=lambda e: (len(taken & needed & set(e.roles.values())), e.cost, e.reading.inner)
        )
        taken |= set(arrays[array].roles.values())
    return {array: arrays[array] for array in fitting}


def _apart(reading: Reading) -> list[list[Slot]]:
    """The parts that are different blocks: all weight matrices that one source feeds, but of biases one column."""
    columns: dict[tuple[str, int], list[Slot]] = {}
    for k, source in enumerate(reading.sources):
        key = (source, k if source == "1" else 0)
        columns.setdefault(key, []).extend((reading, g, k) for g in range(reading.gates))
    return list(columns.values())


def _assigned(cost: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the assignment with the least total cost."""
    least = cost == cost.min(axis=1, keepdims=True)
    if np.isfinite(cost).all() and (least.sum(axis=1) == 1).all() and (least.sum(axis=0) <= 1).all():
        return np.arange(len(cost)), least.argmax(axis=1)  # each row at its one least: every other assignment is dearer
    from scipy.optimize import linear_sum_assignment  # a third of a second, which only parts that compete cost

    rows, columns = linear_sum_assignment(cost)
    return rows, columns


def _needed(arrays: dict[str, _Explained], blocks: _Blocks) -> dict[str, _Explained]:
    """An array without any effect, beside others that hold every block that it could be, is none of them."""
    active = {role for e in arrays.values() for slot, role in e.roles.items() if not blocks.idle(slot)}
    return {
        name: replace(e, roles=dict.fromkeys(e.roles, ""))
        if all(blocks.idle(slot) and active.issuperset(blocks.named(slot)) for slot in e.roles)
        else e
        for name, e in arrays.items()
    }


def _exclusive(arrays: dict[str, _Explained], blocks: _Blocks) -> dict[str, _Explained]:
    """No two parts are the same weight matrix: where they claim to be, share the blocks out at the least cost.

    Several arrays may add to one bias; of those without effect, each is one that nothing else is.
    """
    for pool, of_pool in blocks.names.items():
        names = of_pool
        claims = [
            (array, slot)
            for array, explained in arrays.items()
            for slot in explained.roles
            if (slot[0].sources[slot[2]], slot[0].units) == pool
        ]
        if pool[0] == "1":
            acting = {arrays[array].roles[slot] for array, slot in claims if not blocks.idle(slot)}
            names = [name for name in names if name not in acting]
            claims = [(array, slot) for array, slot in claims if blocks.idle(slot)]
        taken = [arrays[array].roles[slot] for array, slot in claims]
        if len(set(taken)) == len(taken) or len(claims) > len(names):
            continue
        cost = blocks.costs([slot for _, slot in claims], names)
        for row, column in zip(*_assigned(cost), strict=True):
            array, slot = claims[row]
            arrays[array] = replace(arrays[array], roles={**arrays[array].roles, slot: names[column]})
    return arrays
