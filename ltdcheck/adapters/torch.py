"""torch: an ``nn.Module`` class, instance or factory as an implementation.

Instances run in evaluation mode, since an answer that dropout makes random has no reference; one that drops outputs
between its layers, and is neither translated nor on another device, is asked in training mode too, with the masks that
it drew. torch's default dtype is the problem's precision while the target is made and called, so that ``torch.zeros(B,
H)`` in it has the precision of its parameters. Buffers keep their values, and weights that are frozen have gradients
like others. Arguments are where the parameters are: on the CPU, or on the device that a module was moved to. Of a
module that ``torch.compile`` made, the compiled program runs, and its lines only tell its form.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from ltdcheck.adapters.adapted import Adapted, Kit, Reader, check_names, in_each_precision, named, raising
from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.form import H, I
from ltdcheck.adapters.torch_arrays import Given, fill, gradient_of, held, numbers, observed, pull, refuse_other_kinds
from ltdcheck.adapters.torch_compiled import translating, untranslated
from ltdcheck.adapters.torch_dropout import dropout_of, trained
from ltdcheck.adapters.torch_lengths import way_of, with_lengths
from ltdcheck.adapters.torch_probe import (
    default_dtype,
    device_of,
    is_quantised,
    learn_form,
    prepared,
    unregistered,
)
from ltdcheck.adapters.views import same, swap
from ltdcheck.errors import TargetUnusableError
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Params, Problem

Facts = dict[str, list[str]]


class TorchNetwork(Adapted):
    """A module, its gradients by autograd.

    Facts: ``mutated`` arguments and parameters; outputs that are ``detached`` from the graph, have another ``dtype``,
    or are ``aliased`` to an argument; ``missing`` gradients, of what no output depends on.
    """

    framework = "torch"
    framework_version = str(torch.__version__)

    def __init__(self, target: str, blueprint: Blueprint, first: Any) -> None:
        found, refused = in_each_precision(first, lambda precision: learn_form(target, blueprint, precision))
        form, inputs = next(iter(found.values()))
        super().__init__(target, blueprint, form)
        self.precisions, self.refused = tuple(found), refused
        self.fixed_sizes = (inputs, form.hidden) if blueprint.fixed else None
        self.unregistered = unregistered(untranslated(first))
        with default_dtype(self.precisions[0]):
            whole = prepared(untranslated(blueprint.make(I, H)), self.precisions[0])
            self.lengths = way_of(whole, form, inputs)
        self.takes_lengths = self.lengths != ""
        self.dropout = dropout_of(first) if form.kind == "layer" else 0.0

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """All named parameters."""
        module = self._instance(input_size, hidden_size, self.precisions[0], fresh=False)
        return {name: tuple(p.shape) for name, p in untranslated(module).named_parameters()}

    def _instance(self, I: int, H: int, precision: str, *, fresh: bool) -> Any:
        self.refuse_other_sizes(I, H)
        with default_dtype(precision), raising():
            return self.blueprint.instance((I, H, precision), fresh=fresh, finish=lambda m: prepared(m, precision))

    def begin(self, problem: Problem, *, backward: bool, fresh: bool, pulls: int = 1) -> Reader:
        """Forward and backward now; the answers are copied when they are read."""
        module = self._instance(problem.sizes["I"], problem.sizes["H"], problem.precision, fresh=fresh)
        params = dict(untranslated(module).named_parameters())
        check_names(set(params), problem)
        values = {name: held(value, problem.precision) for name, value in problem.params.items()}
        fill(params, values)
        given, cotangents = self._arguments(problem, device_of(module), gradient=backward)
        leaves = [*(g.leaf for g in given.values()), *params.values()]
        grads: list[torch.Tensor | None] = []
        with default_dtype(problem.precision), translating(), raising(), torch.set_grad_enabled(backward):
            x, *state = (g.handed for g in given.values())
            call = module
            if (lengths := problem.lengths) is not None:
                steps, batch_first = len(problem.x), self.form.batch_first
                call = with_lengths(module, self.lengths, lengths, steps, batch_first=batch_first)
            y, final = self.forward(call, x, state, problem, Kit(x.new_zeros, torch.stack))
            for g, handed in zip(list(given.values())[1:], state, strict=True):
                g.handed = handed
            answers = {"y": y, **named("state", final)}
            refuse_other_kinds(answers)
            for left in reversed(range(pulls if backward else 0)):
                grads = pull(answers.values(), cotangents.values(), leaves, keep=left > 0)
        facts = {"mutated": _mutated({**given, **cotangents}, params, values)}
        if problem.x.shape[0]:  # at T = 0 nothing was computed
            facts |= observed(answers, given)
            if backward:
                facts["detached"] = [name for name, a in answers.items() if not a.requires_grad]
                facts["missing"] = [n for n, g in zip([*given, *params], grads, strict=True) if g is None]
        told = {fact: names for fact, names in facts.items() if names}
        pulled = list(zip(grads, leaves, strict=True)) if backward else []
        return lambda: self._read(list(answers.values()), pulled, list(params), told)

    def run_in_training(self, problem: Problem, seed: int) -> Outputs:
        """A pass in training mode; what is drawn after the forward pass is the backward pass's own."""
        module = self._instance(problem.sizes["I"], problem.sizes["H"], problem.precision, fresh=False)
        with trained(module, seed) as drawn:
            out = self.run(problem)
        facts = {**out.facts, **({"unseen": drawn.unknown} if drawn.unknown else {})}
        return replace(out, facts=facts, masks=drawn.alternatives(batch_first=self.form.batch_first))

    def _arguments(
        self, problem: Problem, device: torch.device, *, gradient: bool
    ) -> tuple[dict[str, Given], dict[str, Given]]:
        """x and the initial state, with gradients if asked for; and the cotangents."""

        def given(array: Array, what: str, *, gradient: bool = False) -> Given:
            how = problem.views.get(what, "")
            return Given.of(array, problem.precision, how, gradient=gradient, device=device)

        x, dy = (swap(array, batch_first=self.form.batch_first) for array in (problem.x, problem.dy))
        x, dy = given(x, "x", gradient=gradient), given(dy, "dy")
        state = [given(s, "state", gradient=gradient) for s in problem.state or ()]
        dstate = [given(d, "dstate") for d in problem.dstate]
        return {"x": x, **named("state", state)}, {"dy": dy, **named("dstate", dstate)}

    def _read(self, answers: list[Any], pulled: list[tuple[Any, Any]], params: list[str], facts: Facts) -> Outputs:
        y, *final = (numbers(a).copy(order="C") for a in answers)
        y = swap(y, batch_first=self.form.batch_first).copy(order="C")
        if not pulled:
            return Outputs(y, tuple(final), facts=facts)
        dx, *rest = (gradient_of(gradient, leaf) for gradient, leaf in pulled)
        dx = swap(dx, batch_first=self.form.batch_first).copy(order="C")
        split = len(rest) - len(params)
        dparams = dict(zip(params, rest[split:], strict=True))
        return Outputs(y, tuple(final), dx, tuple(rest[:split]) or None, dparams, facts)


def _mutated(given: dict[str, Given], params: dict[str, Any], values: Params) -> list[str]:
    changed = [name for name, g in given.items() if g.changed]
    return changed + [name for name, p in params.items() if not same(numbers(p), values[name])]


def adapt(blueprint: Blueprint, first: Any) -> TorchNetwork:
    """A module as an implementation, from the way to make it and the first one made.

    Raises
    ------
    TargetUnusableError
        When it has no parameters, or is neither a layer nor a cell.
    """
    if not any(True for _ in first.parameters()):
        if is_quantised(first):
            why = "it is quantised: its weights are integers, which have no gradients."
            raise TargetUnusableError(blueprint.target, why, "Name the module that it was made from.")
        fix = "Register its weights as torch.nn.Parameter."
        if hidden := unregistered(first):
            fix = f"{fix} These are not: {', '.join(hidden)}."
        why = "it has no parameters, so that there is nothing to check a gradient of."
        raise TargetUnusableError(blueprint.target, why, fix)
    return TorchNetwork(blueprint.target, blueprint, first)
