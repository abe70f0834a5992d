"""One property of one target: the fixed cases, then drawn ones, until one fails or all have passed."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.strategies import SearchStrategy

from ltdcheck.errors import TargetFailure
from ltdcheck.properties.law import Disagreement, Evidence, Property
from ltdcheck.result import Place, Status

Case = TypeVar("Case")

FATAL = ("hung", "crashed", "flooded")  # after these nothing more is asked


@dataclass
class Tally(Generic[Case]):
    """What was seen so far."""

    examples: int = 0
    compared: int = 0
    worst: float = 0.0
    detectable: float | None = None
    left_out: int = 0
    blocks: dict[str, float] = field(default_factory=dict)  # the smallest of all examples
    undecided: dict[str, int] = field(default_factory=dict)
    not_applicable: str = ""
    notes: dict[str, None] = field(default_factory=dict)
    failing: Case | None = None
    disagreement: Disagreement | None = None
    failure: TargetFailure | None = None
    error: str = ""
    seconds: float = 0.0

    def add(self, evidence: Evidence) -> None:
        """One more example."""
        self.notes.update(dict.fromkeys(evidence.notes))
        if evidence.not_applicable:
            self.not_applicable = evidence.not_applicable
            return
        if evidence.undecided:
            self.undecided[evidence.undecided] = self.undecided.get(evidence.undecided, 0) + 1
            return
        self.examples += 1
        self.compared += evidence.compared
        if evidence.disagreement is None:
            self.worst = max(self.worst, evidence.worst)
        self.left_out += evidence.left_out
        for name, seen in evidence.blocks.items():
            self.blocks[name] = min(self.blocks.get(name, seen), seen)
        if evidence.detectable is not None:
            self.detectable = min(self.detectable or evidence.detectable, evidence.detectable)

    @property
    def status(self) -> Status:
        """What the examples add up to. Nothing compared, and no reason for it, is our own failure."""
        if self.error:
            return "errored"
        if self.failing is not None:
            return "failed"
        if self.compared:
            return "passed"
        if self.undecided:
            return "undecided"
        return "not_applicable" if self.not_applicable else "errored"

    @property
    def reason(self) -> str:
        """Why there is no verdict, in words."""
        if self.error:
            return self.error
        if self.compared or self.failing is not None:
            return ""
        if self.undecided:
            return f"every case was beyond decision: {next(iter(self.undecided))}"
        return self.not_applicable or "nothing was compared and no reason was given"


class Seeded(HypothesisProvider):
    """Draws that depend on the seed alone; Hypothesis's own also try the constants of whatever code is imported."""

    def _maybe_draw_constant(self, *args: object, **options: object) -> None:
        """No constant, ever."""


AVAILABLE_PROVIDERS["ltdcheck"] = f"{__name__}.{Seeded.__name__}"


def examine(
    check: Callable[[Case], Evidence], cases: Iterable[Case], more: Callable[[], Iterable[Case]] = list
) -> Tally[Case]:
    """Ask ``check`` about every case; stop at the first that fails.

    ``more`` cases are made if none fails, and if the property speaks of the target at all.
    """
    tally: Tally[Case] = Tally()
    started = time.perf_counter()

    def look(case: Case) -> bool:
        evidence = ask(check, case, tally)
        if evidence is not None:
            tally.add(evidence)
            if evidence.disagreement is not None:
                tally.failing, tally.disagreement = case, evidence.disagreement
        return tally.failing is not None or bool(tally.error)

    if not any(look(case) for case in cases) and not _idle(tally):
        any(look(case) for case in more())
    tally.seconds = time.perf_counter() - started
    return tally


def ask(check: Callable[[Case], Evidence], case: Case, tally: Tally[Case]) -> Evidence | None:
    """One question; what the target does instead of answering is the failing case, what we do is our error."""
    try:
        return check(case)
    except TargetFailure as failure:
        tally.examples += 1
        tally.failing, tally.failure = case, failure
        tally.disagreement = Disagreement(Place("the call"), str(failure), "an answer", 0.0, f"the target {failure}")
    except Exception:  # noqa: BLE001  (a defect of ours must not end the run, and must not pass for a verdict)
        tally.error = traceback.format_exc(limit=-4)
    return None


def _idle(tally: Tally[Case]) -> bool:
    """The property does not speak of this target at all: every fixed case said so."""
    return bool(tally.not_applicable) and not tally.examples and not tally.undecided


def draw(drawn: SearchStrategy[Case], examples: int, random_seed: int) -> list[Case]:
    """So many cases, the same for the same seed."""
    found: list[Case] = []
    if not examples:
        return found

    @seed(random_seed)
    @settings(
        backend="ltdcheck",
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),  # they speak of the time that a target takes, which is its own
    )
    @given(drawn)
    def explore(case: Case) -> None:
        found.append(case)

    explore()
    return found


def fails(check: Callable[[Case], Evidence], case: Case, like: Tally[Case]) -> bool:
    """The case fails in the same way: a wrong answer, or the same kind of refusal to answer."""
    probe: Tally[Case] = Tally()
    evidence = ask(check, case, probe)
    if evidence is not None:
        return like.failure is None and evidence.disagreement is not None
    return like.failure is not None and probe.failure is not None and probe.failure.kind == like.failure.kind


def check_of(prop: Property, subject: object, make: Callable[[Case], object]) -> Callable[[Case], Evidence]:
    """The property as a question about cases of one subject."""
    return lambda case: prop.check(subject, make(case))
