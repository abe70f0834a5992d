"""Faults of a projected output, ``h' = R@m`` with ``m = o*psi(c')``; a cell without a projection cannot have them."""

from __future__ import annotations

from typing import Any

from ltdcheck.faults.adjoints import Without, bends
from ltdcheck.faults.fault import Plant, WrongFunction, fault
from ltdcheck.faults.graft import Graft, computes, derived, differentiates, graft
from ltdcheck.faults.steps import LSTMSteps, rewires
from ltdcheck.reference.cell import Outer, Saved, Share, State
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.nonlinearities import NONLINEARITIES
from ltdcheck.reference.ops import linear, stack, tanh


def _projected(plant: Plant) -> Plant:
    return lambda cell: plant(cell) if isinstance(cell, LSTM) and cell.projection else None


def _misread(R: Any) -> Any:
    """R (P, H), as if its memory held (H, P) for a product from the other side."""
    return R.reshape((R.shape[1], R.shape[0])).T


class _Missing(Graft):
    def projected(self, p: dict[str, Any], m: Any) -> Any:
        return m[..., : len(p["R"])]


class _Transposed(Graft):
    def projected(self, p: dict[str, Any], m: Any) -> Any:
        return linear(m, _misread(p["R"]))


class _Squashed(Graft):
    def projected(self, p: dict[str, Any], m: Any) -> Any:
        return tanh(linear(m, p["R"]))


class _Ungated(LSTMSteps):
    def read(self, o: Any, c: Any, g: Any, c_prev: Any) -> Any:
        return NONLINEARITIES[self.output][0](c)


class _FedBackUnprojected(WrongFunction):
    """Each step reads the first P entries of the m before it; the outputs are projected."""

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        unprojected = graft(_Missing, self.cell)
        z, fed, outputs = self.cell.drive(params, x), state, [state[0]]
        for t in range(x.shape[0]):
            outputs.append(self.cell.step(params, z[t], fed)[0][0])
            fed, _ = unprojected.step(params, z[t], fed)
        return stack(outputs)[1:], (outputs[-1], fed[1])


class _UngatedGradient(Graft):
    """The gradient of R from psi(c'), which the step saved, where m is meant."""

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        dz, carried, shares = super().step_vjp(p, saved, dstate)
        return dz, carried, {**shares, "R": Outer(dstate[0], saved[5])}


class _TransposeMissing(Graft):
    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        return super().step_vjp({**p, "R": _misread(p["R"])}, saved, dstate)


_FORWARD: dict[str, tuple[str, str, Plant]] = {
    "projection-missing": (
        "The output is the first P entries of o*tanh(c): the projection is declared and never used.",
        "the weights of the projection never learn, and most units are read by nobody",
        computes(_Missing),
    ),
    "projection-transposed": (
        "The projection reads its weights (P, H) as if their memory held (H, P).",
        "weights trained elsewhere give nonsense here; training from scratch works",
        computes(_Transposed),
    ),
    "projection-squashed": (
        "The projected output goes through a tanh.",
        "outputs are squashed that are meant to be linear in o*tanh(c)",
        computes(_Squashed),
    ),
    "projection-ungated": (
        "The projection reads tanh(c) where o*tanh(c) is meant: the output gate is left out.",
        "the output shows the cell at every step",
        rewires(_Ungated),
    ),
    "projection-fed-back-unprojected": (
        "The next step reads the first P entries of o*tanh(c) where the projected output is meant.",
        "a network fed step by step is another one than the network that was trained",
        _FedBackUnprojected,
    ),
}
_BACKWARD: dict[str, tuple[str, str, Plant]] = {
    "gradient-term-missing.projection": (
        "The gradient of the output does not go back through the projection.",
        "gates and cell learn from the loss on the final cell state alone",
        bends(derived(Without, dropped=("m<-h",))),
    ),
    "projection-gradient-ungated": (
        "The gradient of the projection's weights is formed with tanh(c) where o*tanh(c) is meant.",
        "the projection learns something else than it computes",
        differentiates(_UngatedGradient),
    ),
    "projection-transpose-missing": (
        "The gradient goes back through the projection's weights (P, H) as if their memory held (H, P).",
        "gates and cell learn from a gradient of a wrong direction",
        differentiates(_TransposeMissing),
    ),
}
for _forward, _table in ((True, _FORWARD), (False, _BACKWARD)):
    for _id, (_sentence, _effect, _plant) in _table.items():
        fault(
            _id,
            _sentence,
            effect=_effect,
            trigger="h0 != 0 or T >= 2" if _id == "projection-fed-back-unprojected" else "any",
            source="thought of",
            cells=("lstm",),
            forward=_forward,
        )(_projected(_plant))
