"""Sequences of different lengths in one batch: which rows run at which step, and the same rows turned round.

Row b has ``lengths[b]`` steps, from 0 to T. Its steps at and beyond its length copy the state and output zeros; what x
holds there is never read, so that it may be anything, NaN included. Rows are sorted, longest first, so that those that
run at a step are the first ones: copying is then no arithmetic.

Shapes: lengths (B,) of whole numbers; sequences (T, B, n).

Refuses lengths that are no whole numbers from 0 to T, one a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.reference import ops
from ltdcheck.reference.cell import State

Lengths = Sequence[int] | NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a batch, longest first."""

    order: NDArray[np.integer]  # (B,): the row that comes first, ..
    inverse: NDArray[np.integer]  # (B,): where each row went
    running: tuple[int, ...]  # T numbers of rows that run

    @property
    def counts(self) -> NDArray[np.integer]:
        """How many steps each row has, (B,), in the order that it was given in."""
        steps = np.array(self.running, dtype=int)[:, None] > np.arange(len(self.order))
        return np.asarray(steps.sum(axis=0)[self.inverse])

    def part(self, low: int, high: int) -> Rows:
        """The same rows during the steps from ``low`` to ``high``."""
        return replace(self, running=self.running[low:high])

    def sorted(self, sequence: Any) -> Any:
        """A sequence in this order, with zeros where nothing runs."""
        return self.padded(sequence[:, self.order])

    def padded(self, sequence: Any) -> Any:
        """A sorted sequence with zeros where nothing runs."""
        if not self.running:
            return sequence
        return ops.stack([self.kept(sequence[t], n) for t, n in enumerate(self.running)])

    def kept(self, a: Any, n: int) -> Any:
        """(B, m) with zeros from row n on."""
        return a if n == len(self.order) else ops.concatenate([a[:n], ops.zeros_like(a[n:])], axis=-2)


def rows(lengths: Lengths, T: int, B: int) -> Rows:
    """Sort the rows of a batch.

    Raises
    ------
    ValueError
        When a length is not a whole number from 0 to T, or there is not one for each row.
    """
    counts = checked_lengths(lengths, T, B)
    order = np.argsort(-counts, kind="stable")
    running = tuple(int(n) for n in np.sum(counts[None] > np.arange(T)[:, None], axis=1))
    return Rows(order, np.argsort(order), running)


def checked_lengths(lengths: Lengths, T: int, B: int) -> NDArray[np.integer]:
    """The lengths as an array.

    Raises
    ------
    ValueError
        As :func:`rows`.
    """
    counts = np.asarray(lengths)
    if counts.shape != (B,):
        raise ValueError(f"lengths has shape {counts.shape}; it must be ({B},): one for each row of the batch")
    if B and counts.dtype.kind not in "iu":
        raise ValueError(f"lengths are of type {counts.dtype}; they must be whole numbers")
    for b, length in enumerate(counts.tolist()):
        if not 0 <= length <= T:
            raise ValueError(f"lengths[{b}] is {length}; a length is a whole number from 0 to T = {T}")
    return counts.astype(int)


def reverse(sequence: Any, lengths: Lengths | None = None) -> Any:
    """Every row back to front: its own steps turn round, and what lies beyond its length stays where it is.

    It is its own inverse and its own adjoint.
    """
    T, B = sequence.shape[:2]
    if lengths is None:
        return sequence[::-1]
    t, ends = np.arange(T)[:, None], checked_lengths(lengths, T, B)[None]
    return sequence[np.where(t < ends, ends - 1 - t, t), np.arange(B)[None]]


def first(state: State, n: int) -> State:
    """The first n rows of every array; what is no array (what a drive says about the step) stays."""
    return tuple(a[:n] if getattr(a, "shape", ()) else first(a, n) if isinstance(a, tuple) else a for a in state)


def joined(top: State, whole: State, n: int) -> State:
    """``top`` (n rows) above the other rows of ``whole``."""
    if n == whole[0].shape[-2]:
        return top
    return tuple(ops.concatenate([a, b[n:]], axis=-2) for a, b in zip(top, whole, strict=True))
