"""The three steps with a name for each of their parts, so that a fault replaces one part and nothing else.

They compute and save what the reference's ``step`` does, up to rounding, so that its adjoint runs on what a wrong step
leaves: a backward pass that was written for the right cell. The parts are called ``h`` in the Elman cell,
``i f o g`` in the LSTM and ``r u n`` in the GRU.
"""

from __future__ import annotations

from typing import Any

from ltdcheck.faults.fault import Plant, WrongFunction
from ltdcheck.faults.graft import Graft, graft
from ltdcheck.reference.cell import Cell, Saved, State
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.input_clipping import held, passing
from ltdcheck.reference.nonlinearities import NONLINEARITIES
from ltdcheck.reference.ops import concatenate, divided, linear


def clip_of(cell: Any) -> float:
    """Where the variant holds what its nonlinearities read."""
    return float(cell.clip)


def declared(cell: Any, part: str) -> str:
    """Which nonlinearity the variant has there; ``k`` is what the LSTM makes of its cell for the output."""
    if part == "h":
        return str(cell.nonlinearity)
    return str(cell.output if part == "k" else cell.candidate if part in "gn" else cell.gate_nonlinearity)


class Steps(Graft):
    """What a fault of the forward equations may override in any cell."""

    def squash(self, part: str, a: Any) -> Any:
        """The declared nonlinearity of a part: of the candidate, or of the gates; what it reads may be held."""
        return NONLINEARITIES[declared(self, part)][0](held(a, clip_of(self)))

    def gate(self, part: str, a: Any, peep: Any, bias: Any) -> Any:
        """A gate from its pre-activation, what its peephole adds (0.0 without one), and the bias that ``a`` holds."""
        return self.squash(part, a + peep)


class ElmanSteps(Steps, Elman):
    """h' = squash(z + W@h)."""

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step."""
        a = z + linear(state[0], p["W"])
        h = self.squash("h", a)
        return (h,), (state[0], h, *passing([a], self.clip))


class LSTMSteps(Steps, LSTM):
    """c' = write(f, c, i, g), h' = projected(read(o, c', g))."""

    def peep(self, p: dict[str, Any], k: int, c: Any) -> Any:
        """What the k-th gate sees of the cell; 0.0 without peepholes."""
        H = c.shape[-1]
        return 0.0 if self.peepholes == "none" else p["p"][k * H : (k + 1) * H] * c

    def write(self, f: Any, c_prev: Any, i: Any, g: Any) -> Any:
        """c' = f*c + i*g."""
        return f * c_prev + i * g

    def read(self, o: Any, c: Any, g: Any, c_prev: Any) -> Any:
        """m = o*psi(c'), which is h' where it is not projected."""
        return o * NONLINEARITIES[self.output][0](c)

    def seen(self, c_prev: Any, c: Any) -> Any:
        """The cell that the output gate's peephole sees."""
        return c if self.peepholes == "current" else c_prev

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step."""
        h_prev, c_prev = state
        H = c_prev.shape[-1]
        a, b = z + linear(h_prev, p["W"]), p["b"]
        a_i, a_f, a_o, a_g = a[..., :H], a[..., H : 2 * H] + self.forget_offset, a[..., 2 * H : 3 * H], a[..., 3 * H :]
        peep_i, peep_f = self.peep(p, 0, c_prev), self.peep(p, 1, c_prev)
        i, f = self.gate("i", a_i, peep_i, b[:H]), self.gate("f", a_f, peep_f, b[H : 2 * H])
        g = self.squash("g", a_g)
        c = self.write(f, c_prev, i, g)
        peep_o = self.peep(p, 2, self.seen(c_prev, c))
        o = self.gate("o", a_o, peep_o, b[2 * H : 3 * H])
        slopes = passing([a_i + peep_i, a_f + peep_f, a_o + peep_o, a_g], self.clip)
        saved = h_prev, c_prev, concatenate([i, f, o]), g, c, NONLINEARITIES[self.output][0](c), *slopes
        return (self.projected(p, self.read(o, c, g, c_prev)), c), saved


class GRUSteps(Steps, GRU):
    """n = squash(inner(z_n, r, h)), h' = mix(u, h, n)."""

    def inner(self, p: dict[str, Any], z_n: Any, r: Any, h_prev: Any) -> Any:
        """The candidate's pre-activation."""
        W_n = p["W"][2 * h_prev.shape[-1] :]
        if self.reset == "after":
            return z_n + r * (linear(h_prev, W_n) + p["bh"])
        return z_n + linear(r * h_prev, W_n)

    def mix(self, u: Any, h_prev: Any, n: Any) -> Any:
        """h' = u*h + (1 - u)*n, or the other way round."""
        keep, take = divided(u) if self.update == "keeps" else divided(u)[::-1]
        return keep * h_prev + take * n

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step."""
        (h_prev,) = state
        H = h_prev.shape[-1]
        a = z[..., : 2 * H] + linear(h_prev, p["W"][: 2 * H])
        r = self.gate("r", a[..., :H], 0.0, p["b"][:H])
        u = self.gate("u", a[..., H:], 0.0, p["b"][H : 2 * H])
        a_n = self.inner(p, z[..., 2 * H :], r, h_prev)
        n = self.squash("n", a_n)
        W_n = p["W"][2 * H :]
        q = linear(h_prev, W_n) + p["bh"] if self.reset == "after" else r * h_prev
        shares = divided(u) if self.update == "keeps" else divided(u)[::-1]
        return (self.mix(u, h_prev, n),), (h_prev, r, u, q, n, *shares, *passing([a, a_n], self.clip))


STEPS: dict[str, type[Cell]] = {"elman": ElmanSteps, "lstm": LSTMSteps, "gru": GRUSteps}


def rewired(mixin: type[Cell], cell: Cell) -> WrongFunction:
    """The network of a cell with some part of its step replaced."""
    return WrongFunction(graft(mixin, cell, STEPS[cell.name]))


def rewires(mixin: type[Cell]) -> Plant:
    """:func:`rewired` as a plant for every variant of these families."""
    return lambda cell: rewired(mixin, cell) if cell.name in STEPS else None
