"""A record as text: a table, the findings and a verdict a target, then the sum that shows that nothing is lost.

What ltdcheck says itself is ASCII. Text from targets is shown as it is, never read as markup.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ltdcheck.reporting.finding_text import body_lines, heading
from ltdcheck.reporting.words import (
    STATUS_WORDS,
    accounting,
    detectable,
    drawn,
    grouped,
    identity_in,
    left_out,
    measured,
    number,
    one_line,
    over_bound,
    verdict_sentence,
)
from ltdcheck.result import Record, Result, Status, Verdict

STATUS_STYLES: dict[Status, str] = {
    "passed": "green",
    "failed": "bold red",
    "undecided": "bold yellow",
    "not_applicable": "dim",
    "errored": "bold magenta",
}
VERDICT_STYLES: dict[Verdict, str] = {
    "conforms": "bold green",
    "does_not_conform": "bold red",
    "undecided": "bold yellow",
    "unusable": "bold magenta",
}
NUMBERS = ("examples", "compared", "error/bound", "detectable")
_DROPPED_FIRST = ("detectable", "examples", "compared")  # where the width does not hold all of them
_TOLD: tuple[Status, ...] = ("failed", "undecided", "errored")  # below the table, one by one


def report(record: Record, width: int) -> Iterator[RenderableType]:
    """The parts of the report, each a block of whole lines; only tables need to be laid out."""
    for target in record.targets:
        yield from _about(record, target, width)
    yield Text(_wrapped(_sum(record), width))


def _about(record: Record, target: str, width: int) -> Iterator[RenderableType]:
    results, identity = record.of(target), identity_in(record, target)
    yield Text(_wrapped(identity, width), "bold")
    told = record.targets[target]
    for part in filter(None, (*told.layout.split("; "), told.sure) if told else ()):
        yield Text(_wrapped(f"  {one_line(part)}", width), "dim")
    if results:
        yield Padding(_table(results, width - 2), (1, 0, 1, 2), expand=False)
    for result in results:
        if result.status in _TOLD:
            yield _finding(result, identity, width)
    for text in [*_inapplicable(results), *_of_bounds(results), *_notes(results)]:
        yield Text(_wrapped(text, width))
    summary = record.targets[target]
    style = VERDICT_STYLES[summary.verdict] if summary else "bold"
    yield Text(_wrapped(verdict_sentence(record, target), width) + "\n", style)


def _wrapped(sentence: str, width: int) -> str:
    return textwrap.fill(sentence, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _table(results: list[Result], width: int) -> Table:
    rows = [_cells(result) for result in results]
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) + 2 for name in rows[0]}
    shown = list(rows[0])
    for name in _DROPPED_FIRST:
        if sum(widths[n] for n in shown) > width:
            shown.remove(name)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in shown:
        table.add_column(
            name, justify="right" if name in NUMBERS else "left", no_wrap=name != "property", overflow="fold"
        )
    for row in rows:
        table.add_row(*(row[name] for name in shown))
    return table


def _cells(result: Result) -> dict[str, Text]:
    return {
        "property": Text(one_line(result.property)),
        "status": Text(STATUS_WORDS[result.status], STATUS_STYLES[result.status]),
        "examples": Text(grouped(result.examples) if result.examples else ""),
        "compared": Text(grouped(result.compared) if result.compared else ""),
        "error/bound": Text(over_bound(result.worst) if measured(result) else ""),
        "detectable": Text(number(result.detectable)),
    }


def _finding(result: Result, identity: str, width: int) -> Text:
    name, status, whose = heading(result, identity)
    text = Text.assemble((name, "bold"), "   ", (status, STATUS_STYLES[result.status]), "   ", whose)
    return text.append("\n" + "\n".join(body_lines(result, width)) + "\n")


def _inapplicable(results: list[Result]) -> list[str]:
    """One line a reason, with the properties that it concerns."""
    reasons: dict[str, list[str]] = {}
    for result in results:
        if result.status == "not_applicable":
            reasons.setdefault(one_line(result.reason), []).append(one_line(result.property))
    return [f"not applicable   {', '.join(ids)}: {reason}" for reason, ids in reasons.items()]


def _of_bounds(results: list[Result]) -> list[str]:
    """What the bounds could see, and what they could not."""
    told = [("detectable", r, detectable(r)) for r in results] + [("left out", r, left_out(r)) for r in results]
    return [f"{label:16} {one_line(result.property)}: {text}" for label, result, text in told if text]


def _notes(results: list[Result]) -> list[str]:
    """Differences that are no faults, each told once with the property that saw it first."""
    seen: dict[str, str] = {}
    for result in results:
        for note in result.notes:
            seen.setdefault(one_line(note), one_line(result.property))
    return [f"note             {property_id}: {note}" for note, property_id in seen.items()]


def _sum(record: Record) -> str:
    if record.footer is None:
        return accounting(record)
    problems = f"; problems: {drawn(record.footer)}" if record.footer.problems else ""
    return f"{accounting(record)}; {record.footer.seconds:.1f} s{problems}"
