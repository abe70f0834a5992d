"""What adapters share whose weights are variables: an engine runs the passes of one framework.

A target holds its weights in variables, keras' or TensorFlow's; an engine sets them, makes one forward pass on arrays
of its framework, and pulls cotangents back through it by its automatic differentiation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ltdcheck.adapters.adapted import Adapted, Kit, Reader, check_names, named, raising
from ltdcheck.adapters.views import swap, viewed
from ltdcheck.errors import TargetAnswer
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem

Facts = dict[str, list[str]]
Forward = Callable[
    [Any, list[Any]], tuple[Any, list[Any]]
]  # (x, state) -> (y, final state), in arrays of the framework


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
        laid_out: Array = viewed(values, self.views.get(name.partition("[")[0], ""))
        return laid_out


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
    def kit(self, precision: str) -> Kit:
        """Zeros, and stacking."""

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


class Passing(Adapted):
    """A target whose gradients are those of an engine.

    Facts: ``mutated`` arguments and weights; outputs that are ``detached`` from the weights and arguments, have another
    ``dtype``, or are ``aliased`` to an argument; ``missing`` gradients, of what no output depends on; each as far as
    the framework lets it happen and lets it be seen.
    """

    engine: Engine

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """All variables that are trained."""
        owner = self.instance(input_size, hidden_size, self.precisions[0], fresh=False)
        return {name: tuple(variable.shape) for name, variable in self.variables(owner).items()}

    @abstractmethod
    def finish(self, made: Any, input_size: int, precision: str) -> Any:
        """A new instance in the precision, with its variables."""

    @abstractmethod
    def variables(self, owner: Any) -> dict[str, Any]:
        """The variables of an instance that are trained, by name."""

    @abstractmethod
    def call_of(self, owner: Any) -> Callable[..., Any]:
        """The forward pass of an instance, ``(x, state=None)``, as :class:`Form` speaks of it."""

    def call_on(self, owner: Any, _problem: Problem) -> Callable[..., Any]:
        """The same for the rows of a problem, which have lengths where the target takes them."""
        return self.call_of(owner)

    def traceable(self, _problem: Problem) -> bool:
        """Its lines keep nothing and take nothing but the arrays that the problem gives."""
        return False

    def computing(self, precision: str) -> AbstractContextManager[None]:
        """In it instances are made and called."""
        return self.engine.computing(precision)

    def instance(self, I: int, H: int, precision: str, *, fresh: bool) -> Any:
        """The instance kept for these sizes and precision, or a new one."""
        self.refuse_other_sizes(I, H)
        with self.computing(precision), raising():
            finish = lambda made: self.finish(made, I, precision)  # noqa: E731
            return self.blueprint.instance((I, H, precision), fresh=fresh, finish=finish)

    def begin(self, problem: Problem, *, backward: bool, fresh: bool, pulls: int = 1) -> Reader:
        """Forward and backward now; the answers are copied when they are read."""
        owner = self.instance(problem.sizes["I"], problem.sizes["H"], problem.precision, fresh=fresh)
        variables = self.variables(owner)
        check_names(set(variables), problem)
        asked = self._asked(problem, pulls if backward else 0)
        with self.computing(problem.precision), raising():
            call, kit = self.call_on(owner, problem), self.engine.kit(problem.precision)
            forward = lambda x, state: self.forward(call, x, state, problem, kit)  # noqa: E731
            answered = self.engine.passes(asked, variables, forward, owner)
        told = {fact: names for fact, names in answered.facts.items() if names}
        return lambda: self._read(asked, answered, told)

    def _asked(self, problem: Problem, pulls: int) -> Asked:
        precision, first = problem.precision, self.form.batch_first

        def held(arrays: Mapping[str, Array]) -> dict[str, Array]:
            dtype = "float32" if precision == "bfloat16" else precision
            return {name: array.astype(dtype, order="C") for name, array in arrays.items()}

        given = {"x": swap(problem.x, batch_first=first), **named("state", problem.state or ())}
        cotangents = {"dy": swap(problem.dy, batch_first=first), **named("dstate", problem.dstate)}
        arrays = held(given), held(cotangents), held(problem.params)
        return Asked(precision, *arrays, problem.views, pulls, self.traceable(problem))

    def _read(self, asked: Asked, answered: Answered, facts: Facts) -> Outputs:
        first = self.form.batch_first
        y, *final = (self.engine.numbers(a).copy(order="C") for a in answered.answers)
        y = swap(y, batch_first=first).copy(order="C")
        if not asked.pulls:
            return Outputs(y, tuple(final), facts=facts)
        arrays = [*asked.given.values(), *asked.params.values()]
        dx, *rest = (
            self.engine.numbers(g).copy(order="C") if g is not None else np.zeros_like(a)
            for g, a in zip(answered.gradients, arrays, strict=True)
        )
        dx = swap(dx, batch_first=first).copy(order="C")
        split = len(asked.given) - 1
        dparams = dict(zip(asked.params, rest[split:], strict=True))
        return Outputs(y, tuple(final), dx, tuple(rest[:split]) or None, dparams, facts)
