"""The report of what ONNX's official tests let through."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from quality.onnx_report import render, revealed, rows
from witnesses.onnx_node_tests import FAMILIES

from ltdcheck.faults.fault import fault_named, faults


def test_every_listed_fault_has_a_line_or_is_counted(tmp_path: Path) -> None:
    """The table counts every fault of the three families; a backward fault is never seen, as no test asks for one."""
    of = {family: [fault.id for fault in faults(family)] for family in FAMILIES.values()}
    for family, ids in of.items():
        asked = {"vectors": [{"reveals": ids[1:]}], "sequences": [{"reveals": []}]}
        (tmp_path / f"{family}.json").write_text(json.dumps(asked))
    found = rows(revealed(tmp_path))
    assert [row.fault for row in found if not row.revealed] == [ids[0] for ids in of.values()]
    assert {(row.family, row.fault) for row in found} == {(f, x.id) for f in FAMILIES.values() for x in faults(f)}
    assert not any(row.seen for row in found if not fault_named(row.fault).forward)
    text = render(found)
    lines = {line.split("|")[1]: line.split("|")[2:] for line in text.splitlines() if line.count("|") == 8}
    assert [int(lines[" all "][k]) for k in (0, 2, 4)] == [len(found), sum(not row.seen for row in found), 3]
    assert "| lstm | gate-order.lstm-if | let through | revealed |" in text
    assert "lstm-output-from-candidate" not in text
    unmeasured = render([replace(row, revealed=None) for row in found])
    assert "| lstm | gate-order.lstm-if | let through | not measured |" in unmeasured
