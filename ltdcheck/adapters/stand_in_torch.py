"""torch modules whose forward pass, and the gradient of it, are answered by something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from ltdcheck.adapters.form import Form
from ltdcheck.adapters.stand_in import (
    CannotStandInError,
    Pull,
    Shapes,
    Standing,
    arguments,
    question,
    views_of,
    widened,
)
from ltdcheck.adapters.state import arrays_of, build, count
from ltdcheck.adapters.torch_arrays import numbers
from ltdcheck.adapters.views import swap
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array

Ask = Callable[[Sequence[torch.Tensor]], tuple[Outputs, Pull]]


class _Pass(torch.autograd.Function):  # type: ignore[misc]
    """One call: x (T, B, I), the arrays of the state, the parameters; y and the arrays of the final state."""

    @staticmethod
    def forward(ctx: Any, ask: Ask, states: int, names: Sequence[str], *tensors: torch.Tensor) -> Any:
        """Ask, and keep what pulls back."""
        out, ctx.pull = ask(tensors)
        ctx.states, ctx.names, ctx.like = states, names, tensors
        return tuple(_tensor(a, tensors[0]) for a in (out.y, *out.state))

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> Any:
        """The gradients of x, of the state where one was given, and of the parameters."""
        dy, *dstate = wide = list(map(_numbers, cotangents))
        out = ctx.pull(dy, tuple(dstate), views_of(dy=_lying(cotangents[0]), dstate=_lying(cotangents[1])))
        _give_back(cotangents, wide)
        missing = set(out.facts.get("missing", ()))
        named = {"x": out.dx, **{f"state[{k}]": s for k, s in enumerate((out.dstate or ())[: ctx.states])}}
        named |= {name: (out.dparams or {})[name] for name in ctx.names}
        found = zip(named.items(), ctx.like, strict=True)
        return None, None, None, *(None if n in missing else _tensor(g, like) for (n, g), like in found)


def _numbers(tensor: torch.Tensor) -> Array:
    """The values in the tensor's own memory, or in single precision where it has half."""
    return widened(numbers(tensor))


def _lying(tensor: torch.Tensor) -> Array:
    """Its memory; NumPy has no bfloat16."""
    return tensor.detach().view(torch.int16).numpy(force=True) if tensor.element_size() == 2 else _numbers(tensor)


def _tensor(array: Array, like: torch.Tensor) -> torch.Tensor:
    """In the array's own memory where torch can read that: an axis of one entry may still run backwards."""
    backwards = any(stride < 0 for stride in array.strides)
    return torch.from_numpy(array.copy() if backwards else np.ascontiguousarray(array)).to(like)


def _give_back(tensors: Sequence[torch.Tensor], wide: Sequence[Array]) -> None:
    """What was written into copies in single precision, into the tensors of half precision."""
    with torch.no_grad():
        for tensor, array in zip(tensors, wide, strict=True):
            if tensor.element_size() == 2 and not np.array_equal(array, _numbers(tensor), equal_nan=True):
                tensor.copy_(torch.from_numpy(array))


class TorchPasses:
    """The forward pass of a class, for every instance of it; ``start`` makes what an instance's calls are handed to."""

    def __init__(self, original: Any, form: Form, shapes: Shapes, start: Callable[[], Standing]) -> None:
        self.original, self.form, self.shapes, self.start = original, form, shapes, start
        self._standing: WeakKeyDictionary[Any, Standing] = WeakKeyDictionary()

    def methods(self) -> dict[str, Callable[..., Any]]:
        """What is to be set on the class."""
        passes, signature = self, self.original.forward

        def forward(self: Any, *given: Any, **named: Any) -> Any:
            return passes.forward(self, *arguments(signature, self, given, named))

        return {"forward": forward}

    def forward(self, module: Any, x: torch.Tensor, state: Any) -> Any:
        """``(y, state)``, or what a cell answers."""
        form, cell = self.form, self.form.kind == "cell"
        if x.ndim != (2 if cell else 3):
            raise CannotStandInError(f"x has the shape {tuple(x.shape)}")
        steps = x[None] if cell else swap(x, batch_first=form.batch_first)
        params = dict(module.named_parameters())
        values = {name: _numbers(p) for name, p in params.items()}
        empty = question(form, self.shapes, values, _numbers(steps), None, {})
        H = empty.sizes["H"]
        given = None if state is None else arrays_of(form.state, state, (steps.shape[1], H), "the state")
        views = views_of(x=_lying(x), state=_lying(given[0]) if given else None)
        standing = self._standing.setdefault(module, self.start())

        def ask(tensors: Sequence[torch.Tensor]) -> tuple[Outputs, Pull]:
            asked, *states = map(_numbers, tensors[: 1 + len(given or ())])
            answered = standing.forward(question(form, self.shapes, values, asked, states if given else None, views))
            _give_back(tensors, [asked, *states, *values.values()])
            return answered

        y, *final = _Pass.apply(ask, len(given or ()), list(params), steps, *(given or ()), *params.values())
        assert len(final) == count(form.state)
        tree = build(form.state, final, torch.stack)
        if cell:
            return (y[0], tree) if form.emits else tree
        return swap(y, batch_first=form.batch_first), tree
