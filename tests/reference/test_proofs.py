"""Gradients beside those of networks are proved: of penalties, readout, information flow, and an expected read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks.agreement import Blocks
from networks.draws import named, taken
from networks.proof import prove
from networks.subjects import Subject

from ltdcheck.errors import OracleDisagreementError
from ltdcheck.oracles.pairing import blocks
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.information_flow import information_flow, omega_vjp
from ltdcheck.reference.memory.hard_read import soft_expectation_vjp
from ltdcheck.reference.ops import linear, softmax
from ltdcheck.reference.penalties import l1, l2
from ltdcheck.reference.readout import Readout, loss, loss_gradient
from ltdcheck.strategies.problems import Recipe, build

RNG = np.random.default_rng(0)
ARRAYS = {name: RNG.standard_normal(shape) for name, shape in {"W": (3, 2), "b": (3,)}.items()}


def penalised(penalty: Any) -> Subject:
    """A penalty on two arrays."""
    return Subject(
        lambda p: [penalty(p, 0.375)[0]],
        lambda p, d: {name: g * d[0] for name, g in penalty(p, 0.375)[1].items()},
        ARRAYS,
    )


def readout() -> Subject:
    """The penalised squared error of a linear readout."""
    y = RNG.standard_normal((3, 2, 2))
    blocks = {"V": RNG.standard_normal((2, 4)), "c": RNG.standard_normal(2), "h": RNG.standard_normal((3, 2, 4))}

    def backward(b: Any, d: Any) -> Any:
        gradient = loss_gradient(Readout(b["V"], b["c"]), b["h"], y, 0.25)
        return {name: g * d[0] for name, g in zip("Vch", gradient, strict=True)}

    return Subject(lambda b: [loss(Readout(b["V"], b["c"]), b["h"], y, 0.25)], backward, blocks)


def expectation() -> Subject:
    """E[L] over the rows of a memory, L_n = g_n.m_n, in the scores and in the memory, one row of a batch."""
    drows = RNG.standard_normal((1, 4, 2))
    blocks = {"scores": RNG.standard_normal((1, 4)), "memory": RNG.standard_normal((1, 4, 2))}

    def losses(b: Any) -> Any:
        return linear(b["memory"] * drows, np.ones((1, 2)))[..., 0]  # (1, 4)

    def backward(b: Any, d: Any) -> Any:
        memory, scores = soft_expectation_vjp(b["scores"], losses(b), drows)
        return {"scores": scores * d[0], "memory": memory * d[0]}

    return Subject(lambda b: [(softmax(b["scores"]) * losses(b)).sum()], backward, blocks)


def flow(cell: Cell, seed: int, regime: str, ends: list[int] | None = None) -> Subject:
    """Omega of three steps of two rows, to the first of which nothing arrives at the last step."""
    problem = build(cell, Recipe(T=3, B=2, I=2, H=2, seed=seed, regime=regime))
    arrives = np.array([[0.0], [1.0]])
    dy, dstate = problem.dy.copy(), tuple(d * arrives for d in problem.dstate)
    dy[-1] *= arrives

    def measured(b: Blocks) -> tuple[Any, ...]:
        given = {name: b[name] for name in problem.params}, b["x"], taken(b, "", len(cell.states))
        return given, information_flow(cell, *given, dy, dstate, ends)

    def backward(b: Blocks, d: Any) -> Blocks:
        given, found = measured(b)
        g = omega_vjp(cell, *given, found, dy, dstate)
        return {name: value * d[0] for name, value in {**g.params, "x": g.x, **named("", g.state)}.items()}

    return Subject(lambda b: [measured(b)[1].omega], backward, blocks(problem))


FLOWS = {
    f"information flow, {cell.name}, {regime}": flow(cell, seed, regime)
    for cell in (Elman(), LSTM(peepholes="current"), GRU("after"))
    for seed, regime in enumerate(("usual", "expanding"))
} | {
    f"information flow, {cell.name}, ragged": flow(cell, 2, "usual", [2, 3])
    for cell in (LSTM(), Clockwork(periods=(1, 2)))
}
SUBJECTS = {"l1": penalised(l1), "l2": penalised(l2), "readout": readout(), "hard read": expectation(), **FLOWS}


@pytest.mark.parametrize("name", SUBJECTS)
def test_the_gradient_is_proved(name: str) -> None:
    """The balls of the adjoint and of the forward derivative meet, within a unit in the last place."""
    found = prove(SUBJECTS[name], [np.ones(())])
    assert found.ok
    assert found.every
    assert found.entries > 0


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_gradient_that_is_off_is_disproved(name: str) -> None:
    """By two units in the last place of every entry."""
    right = SUBJECTS[name]

    def backward(b: Any, d: Any) -> Any:
        return {k: g * (1 + 2.0**-51) for k, g in right.backward(b, d).items()}

    with pytest.raises(OracleDisagreementError, match="exclude each other"):
        prove(Subject(right.forward, backward, right.blocks), [np.ones(())])
