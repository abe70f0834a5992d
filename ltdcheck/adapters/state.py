"""The structure of a state: h, or (h, c), or any nesting, with or without leading axes for layers and directions.

A template is what is learned of it: of an array its leading axes, of a tuple or list its type and parts. An array with
leading axes (2, 3) holds six arrays (B, H), or (B, P) where they are projected to P < H.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ltdcheck.errors import TargetAnswer


@dataclass(frozen=True)
class Leading:
    """The axes of an array before (B, H), and its width where that is not H."""

    axes: tuple[int, ...] = ()
    narrow: int = 0


Template = Leading | tuple[type, tuple[Any, ...]]


class Misfit(Exception):  # noqa: N818
    """What was looked at is not a state."""


def is_array(value: Any) -> bool:
    """It has a shape and axes, whatever the framework."""
    return hasattr(value, "shape") and hasattr(value, "ndim")


def is_pair(value: Any) -> bool:
    """It is a tuple or list of two."""
    return isinstance(value, (tuple, list)) and len(value) == 2


def template_of(tree: Any, batch: int, hidden: int, *, projected: bool = False) -> Template:
    """What is learned from a state of arrays (.., batch, hidden), of which some are narrower where it is projected.

    Raises
    ------
    Misfit
        When an array has another shape, or is none.
    """
    if isinstance(tree, (tuple, list)) and tree:
        return type(tree), tuple(template_of(part, batch, hidden, projected=projected) for part in tree)
    if not is_array(tree) or tree.ndim < 2:
        raise Misfit
    *lead, b, h = tree.shape
    narrow = h if projected and 0 < h < hidden else 0
    if 0 in lead or (b, h) != (batch, narrow or hidden):
        raise Misfit
    return Leading(tuple(lead), narrow)


def count(template: Template) -> int:
    """How many arrays (B, H) a state has."""
    return math.prod(template.axes) if isinstance(template, Leading) else sum(count(part) for part in template[1])


def narrow_of(template: Template) -> tuple[int, ...]:
    """The width of each array, 0 where that is H."""
    if isinstance(template, Leading):
        return (template.narrow,) * count(template)
    return tuple(width for part in template[1] for width in narrow_of(part))


def joins(template: Template) -> bool:
    """Some array of the state holds several of (B, H)."""
    if isinstance(template, Leading):
        return count(template) > 1
    return any(joins(part) for part in template[1])


def build(template: Template, arrays: Sequence[Any], stack: Callable[[list[Any]], Any] = np.stack) -> Any:
    """The state that holds these arrays, each (B, H); ``stack`` is the framework's, for arrays that hold several."""
    return _build(template, iter(arrays), stack)


def _build(template: Template, arrays: Iterator[Any], stack: Callable[[list[Any]], Any]) -> Any:
    if isinstance(template, Leading):
        if not joins(template):
            return next(arrays)[(None,) * len(template.axes)]
        joined = stack([next(arrays) for _ in range(count(template))])
        return joined.reshape((*template.axes, *joined.shape[1:]))
    kind, parts = template
    built = [_build(part, arrays, stack) for part in parts]
    return kind(*built) if hasattr(kind, "_fields") else kind(built)


def arrays_of(template: Template, tree: Any, shape: tuple[int, int], what: str) -> list[Any]:
    """The inverse of :func:`build`: the arrays of a state, each of the shape (B, H), or narrower.

    Raises
    ------
    TargetAnswer
        When the structure or a shape is not the one that was learned.
    """
    if isinstance(template, Leading):
        expected = (*template.axes, shape[0], template.narrow or shape[1])
        if not is_array(tree) or tuple(tree.shape) != expected:
            raise TargetAnswer(f"{what} must have shape {expected}, got {outline(tree)}")
        return [tree[index] for index in np.ndindex(template.axes)]
    if not isinstance(tree, (tuple, list)) or len(tree) != len(template[1]):
        raise TargetAnswer(f"{what} must consist of {len(template[1])} parts, got {outline(tree)}")
    return [a for part, child in zip(template[1], tree, strict=True) for a in arrays_of(part, child, shape, what)]


def leaves(tree: Any) -> list[Any]:
    """Everything that is not a tuple or list, in order."""
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, (tuple, list)) else [tree]


def outline(tree: Any) -> str:
    """The shapes of a tree of arrays, in words."""
    if isinstance(tree, (tuple, list)):
        return "(" + ", ".join(outline(part) for part in tree) + ")"
    return f"an array {tuple(tree.shape)}" if is_array(tree) else type(tree).__name__
