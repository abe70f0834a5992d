"""jax: a network as a pure function of its parameters, an input and a state; what every framework on it shares.

What is named is an object with ``init(key, input_size, hidden_size) -> params`` and ``apply(params, x, state) ->
(y, state)``, or belongs to a framework whose adapter says the same of it in a :class:`Model`. The parameters are the
real arrays of a tree, named by their paths. Double precision runs with 64 bits enabled, the others without. Instances
are used as pure functions: what one keeps of a call, and a program does not, is gone before the next.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from ltdcheck.adapters.adapted import Adapted, Reader, raising
from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.expected import check_names
from ltdcheck.adapters.form import binds
from ltdcheck.adapters.jax_arrays import held, numbers
from ltdcheck.adapters.jax_compiler import Compiler
from ltdcheck.adapters.jax_fold import Given
from ltdcheck.adapters.jax_model import Model, bits, names_of
from ltdcheck.adapters.jax_probe import learn_form
from ltdcheck.adapters.jax_programs import Program
from ltdcheck.adapters.jax_versions import refuse_older
from ltdcheck.adapters.precisions import in_each_precision
from ltdcheck.adapters.views import swap, viewed
from ltdcheck.errors import TargetUnusableError
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem

KEY = 0  # of the random numbers with which parameters are made, which a problem's own replace


class JaxNetwork(Adapted):
    """A pure function, its gradients by ``jax.vjp``, compiled.

    Facts: outputs of another ``dtype`` or ``detached``, and ``missing`` gradients, as far as one call's program shows.
    """

    framework = "jax"
    framework_version = str(jax.__version__)

    def __init__(
        self, target: str, blueprint: Blueprint, first: Any, model: Callable[[Any, str], Model], package: str = "jax"
    ) -> None:
        self.framework, self.framework_version = package, refuse_older(package, target)
        self._model = model
        learned = in_each_precision(first, partial(learn_form, target, blueprint, model))
        super().__init__(target, blueprint, learned)
        self.compiles = "BIH" if self.form.kind == "cell" else "TBIH"  # cells of all lengths are one program
        self.compiler = Compiler()
        self.takes_lengths = self._takes_lengths(learned.inputs)
        if not self.parameters(learned.inputs, self.form.hidden):
            why = "it has no parameters, so that there is nothing to check a gradient of."
            raise TargetUnusableError(target, why, "Let its weights be real arrays of the tree of its parameters.")

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """The real arrays of the tree, by their paths."""
        program = self._instance(input_size, hidden_size, self.precisions[0], fresh=False)
        with bits(self.precisions[0]), raising():
            return {name: tuple(leaf.shape) for name, leaf in names_of(program.tree(input_size)).items()}

    def _takes_lengths(self, inputs: int) -> bool:
        program = self._instance(inputs, self.form.hidden, self.precisions[0], fresh=False)
        return self.form.kind == "layer" and program.model.ragged is not None

    def _instance(self, I: int, H: int, precision: str, *, fresh: bool) -> Program:
        self.refuse_other_sizes(I, H)
        key = I, H, precision

        def finish(instance: Any) -> Program:
            return Program(self, self._model(instance, precision), self.compiler, key)

        with bits(precision), raising():
            program: Program = self.blueprint.instance(key, fresh=fresh, finish=finish)
            return program

    def begin(self, problem: Problem, *, backward: bool, fresh: bool, pulls: int = 1) -> Reader:
        """Start the program; a second backward pass is the same program, which keeps nothing."""
        I = problem.sizes["I"]
        program = self._instance(I, problem.sizes["H"], problem.precision, fresh=fresh)
        with bits(problem.precision), raising():
            check_names(program.names(I), problem)
            answers, facts = program.run(problem, self._given(problem), new=fresh)
        return lambda: self._read(problem, answers, facts, backward=backward)

    def _given(self, problem: Problem) -> Given:
        first, precision = self.form.batch_first, problem.precision

        def given(array: Array, what: str, *, sequence: bool = False) -> Any:
            array = swap(array, batch_first=first) if sequence else array
            return viewed(held(array, precision), problem.views.get(what, ""))

        return Given(
            {name: given(value, "") for name, value in problem.params.items()},
            given(problem.x, "x", sequence=True),
            [given(s, "state") for s in problem.state or ()],
            given(problem.dy, "dy", sequence=True),
            [given(d, "dstate") for d in problem.dstate],
            None if problem.lengths is None else np.array(problem.lengths, np.int32),
        )

    def _read(self, problem: Problem, answers: Any, facts: dict[str, list[str]], *, backward: bool) -> Outputs:
        (y, final), (dparams, dx, dstate) = jax.tree.map(numbers, answers)
        T, first = len(problem.x), self.form.batch_first
        y, dx = (a[:T] if self.form.kind == "cell" else swap(a, batch_first=first).copy(order="C") for a in (y, dx))
        told = {fact: names for fact, names in facts.items() if names and T}
        if not backward:
            return Outputs(y, tuple(final), facts=told)
        return Outputs(y, tuple(final), dx, tuple(dstate) if problem.state else None, dparams, told)


class Sized:
    """The object of a user at one input and hidden size."""

    def __init__(self, obj: Any, input_size: int, hidden_size: int) -> None:
        self.obj, self.sizes = obj, (input_size, hidden_size)


def blueprint(obj: Any, target: str) -> Blueprint:
    """What is named makes parameters of every size."""
    return Blueprint(target, lambda i, h: Sized(obj, i, h))


def adapt(blueprint: Blueprint, first: Any) -> JaxNetwork:
    """An object with ``init`` and ``apply`` as an implementation.

    Raises
    ------
    TargetUnusableError
        When it is neither a layer nor a cell.
    """

    def model(sized: Sized, _precision: str) -> Model:
        obj, takes = sized.obj, binds(sized.obj.apply, 3)
        return Model(
            init=lambda _x: obj.init(jax.random.key(KEY), *sized.sizes),
            apply=lambda tree, x, *state: obj.apply(tree, x, *(state or [None] * takes)),
            takes_state=takes,
        )

    return JaxNetwork(blueprint.target, blueprint, first, model)
