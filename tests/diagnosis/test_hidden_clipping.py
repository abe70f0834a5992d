"""Clipping inside the backward pass is called by its place and its threshold, and never a fault of the forward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from quality.planted import Planted, canonical
from targets.numpy_elman import Elman

from ltdcheck.adapters.adapting import adapt
from ltdcheck.diagnosis.apart import Apart, outputs_apart
from ltdcheck.diagnosis.diagnose import diagnose
from ltdcheck.diagnosis.identify import identify
from ltdcheck.diagnosis.search import asked_of, candidates, limit_of
from ltdcheck.faults.clipped_inside import clippings_inside
from ltdcheck.faults.fault import Network, fault_named
from ltdcheck.properties.law import property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.result import Diagnosis
from ltdcheck.strategies.problems import Recipe, build

V = 0.3


class CarriedByValue(Elman):
    """What goes back a step is clipped entry by entry."""

    def carry(self, t: int, dh: Any) -> Any:
        return np.clip(dh, -V, V)


class CarriedByNorm(Elman):
    """What goes back a step is clipped by the norm of each row."""

    def carry(self, t: int, dh: Any) -> Any:
        norm = np.sqrt((dh * dh).sum(1, keepdims=True))
        return dh * np.minimum(1, V / np.where(norm == 0, 1, norm))


class Summed(Elman):
    """As Lasagne does: the gradient of what goes into tanh is clipped."""

    def backward(self, dy: Any, dstate: Any = None) -> Any:
        U, W, b = self.now
        dh, dx = np.zeros(dy.shape[1:], dy.dtype) if dstate is None else dstate, np.zeros_like(self.x)
        self.grads = {"U": np.zeros_like(U), "W": np.zeros_like(W), "b": np.zeros_like(b)}
        for t in reversed(range(len(dy))):
            before, h = self.tape[t]
            da = np.clip((dh + dy[t]) * (1 - h * h), -V, V)
            for name, share in zip("UWb", (da.T @ self.x[t], da.T @ before, da.sum(0)), strict=True):
                self.grads[name] += share
            dx[t], dh = da @ U, da @ W
        return dx, dh


def said(kind: type, precision: str) -> list[Diagnosis]:
    """Of its gradients, where they are eight times as large as usual."""
    target = adapt(kind, kind.__name__)
    subject = Subject(target, identify(target, kind.__name__).layout)
    problem = build(subject.cell, Recipe(T=2, B=1, I=1, H=2, precision=precision))
    louder = problem.with_(dy=8 * problem.dy, dstate=tuple(8 * d for d in problem.dstate))
    return diagnose(subject, louder, property_named("gradients.backward_agrees"))


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(("kind", "place"), [(CarriedByValue, "value"), (CarriedByNorm, "norm"), (Summed, "sum")])
def test_clipping_inside_is_named_with_its_threshold(kind: type, place: str, precision: str) -> None:
    """Of classes written elsewhere, in both precisions."""
    (only,) = said(kind, precision)
    assert only.fault == f"gradient-clipped-inside.{place}"
    assert "is clipped to 0.3:" in only.sentence


@pytest.mark.parametrize("fault", clippings_inside(2.0**-5), ids=lambda fault: fault.id)
def test_every_place_is_told_from_the_others(fault: Any) -> None:
    """In an LSTM, whose state has two arrays, by a threshold that is no short decimal."""
    cell = LSTM()
    problem = build(cell, Recipe())
    (only,) = diagnose(
        Planted(fault.plant(cell), canonical(cell)), problem, property_named("gradients.backward_agrees")
    )
    assert (only.fault, only.sentence) == (fault.id, fault.sentence.rstrip("."))


def test_no_forward_fault_is_named_where_outputs_are_right() -> None:
    """What a wrong gradient happens to equal says nothing of a forward pass that is right; a wrong one is asked."""
    subject = Planted(clippings_inside(2.0**-5)[0].plant(LSTM()), canonical(LSTM()))  # type: ignore[arg-type]
    asked, limit = [asked_of(subject, build(LSTM(), Recipe()))], limit_of("float64")
    right = Network(LSTM())
    assert outputs_apart(right, asked) <= limit
    loose = candidates(subject, asked, Apart(1e9), 1e8)  # a limit that everything keeps
    assert loose
    assert not any(one.fault.forward for one in loose)
    wrong = fault_named("state-dead").plant(LSTM())
    assert outputs_apart(wrong, asked) > limit  # type: ignore[arg-type]
