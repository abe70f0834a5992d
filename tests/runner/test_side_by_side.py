"""Several targets side by side: the record is that of one after the other, and what cannot be used is said."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from ltdcheck.adapters.loading import load
from ltdcheck.cli import main
from ltdcheck.errors import UnknownNameError
from ltdcheck.reporting.html import render_html
from ltdcheck.reporting.json_lines import SCHEMA_FILE, read_record
from ltdcheck.reporting.shelf import Shelf
from ltdcheck.result import Record, exit_status
from ltdcheck.runner import side_by_side
from ltdcheck.runner.check import run
from ltdcheck.runner.examiners import Options
from ltdcheck.runner.installed import FRAMEWORKS, installed
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.side_by_side import run_side_by_side
from ltdcheck.runner.subjects import Target

HERE = Path(__file__).parents[1] / "targets"
SLOW = 4  # times as long on a machine that is busy with other things
LAWS = ("values.forward_agrees", "sequence.zero_steps")
RIGHT, WRONG = f"{HERE}/numpy_elman.py:Elman", f"{HERE}/numpy_gru.py:GRU"


class Watching:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def start(self, planned: int, target: str) -> None:
        self.told.append(f"{target}: {planned}")

    def checking(self, property_id: str) -> None:
        pass

    def result(self, result: object) -> None:
        self.told.append(type(result).__name__)


def shape(record: Record) -> list[object]:
    """All but the times."""
    return [replace(result, seconds=0.0) for result in record.results]


def test_side_by_side_is_one_after_the_other() -> None:
    """Results, their order, and the lines that findings are replayed from."""
    targets = [Target(RIGHT), Target(WRONG, declared="reset=before")]
    options = Options(profile_named("quick"), properties=(*LAWS, "layout.as_declared"), replay=lambda n: f"replay {n}")
    watching = Watching()
    both = run_side_by_side(targets, options, [watching], 2)
    assert shape(both) == shape(run(targets, options))
    assert both.footer is not None
    assert both.footer.adds_up
    assert watching.told == [f"{RIGHT}: 3", *["Result"] * 3, f"{WRONG}: 3", *["Result"] * 3]


def test_what_cannot_be_used_is_in_the_record() -> None:
    """With its reason, and the others are checked."""
    options = Options(profile_named("quick"), properties=LAWS)
    record = run_side_by_side([Target("nothing.here:It"), Target(RIGHT)], options, [], 1)
    assert record.footer is not None
    verdicts = {name: told.verdict for name, told in record.footer.targets.items()}
    assert verdicts == {"nothing.here:It": "unusable", RIGHT: "conforms"}
    assert "nothing" in record.footer.targets["nothing.here:It"].reason


HANGS = """
import os, time, pathlib
import numpy as np

class Net:
    def __init__(self, input_size, hidden_size):
        self.params = {"W": np.zeros((hidden_size, hidden_size))}

    def forward(self, x, state=None):
        pathlib.Path(__file__).with_suffix(".pid").write_text(str(os.getpid()))
        time.sleep(600)
