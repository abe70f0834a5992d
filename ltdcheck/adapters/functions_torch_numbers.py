"""Numbers that torch computes with while a function is examined: rounded at random, or complex with sides.

Both work below autograd, operation by operation, so that they reach layers, custom functions and backward passes. Where
an operation meets numbers of several precisions, as float64 inputs and float32 constants, all are raised.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch._decomp import decomposition_table
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from ltdcheck.adapters.functions import SHAKE, How, words
from ltdcheck.adapters.functions_torch_lost import SUMS, forget, lost, remember
from ltdcheck.adapters.functions_torch_rules import RULES
from ltdcheck.adapters.functions_torch_ties import but_whole, counted
from ltdcheck.errors import NotAnalyticError

# without rounding of their own, whatever they are given
ARRANGING = words(
    """
    alias as_strided cat chunk clone copy_ contiguous detach diagonal expand flip gather index index_select
    lift_fresh narrow permute repeat reshape roll select slice split split_with_sizes squeeze stack t tile transpose
    tril triu unbind unfold unsafe_split unsafe_split_with_sizes unsqueeze view _unsafe_view _to_copy where
    masked_fill masked_select constant_pad_nd select_backward slice_backward unfold_backward diag_embed new_zeros
    new_ones zeros_like ones_like empty_like full_like new_empty new_full scatter index_put slice_scatter
    select_scatter expand_as view_as movedim _reshape_alias zeros ones empty full arange eye diagonal_backward
    as_strided_scatter _conj embedding zero_ fill_
    """
)
# of one tensor, which they leave as it is: nothing to raise, nothing that rounds
VIEWS = words(
    """
    alias as_strided detach diagonal expand lift_fresh permute select slice squeeze t transpose unsqueeze view
    _unsafe_view unbind split split_with_sizes _reshape_alias clone
    """
)
EXACT = ARRANGING | words(
    """
    neg abs relu maximum minimum max min amax amin clamp clamp_min clamp_max sign sgn threshold_backward sort
    floor ceil trunc round
    """
)
# linear in their first argument; what torch makes them of rounds numbers that are no floating-point ones to whole ones
OF_PARTS = words(
    """
    upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d
    _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d upsample_trilinear3d upsample_bicubic2d
    _upsample_bilinear2d_aa _upsample_bicubic2d_aa grid_sampler_2d grid_sampler_3d im2col col2im avg_pool1d
    avg_pool2d avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d reflection_pad1d reflection_pad2d
    reflection_pad3d replication_pad1d replication_pad2d replication_pad3d
    """
)
# analytic, where their arguments are complex
ANALYTIC = ARRANGING - {"_conj"} | words(
    """
    add sub rsub mul div neg sum mean prod cumsum cumprod exp sin cos tan sinh cosh tanh asin acos atan asinh acosh
    atanh sigmoid square reciprocal mm bmm addmm addbmm baddbmm mv dot addmv addr ger outer matmul convolution trace
    linalg_solve linalg_inv_ex linalg_inv _linalg_det _linalg_solve_ex inverse silu addcmul addcdiv lerp einsum kron
    index_add scatter_add log sqrt rsqrt pow logcumsumexp
    """
)
POSITIVE = {"log", "sqrt", "rsqrt", "log2", "log10"}  # real to the right of 0 only
WHOLE = words("add sub rsub mul")  # exact for whole numbers, such as what indices are computed from
CONVOLUTIONS = words("conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d")
LINEAR = words(
    """
    mm bmm addmm addbmm baddbmm mv dot addmv sum mean convolution cumsum trace
    """
)


@cache
def name_of(operation: Any) -> str:
    """``add`` for aten.add.Tensor and for aten.add_.Tensor, which works in place."""
    name: str = operation.overloadpacket.__name__
    return name if name in ARRANGING or name.startswith("__") else name.rstrip("_")


@cache
def writes(operation: Any) -> bool:
    """Whether it works in place."""
    return bool(operation._schema.is_mutable)  # noqa: SLF001  (torch has no public name for it)


class Rounding(TorchDispatchMode):  # type: ignore[misc]  # torch is not followed
    """Raises what meets float64; with a seed, every operation is off at random."""

    def __init__(self, how: How) -> None:
        super().__init__()
        self.how = how
        self.random = torch.Generator().manual_seed(how.seed or 0)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute, then move the result."""
        name = name_of(func)
        if name in VIEWS:
            return func(*args, **(kwargs or {}))
        return self.computed(func, name, raised(args, torch.float64), raised(kwargs or {}, torch.float64))

    def computed(self, func: Any, name: str, args: Any, kwargs: Any) -> Any:
        """The result, off at random where a seed says so."""
        if self.how.seed is None:
            return func(*args, **kwargs)
        size = None
        if name == "_to_copy":
            args = (counted(self.how, args[0], kwargs), *args[1:])
        if self.how.seed is not None and name in LINEAR and "out" not in kwargs and not writes(func):
            size = func(*(_size(a) if isinstance(a, torch.Tensor) else tree_map(_size, a) for a in args), **kwargs)
        result = func(*args, **kwargs)
        if name in EXACT:
            return result
        if name in WHOLE and isinstance(result, torch.Tensor):
            size = but_whole(result, args[:2])
        mutable = writes(func)
        if isinstance(result, torch.Tensor):
            return self.moved(result, size, mutable=mutable)
        return tree_map(lambda part: self.moved(part, size, mutable=mutable), result)

    def moved(self, part: Any, size: Any, *, mutable: bool) -> Any:
        """Off by at most SHAKE units of its size, real and imaginary part each by its own."""
        if not isinstance(part, torch.Tensor) or not (part.is_floating_point() or part.is_complex()):
            return part
        size = part if size is None else size
        off = self._off(torch.view_as_real(size.resolve_conj()) if part.is_complex() else size.real)
        off = torch.view_as_complex(off) if part.is_complex() else off.to(part.dtype)
        return part.add_(off) if mutable else part + off

    def _off(self, size: torch.Tensor) -> torch.Tensor:
        """At random, of real numbers; infinity does not round."""
        most = SHAKE * self.how.unit
        share = torch.empty(size.shape, dtype=torch.float64).uniform_(-most, most, generator=self.random)
        return torch.nan_to_num_(share.mul_(size), nan=0.0, posinf=0.0, neginf=0.0)


