"""The neural Turing machine's step and adjoint with a name for each part, so that a fault replaces one and no other."""

from __future__ import annotations

from typing import Any

from ltdcheck.reference.cell import Saved, Share, State
from ltdcheck.reference.cells.ntm import NTM
from ltdcheck.reference.memory import access, addressing
from ltdcheck.reference.memory.head import emissions
from ltdcheck.reference.ops import linear, sigmoid, softmax, softplus


class NTMSteps(NTM):
    """Computes what :class:`~ltdcheck.reference.cells.ntm.NTM` computes."""

    def content(self, memory: Any, key: Any, beta: Any) -> Any:
        """Weights by similarity."""
        return addressing.content(memory, key, beta, self.rows)[0]

    def interpolate(self, w: Any, w_prev: Any, g: Any) -> Any:
        """Between content and the past."""
        return addressing.interpolate(w, w_prev, g)[0]

    def shift(self, w: Any, s: Any) -> Any:
        """In a circle."""
        return addressing.shift(w, s)[0]

    def sharpen(self, w: Any, gamma: Any) -> Any:
        """By a power."""
        return addressing.sharpen(w, gamma)[0]

    def write(self, memory: Any, w: Any, erase: Any, add: Any) -> Any:
        """Erase, then add."""
        return access.write(memory, w, erase, add)[0]

    def stood(self, w_w: Any, w_r: Any) -> tuple[Any, Any]:
        """Where the write head and the read head stood before."""
        return w_w, w_r

    def address(self, memory: Any, w_prev: Any, e: Any) -> Any:
        """A head's weights."""
        M = self.width
        w = self.content(memory, e[..., :M], softplus(e[..., M : M + 1]))
        w = self.interpolate(w, w_prev, sigmoid(e[..., M + 1 : M + 2]))
        w = self.shift(w, softmax(e[..., M + 3 :]))
        return self.sharpen(w, 1 + softplus(e[..., M + 2 : M + 3]))

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step."""
        *own, r_prev, w_r, w_w, mem = state
        E, M = emissions(self.width, self.reach), self.width
        new, _ = self.controller.step(p, z + linear(r_prev, p["R_r"]), tuple(own))
        e_r, e_w = linear(new[0], p["E_r"]) + p["e_r"], linear(new[0], p["E_w"]) + p["e_w"]
        w_w, w_r = self.stood(w_w, w_r)
        w_w = self.address(mem, w_w, e_w[..., :E])
        written = self.write(mem, w_w, sigmoid(e_w[..., E : E + M]), e_w[..., E + M :])
        seen = written if self.reads == "after" else mem
        w_r = self.address(seen, w_r, e_r)
        return (*new, access.read(seen, w_r)[0], w_r, w_w, written), ()


class NTMAdjoint(NTM):
    """The right step; what its adjoint hands back for each array of the state may be bent."""

    def handed(self, name: str, d: Any) -> Any:
        """The cotangent of one array of the previous state."""
        return d

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of one step."""
        dz, down, shares = super().step_vjp(p, saved, dstate)
        return dz, tuple(self.handed(name, d) for name, d in zip(self.states, down, strict=True)), shares
