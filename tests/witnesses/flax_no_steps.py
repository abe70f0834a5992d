"""What flax's ``RNN`` makes of ``seq_lengths``, with flax, jax and NumPy alone.

Its documentation says that elements whose index is greater than a row's length "will be considered padding and will be
ignored". Of a row of no steps it returns for the final carry what the cell makes of all the padding: it takes the carry
at index ``seq_lengths - 1``, which is -1, the last one. And the outputs after a row's end are those of the cell going
on over the padding, NaN where that holds NaN. So it is in flax.linen and in flax.nnx, 0.12.8.

Prints, for each, the final carry of the row of no steps beside its initial carry and beside that of a run over all of
its padding; and whether a NaN in the padding is in the outputs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

T, B, I, H = 3, 2, 2, 3
LENGTHS = np.array([0, 2])
X = np.random.default_rng(0).standard_normal((B, T, I)).astype("float32")
INITIAL = np.full((B, H), 0.5, "float32")


class Answers(NamedTuple):
    """Of one layer, the row of no steps being the first."""

    final: Any  # (H,), its final carry
    over_padding: Any  # (H,), that of a call without lengths
    spreads: bool  # a NaN after the end of the other row is in its outputs


def of(call: Any) -> Answers:
    """``call(x, lengths)`` answers the final carry and the outputs."""
    final, over = call(X, LENGTHS)[0], call(X, None)[0]
    spoilt = X.copy()
    spoilt[1, 2] = np.nan
    return Answers(np.array(final[0]), np.array(over[0]), bool(np.isnan(call(spoilt, LENGTHS)[1][1, 2]).any()))


def linen() -> Answers:
    """Of flax.linen."""
    layer = nn.RNN(nn.SimpleCell(H), return_carry=True)
    variables = layer.init(jax.random.key(0), X)
    return of(lambda x, n: layer.apply(variables, jnp.asarray(x), initial_carry=INITIAL, seq_lengths=n))


def of_nnx() -> Answers:
    """Of flax.nnx."""
    layer = nnx.RNN(nnx.SimpleCell(I, H, rngs=nnx.Rngs(0)), return_carry=True)
    return of(lambda x, n: layer(jnp.asarray(x), initial_carry=jnp.asarray(INITIAL), seq_lengths=n))


if __name__ == "__main__":
    for name, answers in (("flax.linen", linen()), ("flax.nnx", of_nnx())):
        print(name, answers.final, "initial", INITIAL[0], "over its padding", answers.over_padding, answers.spreads)
