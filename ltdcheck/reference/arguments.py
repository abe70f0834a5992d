"""What every function of the reference demands of its plain arguments: one message for each kind of mistake."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints


def require_positive(name: str, value: float) -> None:
    """Refuse what is not above 0; NaN and infinity too.

    Raises
    ------
    ValueError
        Naming the argument and its value.
    """
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} is {value}; it must be positive and finite")


def require_between(name: str, value: float, low: float, high: float) -> None:
    """Refuse what is not in ``low <= value <= high``; NaN too.

    Raises
    ------
    ValueError
        Naming the argument and its value.
    """
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}; it must lie between {low} and {high}")


def require_choices(cls: type, args: Sequence[Any], named: Mapping[str, Any]) -> None:
    """Refuse a value that is none of those that the ``Literal`` of a dataclass's field names.

    Raises
    ------
    ValueError
        Naming the field, its value and what is allowed.
    """
    for place, name, allowed in _choices(cls):
        if place < len(args) or name in named:
            value = named[name] if name in named else args[place]
            if value not in allowed:
                raise ValueError(f"{name} = {value!r} is not allowed: one of {', '.join(map(str, allowed))}")


@cache
def _choices(cls: type) -> list[tuple[int, str, tuple[Any, ...]]]:
    """The fields that are a choice, each with its place among all fields and its values."""
    hints = get_type_hints(cls)
    own = [(k, f.name) for k, f in enumerate(fields(cls)) if get_origin(hints[f.name]) is Literal]
    return [(k, name, get_args(hints[name])) for k, name in own]