class ConvolvedError(NotAnalyticError):
    """The code takes complex numbers apart, as a convolution does: it needs :class:`Convolutions`."""


class Sides(Rounding):
    """Complex numbers ordered as dual numbers; what has no meaning on them is refused."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute with complex numbers, by a rule where torch has no kernel of that meaning."""
        kwargs, name = kwargs or {}, name_of(func)
        if name in VIEWS:
            return func(*args, **kwargs)
        if not (any(map(_holds_complex, args)) or any(map(_holds_complex, kwargs.values()))):
            return self.computed(func, name, raised(args, torch.float64), raised(kwargs, torch.float64))
        mutable = writes(func)
        if (
            mutable
            and isinstance(args[0], torch.Tensor)
            and not args[0].is_complex()
            and not _is_complex(kwargs.get("out"))
        ):
            raise NotAnalyticError(f"{func}: writes complex numbers into a real tensor, which loses the derivative")
        if name in RULES:
            result = RULES[name](self.how, *raised(args, torch.complex128), **kwargs)
            return args[0].copy_(result) if mutable else self._rounded(name, args, result)
        if name in OF_PARTS and not any(map(_is_complex, args[1:])):
            return self._by_parts(func, args[0], args[1:], kwargs)
        if name == "view_as_real":
            raise ConvolvedError(f"{func}: part by part, as torch's convolutions take complex numbers")
        if name not in ANALYTIC:
            with self:  # what it is made of is looked at in turn
                result = decomposition_table.get(func, func.decompose)(*args, **kwargs)
            if result is not NotImplemented:
                return result
            raise NotAnalyticError(
                f"{func}: not known to be analytic, so a complex step could return a wrong derivative"
            )
        if name in POSITIVE and not bool(torch.all(args[0].real > 0)):
            raise NotAnalyticError(f"{func} at or below 0")
        result = self.computed(func, name, raised(args, torch.complex128), kwargs)
        return self._losing(name, args, result, mutable=mutable)

    def _rounded(self, name: str, args: Any, result: Any) -> Any:
        if self.how.seed is None or name in EXACT:
            return result
        result = tree_map(lambda part: self.moved(part, None, mutable=False), result)
        return self._losing(name, args, result, mutable=False)

    def _by_parts(self, func: Any, a: torch.Tensor, rest: Any, kwargs: Any) -> torch.Tensor:
        parts = a.real.contiguous(), a.imag.contiguous()
        result = torch.complex(*(func(part, *rest, **kwargs) for part in parts))
        if self.how.seed is None:
            return result
        return self.moved(result, torch.complex(*(func(part.abs(), *rest, **kwargs) for part in parts)), mutable=False)

    def _losing(self, name: str, args: Any, result: Any, *, mutable: bool) -> Any:
        """Off as well by what its slope loses that other code would form of other terms."""
        if self.how.seed is None:
            return result
        if mutable:
            forget(result)
            return result
        if name in SUMS:
            remember(result, args)
        size = lost(name, args, result)
        return result if size is None else result + 1j * self._off(size)


