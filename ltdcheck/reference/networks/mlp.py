"""A multilayer perceptron (S27), for the input, the transition and the output of a deep recurrent network.

    a_0 = x        a_k = phi(w_k + M_k@a_{k-1})        y = a_n        y = a_n + x with a skip connection

phi is one of tanh, sigmoid, relu, identity, and the last layer has it too. Without layers y = x.

Shapes: x (.., n_0), M_k (n_k, n_{k-1}), w_k (n_k,); ``widths`` are n_1 .. n_n.

Refuses: a skip connection between different sizes.

Source: GBC-draft 10.5, fig. 10.13; Pascanu et al. 2014.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ltdcheck.reference import ops
from ltdcheck.reference.cell import Outer, Total
from ltdcheck.reference.networks.network import Blocks, Shapes
from ltdcheck.reference.nonlinearities import NONLINEARITIES, Nonlinearity

Layers = list[Any]  # a_0 .. a_n


@dataclass(frozen=True)
class MLP:
    """Layers of these widths."""

    widths: tuple[int, ...]
    nonlinearity: Nonlinearity = "tanh"
    skip: bool = False

    def shapes(self, n: int) -> Shapes:
        """Parameters by name, for n inputs.

        Raises
        ------
        ValueError
            When a skip connection would join different sizes.
        """
        if self.skip and self.outputs(n) != n:
            raise ValueError(f"widths is {self.widths}; with a skip connection the last must be that of the input, {n}")
        sizes = zip(self.widths, (n, *self.widths), strict=False)
        return {k: v for i, (m, l) in enumerate(sizes) for k, v in {f"M{i}": (m, l), f"w{i}": (m,)}.items()}

    def outputs(self, n: int) -> int:
        """How many numbers come out when n go in."""
        return self.widths[-1] if self.widths else n

    def forward(self, p: Blocks, x: Any) -> tuple[Any, Layers]:
        """y, and every layer."""
        phi, _ = NONLINEARITIES[self.nonlinearity]
        layers = [x]
        for k in range(len(self.widths)):
            layers.append(phi(ops.linear(layers[-1], p[f"M{k}"]) + p[f"w{k}"]))
        return layers[-1] + x if self.skip else layers[-1], layers

    def backward(self, p: Blocks, layers: Layers, dy: Any) -> tuple[Any, Blocks]:
        """The cotangent of x, and each parameter's share."""
        _, slope = NONLINEARITIES[self.nonlinearity]
        d, shares = dy, dict[str, Any]()
        for k in range(len(self.widths) - 1, -1, -1):
            d = d * slope(layers[k + 1])  # a_k = phi(..)
            shares |= {f"M{k}": Outer(d, layers[k]), f"w{k}": Total(d)}
            d = ops.linear_adjoint(d, p[f"M{k}"])
        return d + dy if self.skip else d, shares
