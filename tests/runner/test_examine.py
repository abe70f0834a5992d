"""One property on fixed and drawn cases."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DRAW = """
from ltdcheck.properties.law import Evidence
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.runner.examine import draw, examine
from ltdcheck.strategies.problems import recipes

def look(recipe):
    print(recipe)
    return Evidence(compared=1)

examine(look, [], lambda: draw(recipes(Elman()), 400, {seed}))
"""


def drawn(seed: int, folder: Path, before: str = "") -> list[str]:
    """What a check with this seed looks at, in a process of its own that runs ``before`` first."""
    code = before + DRAW.format(seed=seed)
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return answer.stdout.splitlines()


def test_the_examples_depend_on_the_seed_alone(tmp_path: Path) -> None:
    """Having imported a module full of numbers, as every target is, changes none of them."""
    (tmp_path / "full_of_numbers.py").write_text(f"CONSTANTS = {list(range(101, 5000, 7))}\n")
    plain = drawn(3, tmp_path)
    assert len(plain) >= 400
    assert drawn(3, tmp_path, "import full_of_numbers\n") == plain
    assert len(set(drawn(4, tmp_path)) & set(plain)) < 40
