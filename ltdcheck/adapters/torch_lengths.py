"""Rows of different lengths in torch: an argument ``lengths``, or a packed sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from ltdcheck.adapters.form import Form
from ltdcheck.adapters.torch_compiled import signature_of
from ltdcheck.adapters.torch_probe import device_of

Way = Literal["", "argument", "packed"]


def way_of(module: Any, form: Form, inputs: int) -> Way:
    """How a layer takes lengths; "" where it takes none. A packed sequence is tried."""
    if form.kind != "layer" or form.needs_state:
        return ""
    if "lengths" in signature_of(module).parameters:
        return "argument"
    shape = (2, 3, inputs) if form.batch_first else (3, 2, inputs)
    x = torch.linspace(-1, 1, 3 * 2 * inputs, device=device_of(module)).reshape(shape)
    try:
        with torch.no_grad():
            answer = module(pack_padded_sequence(x, torch.tensor([2, 3]), form.batch_first, enforce_sorted=False))
    except Exception:  # noqa: BLE001  (a stranger's code, which may expect anything else)
        return ""
    return "packed" if isinstance(answer, tuple) and isinstance(answer[0], PackedSequence) else ""


def with_lengths(module: Any, way: Way, lengths: Sequence[int], steps: int, *, batch_first: bool) -> Callable[..., Any]:
    """The module as a function of padded x and a state."""
    ends = torch.tensor(list(lengths))  # packing wants them on the CPU, wherever x is
    if way == "argument":
        return partial(module, lengths=ends.to(device_of(module)))

    def call(x: Any, *state: Any) -> Any:
        answer = module(pack_padded_sequence(x, ends, batch_first, enforce_sorted=False), *state)
        if not (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[0], PackedSequence)):
            return answer  # which is told as any wrong answer is
        y, _ = pad_packed_sequence(answer[0], batch_first, total_length=steps)
        return y, answer[1]

    return call
