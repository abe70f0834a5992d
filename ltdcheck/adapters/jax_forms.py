"""How classes of jax's frameworks are made at two sizes: each has names of its own for them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ltdcheck.adapters.keywords import bare

INPUT = ("input_size", "in_features", "in_size", "input_dim")
HIDDEN = ("hidden_size", "features", "hidden_features", "hidden_dim", "out_features")


def by_names(**others: Callable[[], Any]) -> Callable[[Any, int, int], Any]:
    """A form that gives a constructor its sizes by the names it has for them, and ``others`` where it has those."""

    def make(obj: Any, input_size: int, hidden_size: int) -> Any:
        kind = bare(obj)
        function: Any = kind.__init__ if isinstance(kind, type) else kind  # type: ignore[misc]  # a metaclass hides it
        names = inspect.signature(function).parameters
        given = {name: value() for name, value in others.items() if name in names}
        hidden = next((name for name in HIDDEN if name in names), None)
        if hidden is None:
            raise TypeError(f"it has no parameter named {', '.join(HIDDEN[:-1])} or {HIDDEN[-1]}")
        given[hidden] = hidden_size
        given |= {name: input_size for name in INPUT if name in names}
        return obj(**given)

    return make


def by_place(obj: Any, input_size: int, hidden_size: int) -> Any:
    """As every factory is called."""
    return obj(input_size, hidden_size)
