"""Faults of the GRU's backward pass at the reset gate: the adjoint of the other placement."""

from __future__ import annotations

from typing import Any

from ltdcheck.faults.fault import fault
from ltdcheck.faults.graft import Graft, differentiates
from ltdcheck.reference.cell import Outer, Saved, Share, State, Total
from ltdcheck.reference.ops import concatenate, linear, linear_adjoint, sigmoid_slope, tanh_slope


class _OtherPlacement(Graft):
    """Of r*(W_n@h + bh) as if it were W_n@(r*h) + bh, or the reverse."""

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        h_prev, r, u, _, n, keep, take, *_ = saved
        (dh,) = dstate
        H = h_prev.shape[-1]
        W_n, after = p["W"][2 * H :], "bh" in p
        toward = (h_prev - n) * (1 if getattr(self, "update", "keeps") == "keeps" else -1)
        da_u = dh * toward * sigmoid_slope(u)  # h' = keep*h + take*n
        da_n = dh * take * tanh_slope(n)
        if after:
            dq = linear_adjoint(da_n, W_n)  # as if a_n = z_n + W_n@(r*h) + bh
            da_r, through_n, fed = dq * h_prev * sigmoid_slope(r), dq * r, Outer(da_n, r * h_prev)
        else:
            da_r = da_n * linear(h_prev, W_n) * sigmoid_slope(r)  # as if a_n = z_n + r*(W_n@h)
            through_n, fed = linear_adjoint(da_n * r, W_n), Outer(da_n * r, h_prev)
        gates = concatenate([da_r, da_u])
        dh_prev = dh * keep + through_n + linear_adjoint(gates, p["W"][: 2 * H])
        shares: dict[str, Share] = {"W": (Outer(gates, h_prev), fed)}
        return concatenate([gates, da_n]), (dh_prev,), {**shares, "bh": Total(da_n)} if after else shares


fault(
    "gru-reset-placement.backward",
    "The backward pass differentiates the other placement of the reset gate than the forward pass computes.",
    effect="the gradient is that of another function",
    trigger="h0 != 0 or T >= 2, or the initial state's gradient",
    source="thought of",
    cells=("gru",),
    forward=False,
)(differentiates(_OtherPlacement))
