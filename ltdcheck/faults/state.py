"""Faults of the fold: the state that goes in, along and out, and what an output may depend on."""

from __future__ import annotations

from typing import Any, ClassVar

from ltdcheck.faults.fault import Network, WrongFunction, fault
from ltdcheck.faults.graft import ALL, derived_network, unprojected
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem
from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, State

# -- the state along the sequence ----------------------------------------------------------------------------


class _Dead(WrongFunction):
    """Some arrays of the state are not carried: steps after the first read zeros, or the initial state."""

    which: ClassVar[tuple[int, ...]] = (0, 1)
    from_initial: ClassVar[bool] = False

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        if len(x) == 0:
            return super().forward(params, x, state)
        z, outputs, final = self.cell.drive(params, x), [], state
        instead = state if self.from_initial else tuple(0 * s for s in state)
        for t in range(len(x)):
            read = final if t == 0 else tuple(instead[k] if k in self.which else s for k, s in enumerate(final))
            final, _ = self.cell.step(params, z[t], read)
            outputs.append(final[0])
        return ops.stack(outputs), final


def _dead(site: str, words: str, cells: tuple[str, ...], source: str, network: type[Network]) -> None:
    """Register a state that is not carried."""
    fault(
        f"state-dead{site}",
        words,
        effect="the network has no memory, or half of it",
        trigger="T >= 2",
        source=source,
        cells=cells,
        forward=True,
    )(network)


_SEEN = "makemore#3, GRU4REC-pytorch#1"
_dead("", "The state is never carried: every step after the first reads zeros.", ALL, _SEEN, _Dead)
_dead(
    ".initial",
    "The state is never carried: every step starts from the initial state.",
    ALL,
    _SEEN,
    derived_network(_Dead, from_initial=True),
)
for _k, _part in enumerate("hc"):
    _dead(
        f".{_part}",
        f"Of the state (h, c), {_part} is never carried: every step after the first reads zeros.",
        ("lstm",),
        "thought of",
        derived_network(_Dead, which=(_k,)),
    )


class _OutputLate(WrongFunction):
    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        y, final = super().forward(params, x, state)
        return ops.concatenate([ops.stack([state[0]]), y[:-1]], axis=-3) if len(y) else y, final


fault(
    "output-one-step-late",
    "The output at step t is the state before the step.",
    effect="no output depends on the input of its own step",
    trigger="T >= 1",
    source="thought of",
    cells=ALL,
    forward=True,
)(_OutputLate)


# -- the final state -----------------------------------------------------------------------------------------


class _PairWrong(WrongFunction):
    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        y, final = super().forward(params, x, state)
        return y, (final[0],) * len(final)


@fault(
    "state-pair-wrong",
    "The final state is returned as (h, h) where (h, c) is meant.",
    effect="a sequence continued from it starts from a wrong memory",
    trigger="any that reads c: a sequence split in two",
    source="decaNLP#9",
    cells=("lstm",),
    forward=True,
)
def _pair_wrong(cell: Cell) -> Network | None:
    return unprojected(_PairWrong)(cell)


class _FinalEarly(WrongFunction):
    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        y, _ = super().forward(params, x, state)
        return y, super().forward(params, x[:-1], state)[1]


fault(
    "final-state-one-step-early",
    "The final state is the one before the last step.",
    effect="a sequence continued from it sees its last input twice or never",
    trigger="T >= 1",
    source="thought of",
    cells=ALL,
    forward=True,
)(_FinalEarly)


# -- the initial state ---------------------------------------------------------------------------------------


class _GivenIgnored(WrongFunction):
    """Some arrays of the given state are read as zeros."""

    which: ClassVar[tuple[int, ...]] = (0, 1)

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        return super().forward(params, x, tuple(0 * s if k in self.which else s for k, s in enumerate(state)))


fault(
    "state-given-ignored",
    "The initial state is accepted and not read: every sequence starts from zeros.",
    effect="a continued sequence forgets what came before, and the initial state gets no gradient",
    trigger="h0 != 0",
    source="onnx-tensorflow#409",
    cells=ALL,
    forward=True,
)(_GivenIgnored)
for _k, _part in enumerate("hc"):
    fault(
        f"state-given-ignored.{_part}",
        f"Of the initial state (h, c), {_part} is not read: it starts from zeros.",
        effect="a continued sequence forgets a part of what came before",
        trigger=f"{_part}0 != 0",
        source="thought of",
        cells=("lstm",),
        forward=True,
    )(derived_network(_GivenIgnored, which=(_k,)))


class _Leaks(Network):
    """Keeps the final state for the next call with as many rows."""

    always: ClassVar[bool] = False

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell)
        self.kept: tuple[Array, ...] | None = None

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        kept = None if fresh else self.kept
        fits = kept is not None and kept[0].shape == problem.given_state[0].shape
        if fits and (self.always or problem.state is None):
            problem = problem.with_(state=kept)
        outputs = super().run(problem, backward=backward)
        self.kept = tuple(s.astype(float) for s in outputs.state)
        return outputs


fault(
    "state-leaks-between-calls",
    "A call without an initial state starts from the final state of the call before.",
    effect="results depend on what was run earlier",
    trigger="two calls, the second without a state",
    source="reservoirpy#193",
    cells=ALL,
    forward=True,
)(_Leaks)
fault(
    "state-leaks-between-calls.given",
    "Every call starts from the final state of the call before, even when a state is given.",
    effect="results depend on what was run earlier",
    trigger="two calls",
    source="thought of",
    cells=ALL,
    forward=True,
)(derived_network(_Leaks, always=True))


# -- what an output may depend on ----------------------------------------------------------------------------


class _SeesNext(WrongFunction):
    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        return super().forward(params, ops.concatenate([x[1:], x[-1:]], axis=-3), state)


class _SeesMean(WrongFunction):
    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        T = len(x)
        return super().forward(params, x if T == 0 else x + 0.01 * (sum(x[t] for t in range(T)) / T - x), state)


fault(
    "future-leak",
    "Step t reads the input of step t + 1.",
    effect="a model of sequences is trained on the answer and useless without it",
    trigger="T >= 2",
    source="STGAT#6",
    cells=ALL,
    forward=True,
)(_SeesNext)
fault(
    "future-leak.mean",
    "The inputs are mixed with their mean over time, which holds the inputs to come.",
    effect="a model of sequences is trained on a trace of the answer",
    trigger="T >= 2",
    source="thought of",
    cells=ALL,
    forward=True,
)(_SeesMean)


class _InputIgnored(WrongFunction):
    """The input of one step is read as zeros."""

    at: ClassVar[int]

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        steps = [x[t] for t in range(len(x))]
        if steps:
            steps[self.at] = 0 * steps[self.at]
        return super().forward(params, ops.stack(steps) if steps else x, state)


for _site, _at in (("first", 0), ("last", -1)):
    fault(
        f"input-ignored-at-step.{_site}",
        f"The input of the {_site} step is not read.",
        effect="the network sees a sequence that is one step shorter",
        trigger="T >= 1",
        source="thought of",
        cells=ALL,
        forward=True,
    )(derived_network(_InputIgnored, at=_at))
