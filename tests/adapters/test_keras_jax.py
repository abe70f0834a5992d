"""keras on jax, in a process of its own: a process has one backend of keras."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("keras_on_jax.py")


def test_a_new_layer_is_the_program_of_the_first() -> None:
    """The weights that it is made with are no part of what is traced: three calls are compiled once."""
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    ran = subprocess.run([sys.executable, SCRIPT], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1"]
