"""The faults of the catalogue, planted in implementations written elsewhere, are named first.

A few are planted here; ``tox -e quality`` plants all, and leaves what it saw for reports/diagnosis.md.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from quality.elsewhere import FORMS, save, saved_one, told
from quality.test_kill_matrix import SITES, names

from ltdcheck.faults.fault import Fault, fault_named

# family, fault, form: equations, gradients, what calls leave behind, arguments, arrangement
SAMPLE = [
    ("lstm", "gate-unbounded.f", "torch"),
    ("lstm", "bptt-carry-partial.lstm-o", "numpy"),
    ("lstm", "gate-order.lstm-if", "fused"),
    ("gru", "gru-mix.keep-squared", "numpy"),
    ("gru", "weight-detached.W", "torch"),
    ("gru", "gradient-term-missing.r", "separate"),
    ("elman", "answer-cached.but-weights", "fused"),
    ("elman", "memory-not-set.dx", "separate"),
    ("elman", "nondeterministic", "torch"),
    ("elman", "gradient-scaled", "fused"),
    ("clockwork", "clockwork-idle-zeroed", "numpy"),
    ("gru", "strides-ignored.dstate", "torch"),
    ("gru", "memory-not-set.y", "fused"),
    ("gru", "weight-detached.gru-W-n", "separate"),
    ("lstm", "weight-unregistered", "separate"),
    ("elman", "argument-mutated.state", "numpy"),
    ("elman", "argument-mutated.params", "separate"),
    ("elman", "input-gradient-reversed", "torch"),
    ("elman", "activation-clipped", "numpy"),
    ("lstm", "state-pair-wrong", "fused"),
    ("lstm", "state-pair-swapped", "torch"),
    ("lstm", "parameter-unused.b", "separate"),
    ("continuous", "leak-swapped", "separate"),
]


@pytest.mark.parametrize(("family", "id", "form"), SAMPLE, ids=[f"{f}-{id}-{form}" for f, id, form in SAMPLE])
def test_a_planted_fault_is_named_first(family: str, id: str, form: str) -> None:
    """The first finding's first diagnosis is the fault's row, in whatever layout and form it stands."""
    seen = told(family, fault_named(id), FORMS.index(form))
    assert seen.right, seen


@pytest.mark.quality
@pytest.mark.parametrize(("number", "site"), list(enumerate(SITES)), ids=names(SITES))
def test_every_site_is_found_and_said(number: int, site: tuple[str, Fault]) -> None:
    """Each has a finding, in one of the forms in turn; what the folder holds already is not asked again."""
    family, fault = site
    folder = os.environ.get("LTDCHECK_MEASURED")
    seen = saved_one(Path(folder), family, fault.id) if folder else None
    if seen is None:
        seen = told(family, fault, number)
        if folder:
            save(Path(folder), seen)
    assert seen.property, seen
