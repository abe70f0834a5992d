"""Faults of gates and nonlinearities that any cell can have."""

from __future__ import annotations

from typing import Any, ClassVar

from ltdcheck.faults.fault import Network, Plant, fault
from ltdcheck.faults.graft import ALL, GATED, GATES, derived
from ltdcheck.faults.steps import STEPS, ElmanSteps, Steps, clip_of, rewired, rewires
from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, Saved, State
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.lstm import LSTM

# -- gates ---------------------------------------------------------------------------------------------------


class _Unbounded(Steps):
    at: ClassVar[str]  # one gate or several

    def gate(self, part: str, a: Any, peep: Any, bias: Any) -> Any:
        return a + peep if part in self.at else super().gate(part, a, peep, bias)


class _BiasOutside(Steps):
    at: ClassVar[str]  # one gate or several

    def gate(self, part: str, a: Any, peep: Any, bias: Any) -> Any:
        if part not in self.at:
            return super().gate(part, a, peep, bias)
        return super().gate(part, a - bias, peep, bias) + bias


class _Ignored(Steps):
    at: ClassVar[str]

    def gate(self, part: str, a: Any, peep: Any, bias: Any) -> Any:
        return 0 * a + 1 if part == self.at else super().gate(part, a, peep, bias)


for _family in GATED:
    for _part, _gate in GATES[_family].items():
        fault(
            f"gate-unbounded.{_part}",
            f"No logistic bounds the {_gate}: its pre-activation is used as it is.",
            effect="the gate leaves 0 .. 1, and what it multiplies grows without limit",
            trigger="any",
            source="tvm#3410",
            cells=(_family,),
            forward=True,
        )(rewires(derived(_Unbounded, at=_part)))
        fault(
            f"gate-unbounded.{_part}-bias",
            f"The bias of the {_gate} is added after the logistic.",
            effect="the gate leaves 0 .. 1",
            trigger="its bias != 0",
            source="Lasagne#448",
            cells=(_family,),
            forward=True,
        )(rewires(derived(_BiasOutside, at=_part)))
        fault(
            "gru-reset-unused" if _part == "r" else f"gate-unused.{_part}",
            "The candidate ignores the reset gate." if _part == "r" else f"The {_gate} is computed and never applied.",
            effect="the gate's weights get no gradient",
            trigger="h0 != 0 or T >= 2" if _part in "fr" else "any",
            source="GRU-D#2" if _part == "r" else "thought of",
            cells=(_family,),
            forward=True,
        )(rewires(derived(_Ignored, at=_part)))


for _family in GATED:
    fault(
        f"gate-unbounded.{_family}-all",
        f"No logistic bounds any gate of the {_family.upper()}: pre-activations are used as they are.",
        effect="the state grows without limit",
        trigger="any",
        source="thought of",
        cells=(_family,),
        forward=True,
    )(rewires(derived(_Unbounded, at="".join(GATES[_family]))))
    fault(
        f"gate-unbounded.{_family}-all-bias",
        f"The biases of all gates of the {_family.upper()} are added after the logistic.",
        effect="the gates leave 0 .. 1",
        trigger="b != 0",
        source="thought of",
        cells=(_family,),
        forward=True,
    )(rewires(derived(_BiasOutside, at="".join(GATES[_family]))))


class _ElmanBiasOutside(ElmanSteps):
    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        h = self.squash("h", z - p["b"] + ops.linear(state[0], p["W"])) + p["b"]
        return (h,), (state[0], h)


@fault(
    "gate-unbounded.h-bias",
    "The bias is added after the nonlinearity: h' = phi(W@h + U@x) + b.",
    effect="the state leaves the range of the nonlinearity",
    trigger="b != 0",
    source="thought of",
    cells=("elman",),
    forward=True,
)
def _elman_bias_outside(cell: Cell) -> Network | None:
    linear = isinstance(cell, Elman) and cell.nonlinearity == "identity"  # there it is the same
    return None if linear else rewired(_ElmanBiasOutside, cell)


# -- nonlinearities ------------------------------------------------------------------------------------------


class _Twice(Steps):
    """The candidate's pre-activation, or Elman's, goes through another nonlinearity first."""

    first: ClassVar[Any]

    def squash(self, part: str, a: Any) -> Any:
        return super().squash(part, self.first(a) if part in "hgn" else a)


def _unless_identity(plant: Plant) -> Plant:
    """phi(sg(a)) with phi = identity is another variant, not a fault."""
    return lambda cell: None if isinstance(cell, Elman) and cell.nonlinearity == "identity" else plant(cell)


for _site, _words, _first in (("", "logistic", ops.sigmoid), (".tanh", "tanh", ops.tanh)):
    fault(
        f"candidate-double-activation{_site}",
        f"The candidate goes through a {_words} before its own nonlinearity.",
        effect="the candidate keeps to a narrow range, and its gradient is a product of two slopes",
        trigger="any",
        source="thought of" if _site else "TensorFlow.jl#384",
        cells=ALL,
        forward=True,
    )(_unless_identity(rewires(derived(_Twice, first=staticmethod(_first)))))


class _GateActivation(Steps):
    def squash(self, part: str, a: Any) -> Any:
        return ops.sigmoid(a) if part in "gn" else super().squash(part, a)


class _AlwaysTanh(Steps):
    def squash(self, part: str, a: Any) -> Any:
        return ops.tanh(a) if part in "hg" else super().squash(part, a)


fault(
    "candidate-gate-activation",
    "The candidate uses the gates' logistic where tanh is meant.",
    effect="the candidate cannot be negative",
    trigger="any",
    source="keras#1286",
    cells=("gru",),
    forward=True,
)(rewires(_GateActivation))


@fault(
    "candidate-gate-activation.lstm",
    "The LSTM's candidate uses the gates' logistic where tanh is declared.",
    effect="the cell state can only grow",
    trigger="any",
    source="keras#1286",
    cells=("lstm",),
    forward=True,
    variant=True,
)
def _logistic_candidate(cell: Cell) -> Network | None:
    return rewired(_GateActivation, cell) if isinstance(cell, LSTM) and cell.candidate == "tanh" else None


@fault(
    "candidate-gate-activation.ignored",
    "The argument that names the nonlinearity is ignored: it is tanh whatever is asked for.",
    effect="a network of another kind than the one configured",
    trigger="another nonlinearity than tanh",
    source="tflearn#200",
    cells=("elman", "lstm"),
    forward=True,
    variant=True,
)
def _always_tanh(cell: Cell) -> Network | None:
    declared = cell.nonlinearity if isinstance(cell, Elman) else getattr(cell, "candidate", "tanh")
    return None if declared == "tanh" else rewired(_AlwaysTanh, cell)


class _Clipped(Steps):
    """Pre-activations are clipped to -8 .. 8."""

    def squash(self, part: str, a: Any) -> Any:
        return super().squash(part, a - ops.relu(a - 8.0) + ops.relu(-a - 8.0))


@fault(
    "activation-clipped",
    "Pre-activations are clipped to -8 .. 8 before the nonlinearity.",
    effect="saturated units are off by up to 3e-4 and get no gradient",
    trigger="abs(a) > 8",
    source="thought of",
    cells=ALL,
    forward=True,
    variant=True,
)
def _clipped(cell: Cell) -> Network | None:
    return rewired(_Clipped, cell) if cell.name in STEPS and clip_of(cell) > 8 else None
