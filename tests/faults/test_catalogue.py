"""The catalogue as people read it, and what it is built on."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from faults.problems import PLAIN, answer, case, changed, network

from ltdcheck.errors import UnknownNameError
from ltdcheck.faults.adjoints import ADJOINTS
from ltdcheck.faults.fault import Fault, Network, WrongFunction, fault, fault_named, faults
from ltdcheck.faults.graft import graft
from ltdcheck.faults.steps import STEPS
from ltdcheck.problem import Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.networks.unroll import run
from ltdcheck.reference.variants import variants

EVERY_VARIANT = [cell for family in STEPS for cell in variants(family)]
in_every_variant = pytest.mark.parametrize("cell", EVERY_VARIANT, ids=[f"{c.name} {c.variant}" for c in EVERY_VARIANT])

# The rows seen in public trackers that concern these cells.
SEEN = [
    "gru-reset-placement",
    "gru-hidden-bias-outside-reset",
    "gru-hidden-bias-missing",
    "gru-update-swapped",
    "gru-reset-unused",
    "candidate-double-activation",
    "candidate-gate-activation",
    "gate-unbounded",
    "lstm-output-from-candidate",
    "lstm-sum-for-product",
    "lstm-bias-shared",
    "bias-doubled",
    "peephole-stale",
    "gate-order",
    "recurrent-transposed",
    "activation-clip-partial",
    "state-dead",
    "state-pair-wrong",
    "state-given-ignored",
    "state-leaks-between-calls",
    "future-leak",
    "bptt-carry-missing",
    "bptt-carry-partial",
    "bptt-truncated",
    "bptt-transpose-missing",
    "activation-derivative-doubled",
    "weight-gradient-shifted",
    "gradient-replaced",
    "final-state-cotangent-dropped",
    "gradient-scaled",
    "backward-empty",
]


def test_every_row_seen_in_the_wild_is_there() -> None:
    """And at least one site of it names who was bitten."""
    assert set(SEEN) <= {f.row for f in faults()}
    assert {row for row in SEEN if all(f.source == "thought of" for f in faults() if f.row == row)} == set()


def test_ids_and_sentences_are_unique() -> None:
    """No two faults are called or described alike."""
    everything = faults()
    assert len({f.id for f in everything}) == len(everything)
    assert len({f.sentence for f in everything}) == len(everything)


@pytest.mark.parametrize("f", faults(), ids=lambda f: f.id)
def test_a_fault_is_prose(f: Fault) -> None:
    """A sentence that begins and ends as one, an effect, a trigger, a source, and cells that exist."""
    assert f.sentence[0].isupper()
    assert f.sentence.endswith(".")
    assert not f.effect.endswith(".")
    assert f.effect
    assert f.trigger
    assert f.source
    assert f.cells
    assert set(f.cells) <= set(CELLS)
    assert f.id == f.id.strip().replace(" ", "-")
    assert not (f.layout or f.variant) or f.forward


def test_faults_of_a_family_come_seen_ones_first() -> None:
    """So that of two that explain a target equally well, the one that people ship is named."""
    thought_of = [f.source == "thought of" for f in faults("lstm")]
    assert thought_of == sorted(thought_of)
    assert all("lstm" in f.cells for f in faults("lstm"))


def test_a_row_stands_for_its_first_site() -> None:
    """An id is found, a row is found, and anything else is refused with the names that are close."""
    assert fault_named("gate-unbounded.f").id == "gate-unbounded.f"
    assert fault_named("gate-unbounded").row == "gate-unbounded"
    assert fault_named("bias-doubled").id == "bias-doubled"
    with pytest.raises(UnknownNameError, match="bptt-carry-missing"):
        fault_named("bptt-carry-mising")


def test_an_id_is_given_once() -> None:
    """A second fault of the same id is refused."""
    again = fault("bias-doubled", "x", effect="x", trigger="x", source="x", cells=("elman",), forward=True)
    with pytest.raises(ValueError, match="registered twice"):
        again(Network)


@in_every_variant
def test_the_right_network_is_the_reference(cell: Cell) -> None:
    """Bit for bit, in float64."""
    (problem,) = PLAIN.problems(cell)
    y, final, g = run(cell, problem)
    out = Network(cell).run(problem)
    assert out.dparams is not None
    assert out.y.tobytes() == y.tobytes()
    assert all(out.dparams[name].tobytes() == g.params[name].tobytes() for name in problem.params)
    assert [s.tobytes() for s in out.state] == [s.tobytes() for s in final]


@in_every_variant
def test_taking_the_cell_apart_changes_nothing(cell: Cell) -> None:
    """Steps and adjoints with a name for each part compute what the cell computes, and autograd agrees with both."""
    right = answer(Network(cell), PLAIN)
    assert not changed(answer(WrongFunction(cell), PLAIN), right)
    assert not changed(answer(WrongFunction(graft(STEPS[cell.name], cell, STEPS[cell.name])), PLAIN), right)
    assert not changed(answer(Network(graft(ADJOINTS[cell.name], cell, ADJOINTS[cell.name])), PLAIN), right)


def test_a_graft_keeps_the_variant() -> None:
    """The planted cell has the name, the fields and the shapes of the one that it was planted in."""
    cell = CELLS["gru"](reset="after", update="replaces")
    planted = network(fault_named("gru-hidden-bias-missing"), cell).cell
    assert (planted.name, planted.variant, planted.shapes(2, 3)) == (cell.name, cell.variant, cell.shapes(2, 3))


# -- what identification explains by itself ------------------------------------------------------------------


def _rearranged(id: str, cell: Cell, problem: Problem) -> Problem:
    """The parameters, or the steps of the sequence, arranged as the fault reads them."""
    params = dict(problem.params)
    if id == "input-reversed":
        return problem.with_(x=problem.x[::-1])
    if id == "recurrent-transposed":
        H = params["W"].shape[1]
        params["W"] = np.concatenate([params["W"][k : k + H].T for k in range(0, len(params["W"]), H)])
    else:
        a, b = (cell.gates.index(gate) for gate in id[-2:])
        order = list(range(len(cell.gates)))
        order[a], order[b] = b, a
        for name in ("U", "W", "b"):
            params[name] = np.concatenate([np.split(params[name], len(order))[k] for k in order])
    return problem.with_(params=params)


@pytest.mark.parametrize("f", [f for f in faults() if f.layout], ids=lambda f: f.id)
def test_another_arrangement_makes_a_layout_fault_right(f: Fault) -> None:
    """With the parameters arranged as it reads them, it computes what the reference computes."""
    for family in f.cells:
        cell = CELLS[family]()
        (problem,) = PLAIN.problems(cell)
        wrong, right = network(f, cell).run(_rearranged(f.id, cell, problem)), Network(cell).run(problem)
        if f.id == "input-reversed":
            assert wrong.dx is not None
            wrong = replace(wrong, dx=wrong.dx[::-1])
        assert not changed(wrong, right) & {"y", "final[0]", "final[1]", "dx"}


@pytest.mark.parametrize("f", [f for f in faults() if f.variant], ids=lambda f: f.id)
def test_another_variant_computes_what_a_variant_fault_computes(f: Fault) -> None:
    """Some other variant, or time constant, has its outputs, with a hidden bias added to the candidate's or absent.

    Of another projection none has: its outputs have other columns.
    """
    for family in f.cells:
        cell = next(c for c in variants(family) if f.plant(c) is not None)
        (problem,) = PLAIN.problems(cell)
        wrong = network(f, cell).run(problem, backward=False)
        H = problem.sizes["H"]
        known = [c for c in (*variants(family), *_other_constants(cell)) if c.widths(H) == cell.widths(H)]
        others = [Network(c).run(_without_hidden_bias(c, problem), backward=False) for c in known]
        assert any(not changed(wrong, other) for other in others)


def _other_constants(cell: Any) -> list[Cell]:
    """The cell that holds what it reads; or with the time constant of its leak's other weight, of a step, and so on."""
    if getattr(cell, "clip", None) is not None:
        return [replace(cell, clip=8.0)]
    if isinstance(getattr(cell, "leak", None), float):
        return [replace(cell, leak=1 - cell.leak)]
    if not isinstance(getattr(cell, "tau", None), float):
        return []
    dt = getattr(cell, "dt", 1.0)
    return [replace(cell, tau=tau) for tau in (dt / (1 - dt / cell.tau), dt, cell.tau * dt)]


