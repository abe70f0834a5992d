"""flax.nnx's SimpleCell computes in single precision whatever it is given; jax, flax and NumPy alone.

Its documentation says "dtype: the dtype of the computation (default: None)", which its other cells have, and with which
the precision follows from inputs and parameters. The default in its signature is ``jnp.float32``. With 64 bits enabled,
and parameters and inputs in float64, a GRUCell answers in float64, and a SimpleCell in float32.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx


def answer(cell: Any) -> Any:
    """The next state of a cell of one unit, all parameters, the input and the state being 0.1 in float64."""
    with jax.enable_x64(True):
        net = cell(1, 1, param_dtype=jnp.float64, rngs=nnx.Rngs(0))
        definition, parameters = nnx.split(net)
        parameters = jax.tree.map(lambda p: jnp.full(p.shape, 0.1, jnp.float64), parameters)
        tenth = jnp.full((1, 1), 0.1, jnp.float64)
        return np.asarray(nnx.merge(definition, parameters)(tenth, tenth)[0])


if __name__ == "__main__":
    right = np.tanh(0.1 * 0.1 + 0.1 * 0.1 + 0.1)
    for cell in (nnx.SimpleCell, nnx.GRUCell):
        h = answer(cell)
        print(cell.__name__, h.dtype, repr(h[0, 0]))
    print("h of the SimpleCell in NumPy", np.asarray(right).dtype, repr(right))
