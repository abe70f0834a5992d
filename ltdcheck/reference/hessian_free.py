"""Hessian-free optimisation: a damped Gauss-Newton step, solved by conjugate gradients (S47).

    (G + lam*I + mu*lam*S)@delta = -g            G, S of :mod:`ltdcheck.reference.curvature`

    reduction ratio  r = (L(theta + delta) - L(theta)) / (g.delta + delta.B@delta/2)        B the matrix above
    r > 3/4: lam' = 2/3*lam        r < 1/4: lam' = 3/2*lam        (Levenberg-Marquardt)

A step that does not lower the loss is not taken, and lam grows.

Source: GBC 10.11; Martens 2010, section 4.1; Martens & Sutskever 2011.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.reference.arguments import require_between, require_positive
from ltdcheck.reference.cell import State
from ltdcheck.reference.curvature import Params, classifier_gauss_newton_product
from ltdcheck.reference.losses import Classifier, Targets
from ltdcheck.reference.networks.rows import Lengths

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

Vector = NDArray[np.float64]

SHRINK, GROW = 2 / 3, 3 / 2


@dataclass(frozen=True)
class HessianFree:
    """Numbers of the method; ``damping`` is lam, and changes from step to step, ``structural`` is mu."""

    damping: float = 1.0
    structural: float = 0.0
    iterations: int = 50  # of conjugate gradients, at most
    tolerance: float = 1e-6  # of the residual, relative to g

    def __post_init__(self) -> None:
        require_positive("damping", self.damping)
        require_between("structural", self.structural, 0.0, np.finfo(float).max)
        require_positive("tolerance", self.tolerance)
        if self.iterations < 1:
            raise ValueError(f"iterations is {self.iterations}; at least 1 is needed")

    def matrix(
        self, net: Classifier, p: Params, x: Any, state: State, targets: Targets, lengths: Lengths | None = None
    ) -> LinearOperator:
        """B as a linear map of vectors."""

        def product(v: Vector) -> Vector:
            mu = self.structural * self.damping
            Gv = classifier_gauss_newton_product(net, p, unpack(v, p), x, state, targets, lengths, structural=mu)
            return pack(Gv, p) + self.damping * v

        n = pack(p).size
        from scipy.sparse.linalg import LinearOperator  # imported late: no check of a network costs it

        return LinearOperator((n, n), matvec=product, rmatvec=product, dtype=float)

    def direction(
        self, net: Classifier, p: Params, x: Any, state: State, targets: Targets, lengths: Lengths | None = None
    ) -> tuple[Params, float]:
        """delta, and the change of the loss that the quadratic model expects of it."""
        _, left = net.loss(p, x, state, targets, lengths)
        g = pack(net.loss_vjp(p, left).params, p)
        B = self.matrix(net, p, x, state, targets, lengths)
        from scipy.sparse.linalg import cg

        delta, _ = cg(B, -g, rtol=self.tolerance, maxiter=self.iterations)
        return unpack(delta, p), float(g @ delta + delta @ (B @ delta) / 2)

    def step(
        self, net: Classifier, p: Params, x: Any, state: State, targets: Targets, lengths: Lengths | None = None
    ) -> tuple[Params, HessianFree]:
        """The next parameters, and the method with its next damping."""
        before = float(net.loss(p, x, state, targets, lengths)[0])
        delta, promised = self.direction(net, p, x, state, targets, lengths)
        moved = {name: value + delta[name] for name, value in p.items()}
        change = float(net.loss(moved, x, state, targets, lengths)[0]) - before
        ratio = change / promised if promised < 0 else 1.0  # at a stationary point nothing is promised
        factor = SHRINK if ratio > 3 / 4 else GROW if not ratio >= 1 / 4 else 1.0
        return moved if change < 0 else p, replace(self, damping=self.damping * factor)


def pack(p: Params, like: Params | None = None) -> Vector:
    """All entries as one vector, (n,), in the order of the names of ``like``, or of their own."""
    return np.concatenate([np.zeros(0), *(np.ravel(p[name]) for name in like or p)])


def unpack(vector: Vector, like: Params) -> Params:
    """The inverse of :func:`pack`, in the names and shapes of ``like``."""
    edges = np.cumsum([0, *(value.size for value in like.values())])
    return {
        name: vector[a:b].reshape(value.shape)
        for (name, value), a, b in zip(like.items(), edges[:-1], edges[1:], strict=True)
    }
