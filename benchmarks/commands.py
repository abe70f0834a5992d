"""Whole commands against importing what they cannot do without."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator

from benchmarks.requirement import Requirement
from benchmarks.timing import alternately


def command(*arguments: str) -> Callable[[], object]:
    """A Python process that must succeed."""
    return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def of_processes() -> float:
    """Seconds of the processor that ended processes have taken, and those that they started."""
    told = resource.getrusage(resource.RUSAGE_CHILDREN)
    return told.ru_utime + told.ru_stime


def commands() -> Iterator[Requirement]:
    """The default check of torch's LSTM and of flax's, for which jax compiles its programs, and the help."""
    check = command("-m", "ltdcheck", "check", "torch.nn:LSTM")
    yield Requirement(
        "`ltdcheck check torch.nn:LSTM`", "`import torch`", alternately(check, command("-c", "import torch"), 5), 8.0
    )
    check = command("-m", "ltdcheck", "check", "flax.linen:OptimizedLSTMCell")
    timing = alternately(check, command("-c", "import flax.linen"), 5, of_processes)
    yield Requirement(
        "`ltdcheck check flax.linen:OptimizedLSTMCell`, of the processor", "`import flax.linen`", timing, 8.0
    )
    say = command("-m", "ltdcheck", "--help")
    yield Requirement("`ltdcheck --help`", "`import numpy`", alternately(say, command("-c", "import numpy"), 11), 3.0)
