"""Whole commands against importing what they cannot do without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

from benchmarks.requirement import Requirement
from benchmarks.timing import alternately


def command(*arguments: str) -> Callable[[], object]:
    """A Python process that must succeed."""
    return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def commands() -> Iterator[Requirement]:
    """The default check of torch's LSTM and of flax's, for which jax compiles its programs, and the help."""
    for module, name in (("torch.nn", "LSTM"), ("flax.linen", "LSTMCell")):
        check = command("-m", "ltdcheck", "check", f"{module}:{name}")
        timing = alternately(check, command("-c", f"import {module}"), 5)
        yield Requirement(f"`ltdcheck check {module}:{name}`", f"`import {module}`", timing, 8.0)
    say = command("-m", "ltdcheck", "--help")
    yield Requirement("`ltdcheck --help`", "`import numpy`", alternately(say, command("-c", "import numpy"), 11), 3.0)
