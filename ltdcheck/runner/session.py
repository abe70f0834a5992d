"""One opened target and what was found of it so far, so that one cause is one finding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ltdcheck.errors import TargetFailure
from ltdcheck.faults.fault import fault_named
from ltdcheck.properties.law import Disagreement, Property
from ltdcheck.result import UNKNOWN, Diagnosis, Finding, Place, Result
from ltdcheck.runner.clipping_examiner import ClippingExaminer
from ltdcheck.runner.consequences import CONSEQUENCES, OF_HISTORY, bounding
from ltdcheck.runner.examine import FATAL, Tally
from ltdcheck.runner.examiners import CellExaminer, Options
from ltdcheck.runner.pairs import OpenedPair, PairExaminer
from ltdcheck.runner.same_cause import of_answers, of_strides
from ltdcheck.runner.subjects import Opened

RESTLESS = "calls.instances_agree"  # finds that two new instances answer one question in two ways
FORWARD, IN_BOTH = "values.forward_agrees", "precision.single_agrees_with_double"
LOWERED = f"double precision has the digits of single, which {FORWARD} finds"
OTHER_EACH_TIME = "which is another one each time"
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
        self._likely: dict[str, str] = {}  # what findings were put down to, and which law's
        self._wrong: dict[str, str] = {}  # blocks that findings are of, and which law's
        self._noise: dict[str, str] = {}  # gradients that are not looked at any more, and which law finds why
        self._told: dict[str, Tally[Any]] = {}  # some were asked before their turn
        self._refusals: dict[str, str] = {}  # what the target does instead of answering, and where that was reported

    def check(self, prop: Property, plan: Sequence[Property], number: int = 0) -> Result:
        """One property; ``number`` is the line that the result will have in the record."""
        if self.opened.early is not None:
            return _early(self.opened, prop, plan, self.options.replay(number))
        if prop.id == FORWARD and self.opened.unsettled:
            return replace(self._not_asked(prop, self.opened.other), status="undecided")
        if why := self._needless(prop):
            return self._not_asked(prop, why)
        tally = self._examined(prop)
        if noisy := self._examiner.noise(tally):
            return self._beside_noise(prop, noisy, plan, number)
        return self._judged(prop, tally, plan, number)

    def _beside_noise(self, prop: Property, noisy: frozenset[str], plan: Sequence[Property], number: int) -> Result:
        """Where some gradients are other ones each time: what else is wrong, or else that they are.

        Once it is said of them they are not looked at any more, so that other causes are found beside this one.
        """
        whole, told = self._examiner, self._told
        self._examiner, self._told = whole.without(noisy), {id: t for id, t in told.items() if t.failing is None}
        known = all(name in self._wrong for name in noisy)
        tally = self._examined(prop)
        if not known and tally.failing is not None and not self._told_better(prop, tally, plan):
            result = self._judged(prop, tally, plan, number)
            self._examiner, self._told = whole, told
            return result
        if known:
            self._noise |= {name: self._wrong[name] for name in noisy}
            return self._judged(prop, tally, plan, number)
        rest, self._examiner = self._examiner, whole.only(noisy)
        result = self._judged(prop, self._examiner.examine(prop), plan, number)
        said = result.finding is not None and _block(result.finding) in noisy
        self._noise |= dict.fromkeys(noisy, prop.id) if said else {}
        self._examiner, self._told = (rest, self._told) if said else (whole, told)
        return result

    def _judged(self, prop: Property, tally: Tally[Any], plan: Sequence[Property], number: int) -> Result:
        """What was seen, as a result; and what it means for the properties after this one."""
        if why := self._told_better(prop, tally, plan):
            return self._not_asked(prop, why)
        finding = self._examiner.finding(prop, tally, self.options.replay(number))
        if prop.id in (FORWARD, "pair.forward_agrees"):
            beyond = sum(tally.undecided.values())
            self.drawn = {"drawn": tally.examples + beyond, "beyond_precision": beyond}
        known = self._unbound(prop, finding) if finding else ""
        if finding is not None and not known:
            finding, known = self._set_against_others(prop, finding)
        result = _result(self.opened, prop, tally, finding)
        if result.compared:
            result = replace(result, notes=(*result.notes, *self._limits()))
        if tally.failure is not None:
            result = self._refused(prop, tally.failure, result)
        elif finding is not None and (why := known or self._known(prop, tally, plan)):
            return self._not_asked(prop, why)
        if result.status == "failed":
            self._learn(prop, tally, finding)
        return result

    def _known(self, prop: Property, tally: Tally[Any], plan: Sequence[Property]) -> str:
        """Why a finding says nothing new, or ""."""
        return self._restless(prop, tally, plan) or of_answers(self._examiner, prop, tally, plan, self._failed)

    def _limits(self) -> list[str]:
        """What was found before, so that results say less than they might."""
        lowered = [f"judged in single precision: {LOWERED}"] * self._lowered
        return lowered + [f"judged without d{n}, {OTHER_EACH_TIME}: {law} finds it" for n, law in self._noise.items()]

    def _needless(self, prop: Property) -> str:
        """Why the property is not asked for at all, or ""."""
        if prop.reference and self.opened.other:
            return NO_REFERENCE
        return self._stopped or self._follows(prop) or self._known_of_both(prop)

    def _learn(self, prop: Property, tally: Tally[Any], finding: Finding | None) -> None:
        """What a failure means for the properties after it."""
        if finding is not None:
            self._likely |= {_named(likely): prop.id for likely in finding.diagnosis}
            self._wrong.setdefault(_block(finding), prop.id)
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

    def _unbound(self, prop: Property, finding: Finding) -> str:
        """Why the bound of a finding means nothing, or ""."""
        if causes := self._failed & bounding(prop, finding):
            return (
                "not judged: two answers differ by more than the rounding of the reference, which is not that of a "
                f"target that fails {min(causes)}"
            )
        return ""

    def _set_against_others(self, prop: Property, finding: Finding) -> tuple[Finding, str]:
        """Why a finding says nothing that was not found before, or ""; and itself, put down to nothing that is refuted.

        What an earlier finding was put down to, a fault or a factor, explains it if the reference with it answers as
        the target does all that the law asks on the problem of this finding.
        """
        left, refuted = [], ""
        for likely in finding.diagnosis:
            law = self._likely.get(_named(likely))
            if law is None:
                left.append(likely)
            elif self._examiner.explains(prop, finding, likely):
                what = "what is measured" if likely.fault == UNKNOWN else f"{likely.fault}, found"
                return finding, f"not judged: {what} in {law}{',' * (likely.fault != UNKNOWN)} does this too"
            else:
                refuted = refuted or f"what {law} finds does not explain all of this"
        if refuted and not left:
            left = [Diagnosis(UNKNOWN, refuted, 0.0)]
        return replace(finding, diagnosis=tuple(left)), ""

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
        """The same refusal under several properties is one finding, whatever the sizes and counts it speaks of."""
        if failure.kind in FATAL and not (failure.kind == "crashed" and prop.id in ONE_ASIDE):
            self._stopped = f"not run: the target {failure.kind} in {prop.id}"
        known = self._refusals.setdefault(re.sub(r"\d+", "#", str(failure)), prop.id)
        return result if known == prop.id else self._not_asked(prop, f"it fails as in {known}: {failure}")

    def _not_asked(self, prop: Property, reason: str) -> Result:
        return Result(self.opened.target.spec, self.opened.cell, self.opened.variant, prop.id, "not_applicable", reason)


def _block(finding: Finding) -> str:
    """The block that it is of, as :meth:`Subject.gradients` names it if it is a gradient."""
    return finding.where.target_block or finding.where.block.removeprefix("d")


def _named(likely: Diagnosis) -> str:
    """By what another finding is known to be put down to the same: where no fault is named, by what is measured."""
    return likely.sentence if likely.fault == UNKNOWN else likely.fault


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
