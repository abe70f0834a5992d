"""The page about frameworks: every finding has a script that shows it, and what has none is named."""

from __future__ import annotations

from dataclasses import replace

from quality.frameworks import page, unshown
from reporting.samples import SUMMARIES, gru_results, record_of
from witnesses.shown import HERE, SHOWN

from ltdcheck.result import Record, Result, TargetSummary

TARGET = "ltdcheck.adapters.onnx:RNN"


def finding(property_id: str, target: str = TARGET) -> Result:
    """A failure of this property."""
    return replace(gru_results()[1], target=target, property=property_id)


def record(*results: Result, **others: TargetSummary) -> Record:
    """Of these results."""
    return record_of(list(results), {r.target: SUMMARIES["my_gru.py:GRU"] for r in results} | others)


def test_every_script_is_there() -> None:
    """And runs by itself: it imports nothing of ltdcheck."""
    for each in SHOWN:
        assert "ltdcheck." not in (HERE / each.script).read_text()


def test_a_finding_that_a_script_shows_is_told_with_it() -> None:
    """With the targets that it is about, in a paragraph for each script."""
    found = record(finding("sequence.zero_steps"), finding("sequence.zero_steps", TARGET.replace("RNN", "GRU")))
    assert unshown(found) == []
    text = page(found)
    assert text.count("onnxruntime_no_steps.py") == 1
    assert f"In `{TARGET}`, `ltdcheck.adapters.onnx:GRU`." in text
    assert f"| `{TARGET}` |" in text


def test_what_no_script_shows_is_named() -> None:
    """A finding of another kind, what was left undecided, and what could not be used."""
    other, open_ = finding("values.forward_agrees"), replace(finding("lags.long_memory"), status="undecided")
    left = unshown(record(other, open_, broken=TargetSummary("unusable", reason="it is none.")))
    assert left == [
        f"{TARGET} values.forward_agrees: failed",
        f"{TARGET} lags.long_memory: undecided",
        "broken: unusable, it is none.",
    ]
