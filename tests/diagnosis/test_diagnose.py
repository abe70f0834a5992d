"""What is said of a target that fails: a fault, two faults, a description; and nothing of one that is right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from quality.planted import Planted, canonical
from sampled import one_in

from ltdcheck.diagnosis.diagnose import diagnose
from ltdcheck.diagnosis.pairs import both
from ltdcheck.diagnosis.search import limit_of
from ltdcheck.faults.fault import Network, fault_named
from ltdcheck.problem import Params, Problem
from ltdcheck.properties.law import property_named
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.networks.unroll import Gradients, unroll, unroll_vjp
from ltdcheck.reference.numbers.formats import FORMATS
from ltdcheck.reference.variants import variants
from ltdcheck.result import UNKNOWN, Diagnosis
from ltdcheck.strategies.problems import Recipe, build

VARIANTS = [cell for family in CELLS for cell in variants(family)]


def said(network: Network, law: str = "gradients.backward_agrees", recipe: Recipe = Recipe()) -> list[Diagnosis]:  # noqa: B008
    """The diagnosis of a network that a law does not hold for, against the default variant of its family."""
    cell = CELLS[network.name]()
    return diagnose(Planted(network, canonical(cell)), build(cell, recipe), property_named(law))


@pytest.mark.parametrize("cell", one_in(4, VARIANTS, lambda c: f"{c.name} {c.variant}"))
def test_a_right_variant_is_not_called_faulty(cell: Cell) -> None:
    """Nothing is said, whatever law is looked at."""
    subject = Planted(Network(cell), canonical(cell))
    problem = build(cell, Recipe(T=2, B=2, I=2, H=3))
    assert diagnose(subject, problem, property_named("calls.repeatable")) == []


TWO = [
    ("elman", "gradient-scaled", "gradient-zero.U"),
    ("lstm", "bptt-carry-missing", "gradient-negated.b"),
    ("gru", "candidate-double-activation", "final-state-cotangent-dropped"),  # pairs of the forward pass: ten seconds
]


@pytest.mark.parametrize(("family", "first", "second"), [*TWO[:2], pytest.param(*TWO[2], marks=pytest.mark.quality)])
def test_two_faults_at_once_are_named(family: str, first: str, second: str) -> None:
    """Neither explains the target alone, and together they do."""
    network = both(CELLS[family](), fault_named(first), fault_named(second))
    assert network is not None
    (only,) = said(network)
    assert only.fault == f"{first} + {second}"
    assert only.residual < limit_of("float64")


@pytest.mark.parametrize(
    ("family", "id", "law"),
    [
        ("leaky", "state-leaks-between-calls", "calls.repeatable"),
        ("delay", "answer-cached.but-input", "effects.every_input"),
        ("clockwork", "gradient-leaks-between-calls", "calls.repeatable"),
        ("jordan", "bptt-truncated.3", "gradients.backward_agrees"),
        ("echo_state", "state-leaks-between-calls", "calls.repeatable"),
        ("continuous", "gradient-scaled", "gradients.backward_agrees"),
        ("greff", "state-dead", "values.forward_agrees"),
    ],
)
def test_what_no_family_is_without_is_named_in_every_family(family: str, id: str, law: str) -> None:
    """Faults of the fold and of calls, in families that the catalogue does not list them for."""
    network = fault_named(id).plant(CELLS[family]())
    assert network is not None
    first = said(network, law)[0]
    assert first.fault.partition(".")[0] == id.partition(".")[0]


class Other(Network):
    """W's gradient is averaged over the rows, and two steps before the last nothing comes back to x."""

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        """Wrong in a way that no catalogue holds."""
        g = super().backward(params, x, state, dy, dstate)
        dx = g.x.copy()
        dx[:-2] = 0
        return replace(g, x=dx, params={n: v / x.shape[1] if n == "W" else v for n, v in g.params.items()})


class Slightly(Network):
    """One gradient is too large by a part in ten thousand."""

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        """Within the distance that single precision may make, and constant."""
        g = super().backward(params, x, state, dy, dstate)
        return replace(g, params={n: v * (1 + 1e-4) if n == "W" else v for n, v in g.params.items()})


