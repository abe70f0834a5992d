"""Right cells that the catalogue does not list, in torch."""

import math

import torch
from torch import nn


def weights(*shape):
    """Drawn for their size."""
    return nn.Parameter(torch.randn(*shape) / math.sqrt(shape[-1]))


class ResidualRNN(nn.Module):
    """h' = h + tanh(W h + U x + b) / 4: a cell."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.U, self.W, self.b = (
            weights(hidden_size, input_size),
            weights(hidden_size, hidden_size),
            weights(hidden_size),
        )

    def forward(self, x, h=None):
        h = x.new_zeros(len(x), len(self.b)) if h is None else h
        return h + torch.tanh(h @ self.W.T + x @ self.U.T + self.b) / 4


class MinimalGatedUnit(nn.Module):
    """One gate f: h' = (1 - f) h + f tanh(W_h (f h) + U_h x + b_h), Zhou et al. 2016; a layer, batches first."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden = hidden_size
        self.gate = nn.Linear(input_size + hidden_size, hidden_size)
        self.candidate = nn.Linear(input_size + hidden_size, hidden_size)

    def forward(self, x, h=None):
        h = x.new_zeros(len(x), self.hidden) if h is None else h
        y = []
        for x_t in x.unbind(1):
            f = torch.sigmoid(self.gate(torch.cat([x_t, h], dim=1)))
            h = (1 - f) * h + f * torch.tanh(self.candidate(torch.cat([x_t, f * h], dim=1)))
            y.append(h)
        return (torch.stack(y, dim=1) if y else x.new_zeros(len(x), 0, self.hidden)), h


class TwoSpeeds(nn.Module):
    """A made-up cell of two states and a scalar parameter: m remembers slowly, h reads it through a gate."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.inputs = nn.Linear(input_size, 2 * hidden_size)
        self.recurrent = weights(2 * hidden_size, hidden_size)
        self.rate = nn.Parameter(torch.tensor(0.5))

    def forward(self, x, state=None):
        H = self.recurrent.shape[1]
        h, m = (x.new_zeros(len(x), H), x.new_zeros(len(x), H)) if state is None else state
        a, b = (self.inputs(x) + h @ self.recurrent.T).chunk(2, dim=1)
        r = torch.sigmoid(self.rate)
        m = (1 - r) * m + r * nn.functional.softplus(a)
        return torch.sigmoid(b) * m / (1 + m * m), m


class AttentionRNN(nn.Module):
    """Each step attends to all earlier outputs of its call: h' = tanh(W c + U x + b), c their mean by softmax."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.U, self.W, self.b = (
            weights(hidden_size, input_size),
            weights(hidden_size, hidden_size),
            weights(hidden_size),
        )
        self.query = weights(hidden_size, input_size)

    def forward(self, x, h=None):
        past = [x.new_zeros(x.shape[1], len(self.b)) if h is None else h]
        for x_t in x:
            seen = torch.stack(past, dim=1)
            share = torch.softmax((seen @ (x_t @ self.query.T)[:, :, None])[..., 0], dim=1)
            context = (share[:, None] @ seen)[:, 0]
            past.append(torch.tanh(context @ self.W.T + x_t @ self.U.T + self.b))
        return (torch.stack(past[1:]) if len(x) else x.new_zeros(0, *past[0].shape)), past[-1]
