"""How a target is called: a layer or a cell, time or batch first, and what its state looks like; learned by trying.

It is asked with T = 3, B = 2 and sizes that differ from both, so that every axis of an answer says what it is. A layer
answers ``(y, state)`` with y (T, B, H), or (B, T, H) of the same array read as (B, T, I), or twice as wide where two
directions are concatenated; a cell, which is asked with one step (B, I), answers the new state, or ``(y, state)``. The
leading axes of a layer's state are layers and directions. A cell that is given a sequence may broadcast and answer a
pair of arrays (T, B, H); its state then has a leading axis that follows the number of steps, and it is not taken for a
layer. Where nothing fits, some arrays of the state may be narrower than H, all alike, and the output as wide as these:
it is projected.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ltdcheck.adapters.state import (
    Misfit,
    Template,
    is_array,
    leaves,
    narrow_of,
    template_of,
)
from ltdcheck.errors import TargetUnusableError

T, B, I, H = 3, 2, 4, 5  # all different, and no sum or multiple of each other that a cell could mix up
ROWS = 7  # another number of rows than B, and of steps than T

ACCEPTED = (
    "A layer takes (x, state=None), with x (T, B, I) or (B, T, I), and returns (y, state) with y as long as x and H "
    "wide, or 2H with two directions, and every array of the state H wide; a cell takes (x, state=None) for one step, "
    "with x (B, I), and returns the new state, each array (B, H). Outputs may be projected to P < H, and so are their "
    "arrays of the state then."
)


@dataclass(frozen=True)
class Form:
    """What was learned."""

    kind: Literal["layer", "cell"]
    state: Template
    hidden: int
    batch_first: bool = False
    emits: bool = False  # a cell that returns (y, state)
    takes_state: bool = True
    needs_state: bool = False  # it cannot be called without one
    width: int = 1  # of y, in outputs of one cell: 2 where two directions are concatenated

    @property
    def narrow(self) -> tuple[int, ...]:
        """The width of each array of the state, 0 where that is H."""
        return narrow_of(self.state)

    def widths(self, H: int) -> tuple[int, ...]:
        """Columns of each array of the state."""
        return tuple(width or H for width in self.narrow)


@dataclass(frozen=True)
class Widths:
    """How wide the arrays of a state are taken to be: H, where it is known, or narrower where they are projected."""

    hidden: int | None
    projected: bool = False

    def units(self, tree: Any) -> int:
        """H of a state, 0 where it shows none."""
        wide = [leaf.shape[-1] if is_array(leaf) and leaf.ndim else 0 for leaf in leaves(tree)] or [0]
        return self.hidden or (max(wide) if self.projected else wide[-1])

    def template(self, tree: Any, batch: int, hidden: int) -> Template:
        """What is learned from a state.

        Raises
        ------
        Misfit
            When an array has another shape, or is none; or is to be projected, and none is, or all, or not alike.
        """
        template = template_of(tree, batch, hidden, projected=self.projected)
        narrow = set(narrow_of(template))
        if self.projected and (len(narrow) != 2 or 0 not in narrow):
            raise Misfit
        return template


@dataclass(frozen=True)
class Call:
    """What a forward pass can be called with, by its signature."""

    function: Callable[..., Any]
    takes_state: bool
    needs_state: bool

    @classmethod
    def of(cls, function: Callable[..., Any], target: str) -> Call:
        """Read the signature.

        Raises
        ------
        TargetUnusableError
            When it can be called neither with x nor with x and a state.
        """
        takes, alone = binds(function, 2), binds(function, 1)
        if not (takes or alone):
            raise TargetUnusableError(target, "its forward pass takes neither (x) nor (x, state).", ACCEPTED)
        return cls(function, takes, not alone)


def binds(function: Callable[..., Any], arguments: int) -> bool:
    """The function can be called with so many positional arguments."""
    try:
        inspect.signature(function).bind(*range(arguments))
    except TypeError:
        return False
    except ValueError:  # built in, without a signature
        return True
    return True
