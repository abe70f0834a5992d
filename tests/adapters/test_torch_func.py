"""torch's functional forms: a pass by ``torch.func.functional_call``, and one mapped over rows by ``vmap``."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from adapters.conforming import words_if_right
from torch import Tensor


class Functional(torch.nn.Module):
    """A layer that hands its parameters to a function."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.inner = torch.nn.LSTM(input_size, hidden_size)

    def forward(self, x: Tensor, state: Any = None) -> Any:
        return torch.func.functional_call(self.inner, dict(self.inner.named_parameters()), (x, state))


class Mapped(torch.nn.Module):
    """A cell of one row, mapped over rows."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.of_x, self.of_h = torch.nn.Linear(input_size, hidden_size), torch.nn.Linear(hidden_size, hidden_size)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(len(x), self.of_h.in_features) if state is None else state
        return torch.func.vmap(lambda x, h: torch.tanh(self.of_x(x) + self.of_h(h)))(x, h)


@pytest.mark.parametrize(
    ("make", "words"),
    [(Functional, "lstm(order=i f g o, biases=2)"), (Mapped, "elman(biases=2)")],
)
def test_functional_forms_are_right(make: Any, words: str) -> None:
    """Found out as the module itself is; values and gradients are the reference's, in both precisions."""
    assert words_if_right(make) == words
