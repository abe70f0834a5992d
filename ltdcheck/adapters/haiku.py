"""haiku: cores, which exist only inside ``hk.transform``; their class, a factory, or what ``hk.transform`` returns.

A core is called as ``core(x, state)`` for one step; where no state is given it starts with its own ``initial_state``. A
transformed function is called with ``(x, state)``, where the state is None or what it returned: its unroll is a layer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import haiku as hk
import jax

from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.form import H, I
from ltdcheck.adapters.jax import KEY, JaxNetwork
from ltdcheck.adapters.jax_forms import by_names, by_place
from ltdcheck.adapters.jax_model import Model
from ltdcheck.errors import TargetUnusableError

Make = Callable[[Any, int, int], Any]


class Core:
    """The way to make a core, to be made inside a transformed function."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def __call__(self, x: Any, *state: Any) -> Any:
        """One step."""
        core = self.make()
        return core(x, state[0] if state else core.initial_state(x.shape[0]))

    def start(self, x: Any) -> Any:
        """The state with which it starts.

        Raises
        ------
        ValueError
            When that is made of parameters.
        """
        return hk.transform(lambda: self.make().initial_state(x.shape[0])).apply({}, None)

    @property
    def starts_alike(self) -> bool:
        """Whatever its parameters are."""
        try:
            jax.eval_shape(self.start, jax.ShapeDtypeStruct((1, 1), "float32"))
        except ValueError:
            return False
        return True


def _inside(make: Make) -> Make:
    """A form that makes a core there; it is made once, to see that it can be.

    Raises
    ------
    TypeError
        When something else is made.
    """

    def form(obj: Any, input_size: int, hidden_size: int) -> Core:
        if (input_size, hidden_size) == (I, H):
            made: list[Any] = []
            hk.transform(lambda: made.append(make(obj, input_size, hidden_size))).init(jax.random.key(KEY))
            if not isinstance(made[0], hk.RNNCore):
                raise TypeError(f"it makes a {type(made[0]).__name__}, which is no hk.RNNCore")
        return Core(lambda: make(obj, input_size, hidden_size))

    return form


FORMS = (_inside(by_names()), _inside(by_place))
FACTORIES = (by_place, by_names(), _inside(by_place))  # of a function, which may make anything


def _model(instance: Any, _precision: str) -> Model:
    """No random numbers are given: an answer that depends on them has no reference."""
    core = isinstance(instance, Core)
    network = hk.transform(instance) if core else instance

    def given(x: Any, *state: Any) -> tuple[Any, ...]:
        return (x, *state) if core else (x, state[0] if state else None)

    return Model(
        init=lambda x: network.init(jax.random.key(KEY), *given(x)),
        apply=lambda tree, x, *state: network.apply(tree, None, *given(x, *state)),
        start=instance.start if core and instance.starts_alike else None,
    )


def adapt(blueprint: Blueprint, first: Any) -> JaxNetwork:
    """A core or a transformed function as an implementation, from the way to make it and the first one made.

    Raises
    ------
    TargetUnusableError
        When it keeps a state of haiku's beside its parameters, has no parameters, or is neither a layer nor a cell.
    """
    if isinstance(first, hk.TransformedWithState):
        why = "hk.transform_with_state makes a function that keeps more than parameters."
        raise TargetUnusableError(blueprint.target, why, "Name what hk.transform or hk.without_state returns.")
    return JaxNetwork(blueprint.target, blueprint, first, _model, "dm-haiku")
