"""Dropout between layers, in training: right layers are right for the masks they draw, and wrong ones are found."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from ltdcheck.adapters.adapting import adapt
from ltdcheck.diagnosis.layers import recognise
from ltdcheck.properties.law import Evidence, property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.runner.isolated import Isolated, open_isolated
from ltdcheck.strategies.problems import Recipe, build

LAW = property_named("training.dropout_between_layers")


class Two(nn.Module):
    """Two layers with dropout between them, to be spoilt."""

    p = 0.25

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.dropout = self.p
        self.first, self.second = nn.GRU(input_size, hidden_size), nn.GRU(hidden_size, hidden_size)

    def between(self, y: Any) -> Any:
        """What the second layer reads."""
        return functional.dropout(y, self.dropout, self.training)

    def after(self, y: Any) -> Any:
        """What the second layer answers."""
        return y

    def forward(self, x: Any, state: Any = None) -> Any:
        a, b = (None, None) if state is None else (state[:1], state[1:])
        y, a = self.first(x, a)
        y, b = self.second(self.between(y), b)
        return self.after(y), torch.cat([a, b])


class OnLast(Two):
    """It masks what its last layer answers instead."""

    def between(self, y: Any) -> Any:
        return y

    def after(self, y: Any) -> Any:
        return super().between(y)


class OnBoth(Two):
    """It masks what its last layer answers as well."""

    def after(self, y: Any) -> Any:
        return super().between(y)


class Unscaled(Two):
    """It does not divide by 1 - p."""

    def between(self, y: Any) -> Any:
        return y * torch.bernoulli(torch.full_like(y, 1 - self.p)) if self.training else y


class Inverted(Two):
    """It drops what is meant to be kept."""

    def between(self, y: Any) -> Any:
        kept = torch.bernoulli(torch.full_like(y, 1 - self.p))
        return y * (1 - kept) / (1 - self.p) if self.training else y


class _Mask(torch.autograd.Function):
    """Its backward pass draws another mask."""

    @staticmethod
    def forward(ctx: Any, y: Any, p: float) -> Any:
        ctx.p = p
        return functional.dropout(y, p)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return functional.dropout(dy, ctx.p), None


class Redrawn(Two):
    """Its backward pass masks by another mask."""

    def between(self, y: Any) -> Any:
        return _Mask.apply(y, self.p) if self.training else y


class Lost(Two):
    """Its gradient passes where the mask dropped."""

    def between(self, y: Any) -> Any:
        return y + (super().between(y) - y).detach()


class Never(Two):
    """It drops nothing."""

    def between(self, y: Any) -> Any:
        return y


class Bernoulli(Two):
    """Right, with a mask of its own making."""

    def between(self, y: Any) -> Any:
        return y * torch.bernoulli(torch.full_like(y, 1 - self.p)) / (1 - self.p) if self.training else y


class Uniform(Two):
    """Right, from uniform numbers."""

    def between(self, y: Any) -> Any:
        return y * (torch.rand_like(y) >= self.p) / (1 - self.p) if self.training else y


class Other(Two):
    """It draws by what tells no mask."""

    def between(self, y: Any) -> Any:
        return y * (torch.randn_like(y) > 0) * 2 if self.training else y


class EachRow(Two):
    """One mask for all steps of a row, which is no mask of each step."""

    def between(self, y: Any) -> Any:
        return y * functional.dropout(torch.ones_like(y[0]), self.p, self.training)


class BatchFirst(Two):
    """Right, with x and its mask batch first."""

    def forward(self, x: Any, state: Any = None) -> Any:
        a, b = (None, None) if state is None else (state[:1], state[1:])
        y, a = self.first(x.transpose(0, 1), a)
        y, b = self.second(self.between(y.transpose(0, 1)).transpose(0, 1), b)
        return y.transpose(0, 1), torch.cat([a, b])


def own(kind: Any, **options: Any) -> Callable[[int, int], nn.Module]:
    """A factory of torch's own layer."""
    return lambda i, h: kind(i, h, **options)


RIGHT: dict[str, Any] = {
    "LSTM, two layers": own(nn.LSTM, num_layers=2, dropout=0.5),
    "LSTM, three layers both ways": own(nn.LSTM, num_layers=3, dropout=0.3, bidirectional=True),
    "LSTM, batch first, projected": own(nn.LSTM, num_layers=2, dropout=0.5, batch_first=True, proj_size=2),
    "GRU": own(nn.GRU, num_layers=2, dropout=0.2, batch_first=True),
    "RNN": own(nn.RNN, num_layers=2, dropout=0.9, nonlinearity="relu"),
    **{kind.__name__: kind for kind in (Two, Bernoulli, Uniform, BatchFirst)},
}
SLOW = ("LSTM, two layers", "RNN")  # what others show too
WRONG: dict[type[nn.Module], str] = {
    OnLast: "dropout-on-the-last-layer",
    OnBoth: "it draws 2 masks in training, where 1 are due",
    Unscaled: "dropout-unscaled",
    Inverted: "dropout-inverted",
    Redrawn: "in training",
    Lost: "dropout-mask-lost:",
    Never: "it draws 0 masks in training, where 1 are due",
}

