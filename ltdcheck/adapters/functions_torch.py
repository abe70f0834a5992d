"""Functions and modules of torch as functions of one vector.

A module is a function of its parameters, by their names, and of its arguments; its buffers are copied for every call.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import compress
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ltdcheck.adapters.functions import (
    Block,
    How,
    Named,
    Rows,
    Vector,
    called,
    counts,
    joined,
    leaves,
    rebuilt,
    refuse_other_numbers,
    split,
    stacked,
)
from ltdcheck.adapters.functions_torch_numbers import Convolutions, ConvolvedError, Rounding, Sides
from ltdcheck.errors import NotAnalyticError


class TorchFunction:
    """``f`` at ``x``, a tensor, a tree of tensors, or a module's arguments."""

    framework: str = "torch"
    own: str = "torch.autograd"

    def __init__(self, f: Callable[..., Any], x: Any) -> None:
        self.f, self.tree, self.evaluations, self._convolves = f, x, 0, False
        if isinstance(f, torch.nn.Module):
            self.f, self.tree = _of_module(f), {"parameters": dict(f.named_parameters()), "x": x}
        parts = [(name.removeprefix("parameters."), _tensor(part)) for name, part in leaves(self.tree)]
        self._point = [part.detach().clone() for _, part in parts]
        self.blocks: Sequence[Block] = [_block(name, part) for name, part in parts]
        self.point = joined([_numbers(part) for part in self._point])
        with torch.no_grad():
            answer = self._called(self.f, self._tensors(self.point))
        self.outputs: Sequence[Block] = [_block(name, part) for name, part in _floating(answer)]
        self.first = self._flat(answer)

    def value(self, x: Vector, *, raised: bool = False) -> Vector:
        """f(x), in the precision of x or in float64 where f takes it."""
        with torch.no_grad():
            if not raised:
                return self._flat(self._called(self.f, self._tensors(x)))
            with Rounding(How()):
                return self._flat(self._called(self.f, self._tensors(x, torch.float64)))

    def step(self, x: Vector, dx: Vector, how: How) -> Vector:
        """The imaginary part of f(x + i*dx)."""
        parts = zip(split(x, self.blocks), split(dx, self.blocks), strict=True)
        tensors = [torch.complex(torch.from_numpy(a.copy()), torch.from_numpy(b.copy())) for a, b in parts]
        try:
            with torch.no_grad(), _plain_kernels():
                answer = self._sided(lambda: self._called(self.f, tensors), how)
        except (RuntimeError, TypeError, ValueError, AttributeError) as refusal:
            raise NotAnalyticError(f"f does not run on complex tensors: {str(refusal).splitlines()[0]}") from None
        return np.concatenate([_imaginary(part).reshape(-1) for _, part in _floating(answer)])

    def steps(self, x: Vector, D: Rows, how: How) -> Rows:
        """As step, for every row of D at once."""
        real = [torch.from_numpy(a.copy()).expand(len(D), *a.shape).clone() for a in split(x, self.blocks)]
        points = [torch.complex(a, torch.from_numpy(b)) for a, b in zip(real, stacked(D, self.blocks), strict=True)]
        with torch.no_grad(), _side_by_side():
            found = self._sided(lambda: torch.func.vmap(self._answers, randomness="error")(*points), how)
        return np.concatenate([_imaginary(part).reshape(len(D), -1) for part in found], axis=1)

    def _sided(self, run: Callable[[], Any], how: How) -> Any:
        """On complex numbers, and again where it convolves; that it does is remembered."""
        if not self._convolves:
            try:
                with Sides(how):
                    return run()
            except ConvolvedError:
                how.ties, how.tied, self._convolves = 0, None, True
        with Sides(how) as sides, Convolutions(sides):
            return run()

    def answer(self, g: Callable[..., Any], x: Vector, how: How | None = None) -> Named:
        """The arrays that g returns."""
        if how is None:
            return [(name, _array(part)) for name, part in leaves(self._called(g, self._tensors(x)))]
        with _plain_kernels(), Rounding(how):
            answer = self._called(g, self._tensors(x, torch.float64))
        return [(name, _array(part)) for name, part in leaves(answer)]

    def pull(self, x: Vector, C: Rows, how: How | None = None) -> Rows:
        """autograd's vector-Jacobian products; zeros where no gradient comes."""
        if how is None:
            return self._pulled(self._tensors(x), C)[1]
        if how.copies:
            return self._copied(x, C, how)
        try:
            return self._rounded(x, C, how, torch.float64)
        except (RuntimeError, ValueError, TypeError):  # f asks for the dtype of its own constants
            return self._rounded(x, C, how, None)

    def twice(self, C: Rows) -> tuple[Vector, Rows, Rows]:
        """autograd's, through two graphs."""
        value, rows = self._pulled(self._tensors(self.point), C)
        return value, rows, self.pull(self.point, C[:1])

    def push(self, x: Vector, direction: Vector, how: How | None = None) -> Vector:
        """torch.func's Jacobian-vector product."""
        raised = None if how is None else torch.float64
        with warnings.catch_warnings(), _plain_kernels(), Rounding(how) if how else nullcontext():
            warnings.simplefilter("ignore", DeprecationWarning)  # torch's, of what it imports here itself
            primals, tangents = (tuple(self._tensors(a, raised)) for a in (x, direction))
            _, pushed = torch.func.jvp(
                lambda *parts: tuple(p for _, p in _floating(self._called(self.f, parts))), primals, tangents
            )
        return joined([_numbers(part) for part in pushed])

    def gradient_function(self) -> Callable[..., Any]:
        """The gradient of the only output as a function of the same arguments."""

        def gradient(*arguments: Any) -> Any:
            tree = arguments[0] if len(arguments) == 1 else arguments
            parts = [part for _, part in leaves(tree) if not counts(part)]
            if torch._C._functorch.peek_interpreter_stack() is not None:  # noqa: SLF001  (no public name says so)
                return list(torch.func.grad(self._only, tuple(range(len(parts))))(*parts))
            parts = [p if p.requires_grad else p.clone().requires_grad_() for p in parts]
            with torch.enable_grad():
                ((_, y),) = _floating(self._called(self.f, parts))
                if not y.requires_grad:
                    return [torch.zeros_like(p) for p in parts]
                found = torch.autograd.grad(y.sum(), parts, create_graph=True, allow_unused=True)
            return [torch.zeros_like(p) if g is None else g for g, p in zip(found, parts, strict=True)]

        return gradient

    def _only(self, *parts: torch.Tensor) -> torch.Tensor:
        return self._answers(*parts)[0].sum()

    def _copied(self, x: Vector, C: Rows, how: How) -> Rows:
        """Products in many copies, (copies, q, n); a custom function runs so where it says how."""
        weights = [torch.from_numpy(w) for w in stacked(C, self.outputs)]

        def pulled(*parts: torch.Tensor) -> Any:
            answers, pull = torch.func.vjp(self._answers, *parts)
            return torch.func.vmap(pull)(tuple(w.to(a.dtype) for w, a in zip(weights, answers, strict=True)))

        copies = [t.expand(how.copies, *t.shape).clone() for t in self._tensors(x, torch.float64)]
        with _side_by_side(), Rounding(how):
            found = torch.func.vmap(pulled, randomness="error")(*copies)
        return np.concatenate([_numbers(part).reshape(how.copies, len(C), -1) for part in found], axis=2)

    def _answers(self, *parts: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(part for _, part in _floating(self._called(self.f, parts)))

    def _rounded(self, x: Vector, C: Rows, how: How, dtype: Any) -> Rows:
        with _plain_kernels(), Rounding(how):
            return self._pulled(self._tensors(x, dtype), C)[1]

    def _pulled(self, tensors: list[torch.Tensor], C: Rows) -> tuple[Vector, Rows]:
        """The values of f, and the products."""
        with torch.enable_grad():
            inputs = [part.requires_grad_() for part in tensors]
            answers = self._answers(*(part.clone() for part in inputs))
            return joined([_numbers(a) for a in answers]), self._backward(answers, inputs, C)

    def _backward(self, answers: Sequence[torch.Tensor], inputs: list[torch.Tensor], C: Rows) -> Rows:
        moving = [a.requires_grad for a in answers]
        if not any(moving):
            return np.zeros((len(C), len(self.point)))
        weights = [torch.from_numpy(w).to(a.dtype) for w, a in zip(stacked(C, self.outputs), answers, strict=True)]
        ends = list(compress(answers, moving))
        rows = []
        for k in range(len(C)):
            chosen = [w[k] for w in compress(weights, moving)]
            found = torch.autograd.grad(ends, inputs, chosen, retain_graph=k + 1 < len(C), allow_unused=True)
            rows.append(_row(found, inputs))
        return np.stack(rows)

    def _called(self, g: Callable[..., Any], tensors: Sequence[Any]) -> Any:
        self.evaluations += 1
        return called(g, rebuilt(self.tree, iter(tensors)))

    def _tensors(self, x: Vector, dtype: Any = None) -> list[torch.Tensor]:
        return [
            torch.from_numpy(a.copy()).to(dtype or p.dtype)
            for a, p in zip(split(x, self.blocks), self._point, strict=True)
        ]

    def _flat(self, answer: Any) -> Vector:
        return joined([_numbers(part) for _, part in _floating(answer)])


def _of_module(module: torch.nn.Module) -> Callable[[Any], Any]:
    def f(tree: Any) -> Any:
        x = tree["x"]
        buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
        arguments = x if type(x) is tuple else (x,)
        return torch.func.functional_call(module, {**tree["parameters"], **buffers}, arguments)

    return f


def _floating(answer: Any) -> list[tuple[str, Any]]:
    """The outputs that hold real or complex numbers; those that count or index have no derivative."""
    found = [(name, part) for name, part in leaves(answer, "y") if isinstance(part, torch.Tensor)]
    return [(name, part) for name, part in found if part.is_floating_point() or part.is_complex()]


def _block(name: str, part: torch.Tensor) -> Block:
    dtype = str(part.dtype).removeprefix("torch.")
    refuse_other_numbers(name, dtype, real=part.is_floating_point())
    limits = torch.finfo(part.dtype)
    return Block(name, tuple(part.shape), dtype, float(limits.eps), float(limits.tiny))


def _tensor(part: Any) -> torch.Tensor:
    return part if isinstance(part, torch.Tensor) else torch.as_tensor(part)


def _array(part: Any) -> NDArray[Any]:
    if not isinstance(part, torch.Tensor):
        return np.asarray(part)
    return _numbers(part) if part.is_floating_point() else np.asarray(part.numpy(force=True))


def _imaginary(part: torch.Tensor) -> NDArray[Any]:
    return part.imag.numpy() if part.is_complex() else np.zeros(part.shape)


def _row(found: Sequence[torch.Tensor | None], inputs: Sequence[torch.Tensor]) -> Vector:
    return joined([np.zeros(p.shape) if g is None else _numbers(g) for g, p in zip(found, inputs, strict=True)])


def _numbers(part: torch.Tensor) -> NDArray[Any]:
    found: NDArray[Any] = part.detach().double().numpy(force=True)
    return found


@contextmanager
def _side_by_side() -> Iterator[None]:
    """Many points at once: what torch cannot do so, the caller does one by one."""
    try:
        with warnings.catch_warnings(), _plain_kernels():
            warnings.simplefilter("error", UserWarning)  # of operations that torch does in a loop of its own
            warnings.simplefilter("ignore", DeprecationWarning)  # torch's, of what it imports here itself
            yield
    except (RuntimeError, TypeError, ValueError, AttributeError, UserWarning) as refusal:
        raise NotAnalyticError(f"f does not run on many points at once: {str(refusal).splitlines()[0]}") from None


@contextmanager
def _plain_kernels() -> Iterator[None]:
    """Layers as their operations: the fused kernels of oneDNN hide what rounds inside them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of settings for other devices, which the flags touch as well
        flags = torch.backends.mkldnn.flags(enabled=False)
        with flags:
            yield
