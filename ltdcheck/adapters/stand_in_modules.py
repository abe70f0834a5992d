"""Modules of equinox and flax whose call is answered by something else: they hold their parameters themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import jax

from ltdcheck.adapters.jax_model import is_real, names_of
from ltdcheck.adapters.stand_in import arguments
from ltdcheck.adapters.stand_in_jax import JaxPasses, Named

ROWS = -2  # the batch axis of x, of y and of every state


class ModulePasses(JaxPasses, ABC):
    """A module that is called with ``(x, state=None)``."""

    name = "__call__"

    @abstractmethod
    def held(self, module: Any) -> Named:
        """The parameters by the names that the adapter gives them."""

    def called(self, instance: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Its answer."""
        x, state = arguments(self.original.__call__, instance, given, named)
        return self.answer(self.held(instance), x, state)


class EquinoxPasses(ModulePasses):
    """A module of one row, without a batch axis."""

    def held(self, module: Any) -> Named:
        """The real arrays in it."""
        return names_of(jax.tree.map(lambda leaf: leaf if is_real(leaf) else None, module))

    def answer(self, params: Named, x: Any, state: Any) -> Any:
        """Of one row."""
        row = jax.tree.map(lambda a: jax.numpy.expand_dims(a, ROWS), (x, state))
        return jax.tree.map(lambda a: a.squeeze(ROWS), super().answer(params, *row))


class NnxPasses(ModulePasses):
    """A module of ``flax.nnx``."""

    def held(self, module: Any) -> Named:
        """Its ``nnx.Param``."""
        from flax import nnx

        return names_of(nnx.split(module, nnx.Param, ...)[1])


class LinenPasses(ModulePasses):
    """A module of ``flax.linen``, which makes its parameters as it is called for the first time."""

    def called(self, instance: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Its own answer where the parameters are made, and that of what stands in afterwards."""
        if instance.is_initializing():
            return self.original.__call__(instance, *given, **named)
        return super().called(instance, given, named)

    def held(self, module: Any) -> Named:
        """What ``apply`` was given."""
        return names_of(module.variables["params"])
