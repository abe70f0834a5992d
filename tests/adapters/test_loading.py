"""A spec becomes the object it names, or one paragraph that says why it cannot."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ltdcheck.adapters.loading import load
from ltdcheck.errors import TargetUnusableError


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test imports is forgotten after it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if not name.startswith("torch"):
            del sys.modules[name]


def refusal(spec: str) -> str:
    """The paragraph that refuses it."""
    with pytest.raises(TargetUnusableError) as caught:
        load(spec)
    assert spec in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_module_and_a_dotted_attribute() -> None:
    """``module:attr`` is the attribute, and so is ``module:Class.method``."""
    assert load("torch.nn:LSTM") is torch.nn.LSTM
    assert load("torch.nn.utils:clip_grad_norm_") is torch.nn.utils.clip_grad_norm_
    assert load("torch:nn.LSTM.forward") is torch.nn.LSTM.forward


def test_a_file_finds_its_neighbours_and_runs_once(tmp_path: Path) -> None:
    """The folder of a file is on the path for it, and naming it twice, or importing it, executes it once."""
    (tmp_path / "lt_neighbour.py").write_text("VALUE = 7")
    log = tmp_path / "log"
    file = tmp_path / "lt_target.py"
    file.write_text(
        f"import lt_neighbour\nwith open({str(log)!r}, 'a') as log:\n    log.write('x')\n"
        "class Net: value = lt_neighbour.VALUE\ndef again():\n    import lt_target\n    return lt_target.Net"
    )
    net = load(f"{file}:Net")
    assert net.value == 7
    assert load(f"{file}:Net") is net
    assert load(f"{file}:again")() is net
    assert log.read_text() == "x"


def test_a_file_named_like_a_module_does_not_replace_it(tmp_path: Path) -> None:
    """A file ``torch.py`` is loaded under another name, and torch stays torch."""
    file = tmp_path / "torch.py"
    file.write_text("class Net: pass")
    assert load(f"{file}:Net").__module__ == "ltdcheck_target_torch"
    assert sys.modules["torch"] is torch


def test_an_unknown_module_is_named() -> None:
    """A module that is not there is said not to be there; one of its own that it lacks is another matter."""
    assert "no module 'lt_nowhere'" in refusal("lt_nowhere.sub:Net")
    assert "torch.nn has no module nowhere" in refusal("torch.nn.nowhere:Net")


def test_a_missing_framework_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where torch is not installed, the message names the extra that installs it."""
    for name in [n for n in sys.modules if n == "torch" or n.startswith("torch.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    assert "pip install 'ltdcheck[torch]'" in refusal("torch.nn:LSTM")


def test_a_file_that_does_not_import_is_told_with_its_line(tmp_path: Path) -> None:
    """The exception and the line of the file are named, a syntax error's and a missing import's too."""
    file = tmp_path / "lt_broken.py"
    for text, told in {
        "x = 1\ny = x / 0\n": ("ZeroDivisionError", "line 2"),
        "x = 1\n\ndef f(:\n": ("SyntaxError", "line 3"),
        "import lt_nowhere\n": ("No module named 'lt_nowhere'", "line 1"),
        "import sys\nsys.exit(3)\n": ("SystemExit", "line 2"),
    }.items():
        file.write_text(text)
        assert all(word in refusal(f"{file}:Net") for word in told)


def test_a_missing_file_or_attribute_suggests_close_names(tmp_path: Path) -> None:
    """A misspelt name is answered with the one that is there."""
    (tmp_path / "lt_right.py").write_text("class MyLSTM: pass")
    assert "lt_right.py" in refusal(f"{tmp_path}/lt_rihgt.py:MyLSTM").split("but there is")[1]
    assert "Did you mean MyLSTM?" in refusal(f"{tmp_path}/lt_right.py:MyLSTN")
    assert "LSTM" in refusal("torch.nn:LSTMM").split("Did you mean")[1]


@pytest.mark.parametrize("spec", ["torch.nn.LSTM", "my_lstm.py", ":LSTM", "torch.nn:"])
def test_a_spec_of_another_form_is_refused(spec: str) -> None:
    """What does not say module and attribute is told what to type."""
    assert "module:attr" in refusal(spec)
