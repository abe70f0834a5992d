"""``@ltdcheck.conformance`` gives one pytest test for each target and property."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ltdcheck.api import Conformance

TESTS = """
import ltdcheck, torch
from targets.numpy_elman import Elman_bptt_truncated

@ltdcheck.conformance(torch.nn.RNN, profile="quick")
def test_right(check):
    check()

@ltdcheck.conformance(Elman_bptt_truncated, profile="quick")
def test_wrong(check):
    check()

@ltdcheck.conformance(torch.nn.utils.clip_grad_value_, profile="quick")
def test_clipping(check):
    check()
"""


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run pytest on the module above, in a process of its own."""
    (tmp_path / "test_mine.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {Path(__file__).parent}\n")

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments, str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    return call


def test_a_right_target_passes_and_a_wrong_one_fails(run: Run) -> None:
    """Ids name target and property; the failure is the finding."""
    done = run("-rA")
    assert "PASSED test_mine.py::test_right[torch.nn.modules.rnn:RNN-values.forward_agrees]" in done.stdout, done.stdout
    assert "FAILED test_mine.py::test_wrong[" in done.stdout
    assert "gradients.backward_agrees" in done.stdout
    assert "bptt-truncated" in done.stdout
    assert "SKIPPED" in done.stdout  # not applicable, with its reason
    assert "nothing was declared" in done.stdout


def test_keywords_choose(run: Run) -> None:
    """``-k`` runs one property of one target."""
    done = run("-k", "test_right and causal")
    assert "1 passed" in done.stdout


def test_the_plugin_module_is_light() -> None:
    """Importing it imports neither NumPy nor Hypothesis."""
    heavy = "('numpy', 'hypothesis', 'scipy')"
    code = f"import sys, ltdcheck.pytest_plugin; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_training_and_memory_are_tests_too() -> None:
    """What drops or keeps anything is known when it is opened: else the tests say why they skip."""
    target = Conformance("torch.nn:LSTM(num_layers=2, dropout=0.5)", profile="quick")
    try:
        training, memory = (target.check(id)[0] for id in ("training.dropout_between_layers", "sequence.goes_on"))
    finally:
        target.close()
    assert training.status == "passed"
    assert training.compared
    assert (memory.status, memory.reason) == ("not_applicable", "it keeps no state from call to call")


def test_what_cannot_be_identified_is_one_finding(tmp_path: Path) -> None:
    """A target that dies when it is called says nothing of training or memory: those tests name where it is told."""
    lines = ["import os", "from targets.numpy_elman import Elman", "class Net(Elman):"]
    lines += ["    def forward(self, x, state=None):", "        os._exit(3)"]
    (tmp_path / "dies.py").write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n" + "\n".join(lines)
    )
    target = Conformance(f"{tmp_path}/dies.py:Net", profile="quick")
    try:
        first, memory = (target.check(id)[0] for id in ("values.forward_agrees", "sequence.goes_on"))
    finally:
        target.close()
    assert first.status == "failed"
    assert (memory.status, memory.reason) == ("not_applicable", "not run: see values.forward_agrees")
