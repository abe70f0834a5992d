"""Faults of clipping by the norm: which norm, and what is done with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ltdcheck.faults.clipping import Clipping, clipping_fault
from ltdcheck.problem import Array
from ltdcheck.reference.clipping import clip_by_norm, clip_by_value, joint_norm


def rescaled(grads: Sequence[Array], n: float, v: float) -> list[Array]:
    """``g v/n`` where ``n > v``."""
    return divided(grads, n, v) if n > v else [g.copy() for g in grads]


def divided(grads: Sequence[Array], n: float, v: float) -> list[Array]:
    """``g v/n``."""
    return [(g * np.float64(v / n if n else np.inf)).astype(g.dtype) for g in grads]


class AnotherNorm(Clipping):
    """Right but for the number that is taken for the norm; faults override that."""

    def norm(self, grads: Sequence[Array]) -> float:
        """What is compared with the threshold, and divides it."""
        return joint_norm(grads)

    def apply(self, grads: Sequence[Array], v: float) -> list[Array]:  # noqa: D102
        clip_by_norm(grads, v)  # refuses what the reference refuses
        return rescaled(grads, self.norm(grads), v)


@clipping_fault(
    "clip-no-clamp",
    "small gradients are scaled up to the threshold: the factor v/norm is not kept at 1 below it",
    effect="every step has length v, so training does not settle",
    trigger="norm < v",
    source="GS-WGAN#5",
)
class NoClamp(Clipping):
    """``g v/n`` always."""

    def apply(self, grads: Sequence[Array], v: float) -> list[Array]:  # noqa: D102
        clip_by_norm(grads, v)  # refuses what the reference refuses
        n = joint_norm(grads)
        return divided(grads, n, v) if n else [g.copy() for g in grads]


@clipping_fault(
    "clip-per-tensor",
    "each tensor is clipped by its own norm, where one norm over all of them was meant",
    effect="the direction of the step changes, and its norm is up to sqrt(groups) v",
    trigger="two tensors",
    source="transformers#614, tensorflow#36001",
)
class PerTensor(Clipping):
    """A norm for each."""

    def apply(self, grads: Sequence[Array], v: float) -> list[Array]:  # noqa: D102
        return [clip_by_norm([g], v)[0] for g in grads]


@clipping_fault(
    "clip-norm-squared",
    "the factor is v/norm^2: the root is missing",
    effect="large gradients are scaled far below the threshold, small ones up",
    trigger="norm > v",
    source="entrenar#311",
)
class NormSquared(Clipping):
    """``g v/n^2`` where ``n > v``."""

    def apply(self, grads: Sequence[Array], v: float) -> list[Array]:  # noqa: D102
        clipped = clip_by_norm(grads, v)
        n = joint_norm(grads)
        return divided(grads, n * n, v) if n > v else clipped


@clipping_fault(
    "clip-norm-squared.compared",
    "norm^2 is compared with v and divides it: the root is missing in both places",
    effect="large gradients are scaled far below the threshold, and those below 1 hardly ever",
    trigger="norm > v",
    source="entrenar#311",
)
class NormSquaredCompared(AnotherNorm):
    """``g v/n^2`` where ``n^2 > v``."""

    def norm(self, grads: Sequence[Array]) -> float:  # noqa: D102
        n = joint_norm(grads)
        return n * n


@clipping_fault(
    "clip-max-norm",
    "the largest entry is taken for the norm",
    effect="the norm after clipping is up to sqrt(entries) v",
    trigger="two entries",
    source="thought of",
)
class MaxNorm(AnotherNorm):
    """The maximum norm."""

    def norm(self, grads: Sequence[Array]) -> float:  # noqa: D102
        return max(float(np.max(np.abs(g), initial=0.0)) for g in grads)


@clipping_fault(
    "clip-scales-nothing",
    "the norm is computed and returned, and the gradients stay as they are",
    effect="no clipping at all, while the log shows a norm",
    trigger="norm > v",
    source="transformers#46113",
)
class ScalesNothing(Clipping):
    """The gradients as they are."""

    def apply(self, grads: Sequence[Array], v: float) -> list[Array]:  # noqa: D102
        clip_by_norm(grads, v)
        return [g.copy() for g in grads]


@clipping_fault(
    "clip-low-precision-norm",
    "the norm is computed in a lower precision than the gradients have, and overflows there",
    effect="gradients above the root of its largest number become zero: 256 in half precision",
    trigger="abs(g) > 256 in fp16",
    source="fairscale#263",
)
class LowPrecisionNorm(AnotherNorm):
    """Squares in half the bits; for half precision, squares in half precision itself."""

    def norm(self, grads: Sequence[Array]) -> float:  # noqa: D102
        lower = {"float64": np.float32}.get(grads[0].dtype.name, np.float16)
        squares = [np.sum(g.astype(lower) ** 2, dtype=lower) for g in grads]
        return float(np.sqrt(np.sum(squares, dtype=lower)))


@clipping_fault(
    "clip-group-missing",
    "a parameter group is left out of the norm",
    effect="the step is longer than the threshold, by as much as that group matters",
    trigger="two groups",
    source="DeepSpeed#8613",
)
class GroupMissing(AnotherNorm):
    """The first group is scaled, and not measured."""

    def norm(self, grads: Sequence[Array]) -> float:  # noqa: D102
        return joint_norm(grads[1:])


@clipping_fault(
    "clip-large-epsilon",
    "the epsilon that keeps the norm from zero is so large that it changes the step",
    effect="small gradients are clipped far below the threshold",
    trigger="norm and v near the epsilon",
    source="thought of",
)
class LargeEpsilon(AnotherNorm):
    """``v/(n + 0.001)``."""

    def norm(self, grads: Sequence[Array]) -> float:  # noqa: D102
        return joint_norm(grads) + 1e-3


@clipping_fault(
    "clip-value-for-norm",
    "each entry is clipped by itself, where clipping by the norm is declared",
    effect="the direction of the step changes",
    trigger="any",
    source="rlevo#432",
)
class ValueForNorm(Clipping):
    """The one in place of the other."""

    def apply(self, grads: Sequence[Array], v: float) -> list[Array]:  # noqa: D102
        return clip_by_value(grads, v)


@clipping_fault(
    "clip-returned-norm",
    "the number that is returned is the square of the norm",
    effect="whoever watches the norm, or stops on it, is misled",
    trigger="norm other than 1",
    source="thought of",
)
class ReturnsSquare(Clipping):
    """The gradients are right, the returned number is not."""

    def returned(self, before: Sequence[Array], _after: Sequence[Array]) -> float | None:  # noqa: D102
        n = joint_norm(before)
        return n * n


@clipping_fault(
    "clip-running-norm",
    "the norm is a running average over calls, where that of this gradient was meant",
    effect="a gradient that explodes is let through, and the next ones are clipped for it",
    trigger="two calls",
    source="thought of",
)
class RunningNorm(AnotherNorm):
    """``m <- (m + n)/2``, and m takes the place of n."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.average: float | None = None

    def norm(self, grads: Sequence[Array]) -> float:  # noqa: D102
        n = joint_norm(grads)
        self.average = n if self.average is None else (self.average + n) / 2
        return self.average
