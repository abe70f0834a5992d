"""What a cell of jax starts with where no state is given: traced in its program, or said outside of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.jax_start import Start
from ltdcheck.problem import Problem

B, I, H = 2, 3, 4


def halves(rng: Any, shape: tuple[int, ...]) -> Any:
    """Traced."""
    return jnp.full(shape, 0.5)


def cell(start: Callable[..., Any]) -> Any:
    """A cell that starts so."""
    return adapt(
        lambda i, h: linen.SimpleCell(features=h, carry_init=lambda rng, shape, dtype: start(rng, shape)), "it"
    )


def asked(it: Any, *, given: bool, precision: str = "float32") -> Problem:
    """A problem, in which the state that the cell starts with is given or not."""
    rng = np.random.default_rng(0)
    params = {n: np.round(rng.standard_normal(s) * 8) / 8 for n, s in it.parameters(I, H).items()}
    state, x = (np.full((B, H), 0.5),), np.round(rng.standard_normal((3, B, I)) * 8) / 8
    return Problem(params, x, state if given else None, np.ones((3, B, H)), state, precision)


def test_the_first_state_is_what_the_cell_says() -> None:
    """The answer is that to this state where it is given, to the last bit, and of the same program."""
    it = cell(halves)
    given, own = (it.run(asked(it, given=given)) for given in (True, False))
    assert np.array_equal(own.y, given.y)
    assert all(np.array_equal(own.dparams[name], given.dparams[name]) for name in given.dparams)
    assert own.dstate is None
    assert given.dstate is not None
    assert it.compiler.programs == 1


def test_what_is_no_part_of_a_program_is_said_outside() -> None:
    """Nor is one that looks at its numbers traced."""
    it = cell(halves)
    start = Start(it.form, lambda x: jnp.zeros((len(x), H), jnp.float16))
    assert not start.traces((B, I), np.dtype("float32"), H)
    assert start.said((B, I), np.dtype("float32"), H)[0].dtype == np.float16
    start = Start(it.form, lambda x: np.full((len(x), H), float(jnp.full(1, 0.5)[0]), x.dtype))
    assert not start.traces((B, I), np.dtype("float32"), H)
    assert start.said((B, I), np.dtype("float32"), H)[0].tolist() == [[0.5] * H] * B


def test_a_trace_draws_no_numbers() -> None:
    """Whether it traces is known by shapes: nothing is compiled for it."""
    it = cell(halves)
    start = Start(it.form, lambda x: jax.random.normal(jax.random.key(0), (len(x), H), x.dtype))
    assert start.traces((B, I), np.dtype("float32"), H)
