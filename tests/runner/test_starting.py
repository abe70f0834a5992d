"""Workers that are started before anything asks them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ltdcheck.errors import TargetUnusableError
from ltdcheck.runner import starting
from ltdcheck.runner.isolation import Worker
from ltdcheck.runner.starting import source_of, started, worker_of

LIMIT = 60.0


@pytest.fixture
def spec(tmp_path: Path) -> Iterator[str]:
    """A target that leaves a file behind when it is imported."""
    (tmp_path / "left.py").write_text(
        "import pathlib\npathlib.Path(__file__).with_suffix('.seen').write_text('')\nclass It: pass\n"
    )
    yield f"{tmp_path / 'left.py'}:It"
    assert not starting._started


def test_a_started_worker_is_taken_once(spec: str) -> None:
    """By the first who asks for its target with its time limit; its process lives on when the start is over."""
    source = source_of(spec, None)
    with started([spec], None, LIMIT):
        other = worker_of(source, None, 2 * LIMIT)
        worker = worker_of(source, None, LIMIT)
        again = worker_of(source, None, LIMIT)
        process = worker._process
        assert process is not None
        assert other._process is None
        assert again._process is None
    with worker, pytest.raises(TargetUnusableError):
        worker.call("make")
    assert Path(spec.rpartition(":")[0]).with_suffix(".seen").exists()
    assert worker.timeout == LIMIT
    assert process._popen.poll() is not None


def test_a_worker_that_nobody_takes_is_ended(spec: str) -> None:
    """Whatever ends the start."""
    begun: list[Worker] = []

    def nothing_follows() -> None:
        with started([spec, "nowhere:It"], None, LIMIT):
            begun.extend(worker for _, _, worker in starting._started)
            assert all(worker._process is not None for worker in begun)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nothing_follows()
    assert len(begun) == 2
    for worker in begun:
        with pytest.raises(RuntimeError, match="closed"):
            worker.call("make")


def test_what_cannot_be_opened_is_said_by_the_first_call() -> None:
    """Starting raises nothing."""
    with started(["nowhere:It"], None, LIMIT):
        worker = worker_of(source_of("nowhere:It", None), None, LIMIT)
    with worker, pytest.raises(TargetUnusableError, match="nowhere"):
        worker.call("make")
