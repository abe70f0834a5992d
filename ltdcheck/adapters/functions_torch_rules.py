"""What torch's operations do to complex numbers that are ordered as dual numbers are.

An elementwise function is given by its slope; what torch computes in one piece, by its formula.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from ltdcheck.adapters.functions import How
from ltdcheck.adapters.functions_torch_ties import (
    chosen,
    clamp,
    compared,
    counted,
    extreme,
    flat,
    kth,
    largest,
    max_pool,
    median,
    running,
    sorted_by_real_parts,
    topk,
    whole,
)
from ltdcheck.errors import NotAnalyticError


def _is_complex(a: Any) -> bool:
    return isinstance(a, torch.Tensor) and a.is_complex()


# -- elementwise functions by their slopes, and what torch has in one piece ------------------------------------


def _slope(value: Callable[..., Any], slope: Callable[..., Any]) -> Callable[..., Any]:
    def rule(how: How, a: torch.Tensor, *rest: Any, **options: Any) -> torch.Tensor:
        real = a.real.contiguous()
        return torch.complex(value(real, *rest, **options), slope(real, *rest, **options) * a.imag)

    return rule


def _gelu_slope(a: torch.Tensor, approximate: str = "none") -> torch.Tensor:
    if approximate == "none":
        return 0.5 * (1 + torch.erf(a / math.sqrt(2))) + a * torch.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    k = math.sqrt(2 / math.pi)
    t = torch.tanh(k * (a + 0.044715 * a**3))
    return 0.5 * (1 + t) + 0.5 * a * (1 - t * t) * k * (1 + 3 * 0.044715 * a * a)


def _powers(how: How, a: Any, p: Any) -> torch.Tensor:
    if _is_complex(p):
        return torch.exp(p * torch.log(torch.as_tensor(a).to(torch.complex128)))
    real, p = a.real, torch.as_tensor(p, dtype=torch.float64)
    if bool(torch.any((real < 0) & (p != p.round()))):
        raise NotAnalyticError("power of a negative number with an exponent that is not whole: it has no real value")
    slope = torch.where(p == 0, torch.zeros(()), p * real ** torch.where(p == 0, torch.ones(()), p - 1))
    return torch.complex(real**p, slope * a.imag)


def _softmax(how: How, a: torch.Tensor, dim: int, *_: Any) -> torch.Tensor:
    e = torch.exp(a - a.real.amax(dim, keepdim=True))
    return e / e.sum(dim, keepdim=True)


def _log_softmax(how: How, a: torch.Tensor, dim: int, *_: Any) -> torch.Tensor:
    a = a - a.real.amax(dim, keepdim=True)
    return a - torch.log(torch.exp(a).sum(dim, keepdim=True))


def _logsumexp(how: How, a: torch.Tensor, dim: Any, keepdim: bool = False) -> torch.Tensor:  # noqa: FBT001, FBT002
    top = a.real.amax(dim, keepdim=True)
    found = torch.log(torch.exp(a - top).sum(dim, keepdim=True)) + top
    return found if keepdim else found.reshape(a.real.amax(dim).shape)


def _var(how: How, a: torch.Tensor, dim: Any = None, *, correction: Any = 1, keepdim: bool = False) -> torch.Tensor:
    dims = list(range(a.dim())) if dim is None else dim
    count = math.prod(a.shape[d] for d in dims)
    off = a - a.mean(dims, keepdim=True)
    return (off * off).sum(dims, keepdim=keepdim) / (count - (1 if correction is None else correction))


def _norm(how: How, a: torch.Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False, **_: Any) -> torch.Tensor:  # noqa: FBT001, FBT002
    dims = list(range(a.dim())) if dim is None else dim
    if p == 1:
        return chosen(how, a, -a, 1.0).sum(dims, keepdim=keepdim)
    if p != 2:
        raise NotAnalyticError(f"a norm of order {p}: only those of order 1 and 2 are known")
    square = (a * a).sum(dims, keepdim=keepdim)
    if not bool(torch.all(square.real > 0)):
        raise NotAnalyticError("a norm at 0")
    return torch.sqrt(square)


def _var_mean(
    how: How,
    a: torch.Tensor,
    dim: Any = None,
    unbiased: Any = True,  # noqa: FBT002
    keepdim: bool = False,  # noqa: FBT001, FBT002
    *,
    correction: Any = None,
) -> Any:
    count = (1 if unbiased else 0) if correction is None else correction
    mean = a.mean() if dim is None else a.mean(dim, keepdim=keepdim)
    return _var(how, a, dim, correction=count, keepdim=keepdim), mean


def _layer_norm(how: How, a: torch.Tensor, shape: Any, weight: Any, bias: Any, eps: float) -> Any:
    dims = list(range(a.dim() - len(shape), a.dim()))
    mean = a.mean(dims, keepdim=True)
    scale = 1 / torch.sqrt(_var(how, a, dims, correction=0, keepdim=True) + eps)
    y = (a - mean) * scale
    y = y if weight is None else y * weight
    return (y if bias is None else y + bias), mean, scale


def _batch_norm(
    how: How,
    a: torch.Tensor,
    weight: Any,
    bias: Any,
    mean: Any,
    var: Any,
    training: bool,  # noqa: FBT001
    momentum: float,
    eps: float,
) -> Any:
    """Without the running averages, which the output does not depend on."""
    dims = [0, *range(2, a.dim())]
    shape = [1 if d in dims else n for d, n in enumerate(a.shape)]
    if training:
        mean, var = a.mean(dims), _var(how, a, dims, correction=0)
    scale = 1 / torch.sqrt(var + eps)
    y = (a - mean.reshape(shape)) * scale.reshape(shape)
    y = y if weight is None else y * weight.reshape(shape)
    return (y if bias is None else y + bias.reshape(shape)), mean, scale


def _reduced(loss: torch.Tensor, reduction: int) -> torch.Tensor:
    return loss if reduction == 0 else loss.mean() if reduction == 1 else loss.sum()


def _mse(how: How, a: Any, b: Any, reduction: int = 1) -> torch.Tensor:
    return _reduced((a - b) * (a - b), reduction)


def _nll(how: How, a: torch.Tensor, target: Any, weight: Any, reduction: int, ignored: int) -> Any:
    if weight is not None or a.dim() != 2 or bool(torch.any(target == ignored)):
        raise NotAnalyticError("nll_loss with weights or ignored targets")
    return _reduced(-a.gather(1, target[:, None])[:, 0], reduction), torch.tensor(float(len(target)))


def _leaky(how: How, a: torch.Tensor, slope: float = 0.01) -> torch.Tensor:
    return chosen(how, a, slope * a, 1.0 if slope <= 1 else -1.0)


def _elu(how: How, a: torch.Tensor, alpha: float = 1.0, scale: float = 1.0, inner: float = 1.0) -> torch.Tensor:
    low = alpha * (torch.exp(inner * a) - 1)
    right = compared(lambda s: s > 0)(how, a, 0.0)
    return scale * torch.where(right, a, low)


def _softplus(how: How, a: torch.Tensor, beta: float = 1.0, threshold: float = 20.0) -> torch.Tensor:
    real = a.real.contiguous()
    slope = torch.where(real * beta > threshold, torch.ones(()), torch.sigmoid(beta * real))
    return torch.complex(torch.nn.functional.softplus(real, beta, threshold), slope * a.imag)


def _to_copy(how: How, a: torch.Tensor, dtype: Any = None, **_: Any) -> torch.Tensor:
    if dtype is not None and not dtype.is_floating_point and not dtype.is_complex:
        return counted(how, a.real, {"dtype": dtype}).to(dtype)  # counts do not move
    return a.clone()


RULES: dict[str, Callable[..., Any]] = {
    "relu": lambda how, a: chosen(how, a, 0.0, 1.0),
    "abs": lambda how, a: chosen(how, a, -a, 1.0),
    "maximum": lambda how, a, b: chosen(how, a, b, 1.0),
    "minimum": lambda how, a, b: chosen(how, a, b, -1.0),
    "fmax": lambda how, a, b: chosen(how, a, b, 1.0),
    "fmin": lambda how, a, b: chosen(how, a, b, -1.0),
    "clamp": clamp,
    "clamp_min": lambda how, a, low: chosen(how, a, low, 1.0),
    "clamp_max": lambda how, a, high: chosen(how, a, high, -1.0),
    "hardtanh": lambda how, a, low=-1.0, high=1.0: clamp(how, a, low, high),
    "leaky_relu": _leaky,
    "elu": _elu,
    "gt": compared(lambda s: s > 0),
    "ge": compared(lambda s: s >= 0),
    "lt": compared(lambda s: s < 0),
    "le": compared(lambda s: s <= 0),
    "eq": compared(lambda s: s == 0),
    "ne": compared(lambda s: s != 0),
    "max": largest(1.0),
    "min": largest(-1.0),
    "amax": extreme(1.0),
    "amin": extreme(-1.0),
    "argmax": lambda how, a, *rest: a.real.argmax(*rest),
    "argmin": lambda how, a, *rest: a.real.argmin(*rest),
    "sign": flat(torch.sign, lambda a: a == 0),
    "isnan": lambda how, a: torch.isnan(a.real),
    "floor": flat(torch.floor, whole),
    "ceil": flat(torch.ceil, whole),
    "trunc": flat(torch.trunc, whole),
    "round": flat(torch.round, lambda a: whole(a + 0.5)),
    "sort": sorted_by_real_parts,
    "topk": topk,
    "kthvalue": kth,
    "median": median,
    "cummax": running(1.0),
    "cummin": running(-1.0),
    "max_pool2d_with_indices": max_pool,
    "var_mean": _var_mean,
    "pow": _powers,
    "erf": _slope(torch.erf, lambda a: 2 / math.sqrt(math.pi) * torch.exp(-a * a)),
    "log1p": _slope(torch.log1p, lambda a: 1 / (1 + a)),
    "expm1": _slope(torch.expm1, torch.exp),
    "exp2": _slope(torch.exp2, lambda a: torch.exp2(a) * math.log(2)),
    "log2": _slope(torch.log2, lambda a: 1 / (a * math.log(2))),
    "log10": _slope(torch.log10, lambda a: 1 / (a * math.log(10))),
    "gelu": _slope(torch.nn.functional.gelu, _gelu_slope),
    "softplus": _softplus,
    "_softmax": _softmax,
    "_safe_softmax": _softmax,
    "_log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "log_sigmoid_forward": lambda how, a: (-_softplus(how, -a), torch.zeros(0)),
    "var": _var,
    "std": lambda how, a, *rest, **o: torch.sqrt(_var(how, a, *rest, **o)),
    "linalg_vector_norm": _norm,
    "native_layer_norm": _layer_norm,
    "native_batch_norm": _batch_norm,
    "mse_loss": _mse,
    "nll_loss_forward": _nll,
    "_to_copy": _to_copy,
}
