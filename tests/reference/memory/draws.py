"""Problems for the neural Turing machine: its state has arrays of several widths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from ltdcheck.problem import Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.cells.ntm import NTM

# scales of the recurrent matrices R and W, of the other matrices, and of biases and inputs
REGIMES = {
    "usual": (1.0, 1.0, 0.5),
    "linear": (0.3, 0.1, 0.1),
    "contracting": (0.1, 0.5, 0.5),
    "saturated": (1.0, 1.0, 4.0),
    "expanding": (3.0, 1.5, 0.5),
}
CONTROLLERS: list[Cell] = [Elman(), LSTM(peepholes="current"), GRU(reset="after"), Elman("sigmoid")]


@dataclass(frozen=True)
class Sizes:
    """A problem in a few numbers."""

    T: int = 4
    B: int = 2
    I: int = 2
    H: int = 3
    regime: str = "usual"
    seed: int = 0
    zero_memory: bool = False  # a memory, a key and weights with zeros in them

    def problem(self, cell: NTM) -> Problem:
        """Its arrays."""
        rng = np.random.default_rng(self.seed)
        recurrent, weights, biases = REGIMES[self.regime]
        params = {}
        for name, shape in cell.shapes(self.I, self.H).items():
            scale = biases if len(shape) == 1 else recurrent if name in ("R_r", "W") else weights
            params[name] = rng.standard_normal(shape) * scale / np.sqrt(shape[-1] if len(shape) > 1 else 1)
        B, N, M = self.B, cell.rows, cell.width
        own = [rng.standard_normal((B, self.H)) for _ in cell.controller.states]
        w_r, w_w = rng.dirichlet(np.ones(N), B), rng.dirichlet(np.ones(N), B)
        memory = rng.standard_normal((B, N * M))
        if self.zero_memory:
            memory[:, :M], w_r = 0.0, np.repeat(np.eye(N)[:1], B, axis=0)
        state = (*own, rng.standard_normal((B, M)), w_r, w_w, memory)
        return Problem(
            params=params,
            x=rng.standard_normal((self.T, B, self.I)) * max(biases, 1.0),
            state=state,
            dy=rng.standard_normal((self.T, B, self.H)),
            dstate=tuple(rng.standard_normal(s.shape) for s in state),
        )


def machines() -> st.SearchStrategy[NTM]:
    """Every controller, both orders of reading and writing, one row and more, shifts wider than the memory."""
    return st.builds(
        NTM,
        controller=st.sampled_from(CONTROLLERS),
        rows=st.integers(1, 4),
        width=st.integers(1, 3),
        reach=st.integers(0, 2),
        reads=st.sampled_from(["after", "before"]),
    )


def sizes() -> st.SearchStrategy[Sizes]:
    """From no steps to 4, in every regime."""
    return st.builds(
        Sizes,
        T=st.integers(0, 4),
        B=st.integers(1, 2),
        I=st.integers(1, 3),
        H=st.integers(1, 3),
        regime=st.sampled_from(sorted(REGIMES)),
        seed=st.integers(0, 2**16),
        zero_memory=st.booleans(),
    )
