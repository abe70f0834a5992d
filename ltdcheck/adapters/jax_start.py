"""The first state of a cell that says itself what it starts with, whatever its parameters are.

It is traced as a part of the cell's program, which takes it where no state is given: said outside of a program, every
operation on arrays of a new shape is compiled by itself, which takes longer than the rest of a call. What cannot be
traced, or is of another precision than x, is said outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ltdcheck.adapters.form import Form
from ltdcheck.adapters.state import arrays_of
from ltdcheck.problem import Array


class Start:
    """``say(x)`` is the first state for x (B, I), a tree of the form's state."""

    def __init__(self, form: Form, say: Callable[[Any], Any]) -> None:
        self.form, self.say = form, say
        self._traces: dict[Any, bool] = {}

    def traces(self, shape: tuple[int, int], dtype: Any, hidden: int) -> bool:
        """It can be a part of a program in this precision; asked once, for x of this shape."""
        if dtype not in self._traces:
            self._traces[dtype] = self._try(shape, dtype, hidden)
        return self._traces[dtype]

    def _try(self, shape: tuple[int, int], dtype: Any, hidden: int) -> bool:
        try:
            arrays = jax.eval_shape(lambda: self._arrays(shape, dtype, hidden))
        except Exception:  # noqa: BLE001  (whatever it raises here, it raises again where it is asked for numbers)
            return False
        return all(array.dtype == dtype for array in arrays)

    def chosen(self, none: Any, given: list[Any], at: tuple[int, int], hidden: int) -> list[Any]:
        """In a program: what the cell starts with where ``none`` is true, else the state that is given."""
        own = self._arrays(at, given[0].dtype, hidden)
        return [jnp.where(none, first, state) for first, state in zip(own, given, strict=True)]

    def said(self, shape: tuple[int, int], dtype: Any, hidden: int) -> list[Array]:
        """Outside of a program.

        Raises
        ------
        TargetAnswer
            When it is no state of the cell.
        """
        return [np.asarray(array) for array in self._arrays(shape, dtype, hidden)]

    def _arrays(self, shape: tuple[int, int], dtype: Any, hidden: int) -> list[Any]:
        tree = self.say(np.zeros(shape, dtype))
        return arrays_of(self.form.state, tree, (shape[0], hidden), "the first state")
