"""The three adjoints with a name for each of their terms, so that a fault drops or bends one term and nothing else.

They compute what the reference's ``step_vjp`` computes, from what its ``step`` saves; the forward pass is untouched.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ltdcheck.faults.fault import Network, Plant
from ltdcheck.faults.graft import Graft, graft
from ltdcheck.faults.steps import declared
from ltdcheck.reference.cell import Cell, Outer, Saved, Share, State, Total
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.input_clipping import let_through
from ltdcheck.reference.nonlinearities import NONLINEARITIES
from ltdcheck.reference.ops import concatenate, linear_adjoint, zeros_like


class Adjoints(Graft):
    """What a fault of the backward equations may override in any cell."""

    def slope(self, part: str, s: Any) -> Any:
        """The derivative of a part's declared nonlinearity, from its value."""
        return NONLINEARITIES[declared(self, part)][1](s)

    def term(self, name: str, value: Any) -> Any:
        """A term on its way to ``h``, ``c`` or a gate, named ``target<-source``."""
        return value


class ElmanAdjoints(Adjoints, Elman):
    """h' = phi(z + W@h)."""

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of one step."""
        h_prev, h, *slopes = saved
        da = let_through(dstate[0] * self.slope("h", h), slopes)
        return da, (self.term("h<-h", linear_adjoint(da, p["W"])),), {"W": Outer(da, h_prev)}


class LSTMAdjoints(Adjoints, LSTM):
    """c' = f*c + i*g, m = o*tanh(c'), and h' = m or its projection."""

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of one step."""
        h_prev, c_prev, gates, g, c, k, *slopes = saved
        H = c.shape[-1]
        i, f, o = gates[..., :H], gates[..., H : 2 * H], gates[..., 2 * H :]
        dh, dc = dstate
        shares: dict[str, Share] = {}
        dm = dh
        if self.projection:
            shares["R"] = Outer(dh, o * k)  # h' = R@m
            dm = self.term("m<-h", linear_adjoint(dh, p["R"]))
        da_o = self.term("o<-h", dm * k * let_through(self.slope("o", o), slopes, 2 * H, 3 * H))  # m = o*tanh(c')
        dc = dc + self.term("c'<-h", dm * o * self.slope("k", k))
        if self.peepholes == "current":
            dc = dc + self.term("c'<-o", da_o * p["p"][2 * H :])  # a_o sees c'
        da_i = self.term("i<-c", dc * g * let_through(self.slope("i", i), slopes, 0, H))  # c' = f*c + i*g
        da_f = self.term("f<-c", dc * c_prev * let_through(self.slope("f", f), slopes, H, 2 * H))
        da_g = self.term("g<-c", dc * i * let_through(self.slope("g", g), slopes, 3 * H))
        dc_prev = self.term("c<-c", dc * f)
        if self.peepholes != "none":
            dc_prev = dc_prev + self._through_peepholes(p["p"], da_i, da_f, da_o)
            seen = c if self.peepholes == "current" else c_prev
            shares["p"] = Total(concatenate([da_i * c_prev, da_f * c_prev, da_o * seen]))
        da = {"i": da_i, "f": da_f, "o": da_o, "g": da_g}
        carried = concatenate([self.term(f"h<-{part}", value) for part, value in da.items()])
        dz = concatenate(list(da.values()))
        shares["W"] = Outer(dz, h_prev)  # a = z + W@h
        return dz, (linear_adjoint(carried, p["W"]), dc_prev), shares

    def _through_peepholes(self, p: Any, da_i: Any, da_f: Any, da_o: Any) -> Any:
        """a_i and a_f see c, and a_o too with ``peepholes="previous"``."""
        H = da_i.shape[-1]
        dc_prev = self.term("c<-i", da_i * p[:H]) + self.term("c<-f", da_f * p[H : 2 * H])
        return dc_prev + self.term("c<-o", da_o * p[2 * H :]) if self.peepholes == "previous" else dc_prev


class GRUAdjoints(Adjoints, GRU):
    """h' = keep*h + take*n."""

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of one step."""
        h_prev, r, u, q, n, keep, take, *slopes = saved
        (dh,) = dstate
        H = h_prev.shape[-1]
        toward = h_prev - n if self.update == "keeps" else n - h_prev
        da_u = self.term(
            "u<-h", dh * toward * let_through(self.slope("u", u), slopes, H, 2 * H)
        )  # h' = keep*h + take*n
        da_n = self.term("n<-h", dh * take * let_through(self.slope("n", n), slopes, 2 * H))
        dh_prev = self.term("h<-h", dh * keep)
        slope_r = let_through(self.slope("r", r), slopes, 0, H)
        after = self.reset == "after"  # q = W_n@h + bh, else q = r*h; then a_n = z_n + r*q, else a_n = z_n + W_n@q
        dq = da_n * r if after else linear_adjoint(da_n, p["W"][2 * H :])
        da_r = self.term("r<-n", da_n * q * slope_r if after else dq * h_prev * slope_r)
        gates = [self.term("h<-r", da_r), self.term("h<-u", da_u)]
        if after:
            dh_prev = dh_prev + linear_adjoint(concatenate([*gates, self.term("h<-n", dq)]), p["W"])
            shares: dict[str, Share] = {"W": Outer(concatenate([da_r, da_u, dq]), h_prev), "bh": Total(dq)}
        else:
            dh_prev = dh_prev + self.term("h<-n", dq * r) + linear_adjoint(concatenate(gates), p["W"][: 2 * H])
            shares = {"W": (Outer(concatenate([da_r, da_u]), h_prev), Outer(da_n, q))}
        return concatenate([da_r, da_u, da_n]), (dh_prev,), shares


ADJOINTS: dict[str, type[Cell]] = {"elman": ElmanAdjoints, "lstm": LSTMAdjoints, "gru": GRUAdjoints}


class Without(Adjoints):
    """Drops some terms."""

    dropped: ClassVar[tuple[str, ...]] = ()

    def term(self, name: str, value: Any) -> Any:
        """Zero where the term is forgotten."""
        return zeros_like(value) if name in self.dropped else value


def bent(mixin: type[Cell], cell: Cell) -> Network:
    """The network of a cell with some term of its adjoint replaced."""
    return Network(graft(mixin, cell, ADJOINTS[cell.name]))


def bends(mixin: type[Cell]) -> Plant:
    """:func:`bent` as a plant for every variant."""
    return lambda cell: bent(mixin, cell)
