"""Curvature times a vector, without the matrix: the Hessian and the Gauss-Newton matrix of any network (S47).

    H@v = d/de grad(theta + e*v)                 R operator, over forward and backward pass
    G@v = J'@(L@(J@v))                           J = dy/dtheta of the outputs y, L = d2loss/dy2

and of a classifier, at all steps t together

    G@v = sum_t J_t'@(L_t@(J_t@v))               J_t = do_t/dtheta,  L_t = d2L/do_t2 = diag(p_t) - p_t*p_t'
    S@v = sum_t K_t'@(K_t@v)                     K_t = dh_t/dtheta, of the squared distance sum ||dh_t||^2/2

G is positive semidefinite where the loss is convex in y, and H need not be; S is what structural damping adds (Martens
& Sutskever 2011): it resists steps that move the hidden states, not those that move the parameters.

Nothing is differentiated by hand twice. ``J@v`` is the forward pass over dual numbers, ``J'@u`` the backward pass;
``L@u`` is the loss's gradient in y over dual numbers, H@v the whole gradient over them. v is a vector by name, of the
shapes of the arrays that it moves; all other arrays are constants.

Source: GBC 10.11, 8.2.2; Pearlmutter 1994; Schraudolph 2002; Martens & Sutskever 2011.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.dual import Dual, dot_of
from ltdcheck.reference.losses import Classifier, Targets
from ltdcheck.reference.networks.rows import Lengths
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp
from ltdcheck.reference.ops import zeros_like

Params = dict[str, NDArray[Any]]
Blocks = dict[str, Any]
Outputs = Sequence[Any]


def hessian_product(gradient: Callable[[Blocks], Mapping[str, Any]], at: Blocks, v: Blocks) -> Blocks:
    """``H@v``: the derivative along v of ``gradient``, which maps arrays to gradients by the same names.

    Raises
    ------
    ValueError
        When v has other names or shapes than ``at``.
    """
    moved = gradient(along(at, v))
    return {name: dot_of(moved[name]) for name in at}


def gauss_newton_product(
    forward: Callable[[Blocks], Outputs],
    backward: Callable[[Blocks, Outputs], Mapping[str, Any]],
    slope: Callable[[Outputs], Outputs],
    at: Blocks,
    v: Blocks,
) -> Blocks:
    """``J'@(L@(J@v))``.

    ``forward`` maps arrays to outputs, ``backward`` arrays and cotangents of the outputs to gradients by the arrays'
    names, ``slope`` outputs to the gradient of the loss in each of them.

    Raises
    ------
    ValueError
        When v has other names or shapes than ``at``.
    """
    bent = [dot_of(d) for d in slope(forward(along(at, v)))]
    pulled = backward(at, bent)
    return {name: pulled[name] for name in at}


def along(at: Blocks, v: Blocks) -> Blocks:
    """The dual numbers ``at + v*eps``.

    Raises
    ------
    ValueError
        When v has other names or shapes than ``at``.
    """
    got, wanted = ({name: np.shape(value) for name, value in d.items()} for d in (v, at))
    if got != wanted:
        raise ValueError(f"v has the shapes {got}; those of the parameters are {wanted}")
    return {name: Dual(value, v[name]) for name, value in at.items()}


# -- of a classifier -------------------------------------------------------------------------------------------------


def classifier_hessian_product(
    net: Classifier, p: Params, v: Params, x: Any, state: State, targets: Targets, lengths: Lengths | None = None
) -> Params:
    """``H@v`` of the loss in the parameters."""
    return hessian_product(lambda q: net.loss_vjp(q, net.loss(q, x, state, targets, lengths)[1]).params, p, v)


def classifier_gauss_newton_product(
    net: Classifier,
    p: Params,
    v: Params,
    x: Any,
    state: State,
    targets: Targets,
    lengths: Lengths | None = None,
    *,
    structural: float = 0.0,
) -> Params:
    """``G@v + structural * S@v``, in the parameters; S acts on the cell's alone.

    Both are one Gauss-Newton product, of the loss in o and of ``structural * ||dh||^2/2`` in h.
    """
    _, left = net.loss(p, x, state, targets, lengths)

    def forward(q: Blocks) -> Outputs:
        _, moved = net.loss(q, x, state, targets, lengths)
        return moved.o, moved.h

    def slope(outputs: Outputs) -> Outputs:
        o, h = outputs
        return net.slope(o, left.wanted), structural * h

    return gauss_newton_product(forward, lambda q, d: net.outputs_vjp(q, left, *d).params, slope, p, v)


def structural_product(
    cell: Cell, p: Params, v: Params, x: Any, state: State, lengths: Lengths | None = None
) -> Params:
    """``S@v``, of a cell alone."""
    _, final, tape = unroll(cell, p, x, state, lengths=lengths)
    dfinal = tuple(map(zeros_like, final))

    def backward(q: Blocks, outputs: Outputs) -> Blocks:
        return unroll_vjp(cell, q, tape, outputs[0], dfinal).params

    def forward(q: Blocks) -> Outputs:
        return unroll(cell, q, x, state, lengths=lengths)[:1]

    return gauss_newton_product(forward, backward, lambda outputs: outputs, p, v)


def hidden_tangents(cell: Cell, p: Params, v: Params, x: Any, state: State, lengths: Lengths | None = None) -> Any:
    """``K_t@v``: how the outputs h (T, B, H) move along v."""
    return dot_of(unroll(cell, along(p, v), x, state, lengths=lengths)[0])
