"""torch: an ``nn.Module`` class, instance or factory as an implementation.

Instances run in evaluation mode, since an answer that dropout makes random has no reference; one that drops outputs
between its layers, and is neither translated nor on another device, is asked in training mode too, with the masks that
it drew. torch's default dtype is the problem's precision while the target is made and called, so that ``torch.zeros(B,
H)`` in it has the precision of its parameters. Buffers keep their values, and weights that are frozen have gradients
like others. Arguments are where the parameters are: on the CPU, or on the device that a module was moved to. Of a
module that ``torch.compile`` made, the compiled program runs, and its lines only tell its form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.form import H, I
from ltdcheck.adapters.passes import Passing
from ltdcheck.adapters.passes_torch import ENGINE
from ltdcheck.adapters.precisions import in_each_precision
from ltdcheck.adapters.torch_compiled import translating, untranslated
from ltdcheck.adapters.torch_dropout import dropout_of, trained
from ltdcheck.adapters.torch_lengths import way_of, with_lengths
from ltdcheck.adapters.torch_probe import default_dtype, is_quantised, learn_form, prepared, unregistered
from ltdcheck.errors import TargetUnusableError
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Problem


class TorchNetwork(Passing):
    """A module, its gradients by autograd.

    Facts: ``mutated`` arguments and parameters; outputs that are ``detached`` from the graph, have another ``dtype``,
    or are ``aliased`` to an argument; ``missing`` gradients, of what no output depends on.
    """

    framework = "torch"
    framework_version = str(torch.__version__)
    engine = ENGINE

    def __init__(self, target: str, blueprint: Blueprint, first: Any) -> None:
        learned = in_each_precision(first, lambda precision, _known: learn_form(target, blueprint, precision))
        super().__init__(target, blueprint, learned)
        self.unregistered = unregistered(untranslated(first))
        with default_dtype(self.precisions[0]):
            whole = prepared(untranslated(blueprint.make(I, H)), self.precisions[0])
            self.lengths = way_of(whole, self.form, learned.inputs)
        self.takes_lengths = self.lengths != ""
        self.dropout = dropout_of(first) if self.form.kind == "layer" else 0.0

    @contextmanager
    def computing(self, precision: str) -> Iterator[None]:
        """torch's default dtype is the precision, and what is to be compiled is."""
        with default_dtype(precision), translating():
            yield

    def finish(self, made: Any, input_size: int, precision: str) -> Any:
        """In the precision, in evaluation mode."""
        return prepared(made, precision)

    def variables(self, owner: Any) -> dict[str, Any]:
        """All named parameters."""
        return dict(untranslated(owner).named_parameters())

    def call_of(self, owner: Any) -> Callable[..., Any]:
        """As it is."""
        call: Callable[..., Any] = owner
        return call

    def call_on(self, owner: Any, problem: Problem) -> Callable[..., Any]:
        """With an argument ``lengths``, or with packed sequences, where rows have lengths."""
        if problem.lengths is None:
            return self.call_of(owner)
        steps, batch_first = len(problem.x), self.form.batch_first
        return with_lengths(owner, self.lengths, problem.lengths, steps, batch_first=batch_first)

    def run_in_training(self, problem: Problem, seed: int) -> Outputs:
        """A pass in training mode; what is drawn after the forward pass is the backward pass's own."""
        module = self.instance(problem.sizes["I"], problem.sizes["H"], problem.precision, fresh=False)
        with trained(module, seed) as drawn:
            out = self.run(problem)
        facts = {**out.facts, **({"unseen": drawn.unknown} if drawn.unknown else {})}
        return replace(out, facts=facts, masks=drawn.alternatives(batch_first=self.form.batch_first))


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
