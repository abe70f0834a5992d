"""Faults of sequences: ragged rows (S20), losses step by step and at the last (S20, S21), truncated BPTT (S31)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.faults.systems.fault import system_fault
from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.losses import Classified, Classifier, Targets
from ltdcheck.reference.networks.network import Blocks
from ltdcheck.reference.networks.rows import Lengths, rows
from ltdcheck.reference.networks.truncated import BPTT, BPTTTape
from ltdcheck.reference.networks.unroll import Tape, unroll

# -- ragged rows: in the place of ``unroll`` -------------------------------------------------------------------------


@system_fault(
    "final-state-at-padding",
    "The final state is taken after the last padded step, where the row has long ended.",
    "unroll",
    effect="short rows hand on what the padding made of their state",
    trigger="ragged lengths",
    source="ray#21392",
)
def _at_padding(
    cell: Cell, params: dict[str, Any], x: Any, state: State, *, lengths: Lengths | None = None
) -> tuple[Any, State, Tape]:
    y, _, tape = unroll(cell, params, x, state, lengths=lengths)
    return y, unroll(cell, params, x, state)[1], tape


@system_fault(
    "zero-length-row",
    "A row of length 0 is run for one step.",
    "unroll",
    effect="an empty sequence has a state of its own",
    trigger="a length of 0",
    source="onnxruntime#28189",
)
def _one_step(
    cell: Cell, params: dict[str, Any], x: Any, state: State, *, lengths: Lengths | None = None
) -> tuple[Any, State, Tape]:
    return unroll(cell, params, x, state, lengths=None if lengths is None or not len(x) else np.maximum(lengths, 1))


@system_fault(
    "unsort-missing",
    "Rows are sorted by length for the pass and handed back in that order.",
    "unroll",
    effect="every answer belongs to another row",
    trigger="lengths that are not sorted",
    source="vsepp#36",
)
def _sorted(
    cell: Cell, params: dict[str, Any], x: Any, state: State, *, lengths: Lengths | None = None
) -> tuple[Any, State, Tape]:
    y, final, tape = unroll(cell, params, x, state, lengths=lengths)
    if lengths is None:
        return y, final, tape
    order = rows(lengths, *x.shape[:2]).order
    return y[:, order], tuple(s[order] for s in final), tape


# -- losses ----------------------------------------------------------------------------------------------------------


@system_fault(
    "loss-averaged",
    "The loss is the mean over steps and rows, its gradient that of the sum.",
    "classifier",
    effect="the learning rate depends on how long sequences are and how many lie in a batch",
    trigger="two steps or rows",
    source="char-rnn#70",
)
class _Averaged(Classifier):
    def loss(
        self, p: dict[str, Any], x: Any, state: State, targets: Targets, lengths: Lengths | None = None
    ) -> tuple[Any, Classified]:
        value, left = super().loss(p, x, state, targets, lengths)
        return value / max(left.wanted.sum(), 1), left


@system_fault(
    "loss-at-first",
    "With the loss at the last step only, the output of the first step is taken.",
    "classifier",
    effect="the network is asked before it has read",
    trigger='at="last", two steps',
)
class _AtFirst(Classifier):
    def _wanted(self, shape: tuple[int, ...], targets: Targets, counts: NDArray[np.integer]) -> NDArray[np.float64]:
        wanted = super()._wanted(shape, targets, counts)
        if self.at == "last":
            wanted[0], wanted[1:] = wanted.sum(axis=0), 0.0
        return wanted


@system_fault(
    "loss-over-padding",
    "The losses of steps after a row's end count, or the one at step T where its last step is meant.",
    "classifier",
    effect="short rows are taught what stands in their padding",
    trigger="ragged lengths",
)
class _OverPadding(Classifier):
    def _wanted(self, shape: tuple[int, ...], targets: Targets, counts: NDArray[np.integer]) -> NDArray[np.float64]:
        return super()._wanted(shape, targets, np.full_like(counts, shape[0]))


@system_fault(
    "loss-gradient-of-squares",
    "The gradient is (p - y)*p*(1 - p): that of a squared distance through a logistic.",
    "classifier",
    effect="confident mistakes are hardly corrected",
    trigger="any",
)
class _Squares(Classifier):
    @staticmethod
    def slope(o: Any, wanted: NDArray[np.float64]) -> Any:
        q = ops.softmax(o)
        return Classifier.slope(o, wanted) * q * ops.complement(q)


# -- truncated BPTT --------------------------------------------------------------------------------------------------


@system_fault(
    "truncation-too-short",
    "A gradient reaches one step less far back than was asked for.",
    "bptt",
    effect="dependencies of exactly that lag are not learned",
    trigger="steps >= 2 and fewer than the sequence has",
)
class _TooShort(BPTT):
    def backward(self, tape: BPTTTape, dy: Any, dstate: State) -> Blocks:
        steps = None if self.steps is None else max(self.steps - 1, 1)
        return BPTT(self.cell, steps, self.kind).backward(tape, dy, dstate)


@system_fault(
    "truncation-ignored",
    "The number of steps is accepted and ignored.",
    "bptt",
    effect="memory and time grow with the length of the sequence",
    trigger="fewer steps than the sequence has",
)
class _Ignored(BPTT):
    def backward(self, tape: BPTTTape, dy: Any, dstate: State) -> Blocks:
        return BPTT(self.cell).backward(tape, dy, dstate)


@system_fault(
    "truncation-of-last-chunk",
    "Only the last chunk or window is gone back over.",
    "bptt",
    effect="losses before it have no gradient",
    trigger="fewer steps than the sequence has",
)
class _LastChunk(BPTT):
    def backward(self, tape: BPTTTape, dy: Any, dstate: State) -> Blocks:
        kept = np.array(dy)
        if self.steps is not None:
            kept[: max(len(kept) - self.steps, 0)] = 0
        return super().backward(tape, kept, dstate)
