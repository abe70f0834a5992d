"""Targets checked by the workers of a real dask cluster: the record is that of one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import pytest
from cli.calling import call
from distributed import LocalCluster

from ltdcheck.result import Record
from ltdcheck.runner import dask_cluster
from ltdcheck.runner.check import run, versions
from ltdcheck.runner.examiners import Options
from ltdcheck.runner.hand import Unusable
from ltdcheck.runner.live import pickled
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.side_by_side import run_side_by_side
from ltdcheck.runner.subjects import Target

HERE = Path(__file__).parents[1] / "targets"
RIGHT, WRONG = f"{HERE}/numpy_elman.py:Elman", f"{HERE}/numpy_elman.py:Elman_bptt_truncated"
OPTIONS = Options(profile_named("quick"), 0, ("gradients.backward_agrees",), command="ltdcheck check")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers, whose scheduler is in the configuration."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as made,
        dask.config.set({"scheduler-address": made.scheduler_address}),
    ):
        yield made


def shape(record: Record) -> list[object]:
    """All but the times."""
    return [replace(result, seconds=0.0) for result in record.results]


def test_a_cluster_finds_what_is_found_here(cluster: Any) -> None:
    """The same results in the same order; one that cannot be used is said to be, and the workers did it."""
    options = replace(OPTIONS, replay=lambda n: f"ltdcheck replay record.jsonl:{n}")
    targets = [Target(WRONG), Target(RIGHT)]
    here = run(targets, options)
    there = run_side_by_side([*targets, Target("nowhere.py:X")], options, [], 1, engine="dask")
    assert shape(there) == shape(here)
    assert [result.status for result in there.results] == ["failed", "passed"]
    assert there.footer is not None
    assert there.footer.targets["nowhere.py:X"].verdict == "unusable"
    story = cluster.scheduler.story(f"check {RIGHT}")
    assert any(event.finish == "memory" for event in story), story


def test_a_worker_with_other_versions_is_refused() -> None:
    """The verdict would be on another framework than the record says."""
    wanted = versions() | {"numpy": "1.0"}
    found = dask_cluster._check(pickled(Target(RIGHT)).tobytes(), OPTIONS, wanted)
    assert isinstance(found, Unusable)
    assert f"numpy {versions()['numpy']} and not 1.0" in found.reason


def test_no_scheduler_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address, and what to do."""
    monkeypatch.setattr(dask_cluster, "CONNECTING", 0.2)
    with dask.config.set({"scheduler-address": "tcp://127.0.0.1:9"}):
        status, text = call("check", RIGHT, "--engine", "dask")
    assert status == 2
    assert "no dask scheduler at tcp://127.0.0.1:9" in text
    assert "unset DASK_SCHEDULER_ADDRESS" in text
