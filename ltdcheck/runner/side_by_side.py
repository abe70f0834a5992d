"""Several targets checked in processes of their own, some at a time; told in the order in which they were named.

What is found does not depend on how many run at a time. A target that cannot be used does not end the run: it is
``unusable``, and its reason is in the record.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context

from ltdcheck.errors import UsageError
from ltdcheck.result import Footer, Record, Result, TargetSummary, count
from ltdcheck.runner.check import Observer, header, run
from ltdcheck.runner.examiners import Options
from ltdcheck.runner.subjects import Target


@dataclass(frozen=True)
class Unusable:
    """Why a target was not checked."""

    reason: str


def run_side_by_side(targets: Sequence[Target], options: Options, observers: Sequence[Observer], jobs: int) -> Record:
    """Check every target, ``jobs`` of them at a time.

    Raises
    ------
    UnknownNameError
        When a property does not exist.
    """
    started, first = time.perf_counter(), header(options)
    told = replace(options, replay=str)  # which can travel to another process; the numbers there are not those here
    results: list[Result] = []
    summaries: dict[str, TargetSummary] = {}
    planned = 0
    problems: dict[str, int] = {}
    # fresh interpreters: a fork of one in which hypothesis and BLAS run would share their locks
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        pending = [pool.submit(_alone, target, told) for target in targets]
        try:
            for target, future in zip(targets, pending, strict=True):
                found = future.result()
                own = [] if isinstance(found, Unusable) else _numbered(found.results, len(results) + 2, options)
                for observer in observers:
                    observer.start(len(own), target.spec)
                    for result in own:
                        observer.result(result)
                results += own
                if isinstance(found, Unusable):
                    summaries[target.spec] = TargetSummary("unusable", target.cell or "", reason=found.reason)
                    continue
                assert found.footer is not None
                summaries |= found.footer.targets
                planned += found.footer.planned
                problems = {k: problems.get(k, 0) + n for k, n in found.footer.problems.items()} or problems
        except BaseException:
            _drop(pending, pool)
            raise
    seconds = time.perf_counter() - started
    return Record(first, results, Footer(summaries, planned, count(results), seconds, problems))


def _alone(target: Target, options: Options) -> Record | Unusable:
    try:
        return run([target], options)
    except UsageError as error:
        return Unusable(str(error))


def _numbered(results: Sequence[Result], start: int, options: Options) -> list[Result]:
    """With the lines that they have in the whole record."""
    return [
        r if r.finding is None else replace(r, finding=replace(r.finding, replay=options.replay(start + k)))
        for k, r in enumerate(results)
    ]


def _drop(pending: Sequence[Future[Record | Unusable]], pool: ProcessPoolExecutor) -> None:
    for future in pending:
        future.cancel()
    pool.shutdown(wait=False, cancel_futures=True)
