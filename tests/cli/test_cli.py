"""The command line keeps its contract: exit status, record, reports, errors."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli.calling import call

from ltdcheck.cli import KINDS

WRONG = "tests/targets/numpy_lstm.py:LSTM_bptt_truncated"
RIGHT = "tests/targets/numpy_lstm.py:LSTM"


def test_a_right_target_exits_with_0(tmp_path: Path) -> None:
    """The record, the page, the JUnit file and SARIF are written."""
    files = {kind: tmp_path / f"out.{kind}" for kind in ("json", "html", "junit", "sarif")}
    options = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]
    status, text = call("check", RIGHT, "--profile", "quick", *options)
    assert status == 0, text
    assert "conforms" in text
    assert "order=i f g o, biases=1" in text
    lines = [json.loads(line) for line in files["json"].read_text().splitlines()]
    assert [lines[0]["kind"], lines[-1]["kind"]] == ["header", "footer"]
    assert lines[-1]["targets"][RIGHT]["verdict"] == "conforms"
    assert "<html" in files["html"].read_text()
    assert "<testsuite" in files["junit"].read_text()
    assert json.loads(files["sarif"].read_text())["runs"][0]["results"] == []


def test_a_wrong_target_exits_with_1_and_its_finding_replays(tmp_path: Path) -> None:
    """The replay command needs the record alone, and shows the same numbers."""
    path = tmp_path / "record.jsonl"
    status, text = call("check", WRONG, "--profile", "quick", "--json", str(path))
    assert status == 1
    assert "bptt-truncated" in text
    finding = next(json.loads(line)["finding"] for line in path.read_text().splitlines() if '"finding"' in line)
    command = finding["replay"].split()
    assert command[:2] == ["ltdcheck", "replay"]
    status, again = call("replay", command[2])
    assert status == 1
    assert finding["got"] in again
    assert finding["expected"] in again


def test_what_an_earlier_run_found_does_not_fail_again(tmp_path: Path) -> None:
    """The finding is told all the same; targets checked side by side are found to be what they are one by one."""
    path = str(tmp_path / "before.jsonl")
    asked = ("check", WRONG, RIGHT, "--profile", "quick", "--property", "gradients.backward_agrees")
    assert call(*asked, "--jobs", "2", "--json", path)[0] == 1
    status, text = call(*asked, "--baseline", path)
    assert status == 0, text
    assert "bptt-truncated" in text
    assert "0 new, 1 known from the baseline, 0 of the baseline gone" in text


def test_a_replay_without_a_record_option_works_too() -> None:
    """Where nobody named a record, it lies in the cache folder."""
    _, text = call("check", WRONG, "--profile", "quick")
    replay = next(line.split("ltdcheck replay ")[1] for line in text.splitlines() if "ltdcheck replay" in line)
    assert call("replay", replay.strip())[0] == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("check", "nowhere.py:X"), "no file nowhere.py"),
        (("check", "torch.nn:LSTN"), "Did you mean LSTM"),
        (("check", RIGHT, "--cell", "lsmt"), "Did you mean lstm"),
        (("check", RIGHT, "--cell", "gru"), "which is no gru"),
        (("check", RIGHT, "--property", "values.foward_agrees"), "values.forward_agrees"),
        (("check", RIGHT, "--profile", "slow"), "quick, default, thorough"),
        (("check", RIGHT, "--timeout", "0"), "positive number of seconds"),
        (("check", RIGHT, RIGHT), "named twice"),
        (("check", RIGHT, "--baseline", "before.jsonl"), "--baseline: The record before.jsonl"),
        (("check", RIGHT, "--sarif", "no/such/folder/x.sarif"), "no directory"),
        (("check", RIGHT, "--html", "no/such/folder/x.html"), "no directory"),
        (("replay", "record.jsonl"), "RECORD:LINE"),
        (("explain", "nothing-like-this"), "There is no"),
    ],
)
def test_what_cannot_be_used_exits_with_2(arguments: tuple[str, ...], says: str) -> None:
    """One paragraph names the value and what to do; there is no traceback."""
    status, text = call(*arguments)
    assert status == 2
    assert says in text
    assert "Traceback" not in text


def test_one_property_alone() -> None:
    """``--property`` plans that one."""
    status, text = call("check", RIGHT, "--property", "sequence.causal", "--profile", "quick")
    assert status == 0
    assert "1 planned = 1 passed" in text


def test_a_declaration_is_held_against_the_target() -> None:
    """``--as`` with another gate order fails, with the right one it passes."""
    arguments = ("check", RIGHT, "--property", "layout.as_declared", "--as")
    assert call(*arguments, "order=i f g o")[0] == 0
    status, text = call(*arguments, "order=i o f g")
    assert status == 1
    assert "acts as order=i f g o" in text


@pytest.mark.parametrize("kind", KINDS)
def test_lists_are_not_empty(kind: str) -> None:
    """Everything that has a name is listed with a title."""
    status, text = call("list", kind)
    assert status == 0
    assert len(text.splitlines()) >= 3


@pytest.mark.parametrize(
    "id", ["lstm", "bidirectional", "values.forward_agrees", "bptt-carry-missing", "clip-per-tensor"]
)
def test_explain_speaks_prose(id: str) -> None:
    """Cells, properties and faults explain themselves."""
    status, text = call("explain", id)
    assert status == 0
    assert len(text) > 80


def test_same_seed_same_record(tmp_path: Path) -> None:
    """Two runs differ in their times only."""

    def results(name: str) -> list[dict[str, object]]:
        call("check", WRONG, "--profile", "quick", "--json", str(tmp_path / name), "--seed", "7")
        lines = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        kept = [line for line in lines if line["kind"] == "result"]
        for line in kept:
            line.pop("seconds")
            line.get("finding", {}).pop("replay", None)
        return kept

    assert results("a.jsonl") == results("b.jsonl")


def test_an_interrupted_run_leaves_what_it_had(tmp_path: Path) -> None:
    """Ctrl-C ends the run with a message and a partial record that can be read."""
    from ltdcheck.reporting.json_lines import read_record

    path = tmp_path / "record.jsonl"
    script = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        "from ltdcheck.reporting import json_lines\n"
        "write = json_lines.RecordWriter.write\n"
        "def interrupting(self, result):\n"
        "    write(self, result)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "json_lines.RecordWriter.write = interrupting\n"
        "from ltdcheck.cli import main\n"
        f"main(['check', {RIGHT!r}, '--profile', 'quick', '--json', {str(path)!r}])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 4, done.stderr
    assert "Interrupted" in done.stderr
    record = read_record(f"{path}.partial", partial=True)
    assert len(record.results) == 1
    assert record.footer is None


def test_a_reader_that_leaves_is_no_failure() -> None:
    """`ltdcheck list faults | head -1` prints a line and nothing else."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "ltdcheck", "list", "faults"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 1
