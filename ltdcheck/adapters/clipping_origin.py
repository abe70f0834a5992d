"""Where a clipping function comes from: its package, and of an optimizer of keras its option. Nothing is imported."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

from ltdcheck.adapters.keywords import bare

OPTIONS = {"clipnorm": "clip-norm", "global_clipnorm": "clip-norm", "clipvalue": "clip-value"}  # of keras' optimizers


def root(function: Any) -> str:
    """The top package that the function comes from, through functools.partial."""
    function = bare(function)
    own = getattr(function, "__module__", None) or type(function).__module__
    return str(own or "").partition(".")[0]


def option_of(optimizer: Any) -> str | None:
    """The one clipping option that an optimizer of keras was, or is to be, made with; None for everything else."""
    told, kind = optimizer, type(optimizer)
    if isinstance(optimizer, functools.partial) and isinstance(bare(optimizer), type):
        told, kind = SimpleNamespace(**optimizer.keywords), bare(optimizer)
    bases = [(base.__module__.partition(".")[0], base.__name__) for base in kind.__mro__]
    if ("keras", "BaseOptimizer") not in bases:
        return None
    given = [name for name in OPTIONS if getattr(told, name, None) is not None]
    return given[0] if len(given) == 1 else None
