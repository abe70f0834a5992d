"""Digits that are lost inside a function of double precision: to which format, and of the outputs or the gradients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from properties.subjects import Change, Changed, of

from ltdcheck.diagnosis.diagnose import diagnose
from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.law import property_named
from ltdcheck.reference.cells import Elman
from ltdcheck.result import UNKNOWN, Diagnosis
from ltdcheck.strategies.problems import Recipe, build


def said(network: Network, law: str = "values.forward_agrees") -> Diagnosis:
    """Of numbers with few digits, of which half precision holds the products too."""
    return diagnose(of(network), build(Elman(), Recipe(T=1, B=1, I=1, H=1, grain=1)), property_named(law))[0]


def through(kind: Any) -> Change:
    """The gradients through another precision."""

    def change(out: Outputs, problem: Problem) -> Outputs:
        def cut(g: Array) -> Array:
            return np.asarray(g.astype(kind).astype(g.dtype))

        if out.dx is None or out.dstate is None or out.dparams is None:
            return out
        params = {name: cut(g) for name, g in out.dparams.items()}
        return replace(out, dx=cut(out.dx), dstate=tuple(map(cut, out.dstate)), dparams=params)

    return change


class InHalf(Network):
    """The input goes through half precision."""

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """Its other arguments do not."""
        half = problem.with_(x=problem.x.astype(np.float16).astype(np.float64))
        return super().run(half, backward=backward)


def test_half_precision_is_not_called_single() -> None:
    """The smallest problem's numbers lose little in it; the fresh one's tell."""
    seen = said(InHalf(Elman()))
    assert seen.fault == UNKNOWN
    assert "right to the digits of float16, and no further" in seen.sentence


def test_digits_that_only_gradients_lose_are_said_to_be_theirs() -> None:
    """The outputs have all of theirs."""
    seen = said(Changed(Elman(), through(np.float32)), "gradients.backward_agrees")
    assert seen.fault == "precision-lost"
    assert "the outputs are right, and the gradients to the digits of single precision" in seen.sentence
