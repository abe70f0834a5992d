"""The faults of the catalogue in the place of a target, one run of somebody's tests for each."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ltdcheck.errors import TargetFailure, TargetUnusableError, UsageError
from ltdcheck.implementation import Implementation
from ltdcheck.mutant import Campaign, Fate, Mutant
from ltdcheck.mutation.catalogue import plant_in, require_fault
from ltdcheck.mutation.choosing import candidates, showing
from ltdcheck.mutation.command import Outcome, run_command
from ltdcheck.mutation.plan import Plan, require_servable
from ltdcheck.mutation.seat import require_python, seat_of
from ltdcheck.runner.check import versions
from ltdcheck.runner.subjects import Opened, Target, open_target

PATIENCE = 5  # times the time of the tests of the right target; a network of the catalogue is slower than most
GRACE = 30.0  # seconds besides


@dataclass(frozen=True)
class Wanted:
    """What a person asks for; ``timeout`` is in seconds for one run of the tests, 0 derives it from the first run."""

    target: str
    command: str
    cell: str | None = None
    faults: Sequence[str] = ()
    sample: int | None = None
    seed: int = 0
    jobs: int = 1
    timeout: float = 0.0


@dataclass(frozen=True)
class Prepared:
    """A target whose tests pass, with the reference in its place too."""

    campaign: Campaign
    plan: Plan
    timeout: float
    jobs: int


def prepare(wanted: Wanted, say: Callable[[str], None]) -> Prepared:
    """Identify the target, run its tests as they are and on the reference, and find out which faults can show.

    Raises
    ------
    UsageError
        When the target cannot be used, its tests fail or do not call it, or the reference cannot stand in for it.
    """
    words = shlex.split(wanted.command)
    if not words:
        raise UsageError("--command is empty; name what runs the tests, such as 'pytest tests/test_my_lstm.py'.")
    for name in wanted.faults:
        require_fault(name)
    opened, plan = _identified(wanted)
    say(f"{wanted.target} is {opened.cell}({opened.variant})")
    timeout = _control(words, plan, wanted, say)
    asked = candidates(plan.layout, wanted.faults, wanted.sample, wanted.seed)
    assert isinstance(opened.implementation, Implementation)
    left_out: dict[str, str] = {}
    chosen: list[str] = []
    target = opened.implementation
    for fault, why in showing(plan, asked, target.precisions, backward=target.has_backward):
        if why:
            left_out[fault.id] = why
        else:
            chosen.append(fault.id)
    campaign = Campaign(wanted.target, opened.cell, opened.variant, wanted.command, tuple(chosen), left_out, versions())
    return Prepared(campaign, plan, timeout, wanted.jobs)


def _identified(wanted: Wanted) -> tuple[Opened, Plan]:
    """What the target is, as far as this needs it.

    Raises
    ------
    TargetUnusableError
        When the reference cannot stand in for it.
    """
    require_python(wanted.target)
    opened = open_target(Target(wanted.target, cell=wanted.cell), 60.0)
    opened.close()
    if opened.early is not None:
        why = f"it fails before anything is planted: {getattr(opened.early, 'message', opened.early)}."
        raise TargetUnusableError(wanted.target, why, "Run 'ltdcheck check' on it first: it must be right.")
    if opened.other:
        raise TargetUnusableError(
            wanted.target, f"{opened.other}.", "Run 'ltdcheck check' on it first: it must be right."
        )
    if opened.identification is None:
        why = "it is a clipping function, and faults are planted in cells."
        raise TargetUnusableError(wanted.target, why, "Name a recurrent network.")
    require_servable(opened.identification.layout, wanted.target)
    try:
        seat, form = seat_of(wanted.target, 60.0)
    except TargetFailure as failure:
        raise TargetUnusableError(wanted.target, f"it {failure}.", "Run 'ltdcheck check' on it first.") from failure
    return opened, Plan(seat, form, opened.identification.layout)


def _control(words: Sequence[str], plan: Plan, wanted: Wanted, say: Callable[[str], None]) -> float:
    """Both runs in which nothing may be found wrong; the time limit for the others.

    Raises
    ------
    UsageError
        When the tests fail, or do not call the target, or find the reference wrong.
    """
    own = run_command(words, wanted.timeout or 3600.0)
    say(f"the tests on {wanted.target} itself: {own.words}, {own.seconds:.1f} s")
    if not own.passed:
        raise UsageError(f"The tests must pass on {wanted.target} itself; {_told(own)}")
    timeout = wanted.timeout or PATIENCE * own.seconds + GRACE
    with _folder() as folder:
        mark = folder / "reached"
        control = _run(words, replace(plan, reached=str(mark)), folder, timeout)
        say(f"the tests on the reference in its place: {control.words}, {control.seconds:.1f} s")
        if not mark.exists():
            raise UsageError(
                f"The tests never call {plan.seat.name} of {plan.seat.file} as it is executed there, so that no fault "
                "could be seen. Do they import another copy of it, or run in a Python that ltdcheck is not installed "
                f"in, or replace PYTHONPATH? {_told(control)}"
            )
    if not control.passed:
        raise UsageError(
            "The reference, with nothing wrong in it, does not pass the tests in the place of the target: they "
            f"look at more than its passes, parameters and state, or call it in another form; {_told(control)}"
        )
    return timeout


def _told(outcome: Outcome) -> str:
    return f"they ended with {outcome.words}:\n{outcome.tail.rstrip()}"


def attempts(prepared: Prepared, done: Sequence[str] = ()) -> Iterator[Mutant]:
    """Each fault that is not done yet, as its run of the tests ends."""
    words = shlex.split(prepared.campaign.command)
    left = [id for id in prepared.campaign.faults if id not in done]
    with _folder() as folder, ThreadPoolExecutor(max_workers=prepared.jobs) as pool:
        pending = [
            pool.submit(_attempt, words, replace(prepared.plan, fault=id), folder, prepared.timeout) for id in left
        ]
        try:
            for future in as_completed(pending):
                yield future.result()
        finally:
            for future in pending:
                future.cancel()


def _attempt(words: Sequence[str], plan: Plan, folder: Path, timeout: float) -> Mutant:
    outcome = _run(words, plan, folder, timeout)
    fault, _ = plant_in(plan.layout.cell, plan.fault)
    fate: Fate = "survived" if outcome.passed else "killed"
    return Mutant(plan.fault, fault.sentence, fate, outcome.words, outcome.seconds)


def _run(words: Sequence[str], plan: Plan, folder: Path, timeout: float) -> Outcome:
    path = folder / f"{plan.fault or 'none'}.json"
    path.write_text(json.dumps(plan.to_json(), default=float), encoding="utf-8")
    return run_command(words, timeout, path)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ltdcheck-") as name:
        yield Path(name)
