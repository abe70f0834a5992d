"""The ways to try of handing gradients to a clipping function; those of frameworks where these are loaded already."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from ltdcheck.adapters.clipping_form import Form
from ltdcheck.adapters.clipping_frameworks import LOADED, OWN
from ltdcheck.adapters.clipping_origin import root
from ltdcheck.problem import Array


def forms(function: Any) -> Iterator[Form]:
    """The forms to try, in order."""
    own = root(function)
    if own in OWN:
        yield from OWN[own](function)
        return
    yield Form("a list of arrays", np.array, _ndarray, ("list",))
    yield Form("a dict of arrays", np.array, _ndarray, ("dict",))
    for package, more in LOADED.items():
        if package in sys.modules:
            yield from more()


def _ndarray(value: Any) -> Array:
    """An array of NumPy, not of a framework that took one for its own."""
    if type(value).__module__.partition(".")[0] in LOADED or type(value).__name__ == "ArrayImpl":
        raise TypeError(f"it answers with {type(value).__name__}, given NumPy arrays")
    return np.asarray(value)
