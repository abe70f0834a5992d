"""Functions of torch whose kernels take complex numbers for others, and whose steps count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional

from ltdcheck import check_gradient

A = torch.randn(4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def _image(function: Callable[..., Any], **options: Any) -> Callable[[Any], Any]:
    return lambda x: (function(x[None, None], **options) ** 2).sum()


def _sampled(x: Any) -> Any:
    return (functional.grid_sample(A[None, None], torch.tanh(x.reshape(1, 2, 4, 2)), align_corners=False) ** 2).sum()


def _indexed(x: Any) -> Any:
    """Between two entries, as interpolation has it."""
    place = 3 * torch.sigmoid(x)
    low = place.floor()
    share, table = place - low, torch.arange(5.0, dtype=torch.float64) ** 2
    return ((1 - share) * table[low.long()] + share * table[(low + 1).long()]).sum()


def _ordered(x: Any) -> Any:
    return (
        (x * x).sum()
        + (x.kthvalue(2)[0] ** 2).sum()
        + x.median()
        + (x.cummax(0)[0] ** 2).sum()
        + (x.cummin(1)[0] ** 3).sum()
    )


def _off(x: Any) -> Any:
    """x, with a gradient that is off in one entry."""

    class Off(torch.autograd.Function):
        @staticmethod
        def forward(_: Any, x: Any) -> Any:
            return x.clone()

        @staticmethod
        def backward(_: Any, *cotangents: Any) -> Any:
            found = cotangents[0].clone()
            found[1, 2] *= 1 + 1e-6
            return found

    return Off.apply(x)


@pytest.mark.parametrize(
    "f",
    [
        _image(functional.interpolate, size=(6, 7), mode="bilinear"),
        _image(functional.interpolate, size=(6, 7), mode="bicubic"),
        _image(functional.interpolate, scale_factor=2),
        _image(functional.avg_pool2d, kernel_size=2),
        _image(functional.pad, pad=(1, 2, 2, 1), mode="reflect"),
        _sampled,
        _indexed,
        _ordered,
    ],
    ids=["bilinear", "bicubic", "nearest", "mean of windows", "reflected", "sampled", "indexed", "ordered"],
)
def test_images_by_complex_step(f: Callable[[Any], Any]) -> None:
    """What is linear is so part by part, and indices that are computed do not round."""
    report = check_gradient(f, A)
    assert report.ok is True, str(report)
    assert report.blocks[0].oracle == "complex step"
    report = check_gradient(lambda x: f(_off(x)), A)
    assert report.ok is False, str(report)
    assert report.blocks[0].index == (1, 2)


def test_the_second_derivative_in_forward_mode() -> None:
    """torch's own product of its own gradient."""
    x = torch.tensor([0.3, -0.2], dtype=torch.float64)
    report = check_gradient(lambda x: (x**4).sum() * x.sum(), x, order=2, mode="forward")
    assert report.ok is True, str(report)
