"""What no family is without can be planted in every family, whatever families the catalogue lists it for."""

from __future__ import annotations

import itertools

import pytest
from faults.problems import case

from ltdcheck.faults.fault import Fault, Network, faults
from ltdcheck.faults.graft import ALL, plantable
from ltdcheck.reference.cells import CELLS

OTHERS = [family for family in CELLS if family not in ALL]
EVERYWHERE = [f for f in faults() if set(ALL) <= set(f.cells)]
PAIRS = [pair for pair in itertools.product(EVERYWHERE, OTHERS) if pair[1] not in pair[0].cells]


def runs(fault: Fault, family: str) -> bool:
    """It answers with arrays of the right shapes, or has nothing to get wrong there, or refuses what it is asked."""
    cell = CELLS[family]()
    network = fault.plant(cell)
    if network is None:
        return False
    (problem,) = case(T=2, B=2, I=2, H=4).problems(cell)
    out = network.run(problem)
    assert out.y.shape == Network(cell).run(problem, backward=False).y.shape
    return True


def test_a_family_is_tried_for_its_own_faults_first() -> None:
    """Then for those of the fold, of calls and of arrays, each once."""
    for family in CELLS:
        ids = [f.id for f in plantable(family)]
        own = [f.id for f in faults(family)]
        assert ids[: len(own)] == own
        assert len(set(ids)) == len(ids)
        assert {f.id for f in EVERYWHERE} <= set(ids)


@pytest.mark.parametrize("family", OTHERS)
def test_every_fault_is_planted_in_every_family_or_says_that_it_has_no_place(family: str) -> None:
    """A diagnosis plants them all: none asks a cell for what it does not have, a block that it lacks apart."""
    planted = 0
    for fault in EVERYWHERE:
        try:
            planted += fault.plant(CELLS[family]()) is not None
        except ValueError:  # a block of the weights that this family has in another shape
            assert not isinstance(fault.plant, type)
    assert planted > len(EVERYWHERE) / 2


@pytest.mark.parametrize("fault", EVERYWHERE, ids=lambda f: f.id)
def test_a_fault_of_the_fold_runs_in_another_family(fault: Fault) -> None:
    """Each in one of the families that it is not listed for; those whose plant is a network, in whichever it is."""
    others = [family for family in OTHERS if family not in fault.cells]
    family = others[EVERYWHERE.index(fault) % len(others)]
    try:
        assert runs(fault, family) or not isinstance(fault.plant, type)
    except ValueError:  # a block of the weights that this family has in another shape
        assert not isinstance(fault.plant, type)


@pytest.mark.quality
@pytest.mark.parametrize(("fault", "family"), PAIRS, ids=[f"{family}-{f.id}" for f, family in PAIRS])
def test_every_fault_of_the_fold_runs_in_every_family(fault: Fault, family: str) -> None:
    """All of them."""
    try:
        assert runs(fault, family) or not isinstance(fault.plant, type)
    except ValueError:
        assert not isinstance(fault.plant, type)