class Convolutions(TorchFunctionMode):  # type: ignore[misc]  # torch leaves it without types
    """Convolutions of complex numbers part by part: torch's own adds the parts up, which loses the smaller one."""

    def __init__(self, sides: Sides) -> None:
        super().__init__()
        self.sides = sides

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The product rule: a term of second order is left out, as it has no digits."""
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") not in CONVOLUTIONS or not any(map(_is_complex, args[:2])):
            return func(*args, **kwargs)
        with _disable_current_modes():
            (a, w), bias, rest = args[:2], kwargs.pop("bias", args[2] if len(args) > 2 else None), args[3:]
            a, w = (part.to(torch.complex128) for part in (a, w))
            ahead = func(a.imag, w.real, None, *rest, **kwargs) + func(a.real, w.imag, None, *rest, **kwargs)
            found = torch.complex(func(a.real, w.real, None, *rest, **kwargs), ahead)
            if self.sides.how.seed is not None:
                size = func(a.real.abs(), w.real.abs(), None, *rest, **kwargs)
                sizes = func(a.imag.abs(), w.real.abs(), None, *rest, **kwargs)
                sizes = sizes + func(a.real.abs(), w.imag.abs(), None, *rest, **kwargs)
                found = self.sides.moved(found, torch.complex(size, sizes), mutable=False)
            return found if bias is None else found + bias.reshape(-1, *[1] * (a.dim() - 2))


def raised(tree: Any, dtype: torch.dtype) -> Any:
    """Every tensor of numbers in the widest precision among them, where that is ``dtype``."""
    if not tree or (isinstance(tree, list | tuple) and not any(_may_be_lower(a, dtype) for a in tree)):
        return tree
    if isinstance(tree, tuple) and not any(isinstance(a, list | tuple | dict) for a in tree):
        if not any(isinstance(a, torch.Tensor) and a.dtype == dtype for a in tree):
            return tree
        return tuple(a.to(dtype) if _lower(a, dtype) else a for a in tree)
    flat, spec = tree_flatten(tree)
    if not any(isinstance(a, torch.Tensor) and a.dtype == dtype for a in flat):
        return tree
    return tree_unflatten([a.to(dtype) if _lower(a, dtype) else a for a in flat], spec)


def _lower(a: Any, dtype: torch.dtype) -> bool:
    # a number of no dimensions takes the dtype of its partner, as torch's promotion has it
    return isinstance(a, torch.Tensor) and a.is_floating_point() and a.dtype != dtype


def _may_be_lower(a: Any, dtype: torch.dtype) -> bool:
    """As above; of what holds others, whether one is a tensor. Most operations are told so without looking further."""
    if isinstance(a, list | tuple | dict):
        return any(not isinstance(part, int | float) for part in a)
    return _lower(a, dtype)


def _holds_complex(a: Any) -> bool:
    return any(map(_holds_complex, a)) if isinstance(a, list | tuple) else _is_complex(a)


def _is_complex(a: Any) -> bool:
    return isinstance(a, torch.Tensor) and a.is_complex()


def _size(a: Any) -> Any:
    if not isinstance(a, torch.Tensor) or not (a.is_floating_point() or a.is_complex()):
        return a
    return torch.complex(a.real.abs(), a.imag.abs()) if a.is_complex() else a.abs()
