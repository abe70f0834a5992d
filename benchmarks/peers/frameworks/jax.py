"""jax, in 64 bits where the case is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers.case import Array, Flat, parted
from benchmarks.peers.frameworks.numpy import counting

jax.config.update("jax_enable_x64", True)


class Jax:
    """Operations one by one, not compiled together."""

    tanh, relu, sum, array = map(staticmethod, (jnp.tanh, jax.nn.relu, jnp.sum, jnp.asarray))

    def stop(self, z: Any) -> Any:
        """Looked up at every call, as a test may replace it."""
        return jax.lax.stop_gradient(z)

    def bent(self, z: Any, M: Any) -> Any:
        """A rule for forward mode, which reverse mode transposes."""

        @jax.custom_jvp
        def same(z: Any) -> Any:
            return z

        @same.defjvp
        def tangent(primals: Any, tangents: Any) -> Any:
            ((z,), (t,)) = primals, tangents
            return same(z), jnp.reshape(M.T.astype(t.dtype) @ jnp.reshape(t, -1), t.shape)

        return same(z)

    def passes(self, f: Callable[..., Any], arguments: Sequence[Any]) -> object:
        """The vector-Jacobian product with ones."""
        y, pull = jax.vjp(f, *arguments)
        return jax.block_until_ready(pull(jnp.ones_like(y)))

    def flat(self, f: Callable[..., Any], arguments: Sequence[Any]) -> Flat:
        """Its Jacobian from one forward pass, a row for each output."""

        def arrays(x: Array) -> list[Any]:
            return [jnp.asarray(part, a.dtype) for part, a in zip(parted(x, arguments), arguments, strict=True)]

        def value(x: Array) -> Array:
            return np.asarray(f(*arrays(x))).reshape(-1)

        def jacobian(x: Array) -> Array:
            y, pull = jax.vjp(lambda *parts: f(*parts).reshape(-1), *arrays(x))
            rows = [pull(row) for row in np.eye(len(y), dtype=y.dtype)]
            return np.stack([np.concatenate([np.asarray(part).ravel() for part in row]) for row in rows])

        return value, jacobian, np.concatenate([np.asarray(a).ravel() for a in arguments])

    def counted(self, f: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[[], int]]:
        """By a counter around it."""
        return counting(f)

    def arguments(self, values: Sequence[Array]) -> list[Any]:
        """jax's arrays."""
        return [jnp.asarray(a) for a in values]
