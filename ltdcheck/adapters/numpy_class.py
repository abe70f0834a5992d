"""A NumPy class: ``self.params``, ``forward(x, state=None)`` and, if it has one, ``backward(dy, dstate=None)``.

``backward`` fills ``self.grads`` with sums over batch and time, and returns ``(dx, dstate0)``.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import numpy as np

from ltdcheck.adapters.adapted import Adapted, Kit, Reader, named, raising
from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.expected import check_names, expect, pair_of
from ltdcheck.adapters.form import binds
from ltdcheck.adapters.numpy_probe import fill, learn_form, observed, refuse_other_kinds
from ltdcheck.adapters.precisions import in_each_precision
from ltdcheck.adapters.state import arrays_of, build
from ltdcheck.adapters.views import same, swap, viewed
from ltdcheck.errors import TargetUnusableError
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Params, Problem

Named = dict[str, Array]


class NumpyNetwork(Adapted):
    """An object with a forward pass and perhaps a backward pass, both its own.

    Facts: ``mutated`` arguments and parameters; outputs that have another ``dtype`` or are ``aliased`` to an argument;
    ``missing`` gradients, which ``grads`` does not hold.
    """

    framework = "numpy"
    framework_version = np.__version__

    def __init__(self, target: str, blueprint: Blueprint, first: Any) -> None:
        learned = in_each_precision(first, lambda precision, _known: learn_form(target, blueprint, precision))
        super().__init__(target, blueprint, learned)
        self.has_backward = callable(getattr(first, "backward", None))
        self.takes_lengths = self.form.kind == "layer" and "lengths" in inspect.signature(first.forward).parameters

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """All entries of ``params``."""
        network = self._instance(input_size, hidden_size, self.precisions[0], fresh=False)
        return {name: np.shape(value) for name, value in network.params.items()}

    def _instance(self, I: int, H: int, precision: str, *, fresh: bool) -> Any:
        self.refuse_other_sizes(I, H)
        with raising():
            return self.blueprint.instance((I, H, precision), fresh=fresh, finish=lambda network: network)

    def begin(self, problem: Problem, *, backward: bool, fresh: bool, pulls: int = 1) -> Reader:
        """Forward and backward now; outputs are copied when they are read, ``grads`` at once, as each pass fills it."""
        network = self._instance(problem.sizes["I"], problem.sizes["H"], problem.precision, fresh=fresh)
        check_names(set(network.params), problem)
        values = {name: value.astype(problem.precision) for name, value in problem.params.items()}
        fill(network, values)
        original = self._arguments(problem)
        given = {name: viewed(a, problem.views.get(name.partition("[")[0], "")) for name, a in original.items()}
        state = [given[name] for name in named("state", problem.state or ())]
        pulled: Pulled | None = None
        with raising():
            kit = Kit(lambda shape: np.zeros(shape, problem.precision), np.stack)
            call = network.forward
            if problem.lengths is not None:
                call = partial(network.forward, lengths=np.array(problem.lengths))
            y, final = self.forward(call, given["x"], state, problem, kit)
            given |= named("state", state)
            answers = {"y": y, **named("state", final)}
            refuse_other_kinds(answers)
            for _ in range(pulls if backward else 0):
                pulled = self._pull(network, given, problem)
        changed = [name for name, a in given.items() if not same(a, original[name])]
        changed += [name for name in values if not same(np.asarray(network.params[name]), values[name])]
        facts = {"mutated": changed, **(observed(answers, given, problem) if len(problem.x) else {})}
        if pulled is not None:
            facts["missing"] = pulled[3]
        told = {fact: names for fact, names in facts.items() if names}
        return lambda: self._read(list(answers.values()), pulled, told)

    def _arguments(self, problem: Problem) -> Named:
        first, cast = self.form.batch_first, problem.precision
        arrays = {"x": swap(problem.x, batch_first=first), "dy": swap(problem.dy, batch_first=first)}
        arrays |= named("state", problem.state or ()) | named("dstate", problem.dstate)
        return {name: array.astype(cast, order="C") for name, array in arrays.items()}

    def _pull(self, network: Any, given: Named, problem: Problem) -> Pulled:
        """Call ``backward``; a gradient that does not come is named and filled with zeros."""
        dstate = build(self.form.state, [given[name] for name in named("dstate", problem.dstate)])
        arguments = (given["dy"], dstate) if binds(network.backward, 2) else (given["dy"],)
        dx, dstate0 = pair_of(network.backward(*arguments), "what backward returns")
        expect(dx, given["x"].shape, "dx")
        B, H = problem.sizes["B"], problem.sizes["H"]
        missing = [] if dstate0 is not None or problem.state is None else list(named("state", problem.state))
        initial = None
        if dstate0 is not None:
            initial = arrays_of(self.form.state, dstate0, (B, H), "the gradient of the initial state")
        elif problem.state is not None:
            initial = [np.zeros(s.shape, problem.precision) for s in problem.state]
        grads = getattr(network, "grads", None) or {}
        params = {name: np.array(grads.get(name, np.zeros_like(v))) for name, v in network.params.items()}
        for name, value in network.params.items():
            expect(params[name], np.shape(value), f"grads[{name!r}]")
        return dx, initial, params, missing + [name for name in network.params if name not in grads]

    def _read(self, answers: list[Array], pulled: Pulled | None, facts: dict[str, list[str]]) -> Outputs:
        first = self.form.batch_first
        y, *final = (np.array(a) for a in answers)
        y = swap(y, batch_first=first).copy(order="C")
        if pulled is None:
            return Outputs(y, tuple(final), facts=facts)
        dx, initial, params, _ = pulled
        dx = swap(np.array(dx), batch_first=first).copy(order="C")
        dstate = None if initial is None else tuple(np.array(d) for d in initial)
        return Outputs(y, tuple(final), dx, dstate, params, facts)


Pulled = tuple[Any, list[Any] | None, Params, list[str]]  # dx, dstate0, dparams, missing


def adapt(blueprint: Blueprint, first: Any) -> NumpyNetwork:
    """An object with ``params`` and ``forward`` as an implementation, from the way to make it and the first one made.

    Raises
    ------
    TargetUnusableError
        When it has no parameters, or its forward pass fits no form.
    """
    if not first.params:
        fix = "Let __init__ fill self.params, a dict of arrays by name."
        raise TargetUnusableError(blueprint.target, "it has no parameters: self.params is empty.", fix)
    return NumpyNetwork(blueprint.target, blueprint, first)
