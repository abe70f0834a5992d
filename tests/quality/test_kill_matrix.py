"""The kill matrix: every fault of the catalogue against every property, without an empty row or column.

One site of a fifth of the rows, in one family, is planted here; ``tox -e quality`` plants all of them, asks every
property about each, and leaves what it saw for reports/kill-matrix.md. Faults that another layout or variant makes
right are identified, as a check does, and held against the declaration of what they were planted in.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from adapters.test_program import BROKEN as KILLING_PROGRAMS
from adapters.test_torch_dropout import KILLS as KILLING_TRAINED
from faults.test_clipping import LAWS as KILLING_CLIPPING
from properties.test_goes_on import KILLS as KILLING_MEMORIES
from properties.test_pair import LAWS as KILLING_PAIRS
from properties.test_reference_laws import KILLS as KILLING_CELLS
from quality.planted import asked, declared, killed, kills, planted, right
from quality.report import AIDS, ENOUGH, PROFILES, complete, missed, save_row, saved_row, saved_rows
from sampled import one_in

from ltdcheck.faults.fault import Fault, fault_named, faults
from ltdcheck.properties.law import properties, property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.variants import variants

Site = tuple[str, Fault]

SITES: list[Site] = [(family, fault) for family in CELLS for fault in faults(family)]
ROWS = {row: [site for site in SITES if site[1].row == row] for row in dict.fromkeys(f.row for _, f in SITES)}
FIRST = [sites[k % len(sites)] for k, sites in enumerate(ROWS.values())]  # not always of the same family

# For each property a fault that it kills, in the family in which it is planted. Values and gradients find most faults;
# where another property is about what they cannot see, its fault here is one of those that it alone finds.
KILLED_BY = {
    "values.forward_agrees": ("lstm", "lstm-sum-for-product"),
    "gradients.present": ("elman", "weight-detached.U"),
    "gradients.backward_agrees": ("lstm", "gradient-entry-off.U"),
    "gradients.adjoint_identity": ("gru", "bptt-carry-partial.gru-r"),
    "values.one_step": ("gru", "single-step-wrong"),
    "precision.single_agrees_with_double": ("gru", "gate-unbounded.u"),  # it grows what single precision rounds off
    "layout.consistent": ("lstm", "recurrent-transposed"),
    "layout.as_declared": ("lstm", "gate-order.lstm-if"),
    "sequence.causal": ("gru", "future-leak"),
    "sequence.pieces_equal_whole": ("lstm", "state-pair-wrong"),
    "sequence.zero_steps": ("elman", "empty-sequence-wrong"),
    "batch.rows_are_independent": ("elman", "batch-rows-coupled"),
    "batch.order_does_not_matter": ("lstm", "batch-tail-stale"),
    "calls.repeatable": ("elman", "gradient-leaks-between-calls"),
    "calls.instances_agree": ("gru", "state-leaks-between-calls"),
    "calls.answers_stay": ("lstm", "answer-overwritten.state"),
    "calls.arguments_stay": ("elman", "argument-mutated.params"),
    "calls.memory_order": ("gru", "strides-ignored.x"),
    "effects.every_parameter": ("lstm", "parameter-unused.W"),
    "effects.every_input": ("elman", "input-ignored-at-step.last"),
    "effects.every_state": ("lstm", "state-given-ignored.c"),
    "effects.every_cotangent": ("lstm", "final-state-cotangent-dropped.c"),
    "calls.earlier_shapes": ("gru", "buffer-of-longest.state"),
    "calls.backward_again": ("lstm", "tape-changed-by-backward"),
    "ragged.agrees": ("gru", "initial-state-unsorted"),
    "ragged.padding_has_no_effect": ("lstm", "lengths-ignored"),
    "ragged.after_the_end": ("gru", "output-in-padding"),
    "ragged.full_lengths_change_nothing": ("elman", "equal-lengths-apart"),
    "lags.long_memory": ("gru", "bptt-truncated.100"),
}

# What a property finds and no other does, on the problems that a check always asks; those of AIDS have no such fault.
ALONE = {
    "gradients.backward_agrees": "precision-lost.cotangents",
    "layout.consistent": "recurrent-transposed",
    "layout.as_declared": "gate-order.lstm-if",
    "lags.long_memory": "bptt-truncated.100",
    "sequence.zero_steps": "empty-sequence-wrong",
    "batch.order_does_not_matter": "answer-cached.rows-sorted",
    "calls.answers_stay": "answer-overwritten.state",
    "calls.arguments_stay": "argument-mutated.x",
    "calls.memory_order": "strides-ignored.dstate",
    "calls.earlier_shapes": "buffer-of-first",
    "calls.backward_again": "tape-changed-by-backward",
    "ragged.agrees": "initial-state-unsorted",
    "ragged.after_the_end": "output-in-padding",
    "ragged.full_lengths_change_nothing": "equal-lengths-apart",
    "effects.every_parameter": "answer-cached.but-weights",
    "effects.every_input": "answer-cached.but-input",
    "effects.every_state": "answer-cached.but-state",
    "effects.every_cotangent": "answer-cached.but-cotangents",
}


def subject(family: str, fault: Fault) -> Subject:
    """The fault as a property is asked about it."""
    return declared(fault, family) if fault.layout or fault.variant else planted(fault, family)


def names(sites: list[Site]) -> list[str]:
    """Test ids."""
    return [f"{family}-{fault.id}" for family, fault in sites]


@pytest.mark.parametrize(("family", "fault"), one_in(5, FIRST, lambda site: names([site])[0]))
def test_every_row_is_killed(family: str, fault: Fault) -> None:
    """Some property does not hold for a site of every row, on the problems that a check always asks."""
    it = subject(family, fault)
    assert any(kills(law, it) for law in properties("cell")), f"{fault.id} survives in {family}"


SEEDED = np.random.default_rng(5).choice(len(SITES), 60, replace=False)


@pytest.mark.parametrize("size", [10, pytest.param(len(SEEDED), marks=pytest.mark.quality)])
def test_a_sample_is_found_at_each_profile(size: int) -> None:
    """The fixed problems of quick find 95 % of the sites, and those of default and thorough, which hold them, all."""
    needed = [least(*SITES[k]) for k in SEEDED[:size]]
    found = {profile: sum(profile in by for by in needed) / len(needed) for profile in PROFILES}
    assert found["quick"] >= ENOUGH["quick"], found
    assert found["default"] == found["thorough"] == ENOUGH["default"], found
    assert all(by["default"] <= by["quick"] for by in needed if "quick" in by)


def least(family: str, fault: Fault) -> dict[str, int]:
    """For each profile that finds the fault, the number of the first example of the first property that does."""
    it = subject(family, fault)
    for law in properties("cell"):
        if (kill := killed(law, it)) is not None and not kill.large:
            return dict.fromkeys(PROFILES, kill.examples)
    return {p: kill.examples for law in properties("cell") if (kill := killed(law, it)) for p in PROFILES[1:]}


@pytest.mark.parametrize("id", KILLED_BY)
def test_every_property_kills(id: str) -> None:
    """No property holds for every fault."""
    family, fault = KILLED_BY[id]
    assert kills(property_named(id), subject(family, fault_named(fault)))


@pytest.mark.parametrize("id", one_in(3, ALONE))
def test_what_one_property_finds_alone(id: str) -> None:
    """It does not hold, and every other does; of the ordinary tests a third, as each asks every property."""
    it = subject("lstm", fault_named(ALONE[id]))
    assert [law.id for law in properties("cell") if kills(law, it)] == [id]


def test_every_property_finds_something_alone_or_says_why_not() -> None:
    """No property of cells is both without a fault of its own and without a reason."""
    assert sorted([*ALONE, *AIDS]) == sorted(KILLED_BY)


def test_no_property_is_forgotten() -> None:
    """Every registered property, whatever it is about, is a column of this kill matrix or of its subject's."""
    beside = [*KILLING_TRAINED, *KILLING_MEMORIES, *KILLING_PROGRAMS, *KILLING_PAIRS]
    columns = [*KILLED_BY, *beside, *KILLING_CLIPPING, *KILLING_CELLS]
    assert sorted(columns) == sorted(law.id for law in properties())


