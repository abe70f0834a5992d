"""Choices that torch makes between complex numbers, which are ordered as dual numbers are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ltdcheck.adapters.functions import SHAKE, How
from ltdcheck.errors import NotAnalyticError

Rule = Callable[..., Any]
OPERATIONS = 16  # that may lie behind a count


def order(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The sign of a - b: of the real part and, where that is zero, of the imaginary one."""
    return torch.where(a.real != b.real, torch.sign(a.real - b.real), torch.sign(a.imag - b.imag))


def pair(a: Any, b: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Both in complex numbers and one shape."""
    both = [torch.as_tensor(c).to(torch.complex128) for c in (a, b)]
    first, second = torch.broadcast_tensors(*both)
    return first, second


def chosen(how: How, a: Any, b: Any, sign: float) -> torch.Tensor:
    """The larger (sign 1) or smaller of two."""
    a, b = pair(a, b)
    best = torch.where(sign * order(a, b) >= 0, a, b)
    tied = ((a.real == b.real) & (a.imag != b.imag)).numpy()
    if not how.met(tied):
        return best
    share = torch.from_numpy(how.shares(tied))
    return torch.where(torch.from_numpy(tied), share * a + (1 - share) * b, best)


def compared(holds: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., torch.Tensor]:
    """A comparison, by what ``holds`` of the sign of the difference."""

    def compare(how: How, a: Any, b: Any) -> torch.Tensor:
        a, b = pair(a, b)
        tied = ((a.real == b.real) & (a.imag != b.imag)).numpy()
        answer = holds(order(a, b))
        if not how.met(tied):
            return answer
        return torch.where(torch.from_numpy(tied), torch.from_numpy(how.shares(tied) >= 0.5), answer)

    return compare


def clamp(how: How, a: Any, low: Any = None, high: Any = None, **bounds: Any) -> Any:
    """Between two bounds, either of which may be absent."""
    low, high = bounds.get("min", low), bounds.get("max", high)
    a = a if low is None else chosen(how, a, low, 1.0)
    return a if high is None else chosen(how, a, high, -1.0)


def extreme(sign: float) -> Callable[..., Any]:
    """The largest (sign 1) or smallest along axes."""

    def of(how: How, a: torch.Tensor, dim: Any = None, keepdim: bool = False, *, values: bool = True) -> Any:  # noqa: FBT001, FBT002
        if dim is None or (isinstance(dim, list | tuple) and not dim):
            parts = list(a.reshape(-1))
        else:
            dims = [d % a.dim() for d in (dim if isinstance(dim, list | tuple) else [dim])]
            rest = [d for d in range(a.dim()) if d not in dims]
            moved = a.permute(*rest, *dims).reshape(*(a.shape[d] for d in rest), -1)
            parts = list(moved.unbind(-1))
        best = parts[0]
        for part in parts[1:]:
            best = chosen(how, best, part, sign)
        if keepdim and dim is not None:
            best = best.reshape([1 if d in dims else n for d, n in enumerate(a.shape)])
        return best

    return of


def largest(sign: float) -> Callable[..., Any]:
    """The same, with its index where one axis is given."""
    best_of = extreme(sign)

    def of(how: How, a: torch.Tensor, dim: Any = None, keepdim: bool = False) -> Any:  # noqa: FBT001, FBT002
        best = best_of(how, a, dim, keepdim)
        if dim is None:
            return best
        return best, (a.real.max(dim, keepdim) if sign > 0 else a.real.min(dim, keepdim))[1]

    return of


def flat(value: Callable[[torch.Tensor], torch.Tensor], jumps: Callable[[torch.Tensor], Any]) -> Rule:
    """A function in steps, with slope 0 between its jumps."""

    def rule(how: How, a: torch.Tensor) -> torch.Tensor:
        if bool(torch.any(jumps(a.real) & (a.imag != 0))):
            raise NotAnalyticError("a jump of f at x")
        return value(a.real)

    return rule


def whole(a: torch.Tensor) -> torch.Tensor:
    """Where numbers are whole."""
    return a == torch.round(a)


def counted(how: How, a: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
    """What is made a count: a whole number that was computed, as an index, is not rounded to the one below it."""
    dtype = options.get("dtype")
    if how.seed is None or dtype is None or dtype.is_floating_point or dtype.is_complex or not a.is_floating_point():
        return a
    nearest = a.round()
    return torch.where((a - nearest).abs() <= OPERATIONS * SHAKE * how.unit * nearest.abs(), nearest, a)


def but_whole(result: torch.Tensor, terms: Any) -> torch.Tensor:
    """What rounds of a sum or product: nothing where all terms are whole numbers, as those of indices are."""
    exact = whole(result.real)
    for term in terms:
        exact = exact & (whole(term.real) if isinstance(term, torch.Tensor) else term == round(term))
    rounds = torch.where(exact, 0.0, result.real)
    return torch.complex(rounds, result.imag) if result.is_complex() else rounds


def sorted_by_real_parts(how: How, a: torch.Tensor, dim: int = -1, descending: bool = False) -> Any:  # noqa: FBT001, FBT002
    """In the order of the real parts.

    Raises
    ------
    NotAnalyticError
        When numbers are equal that move apart.
    """
    if not a.dim():
        return a.clone(), torch.zeros((), dtype=torch.int64)
    real, order = a.real.sort(dim, descending)
    found = a.gather(dim, order)
    tied = (real.diff(dim=dim) == 0) & (found.imag.diff(dim=dim) != 0)
    if bool(torch.any(tied)):
        raise NotAnalyticError("a sort of equal numbers")
    return found, order


def topk(how: How, a: torch.Tensor, k: int, dim: int = -1, largest: bool = True, *_: Any) -> Any:  # noqa: FBT001, FBT002
    """The first k in order."""
    return tuple(part.narrow(dim, 0, k) for part in sorted_by_real_parts(how, a, dim, largest))


def kth(how: How, a: torch.Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:  # noqa: FBT001, FBT002
    """The k-th smallest along an axis, and where it is."""
    found, order = (part.narrow(dim, k - 1, 1) for part in sorted_by_real_parts(how, a, dim))
    return (found, order) if keepdim else (found.squeeze(dim), order.squeeze(dim))


def median(how: How, a: torch.Tensor, dim: int | None = None, keepdim: bool = False) -> Any:  # noqa: FBT001, FBT002
    """The lower of the two in the middle, along an axis with its place."""
    if dim is None:
        return median(how, a.reshape(-1), 0)[0]
    return kth(how, a, (a.shape[dim] + 1) // 2, dim, keepdim)


def running(sign: float) -> Rule:
    """The largest (sign 1) or smallest up to each place along an axis, and where that is."""

    def of(how: How, a: torch.Tensor, dim: int) -> Any:
        found = list(a.unbind(dim))
        for k in range(1, len(found)):
            found[k] = chosen(how, found[k - 1], found[k], sign)
        return torch.stack(found, dim), (a.real.cummax(dim) if sign > 0 else a.real.cummin(dim))[1]

    return of


def max_pool(how: How, a: torch.Tensor, *rest: Any) -> Any:
    """The entries that the real parts choose.

    Raises
    ------
    NotAnalyticError
        When a window's largest number is there twice, and the two move apart.
    """
    pool = torch.ops.aten.max_pool2d_with_indices
    real = a.real.contiguous()
    value, first = pool(real, *rest)
    last = real.flatten(-2).shape[-1] - 1 - pool(real.flip(-1, -2), *rest)[1].flip(-1, -2)
    if first.shape != last.shape:
        raise NotAnalyticError("a pooling whose windows do not cover the input evenly")
    found, other = (a.flatten(-2).gather(-1, k.flatten(-2)).reshape(value.shape) for k in (first, last))
    if bool(torch.any((found.real == other.real) & (found.imag != other.imag))):
        raise NotAnalyticError("a pooling of equal numbers")
    return found, first
