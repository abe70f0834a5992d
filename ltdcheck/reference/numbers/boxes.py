"""autograd's boxes as a number system of :mod:`ltdcheck.reference.ops`: importing this module registers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp_argnum, primitive
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import getval

from ltdcheck.reference import ops

# autograd's own looks at every other step for each: the square of their number
_stacked = primitive(lambda *steps: np.stack(steps))
defvjp_argnum(_stacked, lambda k, *_: lambda g: g[k])


class _Boxes:
    """Each operation of the vocabulary in autograd's NumPy."""

    tanh = staticmethod(anp.tanh)
    sqrt = staticmethod(anp.sqrt)
    log = staticmethod(anp.log)

    @staticmethod
    def sigmoid(a: Any) -> Any:
        return 0.5 * anp.tanh(0.5 * a) + 0.5

    @staticmethod
    def relu(a: Any) -> Any:
        return anp.where(a > 0, a, 0.0)

    @staticmethod
    def positive(a: Any) -> Any:
        return anp.where(a > 0, 1.0, 0.0)

    @staticmethod
    def held(a: Any, low: float, high: float) -> Any:
        return anp.where(a > low, anp.where(a < high, a, high), low)

    @staticmethod
    def inside(a: Any, low: float, high: float) -> Any:
        return anp.where(a > low, anp.where(a < high, 1.0, 0.0), 0.0)

    @staticmethod
    def part(s: Any) -> Any:
        return s

    @staticmethod
    def complement(s: Any) -> Any:
        return 1 - s

    @staticmethod
    def tanh_slope(h: Any) -> Any:
        return 1 - h * h

    @staticmethod
    def softmax(o: Any) -> Any:
        raised = anp.exp(o - ops.peak(getval(o))[0])
        return raised / anp.sum(raised, axis=-1, keepdims=True)

    @staticmethod
    def log_softmax(o: Any) -> Any:
        _, others = ops.peak(getval(o))
        shifted = o - anp.sum(o * (1 - others), axis=-1, keepdims=True)
        return shifted - anp.log1p(anp.sum(anp.exp(shifted) * others, axis=-1, keepdims=True))

    @staticmethod
    def magnitude(a: Any) -> Any:
        return ops.magnitude(getval(a))

    @staticmethod
    def linear(x: Any, W: Any) -> Any:
        return anp.matmul(x, anp.transpose(W))

    @staticmethod
    def linear_adjoint(da: Any, W: Any) -> Any:
        return anp.matmul(da, W)

    @staticmethod
    def outer_total(da: Any, x: Any) -> Any:
        return anp.matmul(anp.transpose(anp.reshape(da, (-1, da.shape[-1]))), anp.reshape(x, (-1, x.shape[-1])))

    @staticmethod
    def total(da: Any) -> Any:
        return anp.sum(da, axis=(0, 1))

    @staticmethod
    def concatenate(parts: Sequence[Any], axis: int = -1) -> Any:
        return anp.concatenate(parts, axis=axis)

    @staticmethod
    def stack(steps: Sequence[Any]) -> Any:
        return _stacked(*steps)

    @staticmethod
    def zeros_like(a: Any) -> Any:
        return anp.zeros_like(a)


ops.register(ArrayBox, _Boxes)
