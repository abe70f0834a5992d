"""``ltdcheck compare`` and ``--cell other`` from the command line: what is said first, exit status, record, replay."""

import json
from pathlib import Path

import pytest
from cli.calling import call_for_report as call
from click.testing import CliRunner

from ltdcheck.cli import main

LSTM = "tests/targets/numpy_lstm.py:LSTM"
SINE = "tests/targets/other_numpy.py:SineRNN"


def test_two_that_agree_exit_with_0(tmp_path: Path) -> None:
    """Both are said with their layouts, and a page is written."""
    page = tmp_path / "out.html"
    status, text = call(
        "compare", LSTM, "tests/targets/numpy_lstm_layouts.py:XFirst", "--profile", "quick", "--html", str(page)
    )
    assert status == 0, text
    assert f"{LSTM} is lstm(order=i f g o, biases=1)" in text
    assert "3 planned = 3 passed" in text
    assert "<html" in page.read_text()


def test_a_difference_exits_with_1_and_replays(tmp_path: Path) -> None:
    """From the record alone, with the same numbers."""
    path = tmp_path / "record.jsonl"
    status, _ = call("compare", SINE, f"{SINE}_gradient_scaled", "--profile", "quick", "--json", str(path))
    assert status == 1
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    (number,) = [k for k, line in enumerate(lines, 1) if "finding" in line]
    finding = lines[number - 1]["finding"]
    assert finding["where"] == "dW[0, 0] (W[0, 0])"
    status, again = call("replay", f"{path}:{number}")
    assert status == 1
    assert finding["got"] in again


def test_what_is_not_one_function_is_said_first(tmp_path: Path) -> None:
    """In a sentence under the heading; numbers are not compared; it replays."""
    gru = "tests/targets/numpy_gru_layouts.py:{}"
    path = tmp_path / "record.jsonl"
    status, text = call(
        "compare", gru.format("Separate"), gru.format("KerasAfter"), "--profile", "quick", "--json", str(path)
    )
    assert status == 1
    assert "is gru(reset=before" in " ".join(text.split()[:8])
    assert "not the same function" in " ".join(text.split())
    assert call("replay", f"{path}:2")[0] == 1


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (SINE, "tests/targets/other_torch.py:MinimalGatedUnit", "weights cannot be transferred by name"),
        (SINE, "nowhere.py:X", "no file nowhere.py"),
    ],
)
def test_what_cannot_be_compared_exits_with_2(first: str, second: str, says: str) -> None:
    """One paragraph, no traceback."""
    done = CliRunner().invoke(main, ["compare", first, second, "--profile", "quick"])
    assert done.exit_code == 2
    assert says in done.output
    assert "Traceback" not in done.output


def test_a_cell_that_is_not_listed_is_said_to_be_so_first(tmp_path: Path) -> None:
    """The heading says that nothing is said about its equations, and a finding replays as what it was checked as."""
    path = tmp_path / "record.jsonl"
    arguments = (f"{SINE}_future_leak", "--profile", "quick", "--json", str(path))
    status, text = call("check", *arguments)
    assert status == 1
    heading = " ".join(text.split("property")[0].split())
    assert "as other(no reference: nothing is said about its equations)" in heading
    assert "it is held to every law that needs no reference" in heading
    replay = next(line.split("ltdcheck replay ")[1] for line in text.splitlines() if "ltdcheck replay" in line)
    assert call("replay", replay.strip())[0] == 1
