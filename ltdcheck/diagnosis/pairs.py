"""Two faults at once, where no single one explains what a target answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ltdcheck.diagnosis.apart import Apart, apart, residual
from ltdcheck.diagnosis.hearing import Exchange, put
from ltdcheck.faults.fault import Fault, Network
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Cell
from ltdcheck.result import Diagnosis

FIRSTS = 6  # faults that explain most, to which another one is added
TRIED = 900  # pairs, each a few milliseconds


@dataclass(frozen=True)
class Part:
    """A fault, and the blocks that it brings in line, of those that are wrong without it."""

    fault: Fault
    mends: frozenset[str]


def pairs(subject: Subject, asked: Sequence[Exchange], known: Iterable[Fault], limit: float) -> list[Diagnosis]:
    """Two faults that explain these answers together, the first of them some blocks by itself; nothing where none do.

    The second is one of the backward pass where the first explains all that is wrong with the outputs.
    """
    blocks = _blocks(subject, Network(subject.cell), asked)
    wrong = frozenset(name for name, far in blocks.items() if not far <= limit)
    forward = {name for name in wrong if _of_outputs(name)}
    known = list(known)
    parts = sorted(_parts(subject, asked, known, wrong, limit), key=lambda part: -len(part.mends))
    tried = (
        (first.fault, second)
        for first in parts[:FIRSTS]
        for second in known
        if second.forward != (forward <= first.mends)
    )
    for (first, second), _ in zip(tried, range(TRIED), strict=False):
        seen = _together(subject, first, second, asked, limit)
        if seen.far < limit:
            words = f"{first.sentence.rstrip('.')}. And: {second.sentence.rstrip('.')}"
            return [Diagnosis(f"{first.id} + {second.id}", words, seen.far)]
    return []


def _together(subject: Subject, first: Fault, second: Fault, asked: Sequence[Exchange], limit: float) -> Apart:
    network = both(subject.cell, first, second)
    try:
        return Apart(float("inf")) if network is None else residual(subject, network, asked, limit)
    except (AttributeError, TypeError):  # each relies on what the other replaces
        return Apart(float("inf"))


def both(cell: Cell, first: Fault, second: Fault) -> Network | None:
    """The network with both: the second planted in the cell that the first makes, under the fold that both make.

    None where they cannot stand in one network.
    """
    try:
        below = first.plant(cell)
        above = None if below is None else second.plant(below.cell)
        if below is None or above is None:
            return None
        lower, upper = type(below), type(above)
        if issubclass(upper, lower):
            return above
        return (lower if issubclass(lower, upper) else _joined(upper, lower))(above.cell)
    except (AttributeError, TypeError):  # no order of their methods, or a cell that is no longer what the second bends
        return None


def _joined(upper: type[Network], lower: type[Network]) -> type[Network]:
    return type(f"{upper.__name__}{lower.__name__}", (upper, lower), {})


def _parts(
    subject: Subject, asked: Sequence[Exchange], known: Iterable[Fault], wrong: frozenset[str], limit: float
) -> Iterator[Part]:
    """The faults that bring some wrong block in line."""
    outputs = {name for name in wrong if _of_outputs(name)}
    for fault in known:
        network = fault.plant(subject.cell) if fault.forward or not outputs else None
        if network is None:
            continue
        blocks = _blocks(subject, network, asked)
        mends = frozenset(name for name in wrong if blocks.get(name, float("inf")) <= limit)
        if mends:
            yield Part(fault, mends)


def _blocks(subject: Subject, network: Network, asked: Sequence[Exchange]) -> dict[str, float]:
    """The largest distance of each block over all answers; nothing where the network refuses."""
    far: dict[str, float] = {}
    for exchange in asked:
        answers = put(exchange, network)
        if len(answers) != len(exchange.answers):
            return {}
        for ours, theirs, problem in zip(answers, exchange.answers, exchange.problems, strict=True):
            for name, value in apart(subject, ours, theirs, problem).items():
                far[name] = max(far.get(name, 0.0), value)
    return far


def _of_outputs(name: str) -> bool:
    return name == "y" or name.startswith("state ")
