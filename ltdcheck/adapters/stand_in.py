"""Something else in the place of a target's passes, behind its own class, constructor, parameters and state.

What stands in is asked in arrays, one call at a time; the file of each framework translates. It computes a call of half
precision in single precision, and its answers are rounded once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ltdcheck.adapters.form import Form
from ltdcheck.errors import LtdcheckError
from ltdcheck.implementation import Outputs
from ltdcheck.problem import HALF_PRECISIONS, PRECISIONS, Array, Params, Problem

Pull = Callable[[Array, tuple[Array, ...], dict[str, str]], Outputs]
Served = Callable[[Problem], tuple[Outputs, Pull]]  # one call: the forward pass, and what pulls back through it
Shapes = Callable[[int, int], Mapping[str, tuple[int, ...]]]  # of the parameters, by name, at I and H


class Standing(Protocol):
    """What an instance's passes are handed to."""

    def forward(self, problem: Problem) -> tuple[Outputs, Pull]:
        """The forward pass, and the function ``(dy, dstate, views of both)`` that pulls back through it."""


class CannotStandInError(LtdcheckError):
    """A call that the form of the target, as it was learned, does not have."""


def arguments(original: Callable[..., Any], instance: Any, given: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
    """x, and the state or None, of a call of a forward pass with the signature of ``original``.

    Raises
    ------
    CannotStandInError
        When there is more in the call than x and a state.
    """
    bound = inspect.signature(original).bind(instance, *given, **named)
    x, *rest = list(bound.arguments.values())[1:]
    if any(value is not None for value in rest[1:]):
        raise CannotStandInError(f"it is called with {list(bound.arguments)[1:]}, and not with x and a state alone")
    return [x, rest[0] if rest else None]


def question(
    form: Form, shapes: Shapes, params: Params, x: Array, state: Sequence[Array] | None, views: dict[str, str]
) -> Problem:
    """The call as a problem without cotangents; x is (T, B, I), and each array of the state (B, H).

    Arrays of half precision come as :func:`widened` makes them.

    Raises
    ------
    CannotStandInError
        When the precision is neither double nor single, or no number of units has parameters of these shapes.
    """
    if str(x.dtype) not in PRECISIONS:
        raise CannotStandInError(f"it is called in {x.dtype}, and not in {' or '.join(PRECISIONS)}")
    T, B, I = x.shape
    H = units(shapes, params, I)
    widths = form.widths(H)
    dstate = tuple(np.zeros((B, width), x.dtype) for width in widths)
    dy = np.zeros((T, B, form.width * min(widths)), x.dtype)
    return Problem(params, x, None if state is None else tuple(state), dy, dstate, str(x.dtype), views)


def units(shapes: Shapes, params: Params, I: int) -> int:
    """H, the number of units at which the parameters have the shapes that they have.

    Raises
    ------
    CannotStandInError
        When there is no such number.
    """
    wanted = {name: np.shape(value) for name, value in params.items()}
    axes = [n for shape in wanted.values() for n in shape]
    H: int
    for H in sorted({n // k for a in axes for n in (a, a - I) for k in range(1, 9) if n > 0 and n % k == 0}):
        try:
            if dict(shapes(I, H)) == wanted:
                return H
        except (ValueError, IndexError, LtdcheckError):  # a number of units that this cell does not allow
            continue
    raise CannotStandInError(f"its parameters have the shapes {wanted}, and x has {I} columns")


def widened(array: Array) -> Array:
    """A copy in single precision of an array of half precision; any other as it is."""
    return array.astype("float32") if str(array.dtype) in HALF_PRECISIONS else array


def give_back(array: Array, wide: Array) -> None:
    """What was written into the copy that :func:`widened` made, into the array itself."""
    if wide is not array and not np.array_equal(wide, widened(array), equal_nan=True):
        array[...] = wide


def view_of(array: Array) -> str:
    """How the array lies in memory, in the words of :func:`~ltdcheck.adapters.views.viewed`."""
    if array.flags.c_contiguous or not array.size:
        return ""
    if any(stride == 0 and n > 1 for stride, n in zip(array.strides, array.shape, strict=True)):
        return "expanded"
    return "transposed" if array.ndim > 1 and array.swapaxes(0, 1).flags.c_contiguous else "strided"


def views_of(**named: Array | None) -> dict[str, str]:
    """Of those that are not contiguous, how they lie."""
    seen = {name: view_of(array) for name, array in named.items() if array is not None}
    return {name: how for name, how in seen.items() if how}