def _without_hidden_bias(cell: Cell, problem: Problem) -> Problem:
    """The problem in the parameters of another variant."""
    params, H = dict(problem.params), problem.sizes["H"]
    if "bh" in params and "bh" not in cell.shapes(1, H):
        params["b"] = params["b"] + np.concatenate([np.zeros(2 * H), params.pop("bh")])
    for name, shape in cell.shapes(problem.sizes["I"], H).items():
        params.setdefault(name, np.zeros(shape))
    return problem.with_(params=params)


# -- speed ---------------------------------------------------------------------------------------------------


def test_a_faulty_forward_pass_takes_well_under_a_millisecond() -> None:
    """At T=4, B=3, I=3, H=4, because a diagnosis runs them all: half a millisecond on the average of the catalogue."""
    taken = []
    for f in faults("lstm"):
        if (wrong := f.plant(CELLS["lstm"]())) is None:
            continue
        (problem,) = case(T=4, B=3, I=3, H=4).problems(wrong.cell)
        taken.append(min(_seconds(wrong, problem) for _ in range(3)))
    assert sum(taken) / len(taken) < 5e-4


def _seconds(wrong: Network, problem: Problem) -> float:
    start = time.perf_counter()
    wrong.run(problem, backward=False)
    return time.perf_counter() - start
