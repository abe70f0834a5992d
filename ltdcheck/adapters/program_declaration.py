"""What a program says of itself: the answer to ``start``, read member by member."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ltdcheck.adapters.program_text import FORMS, Message, Shape, shown
from ltdcheck.errors import TargetAnswer
from ltdcheck.problem import PRECISIONS


@dataclass(frozen=True)
class Declaration:
    """The answer to ``start``."""

    name: str
    version: str
    cells: Sequence[str]  # the families it offers; the first is the one it is when none is asked for
    precisions: Sequence[str]
    numbers: str  # "decimal" or "hexadecimal": how it wants to be written to
    parameters: Mapping[str, Shape]
    states: int
    backward: bool
    width: int = 1  # of y, in hidden sizes
    lengths: bool = False  # it may be told how many steps each row has
    fixed_sizes: tuple[int, int] | None = None

    @classmethod
    def of(cls, answer: Message) -> Declaration:
        """Read it.

        Raises
        ------
        TargetAnswer
            When a member is missing or of the wrong kind; the sentence names it.
        """
        told = {name: _member(answer, name) for name in _MEMBERS if name in answer or name not in _OPTIONAL}
        told["parameters"] = {name: tuple(shape) for name, shape in told["parameters"].items()}
        if "fixed_sizes" in told:
            told["fixed_sizes"] = tuple(told["fixed_sizes"])
        return cls(**told)


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _shape(value: object) -> bool:
    return isinstance(value, list) and all(map(_count, value))


_MEMBERS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "name": (lambda v: isinstance(v, str), "a string"),
    "version": (lambda v: isinstance(v, str), "a string"),
    "cells": (_strings, "a list of names"),
    "precisions": (
        lambda v: _strings(v) and bool(v) and set(v) <= set(PRECISIONS),
        f"a list of one or both of {', '.join(PRECISIONS)}",
    ),
    "numbers": (lambda v: isinstance(v, str) and v in FORMS, '"decimal" or "hexadecimal"'),
    "parameters": (
        lambda v: isinstance(v, dict) and bool(v) and all(map(_shape, v.values())),
        'an object of names and shapes, such as {"W": [20, 4]}',
    ),
    "states": (lambda v: _count(v) and v > 0, "how many arrays (B, H) make up the state"),
    "backward": (lambda v: isinstance(v, bool), "true or false"),
    "width": (lambda v: _count(v) and v > 0, "how many hidden sizes wide y is"),
    "lengths": (lambda v: isinstance(v, bool), "true or false"),
    "fixed_sizes": (lambda v: _shape(v) and len(v) == 2, "the two sizes [I, H]"),
}
_OPTIONAL = ("width", "lengths", "fixed_sizes")


def _member(answer: Message, name: str) -> Any:
    fits, what = _MEMBERS[name]
    if name not in answer:
        raise TargetAnswer(f"answered 'start' without {name!r}, which is {what}")
    if not fits(answer[name]):
        raise TargetAnswer(f"answered 'start' with {name!r}: {shown(answer[name])}, which must be {what}")
    return answer[name]