KILLS = {LAW.id: list(WRONG)}  # the law, and those for which it does not hold

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


@cache
def subject(make: Any) -> Subject:
    """The target with what it was taken for, in evaluation; what is made of ``Two`` is there what ``Two`` is."""
    target = adapt(make, "it")
    if getattr(make, "forward", None) is Two.forward and make is not Two:
        return Subject(target, subject(Two).layout)
    found = recognise(target, "it")
    assert found.exact
    return Subject(target, found.layout)


def asked(make: Any, **changes: Any) -> Evidence:
    """The law on a problem."""
    it = subject(make)
    return LAW.check(it, build(it.cell, Recipe(seed=5, **changes)))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.quality] if name in SLOW else []) for name in RIGHT]
)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_right_layers_are_right_in_training(name: str, precision: str) -> None:
    """For the masks that they drew, outputs, states and gradients are the reference's; and the mask matters."""
    evidence = asked(RIGHT[name], precision=precision)
    assert evidence.ok, evidence
    assert evidence.compared > 100
    it = subject(RIGHT[name])
    problem = build(it.cell, Recipe(seed=5))
    trained, again, other = (it.train(problem, seed) for seed in (1, 1, 2))
    assert np.array_equal(trained.y, again.y)
    for unlike in (other.y, it.run(problem).y):
        assert np.max(np.abs(trained.y - unlike)) > 1e-3  # not rounding: a mask doubles some inputs and drops others


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_masks_are_found_and_named(kind: type[nn.Module]) -> None:
    """In the wrong place, unscaled, or another mask backward: it disagrees, though evaluation is right."""
    evidence = asked(kind)
    problem = build(subject(Two).cell, Recipe(seed=5))
    assert np.array_equal(subject(kind).run(problem).y, subject(Two).run(problem).y)
    assert evidence.disagreement is not None
    assert WRONG[kind] in evidence.disagreement.message


@pytest.mark.parametrize(("kind", "words"), [(Other, "by randn_like"), (EachRow, "have the shapes (3, 6)")])
def test_what_draws_otherwise_is_told_and_not_judged(kind: type[nn.Module], words: str) -> None:
    """Numbers that tell no mask, and masks of other shapes, decide nothing."""
    evidence = asked(kind)
    assert evidence.ok
    assert words in evidence.undecided


def test_only_what_drops_between_layers_is_asked() -> None:
    """Without dropout, or with one layer, where torch drops nothing, there is no question."""
    assert adapt(own(nn.LSTM, num_layers=2), "it").dropout == 0
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last"):
        assert adapt(own(nn.LSTM, dropout=0.5), "it").dropout == 0
    assert adapt(own(nn.LSTM, num_layers=2, dropout=0.5), "it").dropout == 0.5


def test_training_leaves_the_generator_and_the_mode_as_they_were() -> None:
    """A pass in evaluation after one in training is what it was before."""
    it = subject(Two)
    problem = build(it.cell, Recipe(seed=5))
    before, state = it.run_again(problem), torch.get_rng_state()
    it.train(problem, 3)
    assert torch.equal(state, torch.get_rng_state())
    assert np.array_equal(before.y, it.run_again(problem).y)


def test_masks_and_widths_travel_with_the_answer() -> None:
    """A worker process gives the masks that the target drew in it, and the widths of h and c where they differ."""
    live = own(nn.LSTM, num_layers=2, dropout=0.5, proj_size=2)(3, 4)
    with open_isolated({"name": "mine"}, live) as it:
        assert isinstance(it, Isolated)
        assert (it.dropout, it.widths(4), it.output_width(4)) == (0.5, (2, 2, 4, 4), 2)
        there = Subject(it, recognise(it, "it").layout)
        problem = build(there.cell, Recipe(I=3, H=4))
        out = there.train(problem, 7)
        assert [s.shape for s in out.state] == [(3, 2), (3, 4)] * 2
        assert [[mask.shape for mask in masks] for masks in out.masks] == [[(5, 3, 2)]]
        assert np.array_equal(out.masks[0][0], adapt(live, "it").run_in_training(there._there(problem), 7).masks[0][0])
        assert LAW.check(there, problem).ok
