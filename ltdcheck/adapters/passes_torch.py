"""The passes of torch, for weights that are tensors of torch, or that another framework holds in such tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ltdcheck.adapters.adapted import Kit, named
from ltdcheck.adapters.engine import Answered, Asked, Engine, Forward
from ltdcheck.adapters.torch_arrays import Given, fill, numbers, observed, pull, refuse_other_kinds
from ltdcheck.adapters.torch_probe import DTYPES
from ltdcheck.adapters.views import same
from ltdcheck.problem import Array


class TorchEngine(Engine):
    """Gradients by ``torch.autograd``; a variable is a tensor of torch, or has one as ``value``."""

    name, version = "torch", str(torch.__version__)

    def array(self, values: Array, precision: str) -> Any:
        """A tensor on the CPU."""
        return torch.from_numpy(values).to(DTYPES[precision])

    def kit(self, x: Any) -> Kit:
        """Zeros like the numbers of x, and stacking."""
        return Kit(x.new_zeros, torch.stack)

    def numbers(self, array: Any) -> Array:
        """The values, in the tensor's own memory where NumPy has its dtype."""
        return numbers(array)

    def passes(self, asked: Asked, variables: Mapping[str, Any], forward: Forward, owner: Any) -> Answered:
        """Through the graph of one forward pass, where the variables are; arguments are copies of leaves."""
        weights = {n: v if isinstance(v, torch.Tensor) else v.value for n, v in variables.items()}
        fill(weights, asked.params)
        backward, device = asked.pulls > 0, next(iter(weights.values())).device

        def held(arrays: Mapping[str, Array], *, gradient: bool = False) -> dict[str, Given]:
            return {
                name: Given.of(values, asked.precision, asked.view(name), gradient=gradient, device=device)
                for name, values in arrays.items()
            }

        given, cotangents = held(asked.given, gradient=backward), held(asked.cotangents)
        leaves = [*(g.leaf for g in given.values()), *weights.values()]
        grads: list[Any] = []
        with torch.set_grad_enabled(backward):
            x, *state = (g.handed for g in given.values())
            y, final = forward(x, state)
            for g, handed in zip(list(given.values())[1:], state, strict=True):
                g.handed = handed
            answers = {"y": y, **named("state", final)}
            refuse_other_kinds(answers)
            for left in reversed(range(asked.pulls)):
                grads = pull(answers.values(), cotangents.values(), leaves, keep=left > 0)
        changed = [name for name, g in {**given, **cotangents}.items() if g.changed]
        changed += [name for name, weight in weights.items() if not same(numbers(weight), asked.params[name])]
        facts = {"mutated": changed, **observed(answers, given)}
        if backward:
            facts["detached"] = [name for name, a in answers.items() if not a.requires_grad]
            facts["missing"] = [n for n, g in zip([*given, *weights], grads, strict=True) if g is None]
        return Answered(list(answers.values()), grads, facts)


ENGINE = TorchEngine()
