"""What a target can be declared to be, in words: ``reset=after, order=r u n``.

The words are the fields of the cells' variants, and of the layout: ``order`` of the gates, ``biases`` (how many arrays
add up), ``state`` (the order of its arrays: ``c h``), ``direction``; of several layers ``layers`` and ``merge``. Gates
may be called as frameworks call them: ``z r h`` for ``u r n``, ``i j f o`` for ``i g f o``.
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Iterator
from dataclasses import fields
from math import inf
from typing import Any, get_args, get_origin, get_type_hints

from ltdcheck.errors import UsageError
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.direction import DIRECTIONS
from ltdcheck.reference.layered_layout import LayeredLayout
from ltdcheck.reference.layout import Layout
from ltdcheck.reference.networks.bidirectional import MERGES

OUTSIDE = r",(?![^(]*\))"  # commas that are not in brackets
FREE: tuple[str, ...] = ()  # any value
LAYOUT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("order", "biases", "state", "layers"), FREE),
    "direction": DIRECTIONS,
    "merge": MERGES,
}
_LSTM = dict.fromkeys("cjzn", "g")  # what the candidate is called beside i f o
_GRU = {"z": "u", **dict.fromkeys("hco", "n")}


def stated(declared: str) -> dict[str, str]:
    """The words and their values; of words that are no ``word=value``, "".

    Raises
    ------
    UsageError
        When there is no such word, or it has no such value.
    """
    said = {}
    known = _known()
    for part in filter(None, (p.strip() for p in re.split(OUTSIDE, declared))):
        word, _, value = (p.strip() for p in part.partition("="))
        if word not in known:
            raise UsageError(_unknown("word", word, sorted(known), part))
        if known[word] and value not in known[word]:
            raise UsageError(_unknown(f"value of {word}", value, known[word], part))
        said[word] = value
    return said


def found(layout: Layout) -> dict[str, str]:
    """The words that are true of a layout."""
    first = layout.parts[0] if layout.parts else layout
    return {**dict(_of_cell(first)), "direction": layout.direction, **dict(_of_layers(layout))}


def agree(word: str, one: str, other: str) -> bool:
    """Two values of a word say the same: the same names of gates, numbers, or words."""
    if word == "order":
        return _gates(one) == _gates(other)
    return bool(read(one) == read(other))


def read(value: str) -> Any:
    """A number, or several in brackets, or else the words themselves: 4 and 4.0 are the same."""
    if value == "inf":
        return inf
    try:
        return literal_eval(value)
    except (ValueError, SyntaxError):
        return value


def _gates(order: str) -> list[str]:
    names = order.split()
    spoken = _LSTM if "f" in names else _GRU
    return [spoken.get(name, name) for name in names]


def _of_cell(layout: Layout) -> Iterator[tuple[str, str]]:
    for field in fields(layout.cell):
        yield field.name, str(getattr(layout.cell, field.name))
    states = layout.cell.states
    yield "state", " ".join(reversed(states) if layout.swapped_state else states)
    for part in layout.words().split(", "):
        word, _, value = part.partition("=")
        if word in ("order", "biases"):
            yield word, value


def _of_layers(layout: Layout) -> Iterator[tuple[str, str]]:
    yield "layers", str(len(layout.network.layers) if isinstance(layout, LayeredLayout) else 1)
    if isinstance(layout, LayeredLayout):
        yield "merge", layout.network.merge


def _known() -> dict[str, tuple[str, ...]]:
    """Every word, with the values that it can have; none where any can be."""
    known = dict(LAYOUT)
    for cell in CELLS.values():
        for word, values in _choices(cell):
            known[word] = tuple(dict.fromkeys((*known.get(word, ()), *values))) if values else FREE
    return known


def _choices(cell: type[Cell]) -> Iterator[tuple[str, tuple[str, ...]]]:
    hints = get_type_hints(cell)
    for field in fields(cell):
        hint = hints[field.name]
        yield field.name, tuple(map(str, get_args(hint))) if str(get_origin(hint)) == "typing.Literal" else FREE


def _unknown(what: str, given: str, known: object, part: str) -> str:
    names = ", ".join(known) if isinstance(known, list | tuple) else ""
    return f"{part!r} declares nothing: there is no {what} {given!r}. Known: {names}."
