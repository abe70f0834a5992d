"""The reports of what was measured: sums over chunks, and rows of the matrix."""

from __future__ import annotations

from pathlib import Path

import pytest
from quality import accuracy, elsewhere
from quality.accuracy import Accuracy
from quality.elsewhere import Told
from quality.measure import Measured, save
from quality.planted import Kill
from quality.report import ALARMS, main, missed, save_row, saved_row

from ltdcheck.faults.fault import faults
from ltdcheck.reference.cells import CELLS


def test_chunks_are_added_up(tmp_path: Path) -> None:
    """Two chunks of one module are one line; another precision is another; large weights have a table of their own."""
    key = {"within": "usual", "module": "RNN relu", "precision": "float64"}
    one = Measured(2, 10, 1, worst=[1.0], typical=[1e-13], blocks=[2e-13])
    other = Measured(1, 7, 0, worst=[3.0], typical=[3e-13], blocks=[4e-13], alarms=["seed 7 y"])
    for start, measured in (("0", one), ("2", other)):
        save(tmp_path / ALARMS, {**key, "from": start}, measured)
    save(tmp_path / ALARMS, {**key, "within": "large", "precision": "float32", "from": "0"}, one)
    save_row(tmp_path, "lstm", "gate-order.lstm-if", {"layout.as_declared": Kill(1, large=False)})
    by = {"calls.repeatable": Kill(3, large=False), "values.forward_agrees": Kill(2, large=False)}
    save_row(tmp_path, "lstm", "nondeterministic", by)
    save_row(tmp_path, "lstm", "large-array-tail", {"values.forward_agrees": Kill(36, large=True)})
    near, far = Accuracy(2, 20, [0.5, 1.5], [1.0, 2.0], "U"), Accuracy(1, 10, [1.0], [4.0], "W of lstm")
    for regime, seen in (("usual", near), ("linear", far)):
        accuracy.save(tmp_path, {"system": "lstm", "regime": regime}, seen)
    elsewhere.save(
        tmp_path, Told("lstm", "gate-order.lstm-if", "numpy", "layout.as_declared", ["gate-order"], right=True)
    )
    elsewhere.save(tmp_path, Told("gru", "bias-doubled", "torch", "values.forward_agrees", ["none known"], right=False))
    assert saved_row(tmp_path, "lstm", "nondeterministic") == by
    assert saved_row(tmp_path, "gru", "nondeterministic") is None
    told = elsewhere.saved_one(tmp_path, "gru", "bias-doubled")
    assert told is not None
    assert told.named == ["none known"]
    assert elsewhere.saved_one(tmp_path, "lstm", "bias-doubled") is None
    main(str(tmp_path), str(tmp_path / "reports"))
    named = (tmp_path / "reports/diagnosis.md").read_text()
    assert "| numpy | 1 | 1 | 1 | 100.0% |" in named
    assert "| all | 2 | 2 | 1 | 50.0% |" in named
    assert "| gru | bias-doubled | torch | values.forward_agrees | none known |" in named
    stated = (tmp_path / "reports/accuracy.md").read_text()
    assert "The largest error in 3 problems is 4.0 spreads: W of lstm." in stated
    assert "| lstm | 3 | 30 | 1.0 | 1.5 | 2.0 | 4.0 | 4.0 | 2.0 |" in stated
    alarms = (tmp_path / "reports/false-alarms.md").read_text()
    assert "| RNN relu | float64 | 3 | 1 | 17 | 1 | 2.0 | 3.0 | 3.0 | 2e-13 | 3e-13 | 3e-13 | 4e-13 |" in alarms
    assert "| RNN relu | float32 | 2 | 1 | 10 | 0 | 1.0 | 1.0 | 1.0 | 1e-13 |" in alarms
    matrix = (tmp_path / "reports/kill-matrix.md").read_text()
    assert "3 planted faults, 3 found: the score is 1.000." in matrix
    sites = sum(len(faults(family)) for family in CELLS)
    assert f"Of 3 of {sites} sites, quick finds 66.7%, default finds 100.0%, thorough finds 100.0%." in matrix
    assert "| quick | 2 | 66.7% | 2 | 2 | 2 |" in matrix
    assert "| default | 3 | 100.0% | 2 | 33 | 36 |" in matrix
    assert "| calls.repeatable | 1 | 0 |" in matrix
    assert "| layout.as_declared | 1 | 1 |" in matrix
    assert "| lstm | nondeterministic | calls.repeatable 3, values.forward_agrees 2 |" in matrix
    assert "| lstm | large-array-tail | values.forward_agrees 36 (large) |" in matrix


def test_a_profile_that_finds_too_few_of_all_sites_is_said() -> None:
    """Quick may miss one in twenty of all sites, default none; of a sample nothing is asked."""
    sites = [(family, f.id) for family in CELLS for f in faults(family)]
    near, far = {"values.forward_agrees": Kill(1, large=False)}, {"values.forward_agrees": Kill(36, large=True)}
    few = len(sites) // 20
    assert missed([(*site, far if k < few else near) for k, site in enumerate(sites)]) == ""
    many = [(*site, far if k < 2 * few else near) for k, site in enumerate(sites)]
    assert missed(many).startswith("quick finds 90")
    assert missed(many[1:]) == ""
    survived = [(*site, near if k else {}) for k, site in enumerate(sites)]
    assert missed(survived).startswith("default finds 99.9% of all sites, not 100%; thorough")


def test_nothing_measured_is_no_report(tmp_path: Path) -> None:
    """It says what to run."""
    with pytest.raises(SystemExit, match="run the quality tests with LTDCHECK_MEASURED="):
        main(str(tmp_path), str(tmp_path / "reports"))
