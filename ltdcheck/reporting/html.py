"""The record as one page that needs nothing else: no network, no other file, and no script to be read.

Every text is escaped by the template engine, and the page's content policy admits one script and one style sheet, by
their hashes: were a text to get through, a browser would still not run it.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ltdcheck.reporting import words
from ltdcheck.reporting.blocks import blocks
from ltdcheck.reporting.plot import WIDTH, Scale
from ltdcheck.result import STATUSES, Record, Result, Status, Verdict, count

TEMPLATES = Path(__file__).with_name("templates")
ENTRIES_SHOWN_OPEN = 60  # a larger problem is folded
MOST_CARDS = 12  # where there are more targets, the table of targets and properties tells of them

SIGNS: dict[Status | Verdict, str] = {
    "passed": "✓",
    "conforms": "✓",
    "failed": "✗",
    "does_not_conform": "✗",
    "undecided": "?",
    "not_applicable": "–",  # noqa: RUF001  (a dash, on purpose)
    "errored": "!",
    "unusable": "!",
}


def render_html(record: Record) -> str:
    """The whole page, to be written as UTF-8."""
    style, script = (_own(name) for name in ("style.css", "script.js"))
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            record=record,
            counts=count(record.results),
            statuses=STATUSES,
            scale=Scale.of(record.results),
            plot_width=WIDTH,
            style=style,
            script=script,
            policy=(
                f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
                "base-uri 'none'; form-action 'none'"
            ),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_legible,
    )
    environment.globals.update(
        words=words, signs=SIGNS, status_words=words.STATUS_WORDS, count=count, problem_blocks=blocks, headline=headline
    )
    environment.globals["outcomes"] = outcomes
    environment.globals |= {"entries_shown_open": ENTRIES_SHOWN_OPEN, "most_cards": MOST_CARDS}
    environment.filters.update(breakable=breakable, grouped=words.grouped, number=words.number)
    return environment


def _legible(value: Any) -> Any:
    """Runs on everything that a template prints, before it is escaped."""
    return words.legible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def headline(record: Record) -> str:
    """The verdicts in one line, as in ``1 of 4 targets conforms``."""
    verdicts = [summary.verdict for summary in record.targets.values() if summary]
    total, good = len(record.targets), verdicts.count("conforms")
    if total == 1:
        return words.one_line(next(iter(record.targets))) + f" {_only_verdict(verdicts)}"
    if total and good == total:
        return f"All {total} targets conform"
    return f"{good} of {words.things(total, 'target')} {'conforms' if good == 1 else 'conform'}"


def outcomes(record: Record, target: str) -> dict[str, tuple[int, Result]]:
    """The results of a target by property, with their places among its results, from 1."""
    return {result.property: (k + 1, result) for k, result in enumerate(record.of(target))}


def _only_verdict(verdicts: list[Verdict]) -> str:
    return words.VERDICT_WORDS[verdicts[0]] if verdicts else "has no verdict"


def breakable(text: str) -> Markup:
    """The text with places at which a narrow column may break it: after dots, colons, slashes and underscores."""
    escaped = str(escape(words.legible(text)))
    for mark in "._:/":
        escaped = escaped.replace(mark, f"{mark}<wbr>")
    return Markup(escaped)  # noqa: S704  (escaped above)


def _own(name: str) -> Markup:
    """A file of ours, which is markup by itself."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704  (a file of the package)


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
