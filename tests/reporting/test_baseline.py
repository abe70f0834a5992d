"""What an earlier run found does not count in the exit status, and everything else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reporting.samples import full_record

from ltdcheck.errors import UsageError
from ltdcheck.reporting.baseline import Baseline
from ltdcheck.reporting.json_lines import RecordWriter
from ltdcheck.result import Diagnosis, Finding, Record, Result, count, exit_status, verdict_of


def failing(record: Record) -> Record:
    """The results of it that passed or failed with a finding, as a whole run."""
    return whole(record, [r for r in record.results if r.status == "passed" or r.finding is not None])


def whole(record: Record, results: list[Result]) -> Record:
    """A run with these results."""
    assert record.footer is not None
    by_target: dict[str, list[Result]] = {}
    for result in results:
        by_target.setdefault(result.target, []).append(result)
    summaries = {name: replace(record.footer.targets[name], verdict=verdict_of(own)) for name, own in by_target.items()}
    footer = replace(record.footer, targets=summaries, planned=len(results), counts=count(results))
    return replace(record, results=results, footer=footer)


@pytest.fixture
def record() -> Record:
    """Some targets conform, and some do not."""
    found = failing(full_record())
    assert found.footer is not None
    assert exit_status(found.footer) == 1
    return found


@pytest.fixture
def read(tmp_path: Path) -> Callable[[Record], Baseline]:
    """A record, written and read as a baseline."""

    def through(record: Record) -> Baseline:
        with RecordWriter(tmp_path / "before.jsonl", record.header) as writer:
            for result in record.results:
                writer.write(result)
            assert record.footer is not None
            writer.close(record.footer)
        return Baseline.read(tmp_path / "before.jsonl")

    return through


def test_what_is_known_does_not_count(record: Record, read: Callable[[Record], Baseline]) -> None:
    """The same findings again leave 0; and none is gone."""
    baseline = read(record)
    assert baseline.exit_status(record) == 0
    assert baseline.known(record) == [r for r in record.results if r.status == "failed"]
    assert baseline.gone(record) == 0


def altered(record: Record, **changed: Any) -> Record:
    """The first finding is another one."""
    k = next(k for k, r in enumerate(record.results) if r.finding is not None)
    results = list(record.results)
    finding = results[k].finding
    assert isinstance(finding, Finding)
    results[k] = replace(results[k], finding=replace(finding, **changed))
    return whole(record, results)


def test_another_place_or_cause_is_new(record: Record, read: Callable[[Record], Baseline]) -> None:
    """The property failed before too, but not so: 1. Other numbers in the same block are the same finding."""
    first = next(r.finding for r in record.results if r.finding is not None)
    other = replace(first.where, block="another")
    assert read(altered(record, where=other)).exit_status(record) == 1
    assert read(altered(record, diagnosis=(Diagnosis("another", "It is another.", 0.0),))).exit_status(record) == 1
    assert read(altered(record, got="0.25", where=replace(first.where, index=(0, 0, 0)))).exit_status(record) == 0


def test_what_is_gone_is_counted(record: Record, read: Callable[[Record], Baseline]) -> None:
    """Of targets that were checked again only."""
    baseline = read(record)
    passed = [replace(r, status="passed", finding=None) if r.finding is not None else r for r in record.results]
    found = sum(r.finding is not None for r in record.results)
    assert baseline.gone(whole(record, passed)) == found
    target = next(r.target for r in record.results if r.finding is not None)
    own = sum(r.finding is not None for r in record.results if r.target == target)
    assert baseline.gone(whole(record, [r for r in passed if r.target != target])) == found - own


def test_nothing_else_is_excused(record: Record, read: Callable[[Record], Baseline]) -> None:
    """A known failure beside an undecided property is no conforming target: 4; beside an error of ours: 3."""
    baseline = read(record)
    k = next(k for k, r in enumerate(record.results) if r.status == "passed")
    for status, left in (("undecided", 4), ("errored", 3)):
        results = list(record.results)
        results[k] = replace(results[k], status=status)  # type: ignore[arg-type]
        assert baseline.exit_status(whole(record, results)) == left


def test_a_file_that_is_no_record_is_refused(tmp_path: Path) -> None:
    """It names the option."""
    (tmp_path / "notes.txt").write_text("hello\n")
    with pytest.raises(UsageError, match=r"--baseline: .*notes\.txt"):
        Baseline.read(tmp_path / "notes.txt")
