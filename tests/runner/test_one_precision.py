"""A target of one precision: what is found in it is shown in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ltdcheck.runner.check import run
from ltdcheck.runner.examiners import Options
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.subjects import Target

LAW = "values.forward_agrees"


class Single:
    """A cell of tanh units, a little too large, in single precision."""

    precisions = ("float32",)

    def __init__(self, input_size: int, hidden_size: int) -> None:
        sizes = {"U": (hidden_size, input_size), "W": (hidden_size, hidden_size), "b": (hidden_size,)}
        self.params = {name: np.zeros(size, "float32") for name, size in sizes.items()}

    def forward(self, x: Any, state: Any = None) -> Any:
        """(T, B, I) to (T, B, H)."""
        U, W, b = (self.params[name].astype("float32") for name in "UWb")
        h = np.zeros((x.shape[1], len(b)), "float32") if state is None else state
        outputs = []
        for x_t in x:
            h = np.float32(1 + 1e-4) * np.tanh(x_t.astype("float32") @ U.T + h @ W.T + b).astype("float32")
            outputs.append(h)
        return np.array(outputs, "float32").reshape(len(x), *h.shape), h


def test_the_smallest_problem_is_in_its_precision() -> None:
    """Simpler numbers in a precision that it does not have would be put down to its having another."""
    (result,) = run([Target("Single", Single, "elman")], Options(profile_named("quick"), properties=(LAW,))).results
    finding = result.finding
    assert finding is not None
    assert finding.problem is not None
    assert finding.problem["precision"] == "float32"
    assert all("precision" not in likely.fault for likely in finding.diagnosis)
