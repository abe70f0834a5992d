"""The page as text; how it behaves is tested in a browser."""

from __future__ import annotations

import math
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from reporting.samples import (
    SUMMARIES,
    broad_record,
    conforming_record,
    full_record,
    gru_results,
    hostile_record,
    lstm_results,
    record_of,
)

from ltdcheck.reporting.blocks import Block, blocks
from ltdcheck.reporting.html import breakable, headline, render_html
from ltdcheck.reporting.plot import MARGIN, WIDTH, Scale
from ltdcheck.result import Record, TargetSummary

VOID = {"meta", "link", "input", "wbr", "img", "br"}


class Nesting(HTMLParser):
    """Checks that every element that opens also closes, in turn, and collects what the page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "srcset")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Leaves the stack alone."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_what_bounds_see_is_told() -> None:
    """Beside the property: block by block what is detectable, and how much was left out."""
    blocks = {"x": 5.24e-14, "<b>": 3e-5}
    seen = replace(lstm_results()[0], property="gradients.backward_agrees", blocks=blocks, left_out=2)
    page = render_html(record_of([seen], {}))
    assert '<span class="aside">Detectable: x 5.2e-14, &lt;b&gt; 3e-05</span>' in page
    assert '<span class="aside">Left out: 2 blocks, in which rounding hides every value</span>' in page
    for nothing in ("Detectable:", "Left out:"):
        assert nothing not in render_html(conforming_record())


@pytest.mark.parametrize(
    "record",
    [
        full_record(),
        conforming_record(),
        replace(full_record(), footer=None),
        hostile_record("<b>\"'&"),
        hostile_record("\x00\x1b\ud800\u202e"),
        record_of([], {}),
        record_of([], {"a.py:B": TargetSummary("unusable", reason="it does not import")}),
    ],
)
def test_a_page_is_whole(record: Record) -> None:
    """Any record gives a page that nests, can be encoded, and refers to nothing outside itself."""
    text = render_html(record)
    text.encode("utf-8")
    parser = Nesting()
    parser.feed(text)
    assert parser.open == []
    assert all(link.startswith("#") or link == "data:," for link in parser.links)
    assert "http:" not in text
    assert "https:" not in text


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (full_record(), "1 of 4 targets conforms"),
        (conforming_record(), "torch.nn:LSTM conforms"),
        (replace(conforming_record(), footer=None), "torch.nn:LSTM has no verdict"),
        (record_of(gru_results(), {"my_gru.py:GRU": SUMMARIES["my_gru.py:GRU"]}), "my_gru.py:GRU does not conform"),
        (record_of([], {"a": TargetSummary("conforms"), "b": TargetSummary("conforms")}), "All 2 targets conform"),
        (record_of([], {}), "0 of 0 targets conform"),
    ],
)
def test_the_headline_is_the_verdict(record: Record, line: str) -> None:
    """The first line says what the footer says."""
    assert headline(record) == line
    assert f"<h1>{line}</h1>" in render_html(record)


def test_an_interrupted_run_is_said_to_be_one() -> None:
    """A page of a partial record says so at its top."""
    assert "This run was interrupted" in render_html(replace(full_record(), footer=None))
    assert "This run was interrupted" not in render_html(full_record())


def test_controls_are_spelled_out() -> None:
    """Characters that turn the reading direction or that no page may hold appear as escapes."""
    text = render_html(hostile_record("\u202egnp\x00\ud800"))
    assert "\\u202egnp\\x00\\ud800" in text
    assert not set("\u202e\x00\ud800") & set(text)


def test_names_break_where_they_join() -> None:
    """A long name gets places to break, and its own markup is escaped first."""
    assert breakable("a.b_c<d>") == "a.<wbr>b_<wbr>c&lt;d&gt;"


def test_a_problem_falls_into_blocks() -> None:
    """Each array stands by itself with its name and shape; what the sizes tell already is left out."""
    found = blocks(
        {
            "sizes": {"T": 1},
            "label": "small",
            "params": {"W": [[1.0, -0.25], [0.0, 12.5]]},
            "x": [[[0.1, math.nan]]],
            "state": None,
            "grads": [[[1.0]], [2.0, 3.0]],
            "none": [],
            "threshold": 0.5,
            "views": {"x": "strided"},
        }
    )
    assert found == [
        Block("params.W", "[0]  1  -0.25\n[1]  0   12.5", (2, 2)),
        Block("x", "[0, 0]  0.1  nan", (1, 1, 2)),
        Block("state", "none"),
        Block("grads[0]", "[0]  1", (1, 1)),
        Block("grads[1]", "2  3", (2,)),
        Block("none", "empty", (0,)),
        Block("threshold", "0.5"),
        Block("views.x", "strided"),
    ]
    assert [block.entries for block in found] == [4, 2, 0, 1, 2, 0, 0, 0]


def test_many_targets_are_told_of_in_one_table() -> None:
    """Their verdicts stand beside their names, under a legend, in the place of cards; every finding is led to."""
    page = render_html(broad_record(30))
    assert 'class="card"' not in page
    assert 'class="card"' in render_html(full_record())
    assert 'class="legend"' in page
    assert page.count('class="sign does_not_conform"') == 30
    parser = Nesting()
    parser.feed(page)
    assert {f"#finding-{k}-{place}" for k in range(1, 31) for place in (2, 3)} <= set(parser.links)


def test_a_large_array_is_cut_and_says_so() -> None:
    """Rows and columns beyond what is shown are counted."""
    (block,) = blocks({"W": [[0.0] * 20] * 30})
    lines = block.text.splitlines()
    assert lines[0].endswith("  .. 8 more")
    assert lines[-1] == ".. 6 more rows"
    assert len(lines) == 25


def test_a_large_problem_is_folded() -> None:
    """A small problem lies open, a large one can be opened."""
    assert "<details open>" in render_html(record_of(gru_results()[1:2], {}))
    failed = gru_results()[1]
    assert failed.finding
    large = replace(failed, finding=replace(failed.finding, problem={"W": [[0.0] * 20] * 30}))
    text = render_html(record_of([large], {}))
    assert "<details>" in text
    assert "<details open>" not in text


def test_the_scale_holds_every_error() -> None:
    """Errors keep their order on the drawing, the bound lies between them, and the ends are for what has no place."""
    results = [replace(lstm_results()[0], worst=worst) for worst in (1e-4, 0.5, 2.0, 3e7)]
    scale = Scale.of(results)
    marks = [scale.mark(result.worst) for result in results]
    assert [mark.kind for mark in marks] == ["on"] * 4
    assert MARGIN <= marks[0].x < marks[1].x < scale.bound < marks[2].x < marks[3].x <= WIDTH - MARGIN
    assert [scale.mark(worst).kind for worst in (0.0, math.inf, math.nan)] == ["below", "above", "above"]
    assert Scale.of([replace(lstm_results()[0], worst=1e-300)]).mark(1e-300).kind == "below"
    assert Scale.of([]).bound == WIDTH / 2
