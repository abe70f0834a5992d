"""How the properties of cells are examined: on which cases, and what becomes of one that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from typing import Any, Self

from ltdcheck.diagnosis.diagnose import diagnose
from ltdcheck.diagnosis.explains import explains
from ltdcheck.diagnosis.restless import restless
from ltdcheck.errors import OracleDisagreementError, TargetFailure
from ltdcheck.problem import Problem
from ltdcheck.properties.law import Disagreement, Property, properties
from ltdcheck.properties.subject import AT_ONCE, Subject
from ltdcheck.properties.values import right_in_single
from ltdcheck.result import Diagnosis, Finding
from ltdcheck.runner.cases import AHEAD, LONG, drawn_cases, fixed_cases
from ltdcheck.runner.examine import FATAL, Tally, check_of, draw, examine, fails
from ltdcheck.runner.needs import needs
from ltdcheck.runner.new import New
from ltdcheck.runner.profiles import Profile, profile_named
from ltdcheck.runner.shrinking import shrink
from ltdcheck.runner.subjects import Opened
from ltdcheck.strategies.problems import LARGE_BATCH, Recipe, build, of_sizes, recipes

PROVED = ("values.", "gradients.")  # whose findings' expected values are proved
BY_DIFFERENCES = "differences of the target's own forward pass, with their own error"
ASKED_ONCE = Recipe(T=0)  # stands for the case of a law that looks at none


@dataclass(frozen=True)
class Options:
    """How to check. ``replay(number)`` is the command for the result that will be the record's line ``number``."""

    profile: Profile = field(default_factory=lambda: profile_named("default"))
    seed: int = 0
    properties: Sequence[str] = ()
    timeout: float = 60.0
    command: str = "ltdcheck"
    replay: Callable[[int], str] = lambda number: ""


