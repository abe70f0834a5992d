"""equinox: its cells are found out and right, and modules of one row get their batch axis."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import pytest
from adapters.cases import H, I, problem_for
from adapters.conforming import words_if_right
from jax import lax

from ltdcheck.adapters.adapting import adapt


class Layer(eqx.Module):
    """A layer of one row, with a count that is no parameter."""

    cell: eqx.nn.LSTMCell
    steps: jax.Array

    def __init__(self, input_size: int, hidden_size: int, *, key: Any) -> None:
        self.cell = eqx.nn.LSTMCell(input_size, hidden_size, key=key)
        self.steps = jnp.arange(3)

    def __call__(self, x: Any, state: Any = None) -> Any:
        def step(state: Any, x_t: Any) -> Any:
            state = self.cell(x_t, state)
            return state, state[0]

        zeros = jnp.zeros(self.cell.hidden_size, x.dtype)
        final, y = lax.scan(step, (zeros, zeros) if state is None else state, x)
        return y, final


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(eqx.nn.LSTMCell, "lstm(order=i f g o, biases=1)", marks=pytest.mark.quality),  # as in the layer
        (eqx.nn.GRUCell, "gru(reset=after, order=r u n, biases=1+n)"),
        (Layer, "lstm(order=i f g o, biases=1)"),
    ],
    ids=["LSTMCell", "GRUCell", "layer"],
)
def test_what_equinox_has_is_found_out_and_right(make: Any, words: str) -> None:
    """Its two cells, and a layer of one of them."""
    assert words_if_right(make) == words


def test_an_instance_has_its_sizes_and_a_factory_has_any() -> None:
    """Only real arrays are parameters."""
    it = adapt(eqx.nn.GRUCell(3, 7, key=jax.random.key(0)), "it")
    assert it.fixed_sizes == (3, 7)
    assert it.run(problem_for(it, sizes=(3, 7))).facts == {}
    made = adapt(lambda i, h: Layer(i, h, key=jax.random.key(1)), "it")
    assert made.parameters(I, H) == {"cell.weight_ih": (4 * H, I), "cell.weight_hh": (4 * H, H), "cell.bias": (4 * H,)}
    assert (made.form.kind, made.form.batch_first) == ("layer", False)  # type: ignore[attr-defined]
