"""Faults of Hessian-free optimisation (S47)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ltdcheck.faults.systems.fault import system_fault
from ltdcheck.reference import ops
from ltdcheck.reference.cell import State
from ltdcheck.reference.curvature import Params, classifier_hessian_product, hidden_tangents
from ltdcheck.reference.hessian_free import HessianFree, pack, unpack
from ltdcheck.reference.losses import Classifier, Targets
from ltdcheck.reference.networks.network import inside, under
from ltdcheck.reference.networks.rows import Lengths
from ltdcheck.reference.networks.unroll import unroll_vjp


@system_fault(
    "gauss-newton-uncentred",
    "The curvature of the softmax is diag(p), without p*p'.",
    "gauss-newton",
    effect="adding a constant to every output, which changes nothing, is resisted",
    trigger="any",
)
def _uncentred(
    net: Classifier, p: Params, v: Params, x: Any, state: State, targets: Targets, lengths: Lengths | None = None
) -> dict[str, Any]:
    _, left = net.loss(p, x, state, targets, lengths)
    own, moved = inside("cell", p), inside("cell", v)
    h_dot = hidden_tangents(net.cell, own, moved, x, state, lengths)
    o_dot = ops.linear(h_dot, p["V"]) + ops.linear(left.h, v["V"]) + v["c"]
    do = left.wanted.sum(axis=-1, keepdims=True) * ops.softmax(left.o) * o_dot
    g = unroll_vjp(net.cell, own, left.tape, ops.linear_adjoint(do, p["V"]), tuple(map(ops.zeros_like, left.final)))
    return {**under("cell", g.params), "V": ops.outer_total(do, left.h), "c": ops.total(do)}


@system_fault(
    "gauss-newton-is-hessian",
    "The Hessian is used where the Gauss-Newton matrix is meant.",
    "gauss-newton",
    effect="it is not positive, and conjugate gradients walk uphill or break down",
    trigger="a network that is not linear",
)
def _hessian(
    net: Classifier, p: Params, v: Params, x: Any, state: State, targets: Targets, lengths: Lengths | None = None
) -> dict[str, Any]:
    return classifier_hessian_product(net, p, v, x, state, targets, lengths)


@system_fault(
    "damping-missing",
    "The damping is adapted and never added to the matrix.",
    "hessian-free",
    effect="steps are far too long wherever the curvature is nearly zero",
    trigger="any",
)
class _Undamped(HessianFree):
    def direction(
        self, net: Classifier, p: Params, x: Any, state: State, targets: Targets, lengths: Lengths | None = None
    ) -> tuple[Params, float]:
        delta, promised = replace(self, damping=1e-12 * self.damping).right(net, p, x, state, targets, lengths)
        return delta, promised

    def right(
        self, net: Classifier, p: Params, x: Any, state: State, targets: Targets, lengths: Lengths | None = None
    ) -> tuple[Params, float]:
        return super().direction(net, p, x, state, targets, lengths)


@system_fault(
    "damping-upside-down",
    "The damping grows where the quadratic model is right and shrinks where it is wrong.",
    "hessian-free",
    effect="good steps become short, bad ones long",
    trigger="a reduction ratio above 3/4 or below 1/4",
)
class _UpsideDown(HessianFree):
    def step(
        self, net: Classifier, p: Params, x: Any, state: State, targets: Targets, lengths: Lengths | None = None
    ) -> tuple[Params, HessianFree]:
        moved, after = super().step(net, p, x, state, targets, lengths)
        return moved, replace(self, damping=self.damping * (self.damping / after.damping))


@system_fault(
    "step-uphill-taken",
    "A step is taken even where it does not lower the loss.",
    "hessian-free",
    effect="the loss may rise without bound while the damping catches up",
    trigger="little damping, far from the quadratic model",
)
class _Uphill(HessianFree):
    def step(
        self, net: Classifier, p: Params, x: Any, state: State, targets: Targets, lengths: Lengths | None = None
    ) -> tuple[Params, HessianFree]:
        _, after = super().step(net, p, x, state, targets, lengths)
        delta, _ = self.direction(net, p, x, state, targets, lengths)
        return unpack(pack(p) + pack(delta, p), p), after
