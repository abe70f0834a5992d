"""The inputs of a cell's nonlinearities, held between -v and v: ONNX's ``clip``, a field of the cells that have it.

    h' = phi(held(a))        held(a) = min(max(a, -v), v)

``a`` is the whole pre-activation, biases, peepholes and forget offset included. The derivative is 1 where -v < a < v,
else 0. What an LSTM makes of its cell for the output, psi(c'), is not held: the text of the operator can be read
otherwise, but ONNX Runtime computes it so. With v infinite nothing is held.

Source: ONNX operator set 22, LSTM, GRU and RNN, attribute ``clip``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from ltdcheck.reference import ops


def held(a: Any, clip: float) -> Any:
    """What the nonlinearities read of the pre-activations ``a``."""
    return a if clip == inf else ops.held(a, -clip, clip)


def passing(parts: Sequence[Any], clip: float) -> tuple[Any, ...]:
    """The derivatives of :func:`held` side by side, for a step to save behind all else; none where nothing is held."""
    return () if clip == inf else (ops.inside(ops.concatenate(parts), -clip, clip),)


def let_through(d: Any, slopes: Sequence[Any], start: int = 0, stop: int | None = None) -> Any:
    """``d`` times what :func:`passing` left, of which these columns belong to it; the chain rule at :func:`held`."""
    return d * slopes[0][..., start:stop] if slopes else d
