"""In which precisions a target can be called, and what is learned of it there before it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ltdcheck.adapters.form import Form
from ltdcheck.errors import TargetRaised, TargetUnusableError
from ltdcheck.problem import HALF_PRECISIONS, PRECISIONS


@dataclass(frozen=True)
class Learned:
    """What is learned of a target."""

    form: Form
    inputs: int  # I at which the form was found
    precisions: tuple[str, ...]
    refused: Mapping[str, str] = field(default_factory=dict)  # other precisions, and what it raised in them


Found = tuple[Form, int]  # the form, and I at which it was found


def in_each_precision(first: Any, learn: Callable[[str, Found | None], Found]) -> Learned:
    """What is learned in the first precision that can be, which is the form and I.

    ``learn`` takes a precision, and what was found in the first, if anything was.

    They are double and single precision, or those that an instance of the target names in ``precisions``: half
    precisions are checked only where they are declared.

    Raises
    ------
    TargetRaised
        When it raised in all of them.
    """
    found: dict[str, Found] = {}
    refused: dict[str, TargetRaised] = {}
    precisions = _declared(first) or PRECISIONS
    for precision in precisions:
        try:
            found[precision] = learn(precision, next(iter(found.values()), None))
        except TargetRaised as error:
            refused[precision] = error
    if not found:
        raise refused[precisions[0]]
    form, inputs = next(iter(found.values()))
    return Learned(form, inputs, tuple(found), {precision: str(error) for precision, error in refused.items()})


def _declared(first: Any) -> tuple[str, ...]:
    """The names in ``precisions``; none where it has no such attribute, or one that holds something else.

    Raises
    ------
    TargetUnusableError
        When one of the names is no precision.
    """
    names = getattr(first, "precisions", ())
    if not isinstance(names, (tuple, list)) or not all(isinstance(name, str) for name in names):
        return ()
    known = (*PRECISIONS, *HALF_PRECISIONS)
    if unknown := [name for name in names if name not in known]:
        why = f"its precisions name {unknown[0]!r}."
        raise TargetUnusableError(type(first).__name__, why, f"They may name {', '.join(known)}.")
    return tuple(names)
