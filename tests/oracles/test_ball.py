"""The hand-derived gradient of every cell is proved, and a wrong one is disproved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sampled import one_in

from ltdcheck.errors import NotDifferentiableError, OracleDisagreementError
from ltdcheck.faults.fault import fault_named
from ltdcheck.oracles import ball, complex_step, consensus
from ltdcheck.oracles.ball import enclosure, prove
from ltdcheck.oracles.pairing import blocks
from ltdcheck.oracles.rounding import expected
from ltdcheck.problem import Problem
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.leaky import Leaky
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.cells.ntm import NTM
from ltdcheck.reference.networks.unroll import Gradients, unroll, unroll_vjp
from ltdcheck.reference.numbers.balls import lifted, precision
from ltdcheck.reference.variants import variants
from ltdcheck.strategies.problems import Recipe, build

DIFFERENTIABLE = [cell for name in CELLS for cell in variants(name) if cell.differentiable]
SMALL = Recipe(T=3, B=1, I=2, H=3, seed=1)
FAULTS = {
    "lstm": (
        *("bptt-carry-missing", "bptt-carry-partial.lstm-f", "bptt-truncated.4", "bptt-transpose-missing"),
        *("weight-gradient-shifted", "gradient-scaled.slightly", "gradient-term-missing.o", "gradient-zero.lstm-W-i"),
        *("activation-derivative-missing.k", "final-state-cotangent-dropped.c", "gate-order.lstm-if-gradient"),
    ),
    "gru": (
        *("bptt-carry-missing.initial", "bptt-carry-partial.gru-r", "bptt-transpose-missing.gru-n"),
        *("weight-gradient-shifted.reset", "gradient-replaced.W", "gru-reset-placement.backward"),
        *("activation-derivative-doubled.u", "backward-empty", "output-detached"),
    ),
}
PLANTED = [(family, id) for family, ids in FAULTS.items() for id in ids]


def named(cell: Cell) -> str:
    """A test id."""
    return f"{cell.name} {cell.variant}".strip().replace(" ", "-")


def test_every_family_but_the_spiking_one_is_differentiable() -> None:
    """What follows speaks of all cells, in all variants."""
    assert set(CELLS) - {cell.name for cell in DIFFERENTIABLE} == {"liquid_state"}


@pytest.mark.parametrize("cell", DIFFERENTIABLE, ids=named)
def test_the_gradient_is_proved(cell: Cell) -> None:
    """Along every entry of every parameter, the input and the initial state, far below a unit in the last place."""
    proved(cell, T=3)


@pytest.mark.parametrize("cell", one_in(4, DIFFERENTIABLE, named))
def test_the_gradient_of_twenty_steps_is_proved(cell: Cell) -> None:
    """As narrowly: one variant in four, and all of them for quality."""
    proved(cell, T=20)


def proved(cell: Cell, T: int) -> None:
    """The proof holds, and is of everything."""
    problem = build(cell, Recipe(T=T, B=1, I=2, H=3, seed=1))
    proof = prove(cell, problem)
    assert proof.ok, str(proof)
    assert proof.every
    assert proof.directions == proof.entries == sum(value.size for value in blocks(problem).values())
    assert proof.ulps < 1e-6


@pytest.mark.parametrize("controller", [Elman(), LSTM()], ids=lambda cell: str(cell.name))
@pytest.mark.parametrize("reads", ["after", "before"])
def test_the_gradient_through_an_addressable_memory_is_proved(controller: Cell, reads: Any) -> None:
    """Every entry, through softmax, interpolation, shift, sharpening, reading and writing."""
    cell = NTM(controller, rows=3, width=2, reads=reads)
    rng = np.random.default_rng(2)
    B, I, H, T = 1, 1, 2, 2
    widths = cell.widths(H)
    state = cell.start(B, H, rng.standard_normal((3, 2)))
    problem = Problem(
        params={name: rng.standard_normal(shape) for name, shape in cell.shapes(I, H).items()},
        x=rng.standard_normal((T, B, I)),
        state=state,
        dy=rng.standard_normal((T, B, H)),
        dstate=tuple(rng.standard_normal((B, n)) for n in widths),
    )
    proof = prove(cell, problem, directions=3)
    assert proof.ok, str(proof)


@pytest.mark.parametrize(("family", "id"), PLANTED, ids=[f"{family}-{id}" for family, id in PLANTED])
def test_a_wrong_adjoint_is_disproved(family: str, id: str) -> None:
    """Along every entry, and along random directions, of a backward pass with a fault of the catalogue."""
    cell = CELLS[family]()
    wrong = fault_named(id).plant(cell)
    assert wrong is not None
    problem = build(cell, Recipe(T=5, B=1, I=2, H=3, seed=1))
    for directions in (None, 2):
        with pytest.raises(OracleDisagreementError, match="exclude each other along"):
            prove(cell, problem, directions, backward=wrong.backward)


def test_a_gradient_that_is_off_by_less_than_rounding_is_disproved() -> None:
    """One part in 2**90 in one entry, which no float64 could hold."""
    cell = LSTM()
    problem = build(cell, SMALL)

    def off(params: Any, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        g = unroll_vjp(cell, params, unroll(cell, params, x, state)[2], dy, dstate)
        share = np.zeros(problem.params["W"].shape)
        share[3, 1] = 2.0**-90
        return Gradients({**g.params, "W": g.params["W"] + g.params["W"] * share}, g.x, g.state, g.arrived)

    with pytest.raises(OracleDisagreementError, match=r"along W\[3, 1\], one of 1 of 36 directions"):
        prove(cell, problem, backward=off)


@pytest.mark.parametrize("precision_", ["float64", "float32"])
@pytest.mark.parametrize("cell", [CELLS[name]() for name in CELLS], ids=named)
def test_the_reference_lies_in_the_enclosure_to_its_rounding(cell: Cell, precision_: str) -> None:
    """Outputs and gradients in long double; the enclosures are narrower than the bound that they prove."""
    problem = build(cell, Recipe(T=6, B=2, I=2, H=3, seed=3, precision=precision_))
    proved, bounded = enclosure(cell, problem), expected(cell, problem)
    names = {f"{s}_0": f"state.{k}" for k, s in enumerate(cell.states)}
    pairs = [(proved.outputs[name], e) for name, e in bounded.outputs.items()]
    pairs += [(proved.gradients[names.get(name, name)], e) for name, e in bounded.gradients.items()]
    assert len(pairs) == len(proved.outputs) + len(proved.gradients) > 1
    for ours, reference in pairs:
        assert ours.status == "ok", ours.reason
        assert not np.any(reference.excludes(ours))
        assert np.all(ours.error <= reference.error)
        assert np.all(ours.error <= 2.0**-34 * np.abs(ours.value))
    assert proved.bits == ball.BITS


def test_twenty_chaotic_steps_take_more_bits() -> None:
    """Rounding grows by a factor a step until float64's 53 bits hold nothing; doubled twice, they hold everything."""
    cell = Elman()
    calm = build(cell, Recipe(T=20, B=1, I=1, H=8, seed=2))
    wild = calm.with_(params={**calm.params, "W": 4 * calm.params["W"]}, x=calm.x / 8)
    with precision(53):
        g = ball._adjoint(cell, wild, {name: lifted(value) for name, value in blocks(wild).items()})
        assert max(float(entry.rad()) for entry in g["W"].all.ravel()) > 1
    proved = enclosure(cell, wild)
    assert proved.bits == 212
    assert all(e.status == "ok" for e in (*proved.outputs.values(), *proved.gradients.values()))