def test_a_constant_factor_is_no_lost_precision() -> None:
    """The factor is said, and not that single precision is used inside."""
    (only,) = said(Slightly(CELLS["gru"]()))
    assert only.fault == UNKNOWN
    assert "1.0001 times what it should be" in only.sentence


def test_what_no_fault_explains_is_described() -> None:
    """The blocks, the ratio and the lag; and which blocks are right."""
    (only,) = said(Other(CELLS["lstm"]()))
    assert only.fault == UNKNOWN
    assert "dW_i, dW_f, dW_o, dW_g are 1/B = 0.333333 times what it should be" in only.sentence
    assert "dx is zero in steps 1 to 3 of 5: nothing comes back over more than 1 steps" in only.sentence
    assert "right: dh_0, dc_0, dU_i" in only.sentence


class Louder(Network):
    """Outputs are five fourths from the fourth step on."""

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        """Wrong in a way that no catalogue holds."""
        y, final = super().forward(params, x, state)
        y = y.copy()
        y[3:] *= 1.25
        return y, final


def test_a_wrong_output_is_described() -> None:
    """Since which step, and by which factor."""
    (only,) = said(Louder(CELLS["elman"]()), "values.forward_agrees")
    assert (only.fault, only.sentence) == (
        UNKNOWN,
        "the outputs are 1.25 times what it should be from step 4 of 5 on",
    )


@pytest.mark.parametrize("precision", FORMATS)
def test_the_limit_tells_a_wrong_answer_in_every_format(precision: str) -> None:
    """It lies above the rounding of a format, and below a difference as large as the numbers."""
    assert FORMATS[precision].unit < limit_of(precision) < 0.1


@pytest.mark.parametrize(
    "id", ["lengths-ignored", "length-off-by-one", "final-state-at-padding", "gradient-through-padding"]
)
def test_a_fault_of_lengths_is_no_fault_of_whole_rows(id: str) -> None:
    """One that sees no lengths, and shows at more steps than are asked, would answer as one that looks at none."""
    network = fault_named(id).plant(CELLS["elman"]())
    assert network is not None
    assert {one.fault for one in said(network, "ragged.agrees", Recipe(T=3))} == {id}


def test_gradients_that_cancel_are_not_told_apart() -> None:
    """Two rows with opposite losses leave a rounding of W's gradient, which is no fault and hides none of lengths."""
    cell, zeros = CELLS["lstm"](), np.zeros((2, 2, 1))
    params = {
        "U": np.ones((4, 1)),
        "W": np.array([[-0.5], [0.5], [1.5], [1.0]]),
        "b": np.array([-0.5, -0.5, -0.5, 0.5]),
    }
    dy = np.array([[[-0.5], [1.5]], [[-0.5], [0.5]]])
    problem = Problem(params, zeros, None, dy, (zeros[0], zeros[0]))
    network = fault_named("zero-length-row").plant(cell)
    assert network is not None
    noise = network.run(problem).dparams["W"]  # type: ignore[index]
    assert 0 < np.abs(noise).max() < 1e-18
    found = diagnose(Planted(network, canonical(cell)), problem, property_named("ragged.agrees"))
    assert [one.fault for one in found] == ["zero-length-row"]


UNUSUAL = [LSTM(candidate="sigmoid"), LSTM(output="relu"), GRU(candidate="relu"), Elman(nonlinearity="relu")]


@pytest.mark.parametrize("cell", UNUSUAL, ids=lambda c: f"{c.name} {c.variant}")
def test_the_adjoint_of_the_usual_nonlinearity_is_named(cell: Cell) -> None:
    """The outputs are those of a variant, and the gradients come through the slopes of the usual cell."""
    network = OfUsual(cell)
    law = property_named("gradients.backward_agrees")
    first = diagnose(Planted(network, canonical(cell)), build(cell, Recipe()), law)[0]
    assert first.fault.partition(".")[0] == "activation-derivative-other"
    assert "that of tanh" in first.sentence


class OfUsual(Network):
    """A variant whose author left the backward pass as it was."""

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        """The usual cell's adjoint, on what the variant's forward pass kept."""
        _, _, tape = unroll(self.cell, params, x, state)
        return unroll_vjp(CELLS[self.name](), params, tape, dy, dstate)
