"""What one checker says of one case, and what it costs."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from benchmarks.peers.case import Case
from benchmarks.peers.checkers import Answer, Checker
from benchmarks.timing import alternately

ROUNDS = 5
PASSES = 5  # timed together, as one takes a millisecond


@dataclass(frozen=True)
class Outcome:
    """The verdicts on the wrong and on the right gradient; a verdict that is a text says why there is none.

    ``evaluations`` are the calls of the function, and ``ratio`` the time over that of a forward and a backward pass,
    both on the right gradient; nan where it could not be asked.
    """

    wrong: bool | str | None
    right: bool | str | None
    evaluations: float
    ratio: float

    @property
    def caught(self) -> bool:
        """The wrong gradient is called wrong."""
        return self.wrong is False

    @property
    def missed(self) -> bool:
        """The wrong gradient is called right."""
        return self.wrong is True

    @property
    def alarm(self) -> bool:
        """The right gradient is called wrong."""
        return self.right is False

    @property
    def unanswered(self) -> int:
        """How many of the two questions have no answer."""
        return sum(not isinstance(verdict, bool) for verdict in (self.wrong, self.right))

    @property
    def cell(self) -> str:
        """In the words of the table."""
        found = {True: "**missed**", False: "caught", None: "undecided"}
        said = found[self.wrong] if not isinstance(self.wrong, str) else "not asked"
        of_right = {True: "", False: ", **false alarm**", None: ", undecided on the right one"}
        return said + (of_right[self.right] if not isinstance(self.right, str) else ", nor of the right one")


def outcome(checker: Checker, case: Case) -> Outcome:
    """Both verdicts; then the time of the right one, in turn with that of the passes."""
    wrong, _ = verdict(checker, case, wrong=True)
    right, evaluations = verdict(checker, case, wrong=False)
    if isinstance(right, str):
        return Outcome(wrong, right, float("nan"), float("nan"))
    f = case.written(checker.framework, wrong=False)
    arguments = checker.framework.arguments(case.values())

    def passes() -> None:
        for _ in range(PASSES):
            checker.framework.passes(f, arguments)

    # of the processor: others on the machine, who would slow a call of a millisecond at random, do not count
    timing = alternately(lambda: checker.ask(f, arguments), passes, ROUNDS, time.process_time)
    return Outcome(wrong, right, evaluations, timing.ratio * PASSES)


def verdict(checker: Checker, case: Case, *, wrong: bool) -> tuple[bool | str | None, int]:
    """What the checker says, or why it refuses; and how often it called the function.

    An import that fails is no refusal: it is raised.
    """
    f, calls = checker.framework.counted(case.written(checker.framework, wrong=wrong))
    try:
        answer: Answer = checker.ask(f, checker.framework.arguments(case.values()))
    except ImportError:
        raise
    except Exception as refusal:  # noqa: BLE001  (what a checker cannot be asked is told in the table)
        return f"{type(refusal).__name__}: {str(refusal).splitlines()[0]}", calls()
    return answer.ok, max(calls(), answer.evaluations or 0)


def median(values: list[float]) -> float:
    """Of those that are numbers; nan where there are none."""
    there = [value for value in values if value == value]  # noqa: PLR0124  (nan is not itself)
    return statistics.median(there) if there else float("nan")
