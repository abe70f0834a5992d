"""The sizes of an instance, which are what they are: I is found by trying, H is read off the answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ltdcheck.adapters.form import Call, Form, H, I
from ltdcheck.adapters.learning import learn
from ltdcheck.errors import TargetFailure, TargetUnusableError
from ltdcheck.problem import Array


def probing(array: Callable[[Array], Any]) -> Callable[..., Any]:
    """``make(*shape)`` is an array of a framework, of numbers from -1 to 1; ``array`` makes it of one of NumPy."""
    return lambda *shape: array(np.linspace(-1, 1, math.prod(shape)).reshape(shape))


def input_sizes(instance: Any, shapes: Iterable[tuple[int, ...]]) -> list[int]:
    """What I can be, likeliest first: what the instance says, the axes of its parameters, and their differences."""
    said = getattr(instance, "input_size", None)
    if isinstance(said, int):
        return [said]
    axes = [n for shape in shapes for n in reversed(shape) if n > 0]
    apart = [a - b for a in axes for b in axes if a > b]  # x and h in one array: I = (I + H) - H
    return list(dict.fromkeys(axes + apart))


def learn_with_sizes(
    call: Call, make: Callable[..., Any], target: str, instance: Any, shapes: Iterable[tuple[int, ...]] | None
) -> tuple[Form, int]:
    """The form, and the input size with which it was found; ``shapes`` of the parameters where the sizes are not given.

    Raises
    ------
    TargetFailure
        When it raised, however it was called.
    TargetUnusableError
        When what it answers fits no form.
    """
    if shapes is None:
        return learn(call, make, target, I, H), I
    said = getattr(instance, "hidden_size", None)
    hidden = said if call.needs_state and isinstance(said, int) else None
    failed: list[TargetFailure | TargetUnusableError] = []
    for inputs in input_sizes(instance, shapes):
        try:
            return learn(call, make, target, inputs, hidden), inputs
        except (TargetFailure, TargetUnusableError) as error:
            failed.append(error)
    raise next((e for e in failed if isinstance(e, TargetUnusableError)), failed[0])
