"""A run: every property of every target, each result told as it comes, the sums at the end."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from ltdcheck import __version__
from ltdcheck.properties.law import Property, properties, property_named
from ltdcheck.result import Footer, Header, Record, Result, TargetSummary, count, verdict_of
from ltdcheck.runner.examiners import Options
from ltdcheck.runner.pairs import OpenedPair, open_pair
from ltdcheck.runner.session import Session
from ltdcheck.runner.subjects import Opened, Target, open_all


class Observer(Protocol):
    """Whoever watches a run."""

    def start(self, planned: int, target: str) -> None:
        """A target's check begins."""

    def checking(self, property_id: str) -> None:
        """A property's check begins."""

    def result(self, result: Result) -> None:
        """A property's check is over."""


PACKAGES = (
    *("numpy", "scipy", "hypothesis", "autograd"),
    *("dm-haiku", "equinox", "flax", "jax", "keras", "onnx", "onnxruntime", "optax", "reservoirpy", "tensorflow"),
    *("tensorflow-cpu", "torch"),
)


def versions() -> dict[str, str]:
    """What the verdicts of a run may depend on."""
    found = {"ltdcheck": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def header(options: Options) -> Header:
    """The first line of the record."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return Header(options.command, options.seed, options.profile.name, versions(), started)


def run(targets: Sequence[Target], options: Options, observers: Sequence[Observer] = ()) -> Record:
    """Check every target.

    All targets are opened before any is checked, so that a target that cannot be used is known before anything ran.

    Raises
    ------
    UsageError
        When a target cannot be used or a property does not exist.
    """
    chosen = [property_named(id) for id in options.properties]
    started = time.perf_counter()
    return _run(open_all(targets, options.timeout), chosen, started, options, observers)


def compare(first: Target, second: Target, options: Options, observers: Sequence[Observer] = ()) -> Record:
    """Hold two targets against each other.

    Raises
    ------
    UsageError
        When one of them cannot be used, or they cannot be asked the same questions.
    """
    started = time.perf_counter()
    return _run([open_pair(first, second, options.timeout)], [], started, options, observers)


def _run(
    opened: Sequence[Opened | OpenedPair],
    chosen: Sequence[Property],
    started: float,
    options: Options,
    observers: Sequence[Observer],
) -> Record:
    first = header(options)
    results: list[Result] = []
    summaries: dict[str, TargetSummary] = {}
    planned = 0
    drawn = {"drawn": 0, "beyond_precision": 0}
    try:
        for subject in opened:
            plan = [p for p in (chosen or properties()) if p.about in subject.subjects]
            planned += len(plan)
            for observer in observers:
                observer.start(len(plan), subject.target.spec)
            session = Session(subject, options)
            own: list[Result] = []
            for prop in plan:
                for observer in observers:
                    observer.checking(prop.id)
                own.append(session.check(prop, plan, len(results) + len(own) + 2))
                for observer in observers:
                    observer.result(own[-1])
            results += own
            drawn = {name: drawn[name] + session.drawn[name] for name in drawn}
            summaries[subject.target.spec] = summary(subject, own)
    finally:
        for subject in opened:
            subject.close()
    seconds = time.perf_counter() - started
    return Record(first, results, Footer(summaries, planned, count(results), seconds, drawn if drawn["drawn"] else {}))


def summary(opened: Opened | OpenedPair, results: Sequence[Result]) -> TargetSummary:
    """What became of one target."""
    told = getattr(opened.implementation, "told", {})
    return TargetSummary(
        verdict_of(results),
        opened.cell,
        opened.variant,
        opened.layout,
        version=" ".join(filter(None, (told.get("framework"), told.get("framework_version")))),
        precisions=", ".join(told.get("precisions", ())),
        sure=opened.sure,
    )


def command_line() -> str:
    """What was typed, for the record."""
    return " ".join(["ltdcheck", *sys.argv[1:]])
