"""What a gradient check found."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ltdcheck.errors import NonConformanceError
from ltdcheck.properties.compare import digits


@dataclass(frozen=True)
class BlockResult:
    """One array of x: its worst entry, or its worst random direction.

    ``worst`` is the error over its bound. ``detectable`` is the relative error of one entry that would have been seen,
    nan where nothing can be said. ``undecided`` says why there is no verdict on it.
    """

    block: str
    shape: tuple[int, ...]
    entries: int
    directions: int  # 0: every entry was compared by itself
    worst: float
    got: float
    expected: float
    bound: float
    index: tuple[int, ...] | None
    output: tuple[int, ...] | None
    detectable: float
    oracle: str
    kink: bool = False
    undecided: str = ""
    wrong: bool = False

    @property
    def place(self) -> str:
        """``W[2, 0]``, or the block along a direction that has no entry to name."""
        index = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        index = " along a direction of several entries" if self.index is None else index
        output = f" of output[{', '.join(map(str, self.output))}]" if self.output else ""
        return f"{self.block}{index}{output}"


@dataclass(frozen=True)
class GradientReport:
    """The verdict on one gradient: ``ok`` is True, False, or None where nothing can decide; then ``reason`` says why.

    An evaluation is one run of the code of f, or of a given gradient, alone or under a backward pass, on whatever
    numbers: arrays, balls, an autograd's boxes, or many points at once; what jax traced is code of f as well.
    """

    blocks: Sequence[BlockResult]
    what: str
    evaluations: int
    reason: str = ""
    notes: Sequence[str] = ()

    @cached_property
    def ok(self) -> bool | None:
        """Right, wrong, or undecided."""
        if any(b.wrong for b in self.blocks):
            return False
        return None if self.reason or not self.blocks or any(b.undecided for b in self.blocks) else True

    def __bool__(self) -> bool:
        raise TypeError("a gradient check has three verdicts: ask for .ok, which is True, False or None (undecided)")

    @property
    def detectable(self) -> Mapping[str, float]:
        """For each block, the smallest relative error of an entry that this check could have seen."""
        return {b.block: b.detectable for b in self.blocks}

    def raise_for_findings(self) -> None:
        """Raise unless the gradient is right.

        Raises
        ------
        NonConformanceError
            When it is wrong, or when that could not be decided; with the report as its message.
        """
        if self.ok is not True:
            raise NonConformanceError(f"\n{self}")

    def __str__(self) -> str:
        return "\n".join([*_table(self.blocks), *_sentences(self)])


def _table(blocks: Sequence[BlockResult]) -> list[str]:
    if not blocks:
        return []
    rows: list[tuple[str, ...]] = [
        ("block", "shape", "entries", "verdict", "error/bound", "detectable", "got", "expected", "at", "oracle")
    ]
    rows += [_row(b) for b in blocks]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(b: BlockResult) -> tuple[str, ...]:
    verdict = "wrong" if b.wrong else "undecided" if b.undecided else "ok, kink" if b.kink else "ok"
    how = f"{b.entries}" if not b.directions else f"{b.entries} ({b.directions} directions)"
    at = str(list(b.index)) if b.index is not None else "a direction"
    seen = "" if np.isnan(b.detectable) else f"{b.detectable:.1e}"
    got, expected = digits(b.got, b.bound), f"{digits(b.expected, b.bound)} +- {b.bound:.1e}"
    return (b.block, str(b.shape), how, verdict, f"{b.worst:.3g}", seen, got, expected, at, b.oracle)


def _sentences(report: GradientReport) -> list[str]:
    wrong = max((b for b in report.blocks if b.wrong), key=lambda b: b.worst, default=None)
    said = []
    if wrong is not None:
        expected = f"{digits(wrong.expected, wrong.bound)} +- {wrong.bound:.1e}"
        said.append(
            f"Wrong: the {report.what} has {digits(wrong.got, wrong.bound)} at {wrong.place} "
            f"where {expected} is right ({wrong.oracle})."
        )
    elif report.ok is None:
        why = report.reason or "; ".join(f"{b.block}: {b.undecided}" for b in report.blocks if b.undecided)
        said.append(f"Undecided: {why}.")
    else:
        entries = sum(b.entries for b in report.blocks)
        said.append(f"The {report.what} is right in {entries} entries; {report.evaluations} evaluations of f.")
    said += report.notes
    return [line for text in said for line in textwrap.wrap(text, 120, subsequent_indent="  ")]
