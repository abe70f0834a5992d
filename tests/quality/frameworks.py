"""``python -m quality.frameworks RECORD REPORTS`` writes frameworks.md: what a report on every framework found.

Every finding must be one that a script of ``tests/witnesses`` shows without ltdcheck; one that is not, and everything
that was left undecided, ends this with an error, after the page was written.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from quality.report import table
from witnesses.shown import shown

from ltdcheck.reporting.json_lines import read_record
from ltdcheck.result import Record, Result

HEAD = """# What frameworks get right and wrong

`{command}` on {platform}, {cores} cores, Python {python}, profile {profile}, seed {seed}, took {minutes:.1f} minutes:
{conform} of {targets} targets conform. The page with every property of every target is [index.html](index.html).
Made by `tox -e report`.
"""
FINDINGS = """
## Findings

Each is shown by a script with the framework and NumPy alone, in `tests/witnesses`.
"""
OPEN = ("failed", "undecided", "errored")


def page(record: Record) -> str:
    """The table of targets, and what was found, one paragraph for each script."""
    assert record.footer is not None
    summaries = record.footer.targets
    lines: list[list[str]] = []
    for target, told in summaries.items():
        wrong = ", ".join(f"{r.property} {r.status}" for r in record.of(target) if r.status in OPEN)
        verdict = told.verdict.replace("_", " ")
        variant = " ".join(filter(None, (told.cell, told.variant)))
        lines.append([f"`{target}`", told.version, told.precisions, variant, verdict, wrong or told.reason])
    head = HEAD.format(
        **{name: record.header.versions.get(name, "") for name in ("platform", "python")},
        profile=record.header.profile,
        seed=record.header.seed,
        targets=len(summaries),
        command=record.header.command,
        cores=os.cpu_count(),
        minutes=record.footer.seconds / 60,
        conform=sum(told.verdict == "conforms" for told in summaries.values()),
    )
    columns = ["target", "version", "precision", "variant", "verdict", "what does not hold"]
    return "\n".join([head, *table(columns, lines), FINDINGS, *_findings(record), ""])


def _findings(record: Record) -> list[str]:
    """A line for each script, with the targets that it is about and one of the findings in numbers."""
    by_script: dict[tuple[str, str], list[Result]] = {}
    for result in record.results:
        if (told := shown(result)) is not None and result.status == "failed":
            by_script.setdefault((told.script, told.what), []).append(result)
    return [_paragraph(script, what, results) for (script, what), results in by_script.items()]


def _paragraph(script: str, what: str, results: list[Result]) -> str:
    first = results[0].finding
    numbers = f" At {first.where}: got {first.got}, expected {first.expected}." if first and len(first.got) < 40 else ""
    targets = ", ".join(dict.fromkeys(f"`{r.target}`" for r in results))
    return f"- **{script}**: {what}.{numbers} In {targets}."


def unshown(record: Record) -> list[str]:
    """What is open: findings without a script, and what was not decided, not answered or not usable."""
    assert record.footer is not None
    of_laws = [
        f"{r.target} {r.property}: {r.status}"
        for r in record.results
        if r.status in OPEN and (r.status != "failed" or shown(r) is None)
    ]
    return of_laws + [f"{n}: unusable, {t.reason}" for n, t in record.footer.targets.items() if t.verdict == "unusable"]


if __name__ == "__main__":
    found = read_record(sys.argv[1])
    (Path(sys.argv[2]) / "frameworks.md").write_text(page(found), encoding="utf-8")
    if left := unshown(found):
        sys.exit("Not shown by any script of tests/witnesses:\n" + "\n".join(left))
