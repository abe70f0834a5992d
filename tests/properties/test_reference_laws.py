"""The laws about the reference hold for every cell and variant, and each has a wrong cell that it catches."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from sampled import one_in

from ltdcheck.problem import Problem
from ltdcheck.properties.jacobians import product_is_the_whole
from ltdcheck.properties.law import properties, property_named
from ltdcheck.reference import jacobians, ops
from ltdcheck.reference.cell import Cell, Saved, Share, State
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.nonlinearities import Nonlinearity
from ltdcheck.strategies.problems import Recipe, build, problems

LAWS = [law.id for law in properties("reference")]
CELLS: list[Cell] = [
    *(Elman(name) for name in get_args(Nonlinearity)),
    *(LSTM(*v) for v in itertools.product(("tanh", "sigmoid"), ("none", "current", "previous"), (0.0, 1.0))),
    *(GRU(*v) for v in itertools.product(("before", "after"), ("keeps", "replaces"))),
]
SPEAKS_OF: dict[str, Callable[[Cell], bool]] = {
    "jacobians.product_is_the_whole": lambda cell: True,
    "jacobians.norm_is_bounded": lambda cell: isinstance(cell, Elman),
    "jacobians.eigenvector_grows_as_lambda_to_the_n": lambda cell: cell == Elman("identity"),
    "lstm": lambda cell: isinstance(cell, LSTM),
    "gru": lambda cell: isinstance(cell, GRU),
}


def speaks_of(law: str, cell: Cell) -> bool:
    """Whether a law applies to a cell."""
    return SPEAKS_OF[law if law in SPEAKS_OF else law.partition(".")[0]](cell)


SPOKEN_OF = [(law, cell) for law in LAWS for cell in CELLS if speaks_of(law, cell)]


@pytest.mark.parametrize(("law", "cell"), one_in(2, SPOKEN_OF, lambda row: f"{row[0]}-{row[1]}"))
def test_the_law_holds(law: str, cell: Cell) -> None:
    """In every regime, for every loss, over one step and over several; something is compared each time."""

    @settings(max_examples=8)
    @given(problems(cell, precisions=("float64",), max_T=8, max_size=4))
    def check(problem: Problem) -> None:
        evidence = property_named(law).check(cell, problem)
        assert evidence.disagreement is None
        assert evidence.compared > 0

    check()


@pytest.mark.parametrize("law", LAWS)
def test_a_law_that_does_not_speak_of_a_cell_says_so(law: str) -> None:
    """With a reason, and without having compared anything."""
    for cell in CELLS:
        evidence = property_named(law).check(cell, build(cell, Recipe(T=2, B=1, I=1, H=2)))
        assert bool(evidence.not_applicable) != speaks_of(law, cell)
        assert bool(evidence.compared) == speaks_of(law, cell)


@pytest.mark.parametrize("law", LAWS)
def test_without_steps(law: str) -> None:
    """Over no steps a law holds, or says that there is no step."""
    cell = next(cell for cell in CELLS if speaks_of(law, cell))
    evidence = property_named(law).check(cell, build(cell, Recipe(T=0, B=2, I=1, H=2)))
    assert evidence.disagreement is None
    assert evidence.compared or evidence.not_applicable == "there is no step"


# -- wrong cells ------------------------------------------------------------------------------------------------------

Pulled = tuple[Any, State, dict[str, Share]]


class ForgetFactorMissing(LSTM):
    """dc is passed on without its factor f."""

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> Pulled:
        """The adjoint of another step."""
        h_prev, _, gates, *_, k = saved
        H = h_prev.shape[-1]
        f, o = gates[..., H : 2 * H], gates[..., 2 * H :]
        da, (dh, dc), shares = super().step_vjp(p, saved, dstate)
        arrived = dstate[1] + dstate[0] * o * ops.tanh_slope(k)
        return da, (dh, dc + arrived * (1 - f)), shares


class OutputGateMissing(LSTM):
    """The gradient of h enters the cell without the factor o."""

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> Pulled:
        """The adjoint of another step."""
        h_prev, _, gates, *_, k = saved
        o = gates[..., 2 * h_prev.shape[-1] :]
        return super().step_vjp(p, saved, (dstate[0], dstate[1] + dstate[0] * (1 - o) * ops.tanh_slope(k)))


class GatesCoupled(LSTM):
    """The input gate is 1 - f."""

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """Another step."""
        _, (h_prev, c_prev, gates, g, _, _) = super().step(p, z, state)
        H = h_prev.shape[-1]
        f, o = gates[..., H : 2 * H], gates[..., 2 * H :]
        i = 1 - f
        c = f * c_prev + i * g
        return (o * np.tanh(c), c), (h_prev, c_prev, np.concatenate([i, f, o], axis=-1), g, c, np.tanh(c))


class PolaritySwapped(GRU):
    """u and 1 - u exchanged."""

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """Another step."""
        return GRU(self.reset, "replaces" if self.update == "keeps" else "keeps").step(p, z, state)


class CopyLosesGradient(GRU):
    """The gradient of the copied state is multiplied by 1 - u for u."""

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> Pulled:
        """The adjoint of another step."""
        *kept, _, take = saved
        return super().step_vjp(p, (*kept, take, take), dstate)


class CopyAlwaysPassed(GRU):
    """The gradient of the copied state comes without its factor."""

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> Pulled:
        """The adjoint of another step."""
        *kept, keep, take = saved
        return super().step_vjp(p, (*kept, np.ones_like(keep), take), dstate)


class ResetUnused(GRU):
    """The candidate ignores r."""

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """Another step."""
        H = state[0].shape[-1]
        opened = np.concatenate([np.full_like(z[..., :H], 1e3), z[..., H:]], axis=-1)
        return super().step(p, opened, state)


@dataclass(frozen=True)
class SlopeMissing(Elman):
    """BPTT without phi'."""

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> Pulled:
        """The adjoint of another step."""
        return Elman("identity").step_vjp(p, saved, dstate)


