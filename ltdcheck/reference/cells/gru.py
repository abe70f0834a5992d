"""Gated recurrent unit, with the reset before (S13) or after (S14) the recurrent product, in both polarities.

    r = sg(b_r + U_r@x + W_r@h)                u alike
    n = phi(b_n + U_n@x + W_n@(r*h))           reset="before"
    n = phi(b_n + U_n@x + r*(W_n@h + bh))      reset="after", the form of cuDNN
    h' = u*h + (1 - u)*n                       update="keeps"
    h' = (1 - u)*h + u*n                       update="replaces"

Shapes: x (B, I), h (B, H), U (3H, I), W (3H, H), b (3H,), rows in the order r u n; bh (H,) with reset="after" only.
``gate_nonlinearity`` names sg and ``candidate`` phi, of :mod:`ltdcheck.reference.nonlinearities`; in the papers they
are the logistic and tanh. ``clip`` holds what sg and phi read (:mod:`ltdcheck.reference.input_clipping`).

Source: GBC-draft 10.12-10.14; Cho et al. 2014 (v1 resets after the product, v3 before).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, Literal

from ltdcheck.reference.cell import Cell, Outer, Saved, Share, State, Total
from ltdcheck.reference.input_clipping import held, let_through, passing
from ltdcheck.reference.nonlinearities import NONLINEARITIES, Gate
from ltdcheck.reference.ops import concatenate, divided, linear, linear_adjoint


@dataclass(frozen=True)
class GRU(Cell):
    """Gated recurrent unit; the state is h."""

    reset: Literal["before", "after"] = "before"
    update: Literal["keeps", "replaces"] = "keeps"
    gate_nonlinearity: Gate = "sigmoid"
    candidate: Literal["tanh", "relu", "softsign", "identity"] = "tanh"
    clip: float = inf

    name: ClassVar[str] = "gru"
    states: ClassVar[tuple[str, ...]] = ("h",)
    gates: ClassVar[tuple[str, ...]] = ("r", "u", "n")
    source: ClassVar[str] = "GBC-draft 10.12-10.14"
    biases: ClassVar[tuple[str, ...]] = ("b", "bh")

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name."""
        shapes: dict[str, tuple[int, ...]] = {"U": (3 * H, I), "W": (3 * H, H), "b": (3 * H,)}
        return {**shapes, "bh": (H,)} if self.reset == "after" else shapes

    def gates_of(self, array: str) -> tuple[str, ...]:
        """``bh`` belongs to the candidate alone."""
        return ("n",) if array == "bh" else self.gates

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is ``b + U@x``, (B, 3H)."""
        (h_prev,) = state  # (B, H)
        H = h_prev.shape[-1]
        W_n = p["W"][2 * H :]
        sg, phi = NONLINEARITIES[self.gate_nonlinearity][0], NONLINEARITIES[self.candidate][0]
        if self.reset == "after":
            recurrent = linear(h_prev, p["W"])  # (B, 3H)
            a_ru = z[..., : 2 * H] + recurrent[..., : 2 * H]
            ru = sg(held(a_ru, self.clip))
            r, u = ru[..., :H], ru[..., H:]
            q = recurrent[..., 2 * H :] + p["bh"]  # what r gates
            a_n = z[..., 2 * H :] + r * q
        else:
            a_ru = z[..., : 2 * H] + linear(h_prev, p["W"][: 2 * H])
            ru = sg(held(a_ru, self.clip))
            r, u = ru[..., :H], ru[..., H:]
            q = r * h_prev
            a_n = z[..., 2 * H :] + linear(q, W_n)
        n = phi(held(a_n, self.clip))
        keep, take = divided(u) if self.update == "keeps" else divided(u)[::-1]
        return (keep * h_prev + take * n,), (h_prev, r, u, q, n, keep, take, *passing([a_ru, a_n], self.clip))

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        h_prev, r, u, q, n, keep, take, *slopes = saved
        (dh,) = dstate
        H = h_prev.shape[-1]
        sg_slope, phi_slope = NONLINEARITIES[self.gate_nonlinearity][1], NONLINEARITIES[self.candidate][1]
        toward = h_prev - n if self.update == "keeps" else n - h_prev
        da_u = let_through(dh * toward * sg_slope(u), slopes, H, 2 * H)  # h' = keep*h + take*n
        da_n = let_through(dh * take * phi_slope(n), slopes, 2 * H)
        dh_prev = dh * keep
        if self.reset == "after":
            dq = da_n * r  # a_n = z_n + r*q
            da_r = let_through(da_n * q * sg_slope(r), slopes, 0, H)
            through = concatenate([da_r, da_u, dq])  # q = W_n@h + bh
            dh_prev = dh_prev + linear_adjoint(through, p["W"])
            shares: dict[str, Share] = {"W": Outer(through, h_prev), "bh": Total(dq)}
        else:
            dq = linear_adjoint(da_n, p["W"][2 * H :])  # a_n = z_n + W_n@q
            da_r = let_through(dq * h_prev * sg_slope(r), slopes, 0, H)  # q = r*h
            gates = concatenate([da_r, da_u])
            dh_prev = dh_prev + dq * r + linear_adjoint(gates, p["W"][: 2 * H])
            shares = {"W": (Outer(gates, h_prev), Outer(da_n, q))}
        return concatenate([da_r, da_u, da_n]), (dh_prev,), shares
