"""What adapters share whose weights are variables, torch's, keras' or TensorFlow's: an engine makes the passes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from ltdcheck.adapters.adapted import Adapted, Reader, named, raising
from ltdcheck.adapters.engine import Answered, Asked, Engine, Facts
from ltdcheck.adapters.expected import check_names
from ltdcheck.adapters.views import swap
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem


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
        asked = self._asked(problem, variables, pulls if backward else 0)
        with self.computing(problem.precision), raising():
            call, kit = self.call_on(owner, problem), self.engine.kit
            forward = lambda x, state: self.forward(call, x, state, problem, kit(x))  # noqa: E731
            answered = self.engine.passes(asked, variables, forward, owner)
        facts = answered.facts.items()  # at T = 0 nothing was computed
        told = {fact: names for fact, names in facts if names and (len(problem.x) or fact == "mutated")}
        return lambda: self._read(asked, answered, told)

    def _asked(self, problem: Problem, variables: Iterable[str], pulls: int) -> Asked:
        precision, first = problem.precision, self.form.batch_first

        def held(arrays: Mapping[str, Array]) -> dict[str, Array]:
            dtype = "float32" if precision == "bfloat16" else precision
            return {name: array.astype(dtype, order="C") for name, array in arrays.items()}

        given = {"x": swap(problem.x, batch_first=first), **named("state", problem.state or ())}
        cotangents = {"dy": swap(problem.dy, batch_first=first), **named("dstate", problem.dstate)}
        arrays = held(given), held(cotangents), held({name: problem.params[name] for name in variables})
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
