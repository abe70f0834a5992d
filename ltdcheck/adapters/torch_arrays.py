"""Arrays on their way into torch and back, and what is seen of them on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ltdcheck.adapters.views import same, viewed
from ltdcheck.errors import TargetAnswer
from ltdcheck.problem import Array


@dataclass
class Given:
    """An array on its way in: its values, the leaf whose gradient is asked for, and the tensor that is handed over.

    The tensor handed over is a copy of the leaf, because writing into a leaf raises, where writing into the tensor of a
    user's own loop changes the caller's numbers.
    """

    values: Array
    leaf: torch.Tensor
    handed: torch.Tensor

    @classmethod
    def of(cls, array: Array, precision: str, how: str = "", *, gradient: bool = False, device: Any = "cpu") -> Given:
        """``how`` names the arrangement in memory, kept as far as a change of device, or to bfloat16, keeps it."""
        values = held(array, precision)
        leaf = torch.from_numpy(viewed(values, how)).to(device)
        leaf = leaf.bfloat16() if precision == "bfloat16" else leaf
        if not gradient:
            return cls(values, leaf, leaf)
        leaf.requires_grad_()
        like = torch.empty_strided(leaf.shape, leaf.stride(), dtype=leaf.dtype, device=leaf.device)
        handed = like.copy_(leaf) if how else leaf.clone()
        return cls(values, leaf, handed)

    @property
    def changed(self) -> bool:
        """Somebody wrote into it."""
        return not same(numbers(self.handed), self.values)


def held(array: Array, precision: str) -> Array:
    """The numbers in the precision, or in float32 where NumPy does not have it."""
    return array.astype("float32" if precision == "bfloat16" else precision, order="C")


def numbers(tensor: torch.Tensor) -> Array:
    """The values, in the tensor's own memory where NumPy has its dtype."""
    tensor = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    values: Array = tensor.numpy(force=True)  # detached, on the CPU
    return values


def fill(params: Mapping[str, Any], values: Mapping[str, Array]) -> None:
    """Write the values into the parameters, without changing where they live."""
    with torch.no_grad():
        for name, parameter in params.items():
            parameter.copy_(torch.from_numpy(values[name]))


def pull(
    outputs: Iterable[Any], cotangents: Iterable[Given], leaves: Sequence[Any], *, keep: bool = False
) -> list[torch.Tensor | None]:
    """The gradients of ``sum(cotangent * output)``; None where no output depends on a leaf.

    ``keep`` leaves the graph for another backward pass.
    """
    pairs = [(o, c.handed.to(o.dtype)) for o, c in zip(outputs, cotangents, strict=True) if o.requires_grad]
    asked = [leaf for leaf in leaves if leaf.requires_grad]
    if not pairs:
        return [None] * len(leaves)
    values, given = [o for o, _ in pairs], [cotangent for _, cotangent in pairs]
    found = iter(torch.autograd.grad(values, asked, given, retain_graph=keep, allow_unused=True))
    return [next(found) if leaf.requires_grad else None for leaf in leaves]


def refuse_other_kinds(answers: Mapping[str, Any]) -> None:
    """Every answer is a tensor of real numbers.

    Raises
    ------
    TargetAnswer
        When one is not.
    """
    for name, answer in answers.items():
        if not isinstance(answer, torch.Tensor):
            raise TargetAnswer(f"{name} must be a tensor, got {type(answer).__name__}")
        if not answer.is_floating_point():
            raise TargetAnswer(f"{name} must hold real numbers, got {answer.dtype}")


def observed(answers: Mapping[str, Any], given: Mapping[str, Given]) -> dict[str, list[str]]:
    """Answers of another dtype than the arguments', and answers in the memory of one."""
    dtype = next(iter(given.values())).leaf.dtype
    memory = {g.handed.untyped_storage().data_ptr() for g in given.values()}
    return {
        "dtype": [f"{name}: {str(a.dtype).removeprefix('torch.')}" for name, a in answers.items() if a.dtype != dtype],
        "aliased": [name for name, a in answers.items() if a.untyped_storage().data_ptr() in memory],
    }
