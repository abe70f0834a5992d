"""The page in a browser: it is read, filtered, sorted and copied from, and nothing in it gets out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from reporting.browser import Browser, browser, executable
from reporting.samples import broad_record, full_record, hostile_record

from ltdcheck.reporting.html import render_html
from ltdcheck.result import Record, count

Load = Callable[[Record], Browser]
CHROMIUM = executable()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on the path (Debian: apt install chromium)")

SHOWN = "Array.from(document.querySelectorAll('tr.filterable')).filter(row => row.checkVisibility()).map(row => %s)"
COLUMN = "Array.from(document.querySelector('.target table').tBodies[0].rows, row => row.cells[%d].textContent.trim())"

# Relative luminance and contrast as WCAG 2 defines them, for every element that shows text of its own.
CONTRASTS = """
(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = channels(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  let seen = 0;
  for (const element of document.body.querySelectorAll("*:not(svg, svg *, script)")) {
    const own = Array.from(element.childNodes).some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !element.checkVisibility()) continue;
    const [a, b] = [channels(getComputedStyle(element).color), ground(element)].map(luminance);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    seen += 1;
    if (contrast < 4.5) faint.push(`${element.tagName}.${element.className}: ${contrast.toFixed(2)}`);
  }
  return { seen, faint };
})()
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all of them."""
    assert CHROMIUM
    with browser(CHROMIUM, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def load(page: Browser, tmp_path: Path) -> Iterator[Load]:
    """Writes a record's page to a file and loads it; afterwards the browser must have nothing to complain of."""

    def loaded(record: Record) -> Browser:
        path = tmp_path / "index.html"
        path.write_text(render_html(record), encoding="utf-8")
        page.open(path.as_uri())
        return page

    yield loaded
    page.ask("Emulation.setEmulatedMedia", media="", features=[])
    page.ask("Emulation.clearDeviceMetricsOverride")
    assert page.complaints == []
    assert [address for address in page.requests if not address.startswith(("file:", "data:"))] == []


def shown(page: Browser, expression: str = "row.dataset.status") -> list[str]:
    """Something of every row that can be seen."""
    values: list[str] = page.js(SHOWN % expression)
    return values


def test_everything_is_there_to_be_read(load: Load) -> None:
    """Verdicts, properties, findings, the accounting and the versions are visible, and no request leaves the page."""
    record = full_record()
    page = load(record)
    text = page.js("document.body.innerText")
    for words in (
        "1 of 4 targets conforms",
        "gradients.every_step_agrees",
        "0.20652187943143485 +- 7.1e-17",
        "the gradient through the reset gate is not carried back",
        "ltdcheck replay record.jsonl:17",
        "OracleDisagreementError: tape and complex step exclude each other",
        "24 planned = 17 passed + 3 failed",
        "2.13.0",
    ):
        assert words in text
    assert len(shown(page)) == len(record.results)
    assert set(page.requests) - {"data:,"} == {page.js("location.href")}


def test_filter_by_status(load: Load) -> None:
    """Clearing a status hides its rows and findings, and the page says how many remain."""
    record = full_record()
    page, counts = load(record), count(record.results)
    for status in ("passed", "not_applicable", "undecided", "errored"):
        page.js(f"document.querySelector('input[value={status}]').click()")
    assert shown(page) == ["failed"] * counts["failed"]
    assert page.js("document.querySelector('output').textContent") == "3 of 24 properties"
    findings = "Array.from(document.querySelectorAll('article')).filter(a => a.checkVisibility()).length"
    assert page.js(findings) == counts["failed"]
    page.js("document.querySelector('input[value=passed]').click()")
    assert sorted(shown(page)) == sorted(["failed"] * counts["failed"] + ["passed"] * counts["passed"])


def test_filter_by_text_with_the_keyboard(load: Load) -> None:
    """Typing in the search field shows the properties that hold the text; Enter does not leave the page."""
    page = load(full_record())
    page.js("document.querySelector('input[type=search]').focus()")
    page.ask("Input.insertText", text="Long_Lag")
    for kind in ("keyDown", "keyUp"):
        page.ask("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    names = shown(page, "row.cells[0].textContent.trim().split(/\\s/)[0]")
    assert names == ["gradients.long_lag"] * 2
    assert page.js("location.search") == ""


def test_sort_by_a_column(load: Load) -> None:
    """A header sorts its table by value, not by text, both ways; what is missing stays last."""
    page = load(full_record())
    press = "document.querySelectorAll('.target thead')[0].querySelectorAll('button')[%d].click()"
    page.js(press % 3)  # compared
    numbers = [int(text.replace(" ", "") or 0) for text in page.js(COLUMN % 4)]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] == 921600
    page.js(press % 2)  # error over bound
    page.js(press % 2)
    texts = page.js(COLUMN % 2)
    assert texts[-1] == ""
    assert [float(text) for text in texts[:-1]] == sorted(float(text) for text in texts[:-1])
    states = page.js("Array.from(document.querySelectorAll('.target thead')[0].rows[0].cells, c => c.ariaSort)")
    assert states == [None, None, "ascending", *[None] * 5]


def test_sort_places_infinite_errors_first(load: Load) -> None:
    """An infinite error over its bound is the largest."""
    page = load(full_record())
    column = COLUMN.replace("querySelector('.target table')", "querySelectorAll('.target table')[1]") % 2
    page.js("document.querySelectorAll('.target table')[1].querySelectorAll('button')[2].click()")
    assert page.js(column) == ["inf", "1.7e+14", "0.29"]


