"""An engine runs the passes of one framework, for targets that hold their weights in variables.

It sets the variables, makes one forward pass on arrays of its framework, and pulls cotangents back through it by its
automatic differentiation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ltdcheck.adapters.adapted import Kit
from ltdcheck.adapters.views import viewed
from ltdcheck.errors import TargetAnswer
from ltdcheck.problem import Array

Facts = dict[str, list[str]]
Forward = Callable[[Any, list[Any]], tuple[Any, list[Any]]]  # (x, state) -> (y, final state), the framework's arrays


@dataclass(frozen=True)
class Asked:
    """One question in the target's own layout: arrays by name, ``x`` first, and one cotangent for each answer."""

    precision: str
    given: Mapping[str, Array]  # x, and the arrays of the state if one is given
    cotangents: Mapping[str, Array]  # dy, and one for each array of the final state
    params: Mapping[str, Array]
    views: Mapping[str, str]
    pulls: int  # backward passes
    traceable: bool = False  # the lines of the target keep nothing: they need not run at every call

    def viewed(self, name: str, values: Array) -> Array:
        """The array as it is to lie in memory."""
        laid_out: Array = viewed(values, self.view(name))
        return laid_out

    def view(self, name: str) -> str:
        """The name of how it is to lie there."""
        return self.views.get(name.partition("[")[0], "")


@dataclass(frozen=True)
class Answered:
    """Arrays of the framework: the answers, the gradients of what was given and of the weights, and what was seen."""

    answers: Sequence[Any]
    gradients: Sequence[Any] = ()  # None where no answer depends on it
    facts: Facts = field(default_factory=dict)


class Engine(ABC):
    """The passes of one framework."""

    name: str
    version: str

    @contextmanager
    def computing(self, precision: str) -> Iterator[None]:
        """What the framework needs to be told so that it computes in this precision."""
        yield

    def compiled(self, call: Callable[..., Any]) -> Callable[..., Any] | None:
        """The call as users of the framework have it compiled; None where they do not."""
        return None

    @abstractmethod
    def array(self, values: Array, precision: str) -> Any:
        """An array of the framework."""

    @abstractmethod
    def kit(self, x: Any) -> Kit:
        """Zeros like the numbers of x, and stacking."""

    @abstractmethod
    def numbers(self, array: Any) -> Array:
        """The values, in float32 where NumPy does not have the precision."""

    @abstractmethod
    def passes(self, asked: Asked, variables: Mapping[str, Any], forward: Forward, owner: Any) -> Answered:
        """Set the variables, go forward, and back as often as asked; ``owner`` is whose variables they are.

        Raises
        ------
        TargetAnswer
            When what comes back is no array of real numbers.
        """


def refuse_other_kinds(answers: Mapping[str, Any]) -> dict[str, str]:
    """The dtypes of the answers, by name; every answer is an array of real numbers.

    Raises
    ------
    TargetAnswer
        When one is not.
    """
    dtypes = {}
    for name, answer in answers.items():
        dtype = getattr(answer, "dtype", None)
        dtypes[name] = str(getattr(dtype, "name", dtype))
        if "float" not in dtypes[name]:
            what = type(answer).__name__ if dtype is None else dtypes[name]
            raise TargetAnswer(f"{name} must hold real numbers, got {what}")
    return dtypes
