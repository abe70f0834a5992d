"""What slopes lose in torch that are formed of other terms: see ``_lost`` in :mod:`ltdcheck.gradcheck.sided`.

``exp(a - b)`` is off by a relative u*max(abs(a), abs(b)), whichever way the difference is formed; so is whatever torch
has in one piece of exponentials of differences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

SUMS = {"add", "sub", "rsub"}


def remember(result: Any, terms: Sequence[Any]) -> None:
    """Keep with a sum or difference, and with no view of it, what it was formed of."""
    if isinstance(result, torch.Tensor):
        result.terms = terms[:2]


def forget(result: Any) -> None:
    """What was written into is no longer formed of its terms."""
    if isinstance(result, torch.Tensor) and hasattr(result, "terms"):
        del result.terms


def lost(name: str, args: Sequence[Any], result: Any) -> torch.Tensor | None:
    """The size of the slopes of which a result loses a unit beside its own; None where it loses none."""
    return LOST[name](result, *args) if name in LOST else None


def _exponential(result: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    size, slope = torch.zeros(()), torch.zeros(())
    for term in map(torch.as_tensor, getattr(a, "terms", (a,))):
        size = torch.maximum(size, term.real.abs())
        slope = torch.maximum(slope, term.imag.abs()) if term.is_complex() else slope
    return result.real * size * slope


def _of_all(a: torch.Tensor, dim: Any, *, keepdim: bool = True) -> torch.Tensor:
    """max abs(a) * sum_j p_j abs(a_j'), of the probabilities p."""
    p = torch.exp(a.real - torch.logsumexp(a.real, dim, keepdim=True))
    found = a.real.abs().amax(dim, keepdim=True) * (p * a.imag.abs()).sum(dim, keepdim=True)
    return found if keepdim else found.reshape(found.sum(dim).shape)


def _softmax(result: torch.Tensor, a: torch.Tensor, dim: int, *_: Any) -> torch.Tensor:
    return result.real * (_of_all(a, dim) + a.real.abs().amax(dim, keepdim=True) * a.imag.abs())


def _logsumexp(result: torch.Tensor, a: torch.Tensor, dim: Any, keepdim: bool = False) -> torch.Tensor:  # noqa: FBT001, FBT002
    return _of_all(a, dim, keepdim=keepdim)


def _log_softmax(result: torch.Tensor, a: torch.Tensor, dim: int, *_: Any) -> torch.Tensor:
    return _of_all(a, dim).expand(result.shape)


LOST: dict[str, Callable[..., torch.Tensor]] = {
    "exp": _exponential,
    "_softmax": _softmax,
    "_safe_softmax": _softmax,
    "_log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
}