"""


class Interrupting(Watching):
    """Is told of one target, waits for the other, and interrupts."""

    def __init__(self, sign: Path) -> None:
        super().__init__()
        self.sign = sign

    def start(self, planned: int, target: str) -> None:
        until = time.monotonic() + 60
        while not self.sign.exists() and time.monotonic() < until:
            time.sleep(0.05)
        self.since = time.monotonic()
        raise KeyboardInterrupt


def test_an_interruption_ends_what_is_running_and_keeps_what_is_done(tmp_path: Path) -> None:
    """Within two seconds, the process of the target included; the next run takes over what was checked."""
    (tmp_path / "hangs.py").write_text(HANGS)
    sign, shelf = tmp_path / "hangs.pid", Shelf(tmp_path / "kept", "asked")
    options = Options(profile_named("quick"), properties=LAWS, timeout=600.0)
    interrupting, targets = Interrupting(sign), [Target(RIGHT), Target(f"{tmp_path}/hangs.py:Net")]
    with pytest.raises(KeyboardInterrupt):
        run_side_by_side(targets, options, [interrupting], 2, shelf)
    assert time.monotonic() - interrupting.since < 2 * SLOW
    assert gone(int(sign.read_text()))
    assert shelf.known(target.spec for target in targets) == 1
    before = shelf.of(RIGHT)
    assert before is not None
    again = run_side_by_side(targets[:1], options, [], 1, shelf)
    assert list(again.results) == list(before.results)  # to the seconds: they were not measured again
    shelf.clear([targets[1].spec])
    assert shelf.of(RIGHT) == before
    shelf.clear([RIGHT])
    assert not (tmp_path / "kept").exists()


def gone(process: int) -> bool:
    """It is dead, or will be in a moment: the kernel kills it with its parent."""
    until = time.monotonic() + 2 * SLOW
    while time.monotonic() < until:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def test_a_process_of_ours_that_dies_is_said(tmp_path: Path) -> None:
    """By a target that kills its parent, say: it has no verdict, the fault is ours, and the others are checked."""
    kills = HANGS.replace("time.sleep(600)", "os.kill(os.getppid(), 9)")
    (tmp_path / "kills.py").write_text(kills)
    options = Options(profile_named("quick"), properties=LAWS)
    record = run_side_by_side([Target(f"{tmp_path}/kills.py:Net"), Target(RIGHT)], options, [], 1)
    assert record.footer is not None
    assert [told.verdict for told in record.footer.targets.values()] == ["undecided", "conforms"]
    assert exit_status(record.footer) == 3
    assert "the process that checked it died of SIGKILL" in record.results[0].reason


def test_every_target_of_an_installed_framework_is_found() -> None:
    """What the report names, the frameworks have."""
    for framework in installed():
        for target in framework.targets:
            if "KERAS_BACKEND" not in target.spec:  # a process has one backend: the report gives each its own
                assert load(target.spec) is not None
    assert {f.name.partition(" ")[0] for f in FRAMEWORKS} >= {"torch", "flax", "keras", "haiku", "equinox"}


def test_frameworks_are_chosen_by_name() -> None:
    """All backends of one, or one; an unknown name says which there are."""
    assert [f.name for f in installed(["equinox"])] == ["equinox"]
    assert len(installed(["keras"])) == len([f for f in installed() if f.name.startswith("keras")]) > 1
    with pytest.raises(UnknownNameError, match="torch"):
        installed(["torhc"])


def test_the_environment_may_stand_before_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a shell, and it is set before anything is imported."""
    monkeypatch.setenv("LTDCHECK_SEEN", "")
    assert load("LTDCHECK_SEEN=1 collections:OrderedDict").__name__ == "OrderedDict"
    import os

    assert os.environ["LTDCHECK_SEEN"] == "1"


def test_the_command_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what is kept, takes that over, and leaves a page and a record of all, with the versions, and no more."""
    arguments = ["report", "reservoirpy", "--profile", "quick", "--out", str(tmp_path), "--jobs", "1"]

    def interrupted(targets: list[Target], *others: Any) -> Record:
        run_side_by_side(targets[:1], *others)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(side_by_side, "run_side_by_side", interrupted)
        done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 4, done.output
    assert f"1 of 2 targets are checked, and kept in {tmp_path}/interrupted" in done.stderr
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "1 of 2 targets were checked by a run that was interrupted" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "record.jsonl"]
    record = read_record(tmp_path / "record.jsonl")
    assert list(record.targets) == ["reservoirpy.nodes:Reservoir", "reservoirpy.nodes:Reservoir(lr=0.25)"]
    schema = json.loads(SCHEMA_FILE.read_text())
    for line in (tmp_path / "record.jsonl").read_text().splitlines():
        jsonschema.validate(json.loads(line), schema)
    assert record.footer is not None
    version = f"reservoirpy {record.header.versions['reservoirpy']}"
    assert {told.version for told in record.footer.targets.values()} == {version}
    assert "Reservoir(lr=0.25)" in (tmp_path / "index.html").read_text()


def test_the_table_of_targets_and_properties() -> None:
    """Three targets and more; a failure leads to its finding."""
    options = Options(profile_named("quick"), properties=(*LAWS, "layout.as_declared"))
    targets = [Target(RIGHT), Target(WRONG, declared="reset=before"), Target(f"{HERE}/numpy_lstm.py:LSTM")]
    page = render_html(run(targets, options))
    assert 'class="grid"' in page
    assert "#finding-2-3" in page
    assert 'class="turned"' in page


def test_cells_and_clipping_functions_have_tables_of_their_own() -> None:
    """They share no property; and what could not be used is named with its reason, in neither."""
    clipping = Target(f"{HERE}/clipping/right.py:clip_list", cell="clip-norm")
    options = Options(profile_named("quick"), properties=(*LAWS, "clipping.direction"))
    record = run_side_by_side([Target("nothing.here:It"), Target(RIGHT), clipping], options, [], 1)
    page = render_html(record)
    cells, _, rest = page.partition("<caption>Clipping functions")
    assert page.count('class="grid"') == 2
    assert "sequence.zero_steps</span>" in cells
    assert "clipping.direction</span>" not in cells
    assert "clipping.direction</span>" in rest
    assert "sequence.zero_steps</span>" not in rest.partition("</table>")[0]
    assert "nothing" in rest.partition("</table>")[2]
