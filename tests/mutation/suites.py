"""Test suites of other people, written to files: what a command runs."""

from __future__ import annotations

import sys
from pathlib import Path

NETWORK = """
import numpy as np

class Elman:
    def __init__(self, input_size, hidden_size):
        rng = np.random.default_rng(0)
        H, I = hidden_size, input_size
        self.params = {"W": rng.normal(size=(H, H)), "U": rng.normal(size=(H, I))}
        self.grads = {}

    def forward(self, x, state=None):
        h = np.zeros((x.shape[1], len(self.params["W"])), x.dtype) if state is None else state
        self.tape, y = [], np.zeros((*x.shape[:2], h.shape[1]), x.dtype)
        for t in range(len(x)):
            before, h = h, np.tanh(x[t] @ self.params["U"].T + h @ self.params["W"].T)
            self.tape.append((x[t], before, h))
            y[t] = h
        return y, h

    def backward(self, dy, dstate=None):
        dh = np.zeros(dy.shape[1:], dy.dtype) if dstate is None else dstate
        self.grads = {name: np.zeros_like(value) for name, value in self.params.items()}
        dx = np.zeros((*dy.shape[:2], self.params["U"].shape[1]), dy.dtype)
        for t in reversed(range(len(dy))):
            x, before, h = self.tape[t]
            da = (dh + dy[t]) * (1 - h * h)
            self.grads["W"] += da.T @ before
            self.grads["U"] += da.T @ x
            dx[t], dh = da @ self.params["U"], da @ self.params["W"]
        return dx, dh
"""

# as its author would write it, tolerance included: it stands for the tests that are judged
EXACT = """
import numpy as np
from network import Elman

net = Elman(2, 3)
x = np.random.default_rng(1).normal(size=(4, 2, 2))
h, U, W = np.zeros((2, 3)), net.params["U"], net.params["W"]
y, final = net.forward(x)
for t in range(4):
    h = np.tanh(x[t] @ U.T + h @ W.T)
    assert np.allclose(y[t], h, rtol=1e-12)
assert np.allclose(final, h, rtol=1e-12)
"""


def written(folder: Path, tests: str, network: str = NETWORK) -> tuple[str, str]:
    """The target, and the command that runs its tests."""
    (folder / "network.py").write_text(network)
    (folder / "check.py").write_text(tests)
    return f"{folder}/network.py:Elman", f"{sys.executable} {folder}/check.py"
