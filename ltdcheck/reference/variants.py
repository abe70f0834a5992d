"""Every variant of a cell: the combinations of the fields of its dataclass, found from their type hints."""

from __future__ import annotations

from dataclasses import Field, fields
from functools import cache
from itertools import product
from math import inf
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import cell_named

NUMBERS: dict[str, tuple[Any, ...]] = {  # what is tried for a field that can be any number
    "forget_offset": (0.0, 1.0),
    "tau": (2.0, 10.0, (1.0, 4.0, 16.0), "learned"),
    "dt": (0.5,),
    "lag": (1, 2, 3),
    "periods": ((1, 2, 4), (1, 3)),
    "start": (0, 1),
    "hidden": (0,),
    "group": (2, 3),
    "leak": (1.0, 0.25),
    "tau_m": (2.0, 10.0),
    "threshold": (1.0, 0.5),
    "projection": (0, 2),
    "clip": (inf, 0.7),  # no number of a problem is 0.7, nor a sum of some: no input is at the kink
}

# what few choose: every one is a variant, but only of a cell that is the default otherwise
RARE: dict[str, tuple[Any, ...]] = {
    "nonlinearity": ("softsign",),
    "gate_nonlinearity": ("hard sigmoid 0.2", "hard sigmoid 1/6"),
    "candidate": ("relu", "softsign", "identity"),
    "output": ("relu", "softsign", "identity"),
    "projection": (2,),
    "clip": (0.7,),
}


def variants(cell_name: str) -> list[Cell]:
    """The variants of the cell called ``cell_name``, the default first: :func:`combinations` without the rare ones.

    What is ``RARE`` is there once, with every other field at its default.

    Raises
    ------
    UnknownNameError
        When there is no cell of this name.
    TypeError
        When a field is neither a choice nor a number with values to try.
    """
    return list(_variants(cell_named(cell_name)))


def combinations(cell_name: str) -> list[Cell]:
    """Every combination of the fields of the cell called ``cell_name``, the default first; raises alike."""
    return list(_combinations(cell_named(cell_name)))


@cache
def _variants(cell: type[Cell]) -> tuple[Cell, ...]:
    return tuple(one for one in _combinations(cell) if not _rare(one) or len(_changed(one)) == 1)


@cache
def _combinations(cell: type[Cell]) -> tuple[Cell, ...]:
    hints = get_type_hints(cell)
    choices = [_choices(f, hints[f.name]) for f in fields(cell)]
    return tuple(cell(*values) for values in product(*choices))


def _changed(cell: Cell) -> list[str]:
    """The fields that differ from their defaults."""
    return [f.name for f in fields(cell) if getattr(cell, f.name) != f.default]


def _rare(cell: Cell) -> bool:
    return any(getattr(cell, name) in RARE.get(name, ()) for name in _changed(cell))


def _choices(field: Field[Any], hint: Any) -> tuple[Any, ...]:
    """The values of one field, its default first."""
    values = get_args(hint) if get_origin(hint) is Literal else NUMBERS.get(field.name)
    if values is None:
        raise TypeError(f"{field.name}: {hint} is neither a Literal nor named in NUMBERS; say which values to try")
    return (field.default, *(value for value in values if value != field.default))
