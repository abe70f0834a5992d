"""One finding again, from its record alone: the target is opened anew and asked the recorded question."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ltdcheck.errors import RecordError
from ltdcheck.problem import ClippingCall, Problem
from ltdcheck.properties.law import property_named
from ltdcheck.result import Finding, Record, Result
from ltdcheck.runner.examine import examine
from ltdcheck.runner.examiners import Options
from ltdcheck.runner.pairs import OpenedPair, open_pair
from ltdcheck.runner.session import Session
from ltdcheck.runner.subjects import Opened, Target, open_target


def recorded(record: Record, number: int, path: str) -> Result:
    """The result on line ``number`` of a record.

    Raises
    ------
    RecordError
        When there is no such line, or no finding on it.
    """
    lines = {k + 2: result for k, result in enumerate(record.results)}
    with_findings = ", ".join(str(k) for k, r in lines.items() if r.finding is not None) or "none"
    if number not in lines or lines[number].finding is None:
        what = "no result" if number not in lines else f"a result without a finding ({lines[number].status})"
        raise RecordError(f"Line {number} of {path} holds {what}. Lines with findings: {with_findings}.")
    return lines[number]


def _opened(result: Result, declared: str, timeout: float) -> Opened | OpenedPair:
    """The target, or both where two were compared."""
    pair = ((result.finding.problem if result.finding else None) or {}).get("pair")
    if pair is not None:
        first, second = (Target(side["spec"], cell=side["cell"]) for side in pair)
        return open_pair(first, second, timeout)
    return open_target(Target(result.target, cell=result.cell or None, declared=declared), timeout)


def replay(result: Result, timeout: float = 60.0) -> Result:
    """The recorded property on the recorded problem; the status says whether it fails still.

    Raises
    ------
    UsageError
        When the target cannot be opened any more.
    """
    assert result.finding is not None
    prop = property_named(result.property)
    declared = result.finding.expected if prop.id == "layout.as_declared" else ""
    opened = _opened(result, declared, timeout)
    try:
        data = result.finding.problem
        if data is None or data.keys() == {"pair"} or opened.early is not None:
            return Session(opened, Options(timeout=timeout)).check(prop, [prop])
        about: Any = opened.implementation if opened.about == "clipping" else opened.subject()
        case: Any = ClippingCall.from_json(data) if opened.about == "clipping" else Problem.from_json(data)
        tally = examine(lambda c: prop.check(about, c), [case])
        seen = tally.disagreement
        finding: Finding | None = None
        if seen is not None:
            finding = replace(
                result.finding, where=seen.where, got=seen.got, expected=seen.expected, bound=seen.bound,
                message=seen.message,
            )  # fmt: skip
        return replace(
            result, cell=opened.cell, variant=opened.variant, status=tally.status, reason=tally.reason, finding=finding,
            compared=tally.compared, worst=tally.worst,
        )  # fmt: skip
    finally:
        opened.close()
