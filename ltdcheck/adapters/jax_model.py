"""What the adapters of jax's frameworks say of a network, and what is learned from that before it is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ltdcheck.adapters.adapted import raising
from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.form import Call, Form, H, I, binds
from ltdcheck.adapters.installing import INSTALL
from ltdcheck.adapters.sizes import learn_with_sizes
from ltdcheck.errors import TargetUnusableError
from ltdcheck.problem import Array

OLDEST = {"dm-haiku": (0, 0, 16), "equinox": (0, 13), "flax": (0, 12), "keras": (3, 12), "jax": (0, 10)}


@dataclass(frozen=True)
class Model:
    """A network as two functions; both are traced."""

    init: Callable[[Any], Any]  # the tree of parameters for an input like x
    apply: Callable[..., Any]  # (tree, x, *state) -> (y, state), or a cell's new state; state is left out or one tree
    takes_state: bool = True
    needs_state: bool = False
    start: Callable[[Any], Any] | None = None  # a cell's first state for x (B, I), if it does not follow its parameters
    ragged: Callable[..., Any] | None = None  # as apply, with the lengths of the rows, (B,), before the state

    def shapes(self, x: Any) -> Any:
        """The tree of parameters, each leaf with a shape and a dtype alone."""
        return jax.eval_shape(lambda x: jax.tree.map(_value, self.init(x)), x)


def arguments(function: Callable[..., Any]) -> tuple[bool, bool]:
    """Whether a module takes a state after x, and whether it needs one."""
    return binds(function, 2), not binds(function, 1)


def carried(layer: Any, x: Any, *state: Any, lengths: Any = None) -> Any:
    """A layer of flax, which calls its state the carry, and returns it first, or not at all.

    One that reads backwards, and answers in the order in which it reads, reads a row before its padding, where others
    pass over the padding first: its answers to a row are moved to where theirs are, to the end.
    """
    carry, y = layer(x, initial_carry=state[0] if state else None, seq_lengths=lengths, return_carry=True)
    if lengths is not None and getattr(layer, "reverse", False) and not layer.keep_order:
        rows = 1 if layer.time_major else 0
        late = jax.vmap(partial(jnp.roll, axis=0), in_axes=(rows, 0), out_axes=rows)
        y = late(y, -lengths)
    return y, carry


def _value(leaf: Any) -> Any:
    """A number for what is known by its shape alone."""
    return jnp.zeros(leaf.shape, leaf.dtype) if isinstance(leaf, jax.ShapeDtypeStruct) else leaf


@contextmanager
def bits(precision: str) -> Iterator[None]:
    """64 of them in double precision; without, jax makes every array of 32."""
    with jax.enable_x64(precision == "float64"):
        yield


def held(array: Array, precision: str) -> Array:
    """The numbers in the precision, bfloat16 included."""
    return array.astype(jnp.dtype(precision), order="C")


def is_real(leaf: Any) -> bool:
    """It is a parameter, and no count or key."""
    return hasattr(leaf, "dtype") and bool(jnp.issubdtype(leaf.dtype, jnp.floating))


def names_of(tree: Any) -> dict[str, Any]:
    """The parameters by their paths: ``hf.kernel``."""
    return {_path(path): leaf for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0] if is_real(leaf)}


def filled(tree: Any, params: dict[str, Any]) -> Any:
    """The tree with these parameters."""
    return jax.tree_util.tree_map_with_path(lambda path, leaf: params.get(_path(path), leaf), tree)


def _path(path: Any) -> str:
    name: str = jax.tree_util.keystr(path, simple=True, separator=".")
    return name.removesuffix(".value")


def learn_form(
    target: str, blueprint: Blueprint, model_of: Callable[[Any, str], Model], precision: str
) -> tuple[Form, int]:
    """The form, and the input size with which it was found; nothing is computed, only shapes.

    Raises
    ------
    TargetFailure
        When it raised, however it was called.
    TargetUnusableError
        When what it answers fits no form.
    """
    with bits(precision):
        with raising():
            instance = blueprint.make(I, H)
            model = model_of(instance, precision)

        @lru_cache
        def tree(shape: tuple[int, ...]) -> Any:
            return _rounded(model.shapes(probe(*shape)), precision)

        def call(x: Any, *state: Any) -> Any:
            return jax.eval_shape(model.apply, tree(x.shape), x, *state)

        def probe(*shape: int) -> Any:
            return np.zeros(shape, jnp.dtype(precision))

        asked = Call(call, model.takes_state, model.needs_state)
        sizes = _axes(model) if blueprint.fixed else None
        return learn_with_sizes(asked, probe, target, instance, sizes)


def _rounded(tree: Any, precision: str) -> Any:
    """The shapes of parameters in the precision, which is what they are filled with."""
    dtype = jnp.dtype(precision)
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, dtype) if is_real(leaf) else leaf, tree)


def _axes(model: Model) -> list[tuple[int, ...]]:
    """The shapes of the parameters; where they follow the input, that may be I wide."""
    try:
        return [leaf.shape for leaf in names_of(model.shapes(None)).values()]
    except Exception:  # noqa: BLE001  (whatever it raises on no input, it waits for one)
        return [(I,)]


def refuse_older(package: str, target: str) -> str:
    """The version of an installed framework.

    Raises
    ------
    TargetUnusableError
        When the framework, or jax, is older than what is supported.
    """
    for name in ("jax", package):
        oldest = OLDEST[name]
        if _numbers(version(name)) < oldest:
            why = f"{name} {version(name)} is too old: {'.'.join(map(str, oldest))} or newer is needed."
            extra = INSTALL[name.removeprefix("dm-")]
            raise TargetUnusableError(target, why, f"Upgrade it: {extra.replace('install', 'install -U', 1)}")
    return str(version(package))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())
