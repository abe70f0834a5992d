"""How the properties of clipping functions are examined: on fixed and drawn calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from ltdcheck.diagnosis.clipping import diagnose_finding
from ltdcheck.problem import ClippingCall
from ltdcheck.properties.law import Property
from ltdcheck.result import Diagnosis, Finding
from ltdcheck.runner.cases import drawn_cases
from ltdcheck.runner.examine import Tally, check_of, draw, examine
from ltdcheck.runner.examiners import Options, finding_of
from ltdcheck.runner.remembered import Remembered
from ltdcheck.runner.subjects import Opened
from ltdcheck.strategies.gradients import clipping_calls, configurations

OF_EARLIER_CALLS = ("clipping.memoryless",)  # asks for the same call again


class ClippingExaminer:
    """Examines properties of clipping functions on calls."""

    def __init__(self, opened: Opened, options: Options) -> None:
        self.rule: Any = opened.implementation
        self.options = options
        self._draws: dict[int, list[ClippingCall]] = {}

    @cached_property
    def remembered(self) -> Remembered:
        """The same function, whose answers are kept."""
        return Remembered(self.rule)

    def examine(self, prop: Property) -> Tally[ClippingCall]:
        """The property on fixed and drawn calls."""
        rule = self.rule if prop.id in OF_EARLIER_CALLS else self.remembered
        check: Callable[[ClippingCall], Any] = check_of(prop, rule, lambda call: call)
        fixed = [c for p in ("float64", "float32") for c in configurations(self.rule.kind, p)]
        return examine(check, fixed, partial(self._drawn, drawn_cases(prop, self.options.profile)))

    def _drawn(self, examples: int) -> list[ClippingCall]:
        """The same for all laws that are asked about so many."""
        if examples not in self._draws:
            self._draws[examples] = draw(clipping_calls(kind=self.rule.kind), examples, self.options.seed)
        return self._draws[examples]

    def finding(self, prop: Property, tally: Tally[ClippingCall], replay: str) -> Finding | None:
        """What is wrong."""
        if tally.failing is None or tally.disagreement is None:
            return None
        diagnosis = diagnose_finding(prop.check, self.rule, tally.failing) if tally.failure is None else []
        return finding_of(tally.disagreement, tally.failing.to_json(), diagnosis, replay)

    def holds_for_new(self, prop: Property, tally: Tally[ClippingCall]) -> bool:
        """A function has no instances."""
        return False

    def noise(self, tally: Tally[ClippingCall]) -> frozenset[str]:
        """It has no gradient of its own."""
        return frozenset()

    def explains(self, prop: Property, finding: Finding, likely: Diagnosis) -> bool:
        """A rule that answers this call as the function does was found."""
        return True
