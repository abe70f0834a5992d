"""The report of what ONNX's official tests let through."""

from __future__ import annotations

from pathlib import Path

from quality.onnx_report import main, rows
from witnesses.onnx_node_tests import FAMILIES

from ltdcheck.faults.fault import fault_named, faults


def test_every_listed_fault_has_a_line_or_is_counted(tmp_path: Path) -> None:
    """The table counts every fault of the three families; a backward fault is never seen, as no test asks for one."""
    found = rows()
    assert {(row.family, row.fault) for row in found} == {(f, x.id) for f in FAMILIES.values() for x in faults(f)}
    assert not any(row.seen for row in found if not fault_named(row.fault).forward)
    main(str(tmp_path))
    text = (tmp_path / "onnx.md").read_text()
    lines = dict(line.split("|")[1:3] for line in text.splitlines() if line.count("|") == 8)
    assert int(lines[" all "]) == len(found)
    assert "| lstm | gate-order.lstm-if | let through |" in text
    assert "lstm-output-from-candidate" not in text
