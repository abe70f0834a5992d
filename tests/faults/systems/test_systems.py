"""Every planted fault of a system breaks one of its laws, and the right one keeps them all."""

from __future__ import annotations

import pytest
from faults.systems import (  # noqa: F401  (registers the laws)
    curvature,
    descent,
    directions,
    initial,
    layers,
    reads,
    sequences,
)
from faults.systems.law import LAWS, keeps

from ltdcheck.faults.clipping import clipping_faults
from ltdcheck.faults.fault import faults
from ltdcheck.faults.memory import memory_faults
from ltdcheck.faults.reservoir import reservoir_faults
from ltdcheck.faults.systems.fault import SystemFault, system_fault, system_faults
from ltdcheck.reference.systems import systems, systems_named

ROWS = [*range(20, 32), *range(44, 50)]
PLANTED = [(f, system) for f in system_faults() for system in f.cells]


@pytest.mark.parametrize("system", LAWS)
def test_the_right_one_keeps_every_law(system: str) -> None:
    """The class or function of the reference that has the name."""
    right = RIGHT.get(system) or systems_named(system)[0].subject
    assert [law.__doc__ for law in LAWS[system] if not keeps(law, right)] == []


# the laws of a classifier's product are about the whole of it
RIGHT = {"gauss-newton": curvature.classifier_gauss_newton_product}


@pytest.mark.parametrize(("f", "system"), PLANTED, ids=[f"{f.id} in {system}" for f, system in PLANTED])
def test_a_law_kills_every_fault(f: SystemFault, system: str) -> None:
    """Some law of the system fails with the wrong one in its place."""
    assert not all(keeps(law, f.wrong) for law in LAWS[system])


@pytest.mark.parametrize("row", [f"S{k}" for k in ROWS])
def test_every_name_that_can_go_wrong_has_two_faults(row: str) -> None:
    """Networks and what is done to gradients and parameters: each row, and in it each system that has laws."""
    names = {s.name for s in systems(row, row)}
    known = [*system_faults(), *memory_faults()]
    assert any(name in LAWS for name in names)
    for name in names & (LAWS.keys() | {"ntm"}):
        assert sum(name in f.cells for f in known) >= 2, name


def test_faults_of_systems_are_prose() -> None:
    """Unique ids and sentences, each with an effect, a trigger, a source and systems that exist.

    A fault of the fold of one cell is planted in cells too, by the same id and sentence.
    """
    found, names = system_faults(), {s.name for s in systems()}
    of_fold = {f.id: f.sentence for f in system_faults("unroll")}
    in_cells = [f for f in faults() if of_fold.get(f.id) != f.sentence]
    everything = [*in_cells, *clipping_faults(), *reservoir_faults(), *memory_faults(), *found]
    assert len({f.id for f in everything}) == len(everything)
    assert len({f.sentence for f in everything}) == len(everything)
    for f in found:
        assert f.sentence[0].isupper(), f.id
        assert f.sentence.endswith("."), f.id
        assert f.effect, f.id
        assert not f.effect.endswith("."), f.id
        assert f.trigger, f.id
        assert f.source, f.id
        assert f.cells, f.id
        assert set(f.cells) <= names, f.id


def test_those_seen_in_the_wild_come_first() -> None:
    """And name who was bitten; those of one system are found by its name."""
    thought_of = [f.source == "thought of" for f in system_faults()]
    assert thought_of == sorted(thought_of)
    assert not all(thought_of)
    assert {f.row for f in system_faults("bidirectional")} >= {"direction-not-reversed", "reverse-flips-padding"}


def test_an_id_is_given_once() -> None:
    """A second fault of the same id is refused."""
    again = system_fault("penalty-root", "x", "l2", effect="x", trigger="x")
    with pytest.raises(ValueError, match="registered twice"):
        again(lambda: None)
