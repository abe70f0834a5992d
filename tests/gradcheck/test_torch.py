"""Gradients of torch functions and modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ltdcheck import check_gradient

F = torch.nn.functional


def vector(size: int = 5, dtype: Any = None) -> Any:
    """Random numbers."""
    return torch.randn(size, generator=torch.Generator().manual_seed(size), dtype=torch.float64).to(
        dtype or torch.float64
    )


def backward(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """x**2 whose backward pass is changed."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            (x,) = ctx.saved_tensors
            return change(2 * x * cotangents[0])

    return lambda x: Square.apply(x).sum()


RIGHT = {
    "own": (lambda x: torch.tanh(x).sum(), vector()),
    "custom": (backward(lambda g: g), vector()),
    "float32": (lambda x: torch.tanh(x).sum(), vector(5, torch.float32)),
    "bfloat16": (lambda x: (x * x).sum(), vector(5, torch.bfloat16)),
    "float16": (lambda x: torch.sin(x).sum(), vector(5, torch.float16)),
    "relu at 0": (lambda x: torch.relu(x).sum(), torch.zeros(3)),
    "max pool of ties": (lambda x: torch.maximum(x[:2], x[2:4]).sum(), torch.ones(4, dtype=torch.float64)),
    "abs and clamp": (lambda x: (x.abs() + x.clamp(-0.5, 0.5)).sum(), vector()),
    "softmax": (lambda x: F.cross_entropy(x[None], torch.tensor([2])), vector()),
    "gelu, softplus, elu": (lambda x: (F.gelu(x) + F.softplus(x) + F.elu(x) + F.silu(x)).sum(), vector()),
    "norms": (lambda x: x.norm() + x.std() + F.layer_norm(x, (5,)).pow(3).sum(), vector()),
    "index and in place": (lambda x: (x.clone().mul_(2)[[0, 0, 1]] ** 2).sum(), vector()),
    "float32 constants": (lambda x: (x @ torch.ones(5)).sin(), vector(5, torch.float32)),
    "no complex form": (lambda x: torch.special.i0(x).sum(), vector()),
    "two arguments": (lambda x, y: (x * y.exp()).sum(), (vector(3), vector(3).flip(0))),
    "outputs": (lambda x: {"a": torch.outer(x, x), "b": x[:1]}, vector(4)),
    "written in place": (lambda x: (x.mul_(2) ** 2).sum(), vector()),
    "sorted": (lambda x: x.sort()[0] @ torch.arange(5.0).double() + x.topk(2)[0].sum() ** 2, vector()),
    "losses": (
        lambda x: (
            F.binary_cross_entropy_with_logits(x, torch.ones(5)) + F.smooth_l1_loss(x, 0 * x) + F.huber_loss(x, 0 * x)
        ),
        vector(5, torch.float32),
    ),
    "steps": (lambda x: (x.round() * x + x.sign() * x + x.floor()).sum(), vector()),
    "hardswish, mish, selu": (lambda x: (F.hardswish(x) + F.mish(x) + F.selu(x)).sum(), vector()),
    "minus infinity inside": (
        lambda x: F.ctc_loss(
            x.reshape(5, 1, 4).log_softmax(-1), torch.tensor([[1, 2]]), torch.tensor([5]), torch.tensor([2])
        ),
        vector(20, torch.float32),
    ),
    "tiny": (lambda x: x.log().sum(), torch.tensor([1e-300, 1.0], dtype=torch.float64)),
    "norm at 0": (lambda x: x.norm(), torch.zeros(3)),
}


