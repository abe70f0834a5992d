"""A network and its gradients as compiled programs of jax.

A cell is folded over as many steps as are asked for, so that sequences of many lengths are one program.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from ltdcheck.adapters.adapted import Kit
from ltdcheck.adapters.jax_compiler import Compiler, Whole
from ltdcheck.adapters.jax_facts import Facts, Observed, observed
from ltdcheck.adapters.jax_fold import Answers, Given, allotted, fold
from ltdcheck.adapters.jax_model import Model, filled, names_of
from ltdcheck.adapters.jax_start import Start

if TYPE_CHECKING:
    from ltdcheck.adapters.adapted import Adapted
    from ltdcheck.problem import Problem


class Program:
    """One instance of a network, in one precision."""

    def __init__(self, network: Adapted, model: Model, compiler: Compiler, key: Any) -> None:
        self.network, self.model, self.compiler, self.key = network, model, compiler, key
        self._tree: Any = None
        self._names: set[str] = set()
        self.start = None if model.start is None else Start(network.form, model.start)
        self._starts: dict[Any, list[Any]] = {}

    def tree(self, inputs: int) -> Any:
        """The shapes of its parameters, for x of this input size; those of new instances are soon taken to be alike."""
        if self._tree is None:
            known, at = self.compiler.trees, self.key[:2]
            if at not in known or self.compiler.varies or self.compiler.looks("new parameters"):
                shape = (2, inputs) if self.network.form.kind == "cell" else (3, 2, inputs)
                known[at] = self.model.shapes(np.zeros(shape))
            self._tree = known[at]
        return self._tree

    def names(self, inputs: int) -> set[str]:
        """Of its parameters."""
        self._names = self._names or set(names_of(self.tree(inputs)))
        return self._names

    def run(self, problem: Problem, given: Given, *, new: bool) -> tuple[Answers, Facts]:
        """Outputs and gradients, and what was observed; ``new`` says that it is a new instance's first call."""
        cell, T = self.network.form.kind == "cell", len(problem.x)
        given = self._begun(problem, given) if cell else given
        seen = self._observed(problem, given)
        at = self.key, given.x.shape[1:], len(given.state), given.lengths is not None, given.none is not None
        folded = allotted(given, self.compiler.steps[at]) if cell else given
        whole = partial(self._folded, problem, seen) if cell else self._pulled(partial(self._once, problem))
        key = *at, len(folded.x)
        usual = problem.precision == self.network.precisions[-1]
        answers = self.compiler.compiled(key, whole, folded, new=new, usual=usual)(folded, np.int32(T))
        return answers, seen.facts

    def _begun(self, problem: Problem, given: Given) -> Given:
        """With a first state: zeros where the program has its own; none where the cell finds it by its parameters."""
        at = problem.x.shape[1:], given.x.dtype, problem.sizes["H"]
        zeros = [np.zeros_like(d) for d in given.dstate]
        if self.start is not None and zeros and self.start.traces(*at):
            return given._replace(state=given.state or zeros, none=np.bool_(not given.state))
        if given.state:
            return given
        if self.start is not None:
            return given._replace(state=self._said(self.start, at))
        return given._replace(state=zeros) if self.network.form.needs_state or not len(problem.x) else given

    def _said(self, start: Start, at: Any) -> list[Any]:
        """What a cell says outside of its program: once for a shape, unless it says another thing again."""
        if at not in self._starts or self.compiler.varies:
            self._starts[at] = start.said(*at)
            if not self.compiler.varies and self.compiler.looks("a first state"):
                pairs = zip(self._starts[at], start.said(*at), strict=True)
                self.compiler.varies = not all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
        return self._starts[at]

    def _observed(self, problem: Problem, given: Given) -> Observed:
        """Once, from the trace of one call."""
        key = problem.precision, bool(given.state)
        if key not in self.compiler.observed:
            cell = self.network.form.kind == "cell"
            if not cell and not len(problem.x):
                return Observed(problem.precision, {})
            at = [np.zeros((1, *a.shape[1:]), a.dtype) for a in (given.x, given.dy)]
            call = given._replace(x=at[0], dy=at[1], none=None) if cell else given
            whole = self._pulled(partial(self._once, _step_of(problem) if cell else problem))
            self.compiler.observed[key] = observed(whole, call)
        return self.compiler.observed[key]

    def _pulled(self, run: Callable[..., Any]) -> Whole:
        """The answers of ``run``, and the gradients of their products with the cotangents."""

        def whole(given: Given, length: Any) -> Answers:
            def outputs(params: Any, x: Any, state: Any) -> tuple[Any, list[Any]]:
                y, final = run(self._call(params, x, given.lengths), x, state, length)
                return y, list(final)

            answers, pull = jax.vjp(outputs, given.params, given.x, given.state)
            weights = given.dy, given.dstate
            return answers, pull(jax.tree.map(lambda weight, answer: weight.astype(answer.dtype), weights, answers))

        return whole

    def _call(self, params: dict[str, Any], x: Any, lengths: Any) -> Callable[..., Any]:
        """The network with these parameters; what else its tree holds is made as its framework makes it."""
        tree = self.tree(x.shape[-1])
        if len(names_of(tree)) < len(jax.tree.leaves(tree)):
            tree = self.model.init(x)
        if lengths is not None and self.model.ragged is not None:
            ragged = self.model.ragged
            return lambda x, *state: ragged(filled(tree, params), x, lengths, *state)
        return lambda x, *state: self.model.apply(filled(tree, params), x, *state)

    def _once(self, like: Problem, call: Any, x: Any, state: list[Any], _length: Any) -> tuple[Any, list[Any]]:
        return self.network.forward(call, x, state, like, _kit(x))

    def _folded(self, problem: Problem, seen: Observed, given: Given, length: Any) -> Answers:
        """The first ``length`` steps of a cell; its states are carried in the precision of x."""
        like = _step_of(problem)

        def step(params: dict[str, Any], x_t: Any, state: list[Any]) -> tuple[Any, list[Any]]:
            call = self._call(params, x_t, given.lengths)
            y, new = self.network.forward(call, x_t[None], list(state), like, _kit(x_t))
            return y[0], [n.astype(x_t.dtype) for n in new]

        if self.start is not None and given.none is not None:
            given = given._replace(
                state=self.start.chosen(given.none, given.state, given.x.shape[1:], problem.sizes["H"])
            )
        return fold(step, given, length, seen.dtype)


def _step_of(problem: Problem) -> Problem:
    """The problem at one step, for its shapes."""
    return problem.with_(dy=np.zeros((1, *problem.dy.shape[1:])))


def _kit(x: Any) -> Kit:
    return Kit(lambda shape: jnp.zeros(shape, x.dtype), jnp.stack)