class CellExaminer:
    """Examines properties of cells on problems."""

    _found = False  # something

    def __init__(self, opened: Opened, options: Options) -> None:
        self.options = options
        self.subject: Subject | None = opened.subject()
        self.sizes = getattr(opened.implementation, "fixed_sizes", None)
        self.compiles = getattr(opened.implementation, "compiles", "")
        if self.subject is not None:
            cell = self.subject.cell
            self.make = lru_cache(maxsize=512)(lambda recipe: build(cell, recipe))
            if not self.subject.unreferenced:
                self.subject.to_come = self._to_come()

    @cached_property
    def _draws(self) -> dict[Any, list[Recipe]]:
        """What was drawn."""
        return {}

    def _to_come(self) -> Iterator[Problem]:
        """What is always asked, law by law, unless something is found."""
        for prop in self._chosen():
            yield from map(self.make, self._fixed(prop))

    def _chosen(self) -> list[Property]:
        chosen = self.options.properties
        return [prop for prop in properties("cell") if not chosen or prop.id in chosen]

    def _fixed(self, prop: Property) -> list[Recipe]:
        subject, large = self.subject, self.options.profile.large
        assert subject is not None
        fixed = fixed_cases(prop, subject.cell, subject.precisions, self.sizes, self.compiles)
        return [recipe for recipe in fixed if large or recipe.B < LARGE_BATCH or prop.id in LONG]

    def examine(self, prop: Property) -> Tally[Recipe]:
        """The property on fixed and drawn problems."""
        subject, profile = self.subject, self.options.profile
        assert subject is not None
        if prop.about == "program":  # one case, which is no problem
            return examine(check_of(prop, subject, _itself), [ASKED_ONCE])
        check = check_of(prop, subject, self.make)
        fixed = self._fixed(prop)
        if prop.id in LONG:
            return examine(check, self._asked_at_once(fixed))
        drawn = partial(self._drawn, tuple(fixed), tuple(subject.precisions), drawn_cases(prop, profile))
        if prop.id == AHEAD:
            return examine(check, self._asked_at_once(fixed, drawn))
        return examine(check, fixed, drawn)

    def _drawn(self, fixed: tuple[Recipe, ...], precisions: tuple[str, ...], examples: int) -> list[Recipe]:
        """The same for all laws that are asked about so many, beside the same fixed ones."""
        subject, longest = self.subject, self.options.profile.longest
        assert subject is not None
        known = fixed if self.compiles else ()
        if (key := (known, precisions, examples)) not in self._draws:
            drawn = recipes(subject.cell, precisions=precisions, max_T=longest, sizes=self.sizes)
            if self.compiles:
                drawn = of_sizes(drawn, known, self.compiles, longest)
            self._draws[key] = draw(drawn, examples, self.options.seed)
        return self._draws[key]

    def _asked_at_once(self, fixed: list[Recipe], drawn: Callable[[], list[Recipe]] = list[Recipe]) -> Iterator[Recipe]:
        """Cases that are asked as they are, before the answers to the first are looked at: while the reference answers.

        With those that are drawn goes what the law of long problems will ask, if nothing is found.
        """
        self._ask(fixed)
        yield from fixed
        more = drawn()
        long = [recipe for prop in self._chosen() if prop.id in LONG for recipe in self._fixed(prop)]
        self._ask(more if self._found else [*more, *long])
        yield from more

    def _ask(self, cases: Sequence[Recipe]) -> None:
        """Ahead, as far as they are small together."""
        subject, left = self.subject, AT_ONCE
        assert subject is not None
        for problem in (subject.within(self.make(recipe)) for recipe in cases):
            left -= problem.entries
            if left > 0:
                subject.ahead(problem, backward=subject.has_backward)

    def finding(self, prop: Property, tally: Tally[Recipe], replay: str) -> Finding | None:
        """What is wrong, on the smallest problem; None where nothing is, or where the oracles exclude each other."""
        if tally.failing is None or tally.disagreement is None or self.subject is None:
            return None
        if prop.about == "program":
            return finding_of(tally.disagreement, None, [], replay)
        self._found, self.subject.to_come = True, iter(())  # other problems are likelier now
        check = check_of(prop, self.subject, self.make)
        fatal = tally.failure is not None and tally.failure.kind in FATAL
        tries = 0 if fatal else self.options.profile.shrinks
        smallest, matters = tally.failing, ""
        problem = self.make(smallest)
        if tries:
            sizes, precisions = self.sizes, self.subject.precisions

            def still(recipe: Recipe) -> bool:
                made = sizes is None or sizes == (recipe.I, recipe.H)
                return made and recipe.precision in precisions and fails(check, recipe, tally)

            smallest = shrink(self.subject.cell, tally.failing, still, tries)
            problem, matters = self._needs(prop, smallest, tally)
        seen = tally.disagreement
        if problem is not self.make(tally.failing):
            again = examine(self._of_problems(prop), [problem])
            seen = again.disagreement or seen
        oracle = ""
        if self.subject.unreferenced:
            oracle = BY_DIFFERENCES if prop.id == "gradients.adjoint_identity" else ""
        elif prop.id.startswith(PROVED) and not fatal:
            from ltdcheck.runner.proving import proved  # what passes needs no balls

            try:
                seen, oracle = proved(self.subject, problem, seen)
            except OracleDisagreementError as ours:
                tally.error = str(ours)
                return None
        likely = _diagnosed(prop, self.subject, problem, fatal=fatal or bool(self.subject.unreferenced))
        return replace(finding_of(seen, problem.to_json(), likely, replay, oracle), matters=matters)

    def lowered(self, prop: Property, tally: Tally[Recipe]) -> bool:
        """From here on single precision alone is asked: it has the property, and double has it to single's digits."""
        subject = self.subject
        if tally.failing is None or tally.failure is not None or subject is None or "float32" not in subject.precisions:
            return False
        if tally.failing.precision != "float64" or not right_in_single(subject, self.make(tally.failing)):
            return False
        self.subject = subject.only("float32")
        if self.examine(prop).status == "passed":
            return True
        self.subject = subject
        return False

    def holds_for_new(self, prop: Property, tally: Tally[Recipe]) -> bool:
        """New instances, one for each call, have the property in the case that fails: earlier calls are to blame."""
        if tally.failing is None or self.subject is None or prop.about == "program":
            return False
        new = self.subject.on(New(self.subject.implementation))
        again = examine(check_of(prop, new, self.make), [tally.failing])
        return again.status == "passed"

    def status(self, prop: Property, case: Recipe) -> str:
        """What becomes of the property in this one case."""
        return examine(check_of(prop, self.subject, self.make), [case]).status

    def restless(self, tally: Tally[Recipe]) -> bool:
        """Two new instances answer the question that fails in two ways."""
        if tally.failing is None or self.subject is None:
            return False
        try:
            return bool(restless(self.subject, self.make(tally.failing)).outputs)
        except TargetFailure:
            return False

    def noise(self, tally: Tally[Recipe]) -> frozenset[str]:
        """The gradients that are other ones each time the case that fails is asked.

        None where outputs are other ones too: then so is all that follows from them.
        """
        subject = self.subject
        if tally.failing is None or tally.failure is not None or not isinstance(subject, Subject):
            return frozenset()
        if not subject.has_backward or tally.failing is ASKED_ONCE:
            return frozenset()
        try:
            seen = restless(subject, self.make(tally.failing))
        except TargetFailure:
            return frozenset()
        return frozenset() if seen.outputs else frozenset(seen.gradients)

    def leave_out(self, blocks: frozenset[str]) -> None:
        """These gradients are not looked at from here on."""
        if self.subject is not None:
            self.subject = self.subject.leaving_out(blocks)

    def without(self, blocks: frozenset[str]) -> Self:
        """One that does not look at these gradients."""
        other = copy(self)
        other.leave_out(blocks)
        return other

    def only(self, blocks: frozenset[str]) -> Self:
        """One that looks at no other gradients."""
        subject = self.subject
        assert subject is not None
        states = (f"{name}_0" for name in subject.cell.states)
        return self.without(frozenset({"x", *states, *subject.layout.arrays}) - blocks)

    def explains(self, prop: Property, finding: Finding, likely: Diagnosis) -> bool:
        """What an earlier finding was put down to is all that is wrong, there and in the fixed cases that fail."""
        subject = self.subject
        if not isinstance(subject, Subject) or finding.problem is None:
            return True
        fixed = fixed_cases(prop, subject.cell, subject.precisions, self.sizes, self.compiles)
        failing = [self.make(case) for case in fixed if case.B < LARGE_BATCH and self.status(prop, case) == "failed"]
        try:
            problems = [Problem.from_json(finding.problem), *failing]
            return all(explains(subject, problem, prop, finding.where, likely) for problem in problems)
        except TargetFailure:
            return False

    def _needs(self, prop: Property, smallest: Recipe, tally: Tally[Recipe]) -> tuple[Problem, str]:
        """The smallest problem with what does not matter left out, and what matters, in words."""
        ask, precisions = self._of_problems(prop), self.subject.precisions if self.subject else ()
        fixed = self.sizes is not None
        like: Tally[Problem] = Tally(failure=tally.failure)

        def still(problem: Problem) -> bool:
            return fails(ask, problem, like)

        return needs(smallest, self.make, still, precisions=precisions, fixed_sizes=fixed)

    def _of_problems(self, prop: Property) -> Callable[[Problem], Any]:
        """The property as a question about problems that no recipe makes."""
        return check_of(prop, self.subject, lambda problem: problem)


def _itself(recipe: Recipe) -> Recipe:
    return recipe


def _diagnosed(prop: Property, subject: Subject, problem: Problem, *, fatal: bool) -> list[Diagnosis]:
    if fatal or prop.about == "memory":  # no fault is about what is kept for the next call
        return []
    try:
        return diagnose(subject, problem, prop)
    except TargetFailure:
        return []


def finding_of(
    seen: Disagreement, problem: dict[str, Any] | None, diagnosis: Sequence[Diagnosis], replay: str, oracle: str = ""
) -> Finding:
    """A finding of what was seen."""
    likely = tuple(diagnosis)
    return Finding(
        seen.where, seen.got, seen.expected, seen.bound, seen.message, problem, likely, replay, oracle=oracle
    )
