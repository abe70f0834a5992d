"""What a jax user sees of flax.nnx's SimpleCell in double precision."""

from __future__ import annotations

import numpy as np
from flax import nnx
from witnesses.flax_simple_cell import answer


def test_the_simple_cell_of_nnx_rounds_doubles() -> None:
    """Its state comes in float32, and is off by more than double precision rounds; the GRU's comes in float64."""
    h, right = answer(nnx.SimpleCell), np.tanh(0.1 * 0.1 + 0.1 * 0.1 + 0.1)
    assert h.dtype == np.float32
    assert 8 * np.finfo(float).eps < abs(float(h[0, 0]) - right) < 8 * np.finfo(np.float32).eps
    assert answer(nnx.GRUCell).dtype == np.float64
