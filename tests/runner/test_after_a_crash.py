"""What is asked of a target after its process has died."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from ltdcheck.result import Record
from ltdcheck.runner.check import run
from ltdcheck.runner.examiners import Options
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.subjects import Target

LAWS = ("values.forward_agrees", "sequence.zero_steps", "calls.repeatable", "effects.every_input")


class Dies:
    """A cell of tanh units whose process ends at a sequence that ``fatal`` holds of."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        self.params = {"U": np.zeros((hidden_size, input_size)), "W": np.zeros((hidden_size, hidden_size))}

    def fatal(self, x: Any) -> bool:
        """There are no steps."""
        return len(x) == 0

    def forward(self, x: Any, state: Any = None) -> Any:
        """(T, B, I) to (T, B, H)."""
        if self.fatal(x):
            os.abort()
        h = np.zeros((x.shape[1], len(self.params["W"])), x.dtype) if state is None else state
        outputs = []
        for x_t in x:
            h = np.tanh(x_t @ self.params["U"].T + h @ self.params["W"].T)
            outputs.append(h)
        return np.array(outputs), h


class DiesOfMore(Dies):
    """It dies of one row as well, where it has answered to others."""

    def fatal(self, x: Any) -> bool:
        """There are no steps, or one row of some."""
        return len(x) == 0 or (x.shape[1] == 1 and len(x) > 1)


def checked(kind: type, laws: tuple[str, ...] = LAWS) -> Record:
    """The laws, of a live class."""
    return run([Target(kind.__name__, kind, "elman")], Options(profile_named("quick"), properties=laws))


def test_death_of_no_steps_does_not_hide_the_rest() -> None:
    """It is a finding, and a new process answers the laws after it."""
    forward, none, again, effects = checked(Dies).results
    assert (forward.status, none.status, again.status, effects.status) == ("passed", "failed", "passed", "passed")
    assert none.finding is not None
    assert "crashed" in none.finding.message or "died" in none.finding.message or "signal" in none.finding.message


@pytest.mark.parametrize("laws", [("batch.rows_are_independent", "calls.repeatable")])
def test_another_death_ends_the_questions(laws: tuple[str, ...]) -> None:
    """One row is no rare case: nothing is asked after it."""
    rows, again = checked(DiesOfMore, laws).results
    assert rows.status == "failed"
    assert again.status == "not_applicable"
    assert again.reason.startswith("not run")
