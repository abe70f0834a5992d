"""Which faults somebody's tests let through: each has the verdict of the tests, and controls come first."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from mutation.suites import EXACT, NETWORK, written

from ltdcheck.cli import main
from ltdcheck.mutant import Campaign, Mutant, Mutation
from ltdcheck.reporting import mutation_lines
from ltdcheck.reporting.mutation_lines import MutationWriter, read_mutation

FORWARD, BACKWARD = "input-ignored-at-step.first", "gradient-doubled.W"
LAZY = "import network\nnetwork.Elman(2, 3).forward(__import__('numpy').ones((4, 2, 2)))"
ELSEWHERE = "import numpy"
SCHEMA = Path(mutation_lines.__file__).with_name("mutation.schema.json")


@pytest.fixture(autouse=True)
def _in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mutate(target: str, command: str, *more: str) -> tuple[int, str]:
    """Exit status and everything that was printed."""
    done = CliRunner().invoke(main, ["mutate", target, "--command", command, *more])
    return done.exit_code, done.output


def faults(*ids: str) -> list[str]:
    """The words of the command line that name them."""
    return [word for id in ids for word in ("--fault", id)]


def test_each_fault_has_the_verdict_of_the_tests(tmp_path: Path) -> None:
    """Tests that look at outputs find the wrong forward pass and not the wrong gradient; the record says so."""
    target, command = written(tmp_path, EXACT)
    status, text = mutate(target, command, *faults(FORWARD, BACKWARD), "--json", "out.jsonl", "--jobs", "2")
    assert status == 1, text
    record = read_mutation(tmp_path / "out.jsonl")
    assert {m.fault: m.fate for m in record.mutants} == {FORWARD: "killed", BACKWARD: "survived"}
    assert record.score == 0.5
    assert f"survived  {BACKWARD}" in text
    assert "2 planted = 1 killed + 1 survived; score 0.500" in text
    for line in (tmp_path / "out.jsonl").read_text().splitlines():
        Draft202012Validator(json.loads(SCHEMA.read_text())).validate(json.loads(line))


def test_all_killed_exits_with_0(tmp_path: Path) -> None:
    """Nothing was let through."""
    status, text = mutate(*written(tmp_path, EXACT), *faults(FORWARD))
    assert status == 0, text
    assert "score 1.000" in text


def test_what_cannot_show_is_left_out_with_its_reason(tmp_path: Path) -> None:
    """A target without biases cannot have a doubled one."""
    status, text = mutate(*written(tmp_path, EXACT), *faults("bias-doubled", FORWARD))
    assert status == 0, text
    assert "left out   1 fault: it changes no answer of a target with these parameters" in text


def test_a_run_that_does_not_end_is_a_kill(tmp_path: Path) -> None:
    """Tests that wait for a right answer are stopped."""
    waits = EXACT.replace("assert np.allclose(y[t], h, rtol=1e-12)", "while not np.allclose(y[t], h): pass")
    status, text = mutate(*written(tmp_path, waits), *faults(FORWARD), "--timeout", "3", "--verbose")
    assert status == 0, text
    assert "did not end in time" in text


@pytest.mark.parametrize(
    ("tests", "why"),
    [
        ("raise SystemExit(3)", "must pass on"),
        (ELSEWHERE, "never call Elman"),
        (EXACT + "\nassert len(net.tape) == 4", "does not pass the tests in the place of the target"),
    ],
)
def test_tests_that_cannot_be_used_are_refused(tmp_path: Path, tests: str, why: str) -> None:
    """They fail without a fault, do not call the target, or look at what is not in its contract: exit status 2."""
    status, text = mutate(*written(tmp_path, tests), *faults(FORWARD))
    assert status == 2, text
    assert why in text


def test_a_fault_that_does_not_exist_is_refused_before_anything_runs(tmp_path: Path) -> None:
    """The tests of the target would be in vain."""
    target, command = written(tmp_path, "open('ran', 'w')")
    status, text = mutate(target, command, *faults("no-such-fault"))
    assert status == 2
    assert "There is no fault 'no-such-fault'" in text
    assert not (tmp_path / "ran").exists()


def test_a_wrong_target_is_refused(tmp_path: Path) -> None:
    """There is no reference in the layout of what is not right."""
    wrong = NETWORK.replace("np.tanh(x[t]", "1.5 * np.tanh(x[t]")
    status, text = mutate(*written(tmp_path, LAZY, wrong), *faults(FORWARD))
    assert status == 2, text
    assert "must be right" in text


def test_a_function_that_makes_instances_is_a_target(tmp_path: Path) -> None:
    """What it makes is replaced, and not the class that others use, too."""
    factory = NETWORK + "\n\ndef make(input_size, hidden_size):\n    return Elman(input_size, hidden_size)\n"
    tests = EXACT.replace("from network import Elman", "from network import Elman, make").replace(
        "net = Elman(2, 3)", "net = make(2, 3); other = Elman(2, 3)"
    )
    target, command = written(tmp_path, tests + "\nassert np.array_equal(other.forward(x)[0][-1], h)\n", factory)
    status, text = mutate(target.replace("Elman", "make"), command, *faults(FORWARD, BACKWARD))
    assert status == 1, text
    assert "1 killed + 1 survived" in text


def test_an_instance_is_a_target(tmp_path: Path) -> None:
    """It alone is replaced, and other instances of its class are as they were."""
    made = NETWORK + "\n\nnet = Elman(2, 3)\n"
    tests = EXACT.replace("from network import Elman", "from network import Elman, net").replace(
        "net = Elman(2, 3)", "other = Elman(2, 3)"
    )
    target, command = written(tmp_path, tests + "\nassert np.array_equal(other.forward(x)[0][-1], h)\n", made)
    status, text = mutate(target.replace(":Elman", ":net"), command, *faults(FORWARD, BACKWARD))
    assert status == 1, text
    assert "1 killed + 1 survived" in text


@pytest.mark.parametrize(("target", "what"), [("exec:python answer.py", "a program"), ("model.onnx", "a model file")])
def test_what_no_test_suite_imports_is_refused(target: str, what: str) -> None:
    """By what it is to a person, before anything runs."""
    status, text = mutate(target, "true")
    assert status == 2
    assert f"it is {what}, and faults are planted in Python objects" in text
    assert "Name a class, an instance, or a function" in text


CAMPAIGN = Campaign("a.py:A", "elman", "", "pytest", ("one", "two", "three"), {"four": "no"}, {"ltdcheck": "0"})
LINES = [Mutant(id, f"What {id} is.", "killed", "exit status 1", 0.5) for id in CAMPAIGN.faults]


def test_an_interrupted_record_is_gone_on_with(tmp_path: Path) -> None:
    """The lines of the same campaign are there again, a cut off one is not; another campaign starts anew."""
    path = tmp_path / "r.jsonl"
    with MutationWriter(path, CAMPAIGN) as first:
        first.write(LINES[0])
    with (tmp_path / "r.jsonl.partial").open("a") as file:
        file.write('{"kind": "mut')
    whole = Mutation(CAMPAIGN, tuple(LINES), 2.0)
    with MutationWriter(path, CAMPAIGN) as again:
        assert again.done == LINES[:1]
        for line in LINES[1:]:
            again.write(line)
        again.close(whole)
    assert read_mutation(path) == whole
    with MutationWriter(path, CAMPAIGN) as first:
        first.write(LINES[0])
    with MutationWriter(path, dataclasses.replace(CAMPAIGN, command="tox")) as other:
        assert other.done == []


def test_a_record_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    """A line that is missing shows in the footer's sums."""
    from ltdcheck.errors import RecordError

    path = tmp_path / "r.jsonl"
    writer = MutationWriter(path, CAMPAIGN)
    for line in LINES:
        writer.write(line)
    writer.close(Mutation(CAMPAIGN, tuple(LINES), 2.0))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2] + lines[3:]))
    with pytest.raises(RecordError, match="not whole"):
        read_mutation(path)
