"""Right networks of several layers, of the other direction, of half precision, and of jax's frameworks."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from flax import linen, nnx
from torch import nn


class TwoBothWays(nn.Module):
    """Two layers, each read from both ends; its author says that it computes in half precision too."""

    precisions = ("float64", "bfloat16", "float16")

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.rnn = nn.GRU(input_size, hidden_size, num_layers=2, bidirectional=True)

    def forward(self, x: Any, state: Any = None) -> Any:
        return self.rnn(x, state)


class FromTheEnd(nn.Module):
    """Reads from the last step to the first, and answers in the order of its input."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(input_size, hidden_size)

    def forward(self, x: Any, state: Any = None) -> Any:
        y, final = self.rnn(x.flip(0), state)
        return y.flip(0), final


def folded(step: Any, h: Any, x: Any) -> tuple[Any, Any]:
    """The outputs, and the last of them, of a step over time."""

    def each(h: Any, x_t: Any) -> tuple[Any, Any]:
        h = step(h, x_t)
        return h, h

    h, y = jax.lax.scan(each, h, x)
    return y, h


class Functions:
    """Parameters are given with every call."""

    def init(self, key: Any, input_size: int, hidden_size: int) -> Any:
        k, m = jax.random.split(key)
        return {
            "cell": {
                "U": jax.random.normal(k, (input_size, hidden_size)),
                "W": jax.random.normal(m, (hidden_size,) * 2),
            }
        }

    def apply(self, params: Any, x: Any, state: Any = None) -> Any:
        p = params["cell"]
        h = jnp.zeros((x.shape[1], len(p["W"])), x.dtype) if state is None else state
        return folded(lambda h, x_t: jnp.tanh(x_t @ p["U"] + h @ p["W"]), h, x)


class OneRow(eqx.Module):  # type: ignore[misc]
    """A module of equinox, without a batch axis."""

    cell: eqx.nn.GRUCell

    def __init__(self, input_size: int, hidden_size: int, key: Any) -> None:
        self.cell = eqx.nn.GRUCell(input_size, hidden_size, key=key)

    def __call__(self, x: Any, state: Any = None) -> Any:
        h = jnp.zeros(self.cell.hidden_size, x.dtype) if state is None else state
        return folded(lambda h, x_t: self.cell(x_t, h), h, x)


class Compact(linen.Module):  # type: ignore[misc]
    """A module of flax.linen, which makes its parameters where it is called."""

    features: int

    @linen.compact
    def __call__(self, x: Any, state: Any = None) -> Any:
        cell = linen.SimpleCell(self.features)
        h = jnp.zeros((x.shape[1], self.features), x.dtype) if state is None else state
        outputs = []
        for x_t in x:
            h, y_t = cell(h, x_t)
            outputs.append(y_t)
        return (jnp.stack(outputs) if outputs else jnp.zeros((0, *h.shape), x.dtype)), h


class Held(nnx.Module):  # type: ignore[misc]
    """A module of flax.nnx."""

    def __init__(self, input_size: int, hidden_size: int, rngs: Any) -> None:
        self.u = nnx.Linear(input_size, hidden_size, rngs=rngs)
        self.w = nnx.Linear(hidden_size, hidden_size, use_bias=False, rngs=rngs)

    def __call__(self, x: Any, state: Any = None) -> Any:
        h = jnp.zeros((x.shape[1], self.w.out_features), x.dtype) if state is None else state
        outputs = []
        for x_t in x:
            h = jnp.tanh(self.u(x_t) + self.w(h))
            outputs.append(h)
        return (jnp.stack(outputs) if outputs else jnp.zeros((0, *h.shape), x.dtype)), h
