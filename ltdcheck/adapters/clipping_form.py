"""One way in which a clipping function takes its gradients."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from ltdcheck.problem import Array


def _plainly(function: Callable[..., Any], grads: Any, threshold: float) -> Any:
    return function(grads, threshold)


@dataclass(frozen=True)
class Form:
    """One way to hand gradients over: what an array becomes, how it is read back, what holds them, how it is called.

    ``joined`` are functions of one array, with a norm of its own: they are given all entries in one.
    """

    name: str
    wrap: Callable[[Array], Any]
    read: Callable[[Any], Array]
    containers: tuple[str, ...]
    call: Callable[[Callable[..., Any], Any, float], Any] = _plainly
    joined: bool = False
    computing: Callable[[str], AbstractContextManager[Any]] = lambda _precision: nullcontext()
