"""``python -m quality.onnx_report REPORTS [VECTORS]`` writes onnx.md: the faults that ONNX's own tests let through.

VECTORS is where ``ltdcheck vectors lstm gru elman --out VECTORS`` wrote: what they reveal stands beside it. Without it
the report says that this was not measured.

Every fault of lstm, gru and elman is planted in the reference, in each variant that the tests ask about, and put to all
tests of its operator, a new network for each test as a backend makes one. A test sees it that then fails, by its own
tolerance.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx
from quality.report import table
from witnesses.onnx_node_tests import FAMILIES, NodeTest, node_tests

from ltdcheck.faults.fault import Fault, faults

HEAD = """# What ONNX's own tests see

The official node tests of ONNX {version} for LSTM, GRU and RNN, {tests} of them, run through the reference: all pass.
Here the faults of ltdcheck's catalogue are planted in the reference, one at a time, and put to the same tests. Made by
`tox -e quality`.

The tests hold a node's outputs to 1e-3, relative. They ask for no gradients, so that no fault of a backward pass is
seen; none has rows of different length, more than three steps, `clip`, `activations`, `linear_before_reset` or
`input_forget`; and most weights are one number, so that the order of gates and transposes do not show.

Beside it, what the vectors let through that `ltdcheck vectors` writes for the same cells, with outputs and gradients.
"""
COLUMNS = ["family", "faults", "forward", "let through by the node tests", "share", "by vectors", "share"]
VECTORS = {True: "revealed", False: "let through", None: "not measured"}
Verdict = Literal["seen", "let through", "not asked", "backward"]


@dataclass(frozen=True)
class Row:
    """One fault in one family. ``not asked`` is a fault of a variant that no test asks about."""

    family: str
    fault: str
    verdict: Verdict
    revealed: bool | None  # by a vector; None where that was not measured

    @property
    def seen(self) -> bool:
        """Some test fails."""
        return self.verdict == "seen"


def verdict(fault: Fault, tests: Iterable[NodeTest]) -> Verdict:
    """What the tests of one operator say of a fault."""
    if not fault.forward:
        return "backward"
    told = [(test, test.answers(fault.plant)) for test in tests]
    passed = [test.passes(got) for test, got in told if got is not None]
    if not passed:
        return "not asked"
    return "let through" if all(passed) else "seen"


def rows(revealed: Mapping[str, set[str]] | None = None) -> list[Row]:
    """Every listed fault of the three families; ``revealed`` are those that vectors of a family reveal."""
    of = {family: [test for test in node_tests() if test.cell.name == family] for family in FAMILIES.values()}
    return [
        Row(family, fault.id, verdict(fault, tests), None if revealed is None else fault.id in revealed[family])
        for family, tests in of.items()
        for fault in faults(family)
    ]


def revealed(vectors: Path) -> dict[str, set[str]]:
    """What the files of a folder say that their vectors and sequences of calls reveal, by family."""
    found = {}
    for family in FAMILIES.values():
        data = json.loads((vectors / f"{family}.json").read_text())
        found[family] = {id for asked in (*data["vectors"], *data["sequences"]) for id in asked["reveals"]}
    return found


def render(found: list[Row]) -> str:
    """The report."""
    families = [counts(family, [row for row in found if row.family == family]) for family in FAMILIES.values()]
    through = [
        [row.family, row.fault, row.verdict, VECTORS[row.revealed]]
        for row in found
        if row.verdict in ("let through", "not asked")
    ]
    parts = [HEAD.format(version=onnx.__version__, tests=len(node_tests()))]
    parts += [*table(COLUMNS, [*families, counts("all", found)]), ""]
    parts += ["Faults of the forward pass that the node tests let through:\n"]
    parts += table(["family", "fault", "by the node tests", "by vectors"], through)
    return "\n".join([*parts, ""])


def counts(family: str, of: list[Row]) -> list[object]:
    """One line."""
    forward = sum(row.verdict != "backward" for row in of)
    through, hidden = sum(not row.seen for row in of), sum(not row.revealed for row in of)
    by_vectors = [VECTORS[None]] * 2 if of[0].revealed is None else [hidden, f"{hidden / len(of):.0%}"]
    return [family, len(of), forward, through, f"{through / len(of):.0%}", *by_vectors]


def main(reports: str, vectors: str = "") -> None:
    """Write it."""
    Path(reports).mkdir(parents=True, exist_ok=True)
    found = rows(revealed(Path(vectors)) if vectors else None)
    (Path(reports) / "onnx.md").write_text(render(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
