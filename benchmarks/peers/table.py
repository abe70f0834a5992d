"""The table: a row for each case, a column for each checker, and what the columns add up to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version

from benchmarks.peers.cases import CASES
from benchmarks.peers.checkers import Checker, checkers
from benchmarks.peers.outcome import Outcome, median, outcome
from benchmarks.requirement import Requirement

PACKAGES = ("torch", "jax", "chex", "autograd", "tensorflow-cpu", "scipy", "numdifftools")


def against_peers() -> Iterator[Requirement | str]:
    """All lines, as they come, and what could not be asked."""
    asked = checkers()
    yield "| right, and with an error planted | " + " | ".join(c.name for c in asked) + " |"
    yield "|---" * (len(asked) + 1) + "|"
    columns: list[list[Outcome]] = [[] for _ in asked]
    for case in CASES:
        for column, checker in zip(columns, asked, strict=True):
            column.append(outcome(checker, case))
        yield (
            f"| {case.name}, {case.entries} entries: {case.error} | "
            + " | ".join(column[-1].cell for column in columns)
            + " |"
        )
    for name, told in SUMS:
        yield f"| {name} | " + " | ".join(told(column) for column in columns) + " |"
    yield from ("", *expected(asked, columns), "", *refusals(asked, columns), caption())


def _counted(column: Sequence[Outcome], chosen: Callable[[Outcome], bool]) -> str:
    return f"{sum(map(chosen, column))} of {len(column)}"


SUMS: tuple[tuple[str, Callable[[list[Outcome]], str]], ...] = (
    ("caught", lambda column: _counted(column, lambda o: o.caught)),
    ("missed", lambda column: _counted(column, lambda o: o.missed)),
    ("false alarms", lambda column: _counted(column, lambda o: o.alarm)),
    ("undecided or not asked", lambda column: f"{sum(o.unanswered for o in column)} of {2 * len(column)}"),
    ("calls of the function, median", lambda column: f"{median([o.evaluations for o in column]):.0f}"),
    ("time, in passes, median (range)", lambda column: _spelled([o.ratio for o in column])),
)


def _spelled(values: list[float]) -> str:
    there = [value for value in values if not math.isnan(value)]
    return f"{median(there):.3g} ({min(there):.3g} to {max(there):.3g})" if there else "none"


def expected(asked: Sequence[Checker], columns: Sequence[Sequence[Outcome]]) -> Iterator[str]:
    """What is expected of ours, and whether it holds."""
    pairs = list(zip(asked, columns, strict=True))
    own = [outcome for checker, column in pairs if checker.own for outcome in column]
    amiss = sum(not o.caught for o in own), sum(o.right is not True for o in own)
    yield f"Nothing missed or left open of ltdcheck, {met(amiss[0] == 0)}; nor a false alarm, {met(amiss[1] == 0)}."
    for checker, column in pairs:
        if checker.own:
            yield faster(checker, column, [p for p in pairs if p[0].entrywise and p[0].framework is checker.framework])


def faster(checker: Checker, column: Sequence[Outcome], peers: Sequence[tuple[Checker, Sequence[Outcome]]]) -> str:
    """Against the fastest peer that compares every entry of the same functions in the same framework, by medians."""
    time = median([o.ratio for o in column])
    best, name = min((median([o.ratio for o in theirs]), peer.name) for peer, theirs in peers)
    largest = max(range(len(CASES)), key=lambda k: CASES[k].entries)
    there = [(theirs[largest].ratio, peer.name) for peer, theirs in peers if not math.isnan(theirs[largest].ratio)]
    quickest, which = min(there)
    return (
        f"{checker.name.replace('**', '')}: {time / best:.3g} times the passes of {name}, the fastest peer in its "
        f"framework that compares every entry; at most 1: {met(time <= best)}. At {CASES[largest].entries} entries, "
        f"most of them by random directions, {column[largest].ratio:.3g} passes where {which}, the fastest of those "
        f"peers there, takes {quickest:.3g}."
    )


def met(holds: bool) -> str:  # noqa: FBT001  (its only argument)
    """In the words of the other tables."""
    return "met" if holds else "**missed**"


def refusals(asked: Sequence[Checker], columns: Sequence[Sequence[Outcome]]) -> Iterator[str]:
    """Why questions could not be asked."""
    for checker, column in zip(asked, columns, strict=True):
        for case, o in zip(CASES, column, strict=True):
            why = {verdict for verdict in (o.wrong, o.right) if isinstance(verdict, str)}
            yield from (f"Not asked: {checker.name}, {case.name}: {text}." for text in sorted(why))


def caption() -> str:
    """How the peers are asked, and how they are judged that give no verdict."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{versions}. Every checker has its default tolerances, and random numbers from the seed 0. Three of them "
        "return numbers: tf.test.compute_gradient is judged by `assertAllClose` (1e-6, absolute and relative), as in "
        "its documentation; numdifftools by `numpy.allclose` (1e-5 relative, 1e-8 absolute), as in its documentation; "
        "scipy.optimize.check_grad, asked about the same function in each framework by way of a flat NumPy vector, by "
        "1.5e-5, five decimals, as in scikit-learn's tests. Calls and times, of the processor, are those of the right "
        "gradients; a pass is one forward and one backward pass of the same function in the checker's framework, not "
        "compiled."
    )