def test_copy_the_command(load: Load) -> None:
    """The button puts the command on the clipboard or, where that is forbidden, selects it."""
    page = load(full_record())
    button = "document.querySelector('.finding button.copy')"
    page.js(f"{button}.click()")
    page.js(f"new Promise(done => {{ const b = {button}; const t = setInterval(() => "
            "{ if (b.textContent !== 'Copy') { clearInterval(t); done(); } }, 5); })")  # fmt: skip
    said, selected = page.js(f"{button}.textContent"), page.js("getSelection().toString()")
    assert said == "Copied" or (said, selected) == ("Selected", "ltdcheck replay record.jsonl:17")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(scheme: str, load: Load) -> None:
    """All text has the contrast that WCAG 2 asks for at level AA, in both colour schemes."""
    page = load(full_record())
    page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    found = page.js(CONTRASTS)
    assert found["faint"] == []
    assert found["seen"] > 200
    ground = page.js("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (min(ground) > 200) == (scheme == "light")


@pytest.mark.parametrize("width", [320, 390, 768, 1200])
def test_no_width_scrolls_the_page_sideways(width: int, load: Load) -> None:
    """On a phone as on a desk the page fits; only tables and arrays scroll in themselves."""
    page = load(full_record())
    page.ask("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 700)
    assert page.js("document.documentElement.scrollWidth") <= width
    if width == 1200:
        assert page.js("Array.from(document.querySelectorAll('.scroll')).every(s => s.scrollWidth <= s.clientWidth)")


def test_the_names_of_properties_stay_above_a_long_table(load: Load) -> None:
    """However far its rows are scrolled, the header is at the top of it, and it is no higher than the window."""
    page = load(broad_record())
    page.ask("Emulation.setDeviceMetricsOverride", width=1200, height=800, deviceScaleFactor=1, mobile=False)
    table, head = "document.querySelector('.matrix .scroll')", "document.querySelector('.matrix thead th')"
    top = f"Math.round({head}.getBoundingClientRect().top - {table}.getBoundingClientRect().top)"
    page.js(f"{table}.scrollTop = 600")
    assert page.js(f"{table}.scrollTop") > 300
    assert page.js(top) == 1  # px of border
    assert page.js(f"{table}.clientHeight") < 800


def test_on_paper_nothing_is_folded(load: Load) -> None:
    """Printing unfolds the problems and leaves the controls out."""
    page = load(full_record())
    page.js("document.querySelectorAll('details').forEach(d => { d.open = false; })")
    page.ask("Emulation.setEmulatedMedia", media="print")
    page.js("dispatchEvent(new Event('beforeprint'))")
    assert page.js("Array.from(document.querySelectorAll('details')).every(d => d.open)")
    assert not page.js("document.querySelector('.toolbar').checkVisibility()")
    assert page.ask("Page.printToPDF")["data"].startswith("JVBERi")


def test_the_structure_is_there_for_those_who_listen(load: Load) -> None:
    """Headings go down one level at a time, each control has a name, each cell a header, each id one owner."""
    page = load(full_record())
    levels = page.js("Array.from(document.querySelectorAll('h1,h2,h3'), h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    nodes = page.ask("Accessibility.getFullAXTree")["nodes"]
    controls = [
        n for n in nodes if n["role"]["value"] in ("button", "link", "checkbox", "searchbox", "region", "table")
    ]
    named = [n for n in controls if n.get("name", {}).get("value") or n["role"]["value"] == "table"]
    assert len(controls) > 40
    assert named == controls
    assert page.js("Array.from(document.querySelectorAll('table th')).every(h => h.scope)")
    ids = page.js("Array.from(document.querySelectorAll('[id]'), e => e.id)")
    assert len(ids) == len(set(ids))
    broken = (
        "Array.from(document.querySelectorAll('a[href^=\"#\"]')).filter(a => !document.querySelector(a.hash)).length"
    )
    assert page.js(broken) == 0


INJECTIONS = [
    "<script>document.title = 'broken'; alert(1)</script>",
    '"><img src=x onerror="document.title = \'broken\'">',
    "' onmouseover='document.title=1' x='",
    "</script></style><script>document.title = 'broken'</script>",
    "{{ 7 * 191 }} {% raw %}",
    "javascript:document.title=1",
    "<svg/onload=document.title=1><iframe src=https://example.com></iframe>",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_text_from_targets_stays_text(text: str, load: Load) -> None:
    """Markup in any field of a record is shown letter by letter: no element, no handler, no request comes of it."""
    ordinary = load(hostile_record("text"))
    kinds = "Array.from(new Set(Array.from(document.querySelectorAll('*'), e => e.tagName))).sort().join()"
    handlers = (
        "Array.from(document.querySelectorAll('*')).flatMap(e => Array.from(e.attributes, a => a.name)"
        ".filter(n => n.startsWith('on')))"
    )
    expected = ordinary.js(kinds)
    page = load(hostile_record(text))
    assert page.js(kinds) == expected
    assert page.js(handlers) == []
    assert page.js("document.scripts.length") == 1
    assert page.js("document.title").startswith("0 of 2 targets conform")
    assert page.js(f"document.body.textContent.split({json.dumps(text)}).length") > 30


def test_the_policy_would_stop_a_script_that_got_through(load: Load, tmp_path: Path) -> None:
    """The page's own content policy refuses scripts and handlers that are not its own, whatever escaping does."""
    page = load(full_record())
    path = tmp_path / "index.html"
    planted = (
        "<script>document.title = 'broken'</script><img src='https://example.invalid/x' onerror='document.title=1'>"
    )
    path.write_text(path.read_text(encoding="utf-8").replace("<main", planted + "<main"), encoding="utf-8")
    page.open(path.as_uri())
    assert page.js("document.title").startswith("1 of 4 targets conforms")
    assert any("Content Security Policy" in complaint for complaint in page.complaints)
    page.complaints, page.requests = [], []  # they are what was wanted here
