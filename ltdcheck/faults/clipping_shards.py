"""Faults of clipping by the norm where several workers hold the gradients: how their norms become one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ltdcheck.faults.clipping import Clipping, clipping_fault
from ltdcheck.faults.clipping_norm import AnotherNorm
from ltdcheck.problem import Array
from ltdcheck.reference.clipping import clip_by_norm, joint_norm


def shards(grads: Sequence[Array]) -> tuple[list[Array], list[Array]]:
    """Every tensor cut into two halves, as if two workers held them."""
    halves = [np.array_split(g.ravel(), 2) for g in grads]
    return [a for a, _ in halves], [b for _, b in halves]


def whole(grads: Sequence[Array], first: Sequence[Array], second: Sequence[Array]) -> list[Array]:
    """The halves put together again."""
    return [np.concatenate([a, b]).reshape(g.shape) for g, a, b in zip(grads, first, second, strict=True)]


@clipping_fault(
    "clip-shard-combiner.sum",
    "the norms of two shards are added, where their squares were meant",
    effect="gradients are clipped too early and too far, by up to sqrt(shards)",
    trigger="two shards",
    source="DeepSpeed#8478, fairscale#167, SpecForge#663",
)
class ShardSum(AnotherNorm):
    """``n = n_1 + n_2``."""

    def combined(self, first: float, second: float) -> float:
        """The norm of the whole from those of the shards."""
        return first + second

    def norm(self, grads: Sequence[Array]) -> float:  # noqa: D102
        first, second = shards(grads)
        return self.combined(joint_norm(first), joint_norm(second))


@clipping_fault(
    "clip-shard-combiner.mean",
    "the norms of two shards are averaged, where the root of the sum of their squares was meant",
    effect="the step is longer than the threshold",
    trigger="two shards",
    source="DeepSpeed#8478, fairscale#167, SpecForge#663",
)
class ShardMean(ShardSum):
    """``n = (n_1 + n_2)/2``."""

    def combined(self, first: float, second: float) -> float:  # noqa: D102
        return (first + second) / 2


@clipping_fault(
    "clip-shard-combiner.max",
    "the larger of the norms of two shards is taken for the norm of the whole",
    effect="the step is longer than the threshold, by up to sqrt(shards)",
    trigger="two shards",
    source="DeepSpeed#8478, fairscale#167, SpecForge#663",
)
class ShardMax(ShardSum):
    """``n = max(n_1, n_2)``."""

    def combined(self, first: float, second: float) -> float:  # noqa: D102
        return max(first, second)


@clipping_fault(
    "clip-shard-combiner.local",
    "each shard is clipped by its own norm, which is never combined with the others'",
    effect="the direction of the step changes, and parts of one tensor are scaled differently",
    trigger="two shards",
    source="DeepSpeed#8478, fairscale#167, SpecForge#663",
)
class ShardLocal(Clipping):
    """Two clippings, one for each shard."""

    def apply(self, grads: Sequence[Array], v: float) -> list[Array]:  # noqa: D102
        first, second = shards(grads)
        return whole(grads, clip_by_norm(first, v), clip_by_norm(second, v))


@clipping_fault(
    "clip-shard-combiner.replica",
    "a group that two workers hold copies of is counted twice in the norm",
    effect="gradients are clipped too early and too far",
    trigger="two shards",
    source="DeepSpeed#8478, fairscale#167, SpecForge#663",
)
class ShardReplica(AnotherNorm):
    """The first group counts twice."""

    def norm(self, grads: Sequence[Array]) -> float:  # noqa: D102
        return joint_norm([*grads, grads[0]])
