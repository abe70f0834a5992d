"""Driving gates to where their equations become exact.

In float64 the logistic of 40 and more is 1.0, that of -40 and less is 0.0, and both have slope ``s*(1 - s)`` = 0.0. A
gate whose bias outweighs everything else that it sees is therefore open or shut exactly, not nearly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.problem import Problem
from ltdcheck.properties.held import EPS, gamma
from ltdcheck.reference.cell import Cell

EXACTLY = 64.0


def driven(cell: Cell, problem: Problem, signs: Mapping[str, int], by: float = EXACTLY) -> Problem:
    """The problem with biases so large that each gate's pre-activation is at least ``by``, with the given sign."""
    H = problem.sizes["H"]
    reach = by + reached(cell, problem)
    b = problem.params["b"].copy()
    for gate, sign in signs.items():
        row = cell.gates.index(gate) * H
        b[row : row + H] = sign * reach
    return problem.with_(params={**problem.params, "b": b})


def reached(cell: Cell, problem: Problem) -> float:
    """What inputs, states and peepholes add to a pre-activation, at most.

    What a cell reads out stays within 1, and its projection within the sums of R's rows, or the output within the
    initial one; the LSTM's cell state grows by at most 1 a step.
    """
    p = problem.params
    T = len(problem.x)
    states = [float(np.max(np.abs(s), initial=0.0)) for s in problem.given_state]
    inputs = float(np.max(np.abs(problem.x) @ np.abs(p["U"]).T, initial=0.0))
    output = float(np.max(np.abs(p["R"]).sum(axis=1), initial=0.0)) if "R" in p else 1.0
    recurrent = float(np.max(np.abs(p["W"]).sum(axis=1), initial=0.0)) * max(output, states[0])
    peepholes = float(np.max(np.abs(p["p"]), initial=0.0)) * (states[-1] + T) if "p" in p else 0.0
    return inputs + recurrent + peepholes + abs(float(getattr(cell, "forget_offset", 0.0)))


def logistic(a: NDArray[Any]) -> NDArray[Any]:
    """By its definition, without overflow."""
    e = np.exp(-np.abs(a))
    return np.asarray(np.where(a >= 0, 1 / (1 + e), e / (1 + e)))


def affine(p: Mapping[str, Any], rows: slice, x: NDArray[Any], h: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """``b + U@x + W@h`` of some rows, and how far two computations of it may be apart: n products and sums each."""
    U, W, b = p["U"][rows], p["W"][rows], p["b"][rows]
    size = np.abs(x) @ np.abs(U).T + np.abs(h) @ np.abs(W).T + np.abs(b)
    return x @ U.T + h @ W.T + b, 2 * gamma(U.shape[1] + W.shape[1] + 4) * size


# two evaluations of tanh or of the logistic, each off by up to 4 units in the last place of 1; their slope is at most 1
FUNCTION = 8 * EPS