def test_the_oracle_agrees_with_the_others() -> None:
    """It is the narrowest of a consensus, by a factor of a thousand and more."""
    problem = build(LSTM(), SMALL)
    together = consensus.gradients(LSTM(), problem, [complex_step, ball])
    own = ball.gradients(LSTM(), problem)
    for name, estimate in together.items():
        assert estimate.oracle == "complex step, ball"
        assert np.array_equal(estimate.value, own[name].value)
        assert np.all(own[name].error <= 1e-18 * np.abs(own[name].value))


def test_a_kink_is_not_decided() -> None:
    """Two equal units under opposite weights cancel to 0 in truth and to a ball around 0 in any precision."""
    cell = Leaky("relu", tau="learned")
    p = {"U": np.array([[1.0], [1.0], [0.0]]), "b": np.array([0.5, 0.5, 0.0]), "s": np.full(3, 0.3)}
    p["W"] = np.array([[0.0, 0, 0], [0, 0, 0], [1, -1, 0]])
    x, zero, one = np.full((3, 1, 1), 0.7), np.zeros((1, 3)), np.ones((1, 3))
    problem = Problem(p, x, (zero,), np.ones((3, 1, 3)), (one,))
    proved = enclosure(cell, problem)
    assert proved.bits == ball.LIMIT
    assert proved.gradients["W"].status == "unreliable"
    assert "kink" in proved.gradients["W"].reason
    proof = prove(cell, problem)
    assert not proof.ok
    assert "last place wide" in proof.reason
    assert str(proof).startswith("nothing is proved")


def test_overflow_is_not_decided() -> None:
    """A network without bounds leaves float64, and then the numbers that balls have."""
    cell = Elman("identity")
    problem = build(cell, Recipe(T=40, B=1, I=1, H=1, seed=1))
    large = problem.with_(params={name: np.full_like(value, 1e20) for name, value in problem.params.items()})
    estimates = enclosure(cell, large).gradients
    assert estimates["W"].status == "unreliable"
    assert "range of float64" in estimates["W"].reason


def test_without_a_gradient_or_steps() -> None:
    """A cell that is not differentiable has outputs alone; no steps have gradients of zero."""
    cell = CELLS["liquid_state"]()
    problem = build(cell, SMALL)
    assert not enclosure(cell, problem).gradients
    for refused in (ball.gradients, prove):
        with pytest.raises(NotDifferentiableError):
            refused(cell, problem)
    none = build(LSTM(), Recipe(T=0, B=1, I=2, H=3, seed=1))
    proof = prove(LSTM(), none)
    assert proof.ok
    assert np.all(enclosure(LSTM(), none).gradients["W"].value == 0)


@pytest.mark.parametrize("arguments", [{}, {"a": np.zeros((2, 0))}])
def test_of_no_entries_nothing_is_proved(arguments: Any) -> None:
    """Whatever the backward pass: it is refused, as is a cell without units and inputs."""
    with pytest.raises(ValueError, match="the arguments have no entries"):
        ball.prove_adjoint(lambda _: lifted(1.0), lambda a: a, arguments)
    with pytest.raises(ValueError, match="the arguments have no entries"):
        prove(LSTM(), build(LSTM(), Recipe(T=2, B=1, I=0, H=0)))


@pytest.mark.parametrize("directions", [0, -1])
def test_along_no_directions_nothing_is_proved(directions: int) -> None:
    """A number of directions below 1 is refused."""
    with pytest.raises(ValueError, match=f"directions is {directions}; it must be at least 1"):
        prove(LSTM(), build(LSTM(), SMALL), directions)


def test_large_sizes_are_proved_along_random_directions() -> None:
    """Few for each block, and the proof says how many."""
    cell = LSTM()
    proof = prove(cell, build(cell, Recipe(T=4, B=2, I=6, H=8, seed=1)))
    assert proof.ok
    assert not proof.every
    assert proof.directions == 6 * ball.RANDOM
    assert "24 random directions" in str(proof)
