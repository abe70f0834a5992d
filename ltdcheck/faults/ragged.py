"""Faults of rows of different lengths: what happens at a row's end, and in the padding beyond it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ltdcheck.faults.fault import Network, WrongFunction, fault
from ltdcheck.faults.graft import ALL, derived_network
from ltdcheck.faults.systems.fault import system_faults
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Params, Problem
from ltdcheck.reference.cell import State
from ltdcheck.reference.networks.rows import rows
from ltdcheck.reference.networks.unroll import Gradients, unroll, unroll_vjp


class Ragged(Network):
    """The reference as an implementation that takes lengths; without them it has nothing to get wrong here."""

    takes_lengths = True


class _RaggedWrong(WrongFunction):
    takes_lengths = True

    def whole(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        """As if every row had all steps."""
        y, final, _ = unroll(self.cell, params, x, state)
        return y, final


class _LengthsIgnored(_RaggedWrong):
    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        return self.whole(params, x, state)


class _OutputInPadding(_RaggedWrong):
    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        return self.whole(params, x, state)[0], super().forward(params, x, state)[1]


class _OneLess(_RaggedWrong):
    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        lengths = None if self.lengths is None else [max(n - 1, 0) for n in self.lengths]
        y, final, _ = unroll(self.cell, params, x, state, lengths=lengths)
        return y, final


class _EqualLengths(_RaggedWrong):
    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        y, final = super().forward(params, x, state)
        if self.lengths is not None and len(x) and set(self.lengths) == {len(x)}:
            final = self.whole(params, x[:-1], state)[1]
        return y, final


class _StateNotSorted(_RaggedWrong):
    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        if self.lengths is not None:
            state = tuple(s[rows(self.lengths, *x.shape[:2]).inverse] for s in state)
        return super().forward(params, x, state)


class _AsSystem(_RaggedWrong):
    """With a fault of the fold, as :mod:`ltdcheck.faults.systems.sequences` has it, in the fold's place."""

    wrong: Any

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        y, final, _ = self.wrong(self.cell, params, x, state, lengths=self.lengths)
        return y, final


class _GradientThroughPadding(Ragged):
    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        _, _, tape = unroll(self.cell, params, x, state)
        return unroll_vjp(self.cell, params, tape, dy, dstate)


class _FinalCotangentDropped(Ragged):
    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        if self.lengths is not None:
            full = (np.asarray(self.lengths) == len(x))[:, None]
            dstate = tuple(d * full for d in dstate)
        return super().backward(params, x, state, dy, dstate)


class _PaddingGrows(Ragged):
    """x after the end of a row still reaches dx: the mask of the forward pass is not in the backward pass."""

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        out = super().run(problem, backward=backward, fresh=fresh)
        if problem.lengths is not None and out.dx is not None:
            beyond = np.arange(len(problem.x))[:, None] >= np.asarray(problem.lengths)[None]
            out.dx[beyond] = out.dx.dtype.type(1.0)
        return out


def _ragged(id: str, sentence: str, network: type[Network], *, effect: str, forward: bool = True) -> None:
    fault(
        id,
        sentence,
        effect=effect,
        trigger="rows of different lengths",
        source="thought of",
        cells=ALL,
        forward=forward,
    )(network)


for _known in system_faults("unroll"):
    fault(
        _known.id,
        _known.sentence,
        effect=_known.effect,
        trigger=_known.trigger,
        source=_known.source,
        cells=ALL,
        forward=True,
    )(derived_network(_AsSystem, wrong=staticmethod(_known.wrong)))
_ragged(
    "lengths-ignored",
    "The lengths of the rows are taken and not looked at: every row goes on through its padding.",
    _LengthsIgnored,
    effect="what stands in the padding is part of the answer",
)
_ragged(
    "output-in-padding",
    "After a row's end the outputs go on.",
    _OutputInPadding,
    effect="a mean or a maximum over time, or attention, reads the padding",
)
_ragged(
    "length-off-by-one",
    "Every row ends one step early.",
    _OneLess,
    effect="the last input of every row is not read",
)
_ragged(
    "equal-lengths-apart",
    "Where all lengths are T another path is taken, whose final state is that before the last step.",
    _EqualLengths,
    effect="a batch of rows of one length is answered otherwise than without lengths",
)
_ragged(
    "initial-state-unsorted",
    "Rows are sorted by length, and the initial state is not sorted with them.",
    _StateNotSorted,
    effect="rows start from the states of others",
)
_ragged(
    "gradient-through-padding",
    "The backward pass does not know the lengths: it goes back through the padding.",
    _GradientThroughPadding,
    effect="gradients are those of whole rows",
    forward=False,
)
_ragged(
    "padding-has-gradient",
    "The gradient of x is not zero after the ends of rows.",
    _PaddingGrows,
    effect="embeddings of padding are trained",
    forward=False,
)
_ragged(
    "final-cotangent-of-full-rows-only",
    "The gradient of the final state comes in after the last step, so that rows that end before it do not get it.",
    _FinalCotangentDropped,
    effect="short rows learn nothing from a loss on the final state",
    forward=False,
)
