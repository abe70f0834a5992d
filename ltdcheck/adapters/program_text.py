"""Numbers, arrays and declarations of the protocol of programs, from JSON and to it; ``program.md`` describes them.

An array is ``{"shape": [2, 3], "values": [..]}``, row by row. A value is a JSON number, or a string with a decimal or
hexadecimal number, ``"Infinity"``, ``"-Infinity"`` or ``"NaN"``; each is read exactly and rounded once to the
precision.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ltdcheck.errors import TargetAnswer
from ltdcheck.problem import Array

Message = dict[str, Any]
Shape = tuple[int, ...]

_HEXADECIMAL = re.compile(r"[+-]?0x[0-9a-f]+(\.[0-9a-f]*)?(p[+-]?[0-9]+)?", re.IGNORECASE)
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?(inf|infinity|nan)", re.IGNORECASE)
_SHOWN = 80  # characters of what came, in a sentence


def shown(value: object) -> str:
    """What came, in few characters."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 4]} ..."


# -- numbers -------------------------------------------------------------------------------------------------


def decimal(value: float) -> float | str:
    """A JSON number with the fewest digits that are read as this one; a string where JSON has no number."""
    return value if math.isfinite(value) else _name(value)


def hexadecimal(value: float) -> str:
    """Every bit, as C's ``%a`` prints and ``strtod`` reads it."""
    return value.hex() if math.isfinite(value) else _name(value)


def _name(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


FORMS: Mapping[str, Callable[[float], float | str]] = {"decimal": decimal, "hexadecimal": hexadecimal}


def number(value: object) -> float:
    """The number that was written.

    Raises
    ------
    TargetAnswer
        When it is none.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _finite(value)
    if isinstance(value, str) and _HEXADECIMAL.fullmatch(value):
        return float.fromhex(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return float(value)
    raise TargetAnswer(f'gave {shown(value)} where a number must be, or a string such as "0x1.8p+1" or "NaN"')


def _finite(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer of more than 308 digits
        return math.inf if value > 0 else -math.inf


# -- arrays --------------------------------------------------------------------------------------------------


def spelled(array: Array, form: str) -> Message:
    """An array as JSON, in C order."""
    return {"shape": list(array.shape), "values": [FORMS[form](v) for v in array.ravel().tolist()]}


def array_of(data: object, shape: Shape, precision: str, what: str) -> Array:
    """The array that was written, of this shape.

    Raises
    ------
    TargetAnswer
        When it has another shape, or other values than numbers, or fewer or more of them.
    """
    if not isinstance(data, dict) or not isinstance(data.get("values"), list):
        raise TargetAnswer(f'{what} must be an array {{"shape": [..], "values": [..]}}, got {shown(data)}')
    if data.get("shape") != list(shape):
        raise TargetAnswer(f"{what} must have shape {list(shape)}, got {shown(data.get('shape'))}")
    values = data["values"]
    if len(values) != math.prod(shape):
        raise TargetAnswer(f"{what} of shape {list(shape)} must have {math.prod(shape)} values, got {len(values)}")
    try:
        numbers = np.array([number(value) for value in values], dtype=float)
    except TargetAnswer as error:
        raise TargetAnswer(f"in {what} it {error}") from None
    with np.errstate(over="ignore"):  # beyond the precision is infinite in it
        return numbers.reshape(shape).astype(precision)


def arrays_of(data: object, count: int, shape: Shape, precision: str, what: str) -> tuple[Array, ...]:
    """So many arrays of one shape; raises as :func:`array_of` does."""
    if not isinstance(data, list) or len(data) != count:
        got = f"{len(data)}" if isinstance(data, list) else shown(data)
        raise TargetAnswer(f"{what} must be a list of {count} arrays, got {got}")
    return tuple(array_of(each, shape, precision, f"{what}[{k}]") for k, each in enumerate(data))
