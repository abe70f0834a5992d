"""The record as SARIF 2.1.0, which code-scanning services read: one result for each finding, with its replay."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ltdcheck.reporting.finding_text import finding_text
from ltdcheck.reporting.words import gist, identity_in, legible, one_line, verdict_sentence
from ltdcheck.result import Record, Result, exit_status

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render_sarif(record: Record, known: Sequence[Result] | None = None) -> str:
    """The whole document; with a baseline, ``known`` are the findings that it has, ``unchanged`` in the words of SARIF.

    A failed property is a failure, an undecided one open for review. What is errored, and a target that cannot be used,
    are notifications of the run, which was not successful then.
    """
    told = [result for result in record.results if result.status in ("failed", "undecided")]
    run = {
        "tool": {"driver": _driver(record)},
        "invocations": [_invocation(record)],
        "results": [_result(record, result, known) for result in told],
        "columnKind": "unicodeCodePoints",
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _driver(record: Record) -> dict[str, Any]:
    """Us, and every property that was planned."""
    ids = dict.fromkeys(result.property for result in record.results)
    version = one_line(record.header.versions.get("ltdcheck", ""))
    return {"name": "ltdcheck", "version": version, "rules": [{"id": one_line(id)} for id in ids]}


def _invocation(record: Record) -> dict[str, Any]:
    footer = record.footer
    status = 4 if footer is None else exit_status(footer)
    errored = [f"{r.target}: {r.property}: {gist(r)}" for r in record.results if r.status == "errored"]
    unusable = [t for t, summary in record.targets.items() if summary and summary.verdict == "unusable"]
    texts = errored + [verdict_sentence(record, target) for target in unusable]
    return {
        "commandLine": one_line(record.header.command),
        "exitCode": status,
        "executionSuccessful": status in (0, 1),
        "toolExecutionNotifications": [{"level": "error", "message": {"text": one_line(text)}} for text in texts],
    }


def _result(record: Record, result: Result, known: Sequence[Result] | None) -> dict[str, Any]:
    failed = result.status == "failed"
    found: dict[str, Any] = {
        "ruleId": one_line(result.property),
        "kind": "fail" if failed else "open",
        "level": "error" if failed else "none",
        "message": {"text": legible(finding_text(result, identity_in(record, result.target)))},
        "locations": [_location(result.target)],
        "partialFingerprints": {"targetAndProperty/v1": _fingerprint(result)},
    }
    if known is not None:
        found["baselineState"] = "unchanged" if result in known else "new"
    return found


def _fingerprint(result: Result) -> str:
    return hashlib.sha256(legible(f"{result.target}\n{result.property}").encode()).hexdigest()[:32]


def _location(target: str) -> dict[str, Any]:
    """By name; and where the target is an attribute of a file here, the line that defines it."""
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": one_line(target)}]}
    if defined := re.search(r"(\S+\.py):(\w+)", target):
        path = Path(defined[1])
        physical: dict[str, Any] = {"artifactLocation": {"uri": path.as_posix()}}
        if line := _line(path, defined[2]):
            physical["region"] = {"startLine": line}
        location["physicalLocation"] = physical
    return location


def _line(path: Path, name: str) -> int | None:
    """Where the file defines the name at its top level."""
    try:
        module = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return None
    kinds = ast.ClassDef | ast.FunctionDef
    return next((node.lineno for node in module.body if isinstance(node, kinds) and node.name == name), None)
