"""Layers in training: what a layer answers is masked on its way to the next one.

    x_{k+1} = m_k * y_k

A mask is data, 0 or 1/(1 - p), drawn by whoever is asked; it is a constant of the derivative. The outputs and the final
state are not masked: they are what the last layer, and each cell, computes.

Shapes: m_k (T, B, n) with n the width of y_k, one mask for each layer but the last.

Refuses: another number of masks; a mask that does not fit.

Source: Zaremba et al. 2014, eq. 4-6; Srivastava et al. 2014 for the scale, which they leave to the test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ltdcheck.problem import Array
from ltdcheck.reference.networks.layered import Layered
from ltdcheck.reference.networks.network import require_shape


@dataclass(frozen=True, eq=False)
class Dropped(Layered):
    """Layers with a mask between each and the next."""

    masks: tuple[Array, ...] = ()

    def __post_init__(self) -> None:
        """Refuse another number of masks than there are places for."""
        super().__post_init__()
        if len(self.masks) != len(self.layers) - 1:
            raise ValueError(f"there are {len(self.masks)} masks; between {len(self.layers)} layers one fewer is due")

    def fed(self, k: int, x: Any, y: Any) -> Any:
        """The masked outputs of layer k; those of the last go nowhere.

        Raises
        ------
        ValueError
            When the mask does not fit.
        """
        if k == len(self.masks):
            return y
        require_shape(f"mask {k + 1}", self.masks[k], tuple(y.shape)[-3:])
        return y * self.masks[k]

    def handed_down(self, k: int, dx: Any) -> Any:
        """The cotangent of the outputs below layer k."""
        return dx * self.masks[k - 1] if k else dx


def dropped(network: Layered, masks: tuple[Array, ...]) -> Dropped:
    """The same layers with these masks between them; raises as the module says."""
    return Dropped(network.layers, network.merge, masks)