WRONG = {
    "factor": backward(lambda g: g * (1 + 1e-9)),
    "zero": backward(torch.zeros_like),
    "one entry": backward(lambda g: torch.cat([g[:-1], 1.0001 * g[-1:]])),
    "detached": lambda x: (x.detach() * x).sum(),
    "detached wholly": lambda x: (x * x).sum().detach(),
    "straight through": lambda x: (x + (torch.round(x) - x).detach()).sum(),
    "rounded to half": backward(lambda g: g.half().double()),
    "float32": backward(lambda g: g.float().double()),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_gradient_is_right(name: str) -> None:
    """torch's own gradients of its own operations."""
    f, x = RIGHT[name]
    report = check_gradient(f, x)
    assert report.ok is True, str(report)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_gradient_is_wrong(name: str) -> None:
    """Backward passes that lose, scale or cut."""
    report = check_gradient(WRONG[name], vector())
    assert report.ok is False, str(report)


def test_float32_is_held_to_its_own_digits() -> None:
    """An error of 1e-3 is found, one of 1e-7 is rounding."""
    x = vector(5, torch.float32)
    assert check_gradient(backward(lambda g: g * (1 + 1e-3)), x).ok is False
    assert check_gradient(backward(lambda g: g * (1 + 1e-7)), x).ok is True


@pytest.mark.parametrize("layer", [torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU])
def test_the_parameters_of_a_module(layer: Any) -> None:
    """They are blocks by their names, beside the arguments."""
    torch.manual_seed(0)
    module = layer(3, 4)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    report = check_gradient(module, torch.randn(3, 2, 3), budget=1)
    assert report.ok is True, str(report)
    assert [b.block for b in report.blocks] == [*before, "x"]
    assert all(torch.equal(before[name], p) for name, p in module.named_parameters())


class Words(torch.nn.Module):
    """Indices, whose meaning is learnt."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.layer = torch.nn.Embedding(5, 3), torch.nn.Linear(3, 2)

    def forward(self, k: Any) -> Any:
        """One number."""
        return self.layer(self.embedding(k)).tanh().sum()


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda: torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.ReLU()), (6, 3)),
        (lambda: torch.nn.BatchNorm1d(3).eval(), (6, 3)),
        (lambda: torch.nn.Sequential(torch.nn.GroupNorm(2, 4), torch.nn.GELU(), torch.nn.Softmax(-1)), (2, 4)),
        (
            lambda: torch.nn.Sequential(
                torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten()
            ),
            (1, 1, 6, 6),
        ),
        (Words, None),
    ],
    ids=["batch norm", "batch norm evaluated", "group norm", "convolution", "embedding"],
)
def test_modules_by_complex_step(make: Any, x: Any) -> None:
    """Layers that torch computes in one piece, and indices, which are constants."""
    torch.manual_seed(0)
    module = make()
    report = check_gradient(module, torch.tensor([1, 2, 2]) if x is None else torch.randn(*x))
    assert report.ok is True, str(report)
    assert "refused" not in str(report)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_halves_are_decided(dtype: Any) -> None:
    """By 96 copies where eight hide the gradient; a factor of two is found."""
    torch.manual_seed(0)
    module = torch.nn.RNN(2, 3).to(dtype)
    report = check_gradient(module, torch.randn(2, 1, 2).to(dtype), budget=1)
    assert report.ok is True, str(report)
    x = vector(5, dtype)
    assert check_gradient(lambda x: torch.sin(x).sum(), x, lambda x: 2 * torch.cos(x)).ok is False


def test_a_function_that_is_another_in_float64() -> None:
    """Random numbers of the dtype of x, from a seed: the oracles see another function, and say so."""

    def f(x: Any) -> Any:
        torch.manual_seed(0)
        return (x * torch.rand_like(x)).sum()

    report = check_gradient(f, vector(5, torch.float32))
    assert report.ok is None
    assert "another function in float64" in str(report)


def test_dropout_is_undecided() -> None:
    """A module that draws random numbers has no gradient to compare."""
    report = check_gradient(torch.nn.Dropout(), torch.ones(64))
    assert report.ok is None
    assert "not deterministic" in report.reason


def test_a_gradient_that_vanished_over_lags() -> None:
    """Zeros for h_0 after 10 steps are found in every precision, the right gradient of 1e-12 is accepted."""
    W = 0.06 * torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64))[0]

    def f(h: Any) -> Any:
        for _ in range(10):
            h = torch.tanh(h @ W.to(h.dtype) + 0.1)
        return h.sum()

    for dtype in (torch.float64, torch.float32):
        h = vector(4, dtype)
        assert check_gradient(f, h).ok is True
        assert check_gradient(f, h, torch.zeros(4, dtype=dtype)).ok is False


def test_forward_mode_and_second_order() -> None:
    """The framework's own jvp, and its derivative of its gradient, are checked as well."""
    report = check_gradient(lambda x: torch.outer(torch.tanh(x), x), vector(3), mode="forward")
    assert report.ok is True, str(report)
    report = check_gradient(lambda x: torch.tanh(x).prod(), vector(3), order=2)
    assert report.ok is True, str(report)
    assert len(report.blocks) == 2


def test_a_wrong_second_derivative() -> None:
    """A backward pass that hides a factor from autograd has a wrong derivative, though it is right itself."""
    report = check_gradient(backward(lambda g: g.detach() + 0 * g), vector(), order=2)
    assert report.ok is False, str(report)
    assert "derivative of the gradient" in str(report)


def test_integers_and_mismatches() -> None:
    """Are refused with a sentence."""
    with pytest.raises(ValueError, match="real floating-point"):
        check_gradient(lambda x: x.sum(), torch.arange(3))
    with pytest.raises(ValueError, match="shape"):
        check_gradient(lambda x: x.sum(), torch.ones(3), torch.ones(2))


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, True), (1 + 1e-6, False)])
def test_a_custom_function_in_numpy(factor: float, verdict: bool) -> None:  # noqa: FBT001
    """Code that leaves torch is judged by differences."""

    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return torch.from_numpy(np.sin(x.numpy()))

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            return cotangents[0] * ctx.saved_tensors[0].cos() * factor

    report = check_gradient(lambda x: Sine.apply(x).sum(), vector())
    assert report.ok is verdict, str(report)


class _Remembering(torch.autograd.Function):
    """x*x, whose backward pass counts the forward passes that were recorded before."""

    passes = 0

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        _Remembering.passes += 1
        ctx.passes = _Remembering.passes
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x * cotangents[0] * (2 if ctx.passes > 2 else 1)


def test_a_gradient_that_is_right_after_one_recorded_pass_alone() -> None:
    """What an earlier forward pass leaves behind is seen in a second one, though both give the same value."""
    _Remembering.passes = 0
    report = check_gradient(lambda x: _Remembering.apply(x).sum(), torch.tensor([0.3, -1.0, 2.0]))
    assert report.ok is None
    assert "not deterministic" in report.reason


def test_a_kink_is_told_without_balls() -> None:
    """Of relu at 0, both steps tell the slopes to the sides, in a few runs; what lies outside them is wrong."""
    x = torch.tensor([[0.0, 1.5, -2.0], [0.7, 0.0, -0.1]], dtype=torch.float64)
    right = check_gradient(lambda x: (3 * torch.relu(x)).sum(), x, torch.tensor([[1.0, 3, 0], [3, 0, 0]]).double())
    assert right.ok is True, str(right)
    assert right.blocks[0].kink
    assert "kink" in str(right)
    assert right.evaluations < 10
    outside = torch.tensor([[-0.5, 3, 0], [3, 0, 0]]).double()
    assert check_gradient(lambda x: (3 * torch.relu(x)).sum(), x, outside).ok is False
