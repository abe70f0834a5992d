"""NumPy, with autograd's gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import jacobian, make_vjp
from autograd.extend import defjvp, defvjp, primitive
from autograd.tracer import getval

from benchmarks.peers.case import Array, Flat, parted


class NumPy:
    """Written over autograd.numpy."""

    tanh, sum, stop = staticmethod(anp.tanh), staticmethod(anp.sum), staticmethod(getval)

    def array(self, a: Array) -> Array:
        """As it is."""
        return a

    def relu(self, z: Any) -> Any:
        """By comparison, with a slope of 0 at 0."""
        return anp.where(z > 0, z, 0 * z)

    def bent(self, z: Any, M: Array) -> Any:
        """A primitive."""
        return _bent(z, M)

    def passes(self, f: Callable[..., Any], arguments: Sequence[Any]) -> object:
        """autograd's vector-Jacobian product with ones."""
        pull, y = make_vjp(lambda parts: f(*parts))(tuple(arguments))
        return pull(np.ones_like(y))

    def flat(self, f: Callable[..., Any], arguments: Sequence[Any]) -> Flat:
        """Its Jacobian by autograd."""

        def value(x: Any) -> Any:
            return f(*parted(x, arguments)).reshape(-1)

        return value, jacobian(value), np.concatenate([a.ravel() for a in arguments])

    def counted(self, f: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[[], int]]:
        """By a counter around it."""
        return counting(f)

    def arguments(self, values: Sequence[Array]) -> list[Array]:
        """Copies."""
        return [a.copy() for a in values]


def counting(f: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[[], int]]:
    """f, and how often it was called, where each call runs the Python code of f."""
    calls = [0]

    def counted(*arguments: Any) -> Any:
        calls[0] += 1
        return f(*arguments)

    return counted, lambda: calls[0]


@primitive
def _bent(z: Any, M: Array) -> Any:
    return z


defvjp(_bent, lambda ans, z, M: lambda g: anp.reshape(M @ anp.reshape(g, (-1,)), anp.shape(z)), argnums=(0,))
defjvp(_bent, lambda t, ans, z, M: anp.reshape(M.T @ anp.reshape(t, (-1,)), anp.shape(z)), argnums=(0,))
