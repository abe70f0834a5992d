"""Several targets checked in processes of their own, some at a time; told in the order in which they were named.

What is found does not depend on how many run at a time. A target that cannot be used does not end the run: it is
``unusable``, and its reason is in the record. An interruption ends all processes at once; what was found of whole
targets by then is on the shelf, if there is one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from queue import SimpleQueue
from typing import Any, Literal, Protocol, Self

from ltdcheck.properties.law import property_named
from ltdcheck.result import Footer, Record, Result, TargetSummary, count
from ltdcheck.runner.check import Observer, header
from ltdcheck.runner.examiners import Options
from ltdcheck.runner.hand import Hand, Unusable
from ltdcheck.runner.subjects import Target

Engine = Literal["local", "dask"]


class Shelf(Protocol):
    """Where the records of single targets are put as they come, and found by a run that goes on."""

    def of(self, target: str) -> Record | None:
        """What is there of this target."""

    def keep(self, target: str, record: Record) -> None:
        """Put it there; called from several threads."""


class NoShelf:
    """Keeps nothing."""

    def of(self, target: str) -> Record | None:
        """Nothing."""

    def keep(self, target: str, record: Record) -> None:
        """Nothing is done."""


def run_side_by_side(
    targets: Sequence[Target],
    options: Options,
    observers: Sequence[Observer],
    jobs: int,
    shelf: Shelf | None = None,
    *,
    engine: Engine = "local",
) -> Record:
    """Check every target, ``jobs`` of them at a time; those of which the shelf has a record are not checked again.

    Where the engine is ``dask``, the workers of a cluster check them, and there is no shelf.

    Raises
    ------
    UnknownNameError
        When a property does not exist.
    UsageError
        When there is no cluster.
    """
    for id in options.properties:
        property_named(id)
    started, first = time.perf_counter(), header(options)
    results: list[Result] = []
    summaries: dict[str, TargetSummary] = {}
    planned = 0
    problems: dict[str, int] = {}
    with _hands(options, jobs, shelf, engine) as hands:
        for target, found in zip(targets, [hands.check(target) for target in targets], strict=True):
            record = found.result()
            own = [] if isinstance(record, Unusable) else _numbered(record.results, len(results) + 2, options)
            for observer in observers:
                observer.start(len(own), target.spec)
                for result in own:
                    observer.result(result)
            results += own
            if isinstance(record, Unusable):
                summaries[target.spec] = TargetSummary("unusable", target.cell or "", reason=record.reason)
                continue
            assert record.footer is not None
            summaries |= record.footer.targets
            planned += record.footer.planned
            problems = {k: problems.get(k, 0) + n for k, n in record.footer.problems.items()} or problems
    seconds = time.perf_counter() - started
    return Record(first, results, Footer(summaries, planned, count(results), seconds, problems))


class Hands(Protocol):
    """What checks targets, some at a time."""

    def __enter__(self) -> Self:
        """Ready."""

    def __exit__(self, *_: object) -> None:
        """End what is at work."""

    def check(self, target: Target) -> Any:
        """A future of the record, or of why there is none."""


def _hands(options: Options, jobs: int, shelf: Shelf | None, engine: Engine) -> Hands:
    if engine == "local":
        return _Hands(options, jobs, shelf or NoShelf())
    from ltdcheck.runner.dask_cluster import DaskHands

    return DaskHands(options, jobs)


class _Hands:
    """Some processes, each with a thread that waits for it."""

    def __init__(self, options: Options, jobs: int, shelf: Shelf) -> None:
        self._shelf = shelf
        self._all = [Hand(options) for _ in range(jobs)]
        self._free = SimpleQueue[Hand]()
        for hand in self._all:
            self._free.put(hand)
        self._threads = ThreadPoolExecutor(jobs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes, which after an interruption are at work."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for hand in self._all:
            hand.close()
        self._threads.shutdown()

    def check(self, target: Target) -> Future[Record | Unusable]:
        """As soon as a process is free."""
        return self._threads.submit(self._check, target)

    def _check(self, target: Target) -> Record | Unusable:
        if (known := self._shelf.of(target.spec)) is not None:
            return known
        hand = self._free.get()
        try:
            found = hand.check(target)
        finally:
            self._free.put(hand)
        if not isinstance(found, Unusable) and not count(found.results)["errored"]:
            self._shelf.keep(target.spec, found)
        return found


def _numbered(results: Sequence[Result], start: int, options: Options) -> list[Result]:
    """With the lines that they have in the whole record."""
    return [
        r if r.finding is None else replace(r, finding=replace(r.finding, replay=options.replay(start + k)))
        for k, r in enumerate(results)
    ]
