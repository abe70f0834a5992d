"""The masks that a module of torch draws while it is trained, seen from its calls of torch's random functions.

What a mask is does not depend on what becomes of it: ``torch.nn.functional.dropout`` of ones, from the same state of
the generator, is the mask itself; a layer of several of torch's own draws one so for each layer but the last, time
first whatever its ``batch_first``. What is drawn otherwise is a mask by where it is 0, scaled by 1/(1 - p).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from ltdcheck.adapters.torch_arrays import numbers
from ltdcheck.adapters.torch_compiled import untranslated
from ltdcheck.adapters.torch_probe import device_of
from ltdcheck.problem import Array

FUSED = ("lstm", "gru", "rnn_tanh", "rnn_relu")
DROPS = ("dropout", "dropout_", "feature_dropout")
KEEPS = ("bernoulli", "bernoulli_")
UNIFORM = ("rand", "rand_like", "uniform_")
OTHERS = ("randint", "randint_like", "randn", "randn_like", "normal", "normal_", "randperm", "multinomial", "random_")


def dropout_of(module: Any) -> float:
    """p of the first part that drops outputs in training; 0 where none does.

    And 0 where what is drawn is not seen: of a module that torch translated, and of one that is not on the CPU.
    """
    if (
        untranslated(module) is not module
        or isinstance(module, torch.jit.ScriptModule)
        or device_of(module).type != "cpu"
    ):
        return 0.0
    for part in module.modules():
        said = getattr(part, "dropout", 0.0)
        p = part.p if isinstance(part, torch.nn.Dropout) else getattr(said, "p", said)
        if isinstance(p, float) and 0 < p < 1 and getattr(part, "num_layers", 2) != 1:
            return p
    return 0.0


class Drawn(TorchFunctionMode):  # type: ignore[misc]  # torch says nothing of its type
    """Sees every random function that is called, and keeps what was drawn: of each mask what it can be meant as."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.over = False  # the forward pass
        self.start = torch.get_rng_state()
        self.masks: list[tuple[Array, ...]] = []
        self.unknown: list[str] = []  # functions whose numbers are no mask that is known

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call it, and look at what it drew."""
        kwargs = kwargs or {}
        name = "" if self.over else getattr(func, "__name__", "")
        if name in FUSED and args[6] and args[5]:
            self.masks += [(mask,) for mask in _of_layers(*args)]
        if name in DROPS and kwargs.get("training", args[2] if len(args) > 2 else True):
            p = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
            self.masks.append((_asked_in_turn(p, [torch.ones_like(args[0])])[0],))
        answer = func(*args, **kwargs)
        if name in KEEPS:
            self.masks.append((self._scaled(answer != 0),))
        elif name in UNIFORM:
            self.masks.append((self._scaled(answer >= self.p), self._scaled(answer < 1 - self.p)))
        elif name in OTHERS:
            self.unknown.append(name)
        return answer

    def end(self, *_: Any) -> None:
        """The forward pass is over; where the generator moved and no function was seen, something else moved it."""
        self.over = True
        if not self.masks and not self.unknown and not torch.equal(self.start, torch.get_rng_state()):
            self.unknown.append("what torch does not show")

    def _scaled(self, kept: Any) -> Array:
        return np.asarray(numbers(kept.double()) / (1 - self.p))

    def alternatives(self, *, batch_first: bool) -> tuple[tuple[Array, ...], ...]:
        """What the masks can be, each (T, B, n): what was drawn batch first is turned, or else taken as it is."""
        found = list(product(*self.masks))
        turned = [tuple(m.swapaxes(0, 1) for m in masks) for masks in found if all(m.ndim == 3 for m in masks)]
        return tuple(found + turned if batch_first else found)


def _of_layers(*call: Any) -> list[Array]:
    """The masks of a layer of several, without moving the generator."""
    x, state, _weights, _biases, layers, p, _training, both_ways, batch_first = call
    h = state[0] if isinstance(state, (tuple, list)) else state
    T, B = (x.shape[1], x.shape[0]) if batch_first else x.shape[:2]
    return _asked_in_turn(p, [torch.ones(T, B, h.shape[-1] * (1 + both_ways), dtype=x.dtype)] * (layers - 1))


def _asked_in_turn(p: float, ones: list[Any]) -> list[Array]:
    """The masks of these ones, which lie in memory as what is masked does: they are drawn in the order of memory."""
    before = torch.get_rng_state()
    masks = [torch.nn.functional.dropout(one, p) for one in ones]
    torch.set_rng_state(before)
    return [numbers(mask).astype(np.float64) for mask in masks]


@contextmanager
def trained(module: Any, seed: int) -> Iterator[Drawn]:
    """The module in training mode, the generator from a seed; both are afterwards as they were."""
    before, mode = torch.get_rng_state(), module.training
    drawn = Drawn(dropout_of(module))
    ended = module.register_forward_hook(drawn.end)
    torch.manual_seed(seed)
    drawn.start = torch.get_rng_state()
    module.train()
    try:
        with drawn:
            yield drawn
    finally:
        ended.remove()
        module.train(mode)
        torch.set_rng_state(before)
