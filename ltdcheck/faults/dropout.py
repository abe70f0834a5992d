"""Faults of masks between layers: where they are applied, how they are scaled, and what the backward pass does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ltdcheck.faults.fault import Network, WrongFunction
from ltdcheck.reference.networks.dropped import Dropped


class _OtherBackward(Dropped):
    """Forward masked as it should be; the backward pass masks otherwise."""

    def mask_back(self, mask: Any) -> Any:
        """What the backward pass multiplies by."""
        return np.ones_like(mask)

    def handed_down(self, k: int, dx: Any) -> Any:
        """As the wrong backward pass does."""
        return dx * self.mask_back(self.masks[k - 1]) if k else dx


class _OtherMaskBack(_OtherBackward):
    def mask_back(self, mask: Any) -> Any:
        """The mask of other rows: as good as one that is drawn anew."""
        return mask[:, ::-1]


class _UnscaledBack(_OtherBackward):
    def mask_back(self, mask: Any) -> Any:
        """Without the scale."""
        return (mask != 0).astype(mask.dtype)


class _OnLast(Dropped):
    """The masks go one layer too far."""

    def fed(self, k: int, x: Any, y: Any) -> Any:
        return y * self.masks[k - 1] if k else y

    def handed_down(self, k: int, dx: Any) -> Any:
        return dx


@dataclass(frozen=True)
class DropoutFault:
    """One way to mask wrongly; ``plant`` makes of a right network the wrong one."""

    id: str
    sentence: str
    plant: Callable[[Dropped], Network]


def _with(kind: type[Dropped], network: type[Network]) -> Callable[[Dropped], Network]:
    return lambda right: network(kind(right.layers, right.merge, right.masks))


def _masked(change: Callable[[Any], Any]) -> Callable[[Dropped], Network]:
    return lambda right: WrongFunction(replace(right, masks=tuple(map(change, right.masks))))


DROPOUT = (
    DropoutFault("dropout-ignored", "Nothing is masked in training.", _masked(np.ones_like)),
    DropoutFault(
        "dropout-unscaled",
        "What a mask keeps is not divided by 1 - p.",
        _masked(lambda mask: (mask != 0).astype(mask.dtype)),
    ),
    DropoutFault("dropout-inverted", "What is meant to be kept is dropped.", _masked(lambda m: m.max(initial=0) - m)),
    DropoutFault(
        "dropout-on-the-last-layer", "The outputs of the last layer are masked.", _with(_OnLast, WrongFunction)
    ),
    DropoutFault("dropout-mask-lost", "The gradient passes where the mask dropped.", _with(_OtherBackward, Network)),
    DropoutFault(
        "dropout-mask-lost.other", "The gradient passes through another mask.", _with(_OtherMaskBack, Network)
    ),
    DropoutFault("dropout-mask-lost.scale", "The gradient is masked and not scaled.", _with(_UnscaledBack, Network)),
)
