"""A cell folded over as many steps as are asked for, and the adjoint of that fold, in one program of jax.

jax differentiates no loop whose number of steps it does not know, and one with a step for each row of its arrays runs
those that are not asked for too. So the loop over the steps keeps the state before each, and a second loop, from the
last step to the first, pulls the cotangents back through one step at a time by ``jax.vjp``. The lines of the target run
once for both loops, as they do in ``jax.lax.scan``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

LEAST = 64  # steps in the shortest program of a cell
OFTEN = 1024  # in the longest that is also taken for fewer


class Given(NamedTuple):
    """What a program takes; sequences in the target's order."""

    params: dict[str, Any]
    x: Any
    state: list[Any]
    dy: Any
    dstate: list[Any]
    lengths: Any = None  # (B,), of the rows where they differ
    none: Any = None  # whether no state is given; None where the cell does not say what it starts with then


Answers = Any  # ((y, final), (dparams, dx, dstate))
Step = Callable[[dict[str, Any], Any, list[Any]], tuple[Any, list[Any]]]  # (params, x_t, state) -> (y_t, new state)


def allotted(given: Given, known: set[int]) -> Given:
    """With as many steps as the program has: one of the ``known`` numbers, or a power of two, which is known then.

    So sequences of many lengths are one program.
    """
    T = len(given.x)
    steps = min((n for n in known if T <= n <= OFTEN), default=max(LEAST, 1 << max(T - 1, 0).bit_length()))
    known.add(steps)
    return given._replace(x=_padded(given.x, steps), dy=_padded(given.dy, steps))


def _padded(array: Any, steps: int) -> Any:
    longer = np.zeros((steps, *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer


def fold(step: Step, given: Given, length: Any, dtype: Any) -> Answers:
    """The first ``length`` steps and their gradients; x (T, B, I) and dy (T, B, H) may have more.

    Without a state the first step has none either, and stands before the loops. ``dtype`` is that of y. A state keeps
    its ``dtype``, and has that of x if the first step made it.
    """
    once = jax.jit(step, inline=True)  # its trace is used again
    params, x, state = given.params, given.x, given.state
    done, y = np.int32(not state), jnp.zeros(given.dy.shape, dtype)
    if not state:
        y_0, state = once(params, x[0], [])
        y = _put(y, y_0, 0)

    def ahead(t: Any, carry: Any) -> Any:
        state, before, y = carry
        y_t, new = once(params, _at(x, t), state)
        return new, [_put(b, s, t) for b, s in zip(before, state, strict=True)], _put(y, y_t, t)

    empty = [jnp.zeros((len(x), *s.shape), s.dtype) for s in state]
    final, before, y = lax.fori_loop(done, length, ahead, (state, empty, y))

    def pull(t: Any, state: list[Any], dstate: Any) -> Any:
        (y_t, _), pulled = jax.vjp(once, params, _at(x, t), state)
        return pulled((_at(given.dy, t).astype(y_t.dtype), dstate))

    def back(k: Any, carry: Any) -> Any:
        dparams, dx, dstate = carry
        t = length - 1 + done - k
        more, dx_t, dstate = pull(t, [_at(b, t) for b in before], dstate)
        return jax.tree.map(jnp.add, dparams, more), _put(dx, dx_t, t), dstate

    dstate = [d.astype(s.dtype) for d, s in zip(given.dstate, final, strict=True)]
    nothing = jax.tree.map(jnp.zeros_like, (params, x))
    dparams, dx, dstate = lax.fori_loop(done, length, back, (*nothing, dstate))
    if not given.state:
        more, dx_0, dstate = pull(0, [], dstate)
        dparams, dx = jax.tree.map(jnp.add, dparams, more), _put(dx, dx_0, 0)
    return (y, final), (dparams, dx, dstate)


def _at(array: Any, t: Any) -> Any:
    return lax.dynamic_index_in_dim(array, t, keepdims=False)


def _put(array: Any, row: Any, t: Any) -> Any:
    return lax.dynamic_update_index_in_dim(array, row, t, 0)
