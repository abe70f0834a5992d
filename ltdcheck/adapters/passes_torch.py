"""The passes of torch, for weights that some other framework holds in tensors of torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ltdcheck.adapters.adapted import Kit
from ltdcheck.adapters.passes import Answered, Asked, Engine, Forward
from ltdcheck.adapters.torch_arrays import Given, numbers, observed, pull, refuse_other_kinds
from ltdcheck.adapters.torch_probe import DTYPES
from ltdcheck.adapters.views import same
from ltdcheck.problem import Array


class TorchEngine(Engine):
    """Gradients by ``torch.autograd``; a variable has ``assign`` and, as ``value``, the tensor that it is."""

    name, version = "torch", str(torch.__version__)

    def array(self, values: Array, precision: str) -> Any:
        """A tensor on the CPU."""
        return torch.from_numpy(values).to(DTYPES[precision])

    def kit(self, precision: str) -> Kit:
        """Zeros, and stacking."""
        return Kit(lambda shape: torch.zeros(shape, dtype=DTYPES[precision]), torch.stack)

    def numbers(self, array: Any) -> Array:
        """The values, in the tensor's own memory where NumPy has its dtype."""
        return numbers(array)

    def passes(self, asked: Asked, variables: Mapping[str, Any], forward: Forward, owner: Any) -> Answered:
        """Through the graph of one forward pass; arguments are copies of leaves."""
        for name, variable in variables.items():
            variable.assign(asked.params[name])
        backward = asked.pulls > 0
        given = {
            name: Given.of(values, asked.precision, asked.views.get(name.partition("[")[0], ""), gradient=backward)
            for name, values in asked.given.items()
        }
        cotangents = [
            Given.of(values, asked.precision, asked.views.get(name.partition("[")[0], ""))
            for name, values in asked.cotangents.items()
        ]
        with torch.set_grad_enabled(backward):
            x, *state = (g.handed for g in given.values())
            y, final = forward(x, state)
            answers = {"y": y, **{f"state[{k}]": array for k, array in enumerate(final)}}
            refuse_other_kinds(answers)
            leaves = [*(g.leaf for g in given.values()), *(v.value for v in variables.values())]
            grads: list[Any] = []
            for left in reversed(range(asked.pulls)):
                grads = pull(answers.values(), cotangents, leaves, keep=left > 0)
        changed = [name for name, g in given.items() if g.changed]
        changed += [n for n, g in zip(asked.cotangents, cotangents, strict=True) if g.changed]
        changed += [n for n, v in variables.items() if not same(numbers(v.value), asked.params[n])]
        facts = {"mutated": changed}
        if asked.given["x"].size:
            facts |= observed(answers, given)
        if asked.given["x"].size and backward:
            facts["detached"] = [name for name, a in answers.items() if not a.requires_grad]
            facts["missing"] = [n for n, g in zip([*given, *variables], grads, strict=True) if g is None]
        return Answered(list(answers.values()), grads, facts)


ENGINE = TorchEngine()
