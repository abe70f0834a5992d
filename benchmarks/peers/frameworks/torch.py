"""torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from benchmarks.peers.case import Array, Flat, parted
from benchmarks.peers.frameworks.numpy import counting


class Torch:
    """Tensors on the CPU."""

    tanh, relu, sum = staticmethod(torch.tanh), staticmethod(torch.relu), staticmethod(torch.sum)
    array = staticmethod(torch.as_tensor)

    def stop(self, z: Any) -> Any:
        """Detached."""
        return z.detach()

    def bent(self, z: Any, M: Any) -> Any:
        """A Function with a backward pass of its own."""
        return _Bent.apply(z, M)

    def passes(self, f: Callable[..., Any], arguments: Sequence[Any]) -> object:
        """The gradient of the sum of the outputs."""
        return torch.autograd.grad(f(*arguments).sum(), arguments)

    def flat(self, f: Callable[..., Any], arguments: Sequence[Any]) -> Flat:
        """Its Jacobian from one graph, a row for each output."""

        def tensors(x: Array) -> list[torch.Tensor]:
            parts = zip(parted(x, arguments), arguments, strict=True)
            return [torch.from_numpy(np.ascontiguousarray(part)).to(a.dtype) for part, a in parts]

        def value(x: Array) -> Array:
            with torch.no_grad():
                return np.asarray(f(*tensors(x)).reshape(-1).numpy())

        def jacobian(x: Array) -> Array:
            inputs = [part.requires_grad_() for part in tensors(x)]
            outputs = f(*inputs).reshape(-1)
            rows = [torch.autograd.grad(y, inputs, retain_graph=True) for y in outputs]
            return np.stack([np.concatenate([part.reshape(-1).numpy() for part in row]) for row in rows])

        return value, jacobian, np.concatenate([a.detach().numpy().ravel() for a in arguments])

    def counted(self, f: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[[], int]]:
        """By a counter around it."""
        return counting(f)

    def arguments(self, values: Sequence[Array]) -> list[torch.Tensor]:
        """Tensors that ask for a gradient."""
        return [torch.tensor(a, requires_grad=True) for a in values]


class _Bent(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: torch.Tensor, M: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(M)
        return z.view_as(z)

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> tuple[torch.Tensor, None]:
        (M,), (g,) = ctx.saved_tensors, cotangents
        return (M.to(g.dtype) @ g.reshape(-1)).reshape(g.shape), None
