"""Faults of the fold, by operators on what goes from step to step and from row to row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ltdcheck.faults.fault import Network, WrongFunction, fault
from ltdcheck.faults.graft import ALL, derived_network, unprojected
from ltdcheck.reference import ops
from ltdcheck.reference.cell import State

# -- the state between two steps -----------------------------------------------------------------------------

Between = Callable[[int, list[State]], State]  # t, and all states so far, the initial one first


class _Between(WrongFunction):
    """The state that step t reads is a function of the states so far."""

    read: Any

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        if len(x) == 0:
            return super().forward(params, x, state)
        z, states = self.cell.drive(params, x), [state]
        for t in range(len(x)):
            states.append(self.cell.step(params, z[t], self.read(t, states))[0])
        return ops.stack([s[0] for s in states[1:]]), states[-1]


def _each(change: Callable[[Any], Any]) -> Between:
    """A change of every array of the state, between steps and not of the initial one."""
    return lambda t, states: states[-1] if t == 0 else tuple(change(s) for s in states[-1])


def _every(k: int) -> Between:
    return lambda t, states: tuple(0 * s for s in states[-1]) if t and t % k == 0 else states[-1]


def _next_unit(s: Any) -> Any:
    return ops.concatenate([s[:, -1:], s[:, :-1]])


def _next_row(s: Any) -> Any:
    return ops.concatenate([s[-1:], s[:-1]], axis=-2)


def _mean_row(s: Any) -> Any:
    return 0 * s + sum(s[k] for k in range(s.shape[0])) / s.shape[0]


_STEPS: dict[str, tuple[str, str, Between]] = {
    "state-one-step-stale": (
        "Each step reads the state of two steps before, as if the new one were stored too late.",
        "T >= 2",
        lambda t, states: states[max(t - 1, 0)],
    ),
    "state-shifted.unit": ("Between steps, the state moves on by one unit.", "T >= 2 and H >= 2", _each(_next_unit)),
    "state-shifted.row": ("Between steps, the state moves on by one row.", "T >= 2 and B >= 2", _each(_next_row)),
    "state-shared": (
        "Between steps, every row gets the mean state of the batch.",
        "T >= 2 and B >= 2",
        _each(_mean_row),
    ),
    "state-scaled": ("Between steps, the state loses one part in ten thousand.", "T >= 2", _each(lambda s: 0.9999 * s)),
    "state-negated": ("Between steps, the state changes its sign.", "T >= 2", _each(lambda s: -s)),
    "state-squashed": ("Between steps, the state goes through a tanh.", "T >= 2", _each(ops.tanh)),
    "state-reset-every.2": ("The state is set to zero after every 2 steps.", "T >= 3", _every(2)),
    "state-reset-every.3": ("The state is set to zero after every 3 steps.", "T >= 4", _every(3)),
    "state-reset-every.4": ("The state is set to zero after every 4 steps.", "T >= 5", _every(4)),
    "state-reset-every.10": ("The state is set to zero after every 10 steps.", "T >= 11", _every(10)),
}
for _id, (_sentence, _trigger, _read) in _STEPS.items():
    fault(
        _id,
        _sentence,
        effect="what the network remembers is not what it stored",
        trigger=_trigger,
        source="thought of",
        cells=ALL,
        forward=True,
    )(derived_network(_Between, read=staticmethod(_read)))


# -- the input at each step ----------------------------------------------------------------------------------


class _Rearranged(WrongFunction):
    """The input is rearranged before it is read."""

    arranged: Any

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        return super().forward(params, self.arranged(x) if len(x) else x, state)


_INPUTS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "input-one-step-late": (
        "Step t reads the input of step t - 1, and the first step its own.",
        "T >= 2",
        lambda x: ops.concatenate([x[:1], x[:-1]], axis=-3),
    ),
    "input-first-at-every-step": ("Every step reads the input of the first one.", "T >= 2", lambda x: 0 * x + x[0]),
    "input-reversed": ("The sequence is read from its end to its beginning.", "T >= 2", lambda x: x[::-1]),
    "input-features-shifted": (
        "The features of the input are read one place off.",
        "I >= 2",
        lambda x: ops.concatenate([x[:, :, -1:], x[:, :, :-1]]),
    ),
    "input-features-reversed": (
        "The features of the input are read in reverse order.",
        "I >= 2",
        lambda x: x[:, :, ::-1],
    ),
    "input-last-feature-dropped": (
        "The last feature of the input is not read.",
        "I >= 1",
        lambda x: ops.concatenate([x[:, :, :-1], 0 * x[:, :, -1:]]),
    ),
    "input-accumulated": (
        "Each step reads the sum of its input and the one before.",
        "T >= 2",
        lambda x: x + ops.concatenate([0 * x[:1], x[:-1]], axis=-3),
    ),
    "input-normalised": (
        "The input is divided by its number of features.",
        "I >= 2",
        lambda x: x / x.shape[-1],
    ),
}
for _id, (_sentence, _trigger, _arranged) in _INPUTS.items():
    fault(
        _id,
        _sentence,
        effect="the network is trained on other sequences than it is given",
        trigger=_trigger,
        source="thought of",
        cells=ALL,
        forward=True,
        layout=_id == "input-reversed",  # direction=go_backwards
    )(derived_network(_Rearranged, arranged=staticmethod(_arranged)))


# -- what is handed out --------------------------------------------------------------------------------------

HandedOut = Callable[[Any, State], tuple[Any, State]]


class _HandsOut(WrongFunction):
    """Outputs and the final state are changed before they are returned."""

    out: Any
    shortest: ClassVar[int] = 1

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        y, final = super().forward(params, x, state)
        return self.out(y, final) if len(x) >= self.shortest else (y, final)


_OUTS: dict[str, tuple[str, str, HandedOut]] = {
    "output-reversed": ("The outputs are returned from the last to the first.", "T >= 2", lambda y, s: (y[::-1], s)),
    "output-last-repeated": ("Every step returns the last step's output.", "T >= 2", lambda y, s: (0 * y + y[-1], s)),
    "output-accumulated": (
        "Each output but the first has the one before added to it.",
        "T >= 2",
        lambda y, s: (y + ops.concatenate([0 * y[:1], y[:-1]], axis=-3), s),
    ),
    "output-units-shifted": (
        "The units of the output are returned one place off.",
        "H >= 2",
        lambda y, s: (ops.concatenate([y[:, :, -1:], y[:, :, :-1]]), s),
    ),
    "final-state-squashed": (
        "The final state goes through a tanh before it is returned.",
        "any",
        lambda y, s: (y, tuple(map(ops.tanh, s))),
    ),
    "final-state-of-first-row": (
        "Every row is returned with the first row's final state.",
        "B >= 2",
        lambda y, s: (y, tuple(0 * a + a[0] for a in s)),
    ),
}
for _id, (_sentence, _trigger, _out) in _OUTS.items():
    fault(
        _id,
        _sentence,
        effect="what reads the outputs, or continues the sequence, is trained on other numbers than the network has",
        trigger=_trigger,
        source="thought of",
        cells=ALL,
        forward=True,
    )(derived_network(_HandsOut, out=staticmethod(_out)))


@fault(
    "state-pair-swapped",
    "The final state is returned as (c, h) where (h, c) is meant.",
    effect="a sequence continued from it starts from the output as its memory",
    trigger="any that reads the final state",
    source="thought of",
    cells=("lstm",),
    forward=True,
)
def _swapped(cell: Any) -> Network | None:
    return unprojected(derived_network(_HandsOut, out=staticmethod(lambda y, s: (y, s[::-1]))))(cell)
