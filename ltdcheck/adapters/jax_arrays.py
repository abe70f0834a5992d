"""Arrays on their way into jax and back."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ltdcheck.problem import Array


def held(array: Array, precision: str) -> Array:
    """The numbers in the precision, bfloat16 included."""
    return array.astype(jnp.dtype(precision), order="C")


def numbers(array: Any) -> Array:
    """The values, in float32 where NumPy does not have the precision."""
    values = np.array(array)
    return values.astype("float32") if values.dtype == jnp.bfloat16 else values
