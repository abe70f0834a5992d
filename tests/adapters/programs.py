"""Programs that tests ask: a right one in Python, and the examples in C and JavaScript where they can be run."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.program import Program
from ltdcheck.adapters.program_session import Command

ROOT = Path(__file__).parents[2]
ELMAN = ROOT / "tests/targets/program_elman.py"
EXAMPLES = ROOT / "examples/exec"


def elman(fault: str = "") -> str:
    """The target that the right program is, or one with a fault of the protocol."""
    return f"exec:{shlex.join([sys.executable, '-S', str(ELMAN), *([fault] if fault else [])])}"


def program(spec: str, limit: float = 20.0) -> Program:
    """A program as an implementation, in the test's own process."""
    found = adapt(Command.of(spec, limit=limit), "it")
    assert isinstance(found, Program)
    return found


def edited(path: Path, folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy in which each text, which stands in it once, is another."""
    text = path.read_text()
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    copy = folder / path.name
    copy.write_text(text)
    return copy


def lstm_c(folder: Path, *changes: tuple[str, str]) -> str:
    """The example in C, compiled with every warning an error; skipped where there is no compiler."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler (cc) on this machine")
    source, binary = edited(EXAMPLES / "lstm.c", folder, *changes), folder / "lstm"
    strict = [] if changes else ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
    subprocess.run(["cc", *strict, "-O2", str(source), "-lm", "-o", str(binary)], check=True)
    return f"exec:{shlex.quote(str(binary))}"


def gru_js(folder: Path, *changes: tuple[str, str]) -> str:
    """The example in JavaScript; skipped where there is no Node."""
    if shutil.which("node") is None:
        pytest.skip("there is no Node (node) on this machine")
    return f"exec:node {shlex.quote(str(edited(EXAMPLES / 'gru.js', folder, *changes)))}"
