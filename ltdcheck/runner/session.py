"""One opened target and what was found of it so far, so that one cause is one finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ltdcheck.errors import TargetFailure
from ltdcheck.faults.fault import fault_named
from ltdcheck.properties.law import Disagreement, Property
from ltdcheck.result import UNKNOWN, Diagnosis, Finding, Place, Result
from ltdcheck.runner.consequences import CONSEQUENCES, OF_HISTORY, bounding
from ltdcheck.runner.examine import FATAL, Tally
from ltdcheck.runner.examiners import CellExaminer, ClippingExaminer, Options
from ltdcheck.runner.pairs import OpenedPair, PairExaminer
from ltdcheck.runner.same_cause import of_answers, of_strides
from ltdcheck.runner.subjects import Opened

RESTLESS = "calls.instances_agree"  # finds that two new instances answer one question in two ways
FORWARD, IN_BOTH = "values.forward_agrees", "precision.single_agrees_with_double"
LOWERED = f"double precision has the digits of single, which {FORWARD} finds"
ONE_ASIDE = ("sequence.zero_steps",)  # a process that ends there is a finding, and a new one answers the other laws
NO_REFERENCE = "it speaks of the equations of a cell, and there is no reference for those of this target"

EXAMINERS: dict[str, type[Any]] = {"cell": CellExaminer, "clipping": ClippingExaminer, "pair": PairExaminer}


class Session:
    """One opened target and what was found of it so far: properties are asked for in their order, one at a time."""

    def __init__(self, opened: Opened | OpenedPair, options: Options) -> None:
        self.opened, self.options = opened, options
        self._examiner = EXAMINERS[opened.about](opened, options)
        self.drawn = {"drawn": 0, "beyond_precision": 0}  # problems, and how many of them nothing can decide
        self._stopped = ""  # why nothing more is asked
        self._lowered = False  # only single precision is asked
        self._failed: set[str] = set()
        self._faults: dict[str, str] = {}  # that explain a finding, and which law's
        self._told: dict[str, Tally[Any]] = {}  # some were asked before their turn
        self._refusals: dict[str, str] = {}  # what the target does instead of answering, and where that was reported

    def check(self, prop: Property, plan: Sequence[Property], number: int = 0) -> Result:
        """One property; ``number`` is the line that the result will have in the record."""
        replay = self.options.replay(number)
        if self.opened.early is not None:
            return _early(self.opened, prop, plan, replay)
        if prop.id == FORWARD and self.opened.unsettled:
            return replace(self._not_asked(prop, self.opened.other), status="undecided")
        if why := self._needless(prop):
            return self._not_asked(prop, why)
        tally = self._examined(prop)
        if why := self._told_better(prop, tally, plan):
            return self._not_asked(prop, why)
        finding = self._examiner.finding(prop, tally, replay)
        if prop.id in (FORWARD, "pair.forward_agrees"):
            beyond = sum(tally.undecided.values())
            self.drawn = {"drawn": tally.examples + beyond, "beyond_precision": beyond}
        result = _result(self.opened, prop, tally, finding)
        if self._lowered and result.compared:
            result = replace(result, notes=(*result.notes, f"judged in single precision: {LOWERED}"))
        if tally.failure is not None:
            result = self._refused(prop, tally.failure, result)
        elif finding is not None and (why := self._known(prop, tally, plan, finding)):
            return self._not_asked(prop, why)
        if result.status == "failed":
            self._learn(prop, tally, finding)
        return result

    def _known(self, prop: Property, tally: Tally[Any], plan: Sequence[Property], finding: Finding) -> str:
        """Why a finding says nothing new, or ""."""
        repeats = self._repeats(prop, finding) or self._restless(prop, tally, plan)
        return repeats or of_answers(self._examiner, prop, tally, plan, self._failed)

    def _needless(self, prop: Property) -> str:
        """Why the property is not asked for at all, or ""."""
        if prop.reference and self.opened.other:
            return NO_REFERENCE
        return self._stopped or self._follows(prop) or self._known_of_both(prop)

    def _learn(self, prop: Property, tally: Tally[Any], finding: Finding | None) -> None:
        """What a failure means for the properties after it."""
        self._faults |= {d.fault: prop.id for d in (finding.diagnosis if finding else ())}
        if prop.id == FORWARD and self._examiner.lowered(prop, tally):
            self._lowered = True
        else:
            self._failed.add(prop.id)

    def _follows(self, prop: Property) -> str:
        """Why the property cannot hold, given what failed before; or ""."""
        causes = self._failed & set(CONSEQUENCES.get(prop.id, ()))
        return f"not judged: what is wrong in {min(causes)} would show here again" if causes else ""

    def _known_of_both(self, prop: Property) -> str:
        """Why the two precisions are not held against each other, or ""."""
        return f"not judged: {LOWERED}" if self._lowered and prop.id == IN_BOTH else ""

    def _repeats(self, prop: Property, finding: Finding) -> str:
        """Why a finding says nothing that was not found before, or "".

        A fault that an earlier finding named explains it if the reference with that fault answers as the target does on
        the problem of this finding.
        """
        if causes := self._failed & bounding(prop, finding):
            return (
                "not judged: two answers differ by more than the rounding of the reference, which is not that of a "
                f"target that fails {min(causes)}"
            )
        known = [d.fault for d in finding.diagnosis if d.fault in self._faults and d.fault != UNKNOWN]
        return f"not judged: {known[0]}, found in {self._faults[known[0]]}, does this too" if known else ""

    def _restless(self, prop: Property, tally: Tally[Any], plan: Sequence[Property]) -> str:
        """Why a finding of a target that has no reference says only that it is no function of its arguments, or ""."""
        law = next((p for p in plan if p.id == RESTLESS), None)
        if not self.opened.other or law in (None, prop) or not self._examiner.restless(tally):
            return ""
        known = law is not None and self._examined(law).failing is not None
        return f"not judged: two new instances answer one question in two ways, which {RESTLESS} finds" if known else ""

    def _examined(self, prop: Property) -> Tally[Any]:
        """Once."""
        if prop.id not in self._told:
            self._told[prop.id] = self._examiner.examine(prop)
        return self._told[prop.id]

    def _told_better(self, prop: Property, tally: Tally[Any], plan: Sequence[Property]) -> str:
        """Why another law says better what is wrong in the case that fails, or ""."""
        if past := self._of_history(prop, tally, plan):
            return f"not judged: a new instance is right, and {past} finds what earlier calls leave"
        return of_strides(self._examiner, prop, tally, plan, self._examined)

    def _of_history(self, prop: Property, tally: Tally[Any], plan: Sequence[Property]) -> str:
        """The law about earlier calls that fails for the same reason, or ""."""
        if tally.failing is None or tally.failure is not None or not self._examiner.holds_for_new(prop, tally):
            return ""
        for law in plan:
            if law.id == prop.id:
                if law.id in OF_HISTORY:
                    return ""  # it is the first of them
            elif law.id in OF_HISTORY and self._examined(law).failing is not None:
                return law.id
        return ""

    def _refused(self, prop: Property, failure: TargetFailure, result: Result) -> Result:
        """The same refusal under several properties is one finding."""
        if failure.kind in FATAL and not (failure.kind == "crashed" and prop.id in ONE_ASIDE):
            self._stopped = f"not run: the target {failure.kind} in {prop.id}"
        known = self._refusals.setdefault(str(failure), prop.id)
        return result if known == prop.id else self._not_asked(prop, f"it fails as in {known}: {failure}")

    def _not_asked(self, prop: Property, reason: str) -> Result:
        return Result(self.opened.target.spec, self.opened.cell, self.opened.variant, prop.id, "not_applicable", reason)


def _early(opened: Opened | OpenedPair, prop: Property, plan: Sequence[Property], replay: str) -> Result:
    """The target failed before it was identified: one finding, and nothing else can be asked."""
    early = opened.early
    names = [p.id for p in plan]
    wanted = "calls.instances_agree" if isinstance(early, Disagreement) else "values.forward_agrees"
    about = wanted if wanted in names else names[0]
    spec, cell = opened.target.spec, opened.cell
    if prop.id != about:
        return Result(spec, cell, "", prop.id, "not_applicable", f"not run: see {about}")
    if isinstance(early, Disagreement):
        seen = early
    else:
        seen = Disagreement(Place("the call"), str(early), "an answer", 0.0, f"the target {early}")
    known = fault_named("weight-unregistered")
    likely = (Diagnosis(known.id, known.sentence.rstrip("."), 0.0),) if isinstance(early, Disagreement) else ()
    finding = Finding(seen.where, seen.got, seen.expected, seen.bound, seen.message, diagnosis=likely, replay=replay)
    return Result(spec, cell, "", prop.id, "failed", examples=1, compared=1, finding=finding)


def _result(opened: Opened | OpenedPair, prop: Property, tally: Tally[Any], finding: Finding | None) -> Result:
    return Result(
        target=opened.target.spec,
        cell=opened.cell,
        variant=opened.variant,
        property=prop.id,
        status=tally.status,
        reason=tally.reason,
        examples=tally.examples,
        compared=tally.compared,
        worst=tally.worst,
        detectable=tally.detectable,
        seconds=tally.seconds,
        finding=finding,
        notes=tuple(tally.notes),
        left_out=tally.left_out,
        blocks=tally.blocks,
    )