@dataclass(frozen=True)
class CarryTransposed(Elman):
    """The cotangent goes back through W instead of its transpose."""

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> Pulled:
        """The adjoint of another step."""
        da, _, shares = super().step_vjp(p, saved, dstate)
        return da, (ops.linear(da, p["W"]),), shares


KILLS: dict[str, list[Cell]] = {
    "jacobians.product_is_the_whole": [
        ForgetFactorMissing(),
        OutputGateMissing(),
        CarryTransposed(),
        CopyLosesGradient(),
        SlopeMissing(),
    ],
    "jacobians.norm_is_bounded": [SlopeMissing("sigmoid")],
    "jacobians.eigenvector_grows_as_lambda_to_the_n": [CarryTransposed("identity")],
    "lstm.pass_through": [OutputGateMissing(), OutputGateMissing(peepholes="current")],
    "lstm.pass_through_at_gate_values": [OutputGateMissing()],
    "lstm.pass_through_limit": [OutputGateMissing()],
    "lstm.four_settings": [GatesCoupled(), GatesCoupled("sigmoid")],
    "lstm.cell_path_is_diag_f": [ForgetFactorMissing(), ForgetFactorMissing(peepholes="previous")],
    "gru.update_copies": [PolaritySwapped(), PolaritySwapped("after"), CopyLosesGradient()],
    "gru.update_replaces": [PolaritySwapped(), ResetUnused(), ResetUnused("after"), CopyAlwaysPassed()],
}


@pytest.mark.parametrize("law", LAWS)
def test_the_law_catches_wrong_cells(law: str) -> None:
    """Every law has at least one, and each is caught at the first try in the usual regime."""
    assert KILLS[law]
    for wrong in KILLS[law]:
        evidence = property_named(law).check(wrong, build(wrong, Recipe(T=3, B=2, I=2, H=3, seed=1)))
        assert evidence.disagreement is not None, type(wrong).__name__
        assert evidence.worst > 1


def test_every_wrong_cell_is_right_but_for_its_fault() -> None:
    """The parents of the wrong cells pass the laws that the wrong ones fail, on the same problems."""
    for law, wrong in ((law, wrong) for law, cells in KILLS.items() for wrong in cells):
        right = type(wrong).__mro__[1](**{field.name: getattr(wrong, field.name) for field in fields(wrong)})
        assert property_named(law).check(right, build(right, Recipe(T=3, B=2, I=2, H=3, seed=1))).disagreement is None


@pytest.mark.parametrize("cell", [Elman(), LSTM(), GRU()], ids=lambda cell: cell.name)
def test_the_order_of_the_product_matters(cell: Cell) -> None:
    """The printed product, with its index running the wrong way, is not the Jacobian (C04); nor is its transpose."""
    problem = build(cell, Recipe(T=3, B=2, I=2, H=3, seed=1))
    for wrong in (
        lambda J: jacobians.product(J[::-1]),
        lambda J: jacobians.product(np.swapaxes(J, -1, -2)),
        lambda J: np.swapaxes(jacobians.product(J), -1, -2),
        lambda J: jacobians.product(J[1:]),
    ):
        assert product_is_the_whole(cell, problem, wrong).disagreement is not None
