"""What the adapters of jax's frameworks say of a network, and its parameters by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ltdcheck.adapters.form import binds


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


def _value(leaf: Any) -> Any:
    """A number for what is known by its shape alone."""
    return jnp.zeros(leaf.shape, leaf.dtype) if isinstance(leaf, jax.ShapeDtypeStruct) else leaf


@contextmanager
def bits(precision: str) -> Iterator[None]:
    """64 of them in double precision; without, jax makes every array of 32."""
    with jax.enable_x64(precision == "float64"):
        yield


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
