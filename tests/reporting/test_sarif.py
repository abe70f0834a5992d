"""The record as SARIF, read back by models of the standard."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reporting.samples import conforming_record, full_record, hostile_record
from sarif_pydantic import Sarif

from ltdcheck.reporting.sarif import render_sarif
from ltdcheck.reporting.words import one_line
from ltdcheck.result import Record, TargetSummary

HOSTILE = ["</script>", "\x00\x1b[31m", "\ud800", "\u202egnp.exe", '"\\', "\N{GRINNING FACE}"]


def run_of(text: str) -> dict[str, Any]:
    """The one run, after the models of the standard have taken the document."""
    assert len(Sarif.model_validate_json(text).runs) == 1
    run: dict[str, Any] = json.loads(text)["runs"][0]
    return run


@pytest.mark.parametrize("record", [conforming_record(), full_record(), *map(hostile_record, HOSTILE)])
def test_a_result_is_a_failure_or_open(record: Record) -> None:
    """One for each failed and each undecided property, whatever text they hold, and all of the text is told."""
    run = run_of(render_sarif(record))
    told = [(r["ruleId"], r["kind"], r["level"]) for r in run["results"]]
    words = {"failed": ("fail", "error"), "undecided": ("open", "none")}
    assert told == [(one_line(r.property), *words[r.status]) for r in record.results if r.status in words]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {one_line(r.property) for r in record.results}


def test_what_is_errored_or_unusable_is_said_of_the_run() -> None:
    """Nothing that keeps the exit status from being 0 is left out."""
    record = full_record()
    assert record.footer is not None
    lost = {"none.py:RNN": TargetSummary("unusable", reason="There is no such file.")}
    record = replace(record, footer=replace(record.footer, targets=record.footer.targets | lost))
    (invocation,) = run_of(render_sarif(record))["invocations"]
    texts = [note["message"]["text"] for note in invocation["toolExecutionNotifications"]]
    wanted = [r.target for r in record.results if r.status == "errored"]
    wanted += ["none.py:RNN"]
    assert 1 < len(texts) == len(wanted)
    assert all(name in text for name, text in zip(wanted, texts, strict=True))
    assert invocation["exitCode"] == 1


def test_a_target_in_a_file_has_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name that stands behind the file's; one that cannot be read, or defines no such name, has no line."""
    (tmp_path / "mine.py").write_text("import math\n\n\nclass Cell:\n    pass\n")
    monkeypatch.chdir(tmp_path)
    record = full_record()
    found = next(r for r in record.results if r.status == "failed")
    specs = ["mine.py:Cell", "A=b mine.py:Cell(size=2, bias=False)", "mine.py:Other", "none.py:Cell", "torch.nn:LSTM"]
    renamed = replace(record, results=[replace(found, target=spec) for spec in specs])
    places = [r["locations"][0] for r in run_of(render_sarif(renamed))["results"]]
    lines = [p.get("physicalLocation", {}).get("region", {}).get("startLine") for p in places]
    assert lines == [4, 4, None, None, None]
    assert [p.get("physicalLocation", {}).get("artifactLocation", {}).get("uri") for p in places] == [
        *["mine.py"] * 3,
        "none.py",
        None,
    ]


def test_a_baseline_is_told_of() -> None:
    """What it knows is unchanged, everything else is new; without one nothing is said."""
    record = full_record()
    first, *_ = [r for r in record.results if r.status == "failed"]
    states = [r["baselineState"] for r in run_of(render_sarif(record, [first]))["results"]]
    assert states.count("unchanged") == 1
    assert set(states) == {"unchanged", "new"}
    assert all("baselineState" not in r for r in run_of(render_sarif(record))["results"])
