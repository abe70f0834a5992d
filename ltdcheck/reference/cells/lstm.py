"""LSTM (S09), with peepholes (S10), a projected output, and the nonlinearities that frameworks let one choose.

    i = sg(b_i + U_i@x + W_i@h + p_i*c)         f, o alike
    g = phi(b_g + U_g@x + W_g@h)                phi is tanh (CSC321) or sg (GBC-draft 10.9)
    c' = f*c + i*g
    m = o*psi(c')                               psi is tanh
    h' = m, or with projection=P: h' = R@m

Shapes: x (B, I), h and c (B, H), U (4H, I), W (4H, H), b (4H,), rows in the order i f o g; p (3H,), order i f o.
With ``peepholes="current"`` the output gate sees c' (Gers), with ``"previous"`` all three gates see c (the figure of
the draft). ``forget_offset`` is added to the forget gate's pre-activation in the forward pass (S12, as TensorFlow 1
did; elsewhere a forget bias of 1 is an initial value of b_f). ``gate_nonlinearity`` names sg, ``candidate`` phi and
``output`` psi, of :mod:`ltdcheck.reference.nonlinearities`. With a projection h is (B, P), W is (4H, P) and R (P, H),
P < H. ``clip`` holds what sg and phi read, and not what psi does
(:mod:`ltdcheck.reference.input_clipping`).

Source: GBC-draft 10.8-10.11; CSC321 lecture 16; Gers et al. 2000; of the projection Sak, Senior & Beaufays 2014, eq.
7-12, where R is W_rm.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, Literal

from ltdcheck.reference.cell import Block, Cell, Outer, Saved, Share, State, Total
from ltdcheck.reference.input_clipping import held, let_through, passing
from ltdcheck.reference.nonlinearities import NONLINEARITIES, Gate, Pair
from ltdcheck.reference.ops import affine, concatenate, linear, linear_adjoint


@dataclass(frozen=True)
class LSTM(Cell):
    """Long short-term memory; the state is (h, c)."""

    candidate: Literal["tanh", "sigmoid", "relu", "softsign", "identity"] = "tanh"
    peepholes: Literal["none", "current", "previous"] = "none"
    forget_offset: float = 0.0
    gate_nonlinearity: Gate = "sigmoid"
    output: Literal["tanh", "relu", "softsign", "identity"] = "tanh"
    projection: int = 0  # P, the width of h; 0 where h is not projected
    clip: float = inf

    name: ClassVar[str] = "lstm"
    states: ClassVar[tuple[str, ...]] = ("h", "c")
    gates: ClassVar[tuple[str, ...]] = ("i", "f", "o", "g")
    source: ClassVar[str] = "GBC-draft 10.8-10.11, CSC321"

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name."""
        P = self.projection
        shapes: dict[str, tuple[int, ...]] = {"U": (4 * H, I), "W": (4 * H, P or H), "b": (4 * H,)}
        shapes |= {} if self.peepholes == "none" else {"p": (3 * H,)}
        return {**shapes, "R": (P, H)} if P else shapes

    def widths(self, H: int) -> tuple[int, ...]:
        """Columns of h and of c."""
        return self.projection or H, H

    def hidden_size(self, state: State) -> int:
        """H of a state: the width of c where h is projected."""
        return super().hidden_size(state[1:] if self.projection else state)

    @property
    def fewest(self) -> int:
        """One more than h is wide where it is projected."""
        return self.projection + 1 if self.projection else 0

    def sources(self, I: int, H: int) -> dict[str, int]:
        """x, h and biases; and m, which a projection reads."""
        return {**super().sources(I, H), **({"m": H} if self.projection else {})}

    def source_of(self, array: str) -> str:
        """What feeds an array."""
        return {"U": "x", "W": "h", "R": "m"}.get(array, "1")

    def blocks(self, H: int) -> list[Block]:
        """The parts of the gates' arrays, and the projection, which has no gates."""
        whole = [Block("R", "R", 0, self.projection)] if self.projection else []
        return [block for block in super().blocks(H) if block.array != "R"] + whole

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is ``b + U@x``, (B, 4H)."""
        h_prev, c_prev = state  # (B, P or H), (B, H)
        H = c_prev.shape[-1]
        (sg, _), (phi, _), (psi, _) = self._nonlinearities()
        a = affine(h_prev, p["W"], z)  # (B, 4H)
        if self.peepholes == "none" and not self.forget_offset:
            gates = sg(held(a[..., : 3 * H], self.clip))  # i, f, o in one call
            i, f, o = _thirds(gates)
            slopes = passing([a], self.clip)
        else:
            a_i, a_f, a_o = a[..., :H], a[..., H : 2 * H] + self.forget_offset, a[..., 2 * H : 3 * H]
            if self.peepholes != "none":
                a_i = a_i + p["p"][:H] * c_prev
                a_f = a_f + p["p"][H : 2 * H] * c_prev
            i, f = sg(held(a_i, self.clip)), sg(held(a_f, self.clip))
        g = phi(held(a[..., 3 * H :], self.clip))
        c = f * c_prev + i * g
        if self.peepholes != "none" or self.forget_offset:
            if self.peepholes != "none":
                a_o = a_o + p["p"][2 * H :] * (c if self.peepholes == "current" else c_prev)
            o = sg(held(a_o, self.clip))
            gates = concatenate([i, f, o])
            slopes = passing([a_i, a_f, a_o, a[..., 3 * H :]], self.clip)
        k = psi(c)
        return (self.projected(p, o * k), c), (h_prev, c_prev, gates, g, c, k, *slopes)

    def projected(self, p: dict[str, Any], m: Any) -> Any:
        """h' of m (B, H)."""
        return linear(m, p["R"]) if self.projection else m

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        h_prev, c_prev, gates, g, c, k, *slopes = saved
        dh, dc = dstate
        (_, sg_slope), (_, phi_slope), (_, psi_slope) = self._nonlinearities()
        gated = gates.shape[-1]
        (i, f, o), (di, df, do) = _thirds(gates), _thirds(let_through(sg_slope(gates), slopes, 0, gated))
        shares: dict[str, Share] = {}
        dm = dh
        if self.projection:
            shares["R"] = Outer(dh, o * k)  # h' = R@m
            dm = linear_adjoint(dh, p["R"])
        da_o = dm * k * do  # m = o*psi(c')
        dc = dc + dm * o * psi_slope(k)
        if self.peepholes == "current":
            dc = dc + da_o * p["p"][2 * c.shape[-1] :]  # a_o sees c'
        da_i = dc * g * di  # c' = f*c + i*g
        da_f = dc * c_prev * df
        da_g = dc * i * let_through(phi_slope(g), slopes, gated)
        dc_prev = dc * f
        if self.peepholes != "none":
            H = c.shape[-1]
            dc_prev = dc_prev + da_i * p["p"][:H] + da_f * p["p"][H : 2 * H]  # a_i, a_f see c
            seen = c if self.peepholes == "current" else c_prev
            if self.peepholes == "previous":
                dc_prev = dc_prev + da_o * p["p"][2 * H :]
            shares["p"] = Total(concatenate([da_i * c_prev, da_f * c_prev, da_o * seen]))
        da = concatenate([da_i, da_f, da_o, da_g])
        shares["W"] = Outer(da, h_prev)  # a = z + W@h
        return da, (linear_adjoint(da, p["W"]), dc_prev), shares

    def _nonlinearities(self) -> tuple[Pair, Pair, Pair]:
        """Of the gates, the candidate and the output: each with its slope."""
        return NONLINEARITIES[self.gate_nonlinearity], NONLINEARITIES[self.candidate], NONLINEARITIES[self.output]


def _thirds(gates: Any) -> tuple[Any, Any, Any]:
    """i, f, o of an array that holds them side by side, (B, 3H)."""
    H = gates.shape[-1] // 3
    return gates[..., :H], gates[..., H : 2 * H], gates[..., 2 * H :]
