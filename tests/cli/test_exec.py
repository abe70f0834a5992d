"""Programs at the command line: checked, refused, replayed, interrupted; none of their processes remains."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from adapters.programs import elman, lstm_c
from cli.calling import call_for_line as call


def alive(pid: int) -> bool:
    """The process runs, or nobody has taken its exit status."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid: int, within: float = 10.0) -> bool:
    """The process ends soon."""
    until = time.monotonic() + within
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not alive(pid)


def test_an_example_conforms(tmp_path: Path) -> None:
    """The record names what it is, and holds the laws of the protocol."""
    spec, path = lstm_c(tmp_path), tmp_path / "record.jsonl"
    chosen = ("gradients.backward_agrees", "calls.instances_agree", "protocol.numbers_survive", "protocol.ends")
    options = [w for id in chosen for w in ("--property", id)]
    status, text = call("check", spec, "--profile", "quick", "--json", str(path), *options)
    assert status == 0, text
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(r["property"], r["status"]) for r in lines[1:-1]] == [(id, "passed") for id in chosen]
    assert all(r["compared"] for r in lines[1:-1])
    assert {r["cell"] for r in lines[1:-1]} == {"lstm"}


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("exec:no-such-program-here", "no program 'no-such-program-here' on the PATH"),
        ("exec:'", "cannot be split into words"),
        (elman("starts-dead"), "the program ended with exit status 127 while it answered 'start'; the last it printed"),
    ],
)
def test_a_program_that_cannot_be_used_exits_with_2(spec: str, says: str) -> None:
    """One paragraph, and no traceback."""
    status, text = call("check", spec)
    assert status == 2
    assert says in text
    assert "Traceback" not in text


def test_a_program_is_no_clipping_function() -> None:
    """It is said so, and nothing is run."""
    status, text = call("check", elman(), "--cell", "clip-norm")
    assert status == 2
    assert "a program is asked for a network" in text


def test_a_broken_protocol_is_a_finding_and_replays(tmp_path: Path) -> None:
    """The finding names the number that was lost; the replay asks a new process, and says the same."""
    path = tmp_path / "record.jsonl"
    spec = elman("loses-minus-zero")
    options = ("--property", "protocol.numbers_survive", "--json", str(path))
    status, text = call("check", spec, "--profile", "quick", *options)
    assert status == 1
    seen = "the state[0][0, 0] of a float64 'forward' of no steps is answered otherwise than the protocol says"
    assert seen in text
    status, again = call("replay", f"{path}:2")
    assert status == 1
    assert seen in again
    assert "expected -0.0" in again


def test_a_program_that_sleeps_is_a_finding_and_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--timeout`` is its limit; the message is named, and the process is gone."""
    pids, path = tmp_path / "pids", tmp_path / "record.jsonl"
    monkeypatch.setenv("ELMAN_PIDS", str(pids))
    status, text = call("check", elman("sleeps"), "--timeout", "1.5", "--profile", "quick", "--json", str(path))
    assert status == 1
    assert "gave no answer to 'forward' within 1.5 s; the last it printed: asleep" in text
    found = [int(word) for word in pids.read_text().split() if word.isdigit()]
    assert found
    assert all(gone(pid) for pid in found)
    status, again = call("replay", f"{path}:2", "--timeout", "1.5")
    assert (status, "gave no answer to 'forward'" in again) == (1, True)


def test_an_interrupted_run_leaves_no_process(tmp_path: Path) -> None:
    """Ctrl-C while a program is asked ends the run with a message, and the program with it."""
    pids = tmp_path / "pids"
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's jobs ignore it
        f"from ltdcheck.cli import main; main(['check', {elman('sleeps')!r}])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "ELMAN_PIDS": str(pids)}
    run = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, env=environment)
    until = time.monotonic() + 60
    while time.monotonic() < until and "asleep" not in (pids.read_text() if pids.exists() else ""):
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    _, told = run.communicate(timeout=60)
    assert run.returncode == 4, told
    assert "Interrupted. Nothing was checked yet." in told
    found = [int(word) for word in pids.read_text().split() if word.isdigit()]
    assert found
    assert all(gone(pid) for pid in found)


def test_the_protocol_is_explained() -> None:
    """``explain protocol`` is the whole page, and a law of it has its own."""
    status, text = call("explain", "protocol")
    assert status == 0
    assert '"protocol": "ltdcheck-program/1"' in text
    assert "examples/exec/lstm.c" in text
    assert "T = 0" in call("explain", "protocol.numbers_survive")[1]