@pytest.mark.parametrize("family", one_in(3, CELLS))
def test_the_reference_survives(family: str) -> None:
    """Every property holds for the right network, and compares something or says why it does not."""
    it = right(CELLS[family]())
    for law in properties("cell"):
        tally = asked(law, it)
        assert tally.failing is None, (law.id, tally.disagreement)
        assert bool(tally.compared) != bool(tally.not_applicable), law.id


@pytest.mark.quality
@pytest.mark.parametrize(("family", "fault"), SITES, ids=names(SITES))
def test_every_site_is_killed(family: str, fault: Fault) -> None:
    """Some property does not hold for any site of any row; what the folder holds already is not asked again."""
    folder = os.environ.get("LTDCHECK_MEASURED")
    by = saved_row(Path(folder), family, fault.id) if folder else None
    if by is None:
        it = subject(family, fault)
        by = {law.id: kill for law in properties("cell") if (kill := killed(law, it))}
        if folder:
            save_row(Path(folder), family, fault.id, by)
    assert by, f"{fault.id} survives in {family}"
    if fault.layout or fault.variant:  # by another convention it is right: nothing else is said of it
        assert set(by) <= {"layout.consistent", "layout.as_declared"}


@pytest.mark.quality
def test_each_profile_finds_enough_of_all_sites() -> None:
    """Of what was measured in the folder that LTDCHECK_MEASURED names; the report asks again when all have ended."""
    folder = os.environ.get("LTDCHECK_MEASURED")
    rows = saved_rows(Path(folder)) if folder else []
    if not complete(rows):
        pytest.skip(f"{len(rows)} of {len(SITES)} sites were measured so far; the report fails on all of them")
    assert not missed(rows), missed(rows)


@pytest.mark.quality
@pytest.mark.parametrize("cell", [c for f in CELLS for c in variants(f)], ids=lambda c: f"{c.name} {c.variant}")
def test_every_variant_of_the_reference_survives(cell: object) -> None:
    """Every property holds for the right network of every variant."""
    it = right(cell)  # type: ignore[arg-type]
    assert [law.id for law in properties("cell") if kills(law, it)] == []
