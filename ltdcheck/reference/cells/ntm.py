"""Neural Turing machine (S29): a controller, a memory of N rows of M numbers, a write head and a read head.

    h', .. = controller(b + U@x + R_r@r, h, ..)      r is what was read the step before
    w_w'   = address(mem, w_w, E_w@h' + e_w)       mem' = write(mem, w_w', erase, add)
    w_r'   = address(mem', w_r, E_r@h' + e_r)      r'   = read(mem', w_r')

with :mod:`~ltdcheck.reference.memory.head` and :mod:`~ltdcheck.reference.memory.access`; the write head emits also
erase = sg (M) and add (M). With ``reads="before"`` the read head addresses and reads mem, what the memory was before
this step's write. The controller is any cell that x enters through parameters alone, alike at every step, and so
does r: with gates of groups (S15) ``R_r`` has rows for them too, as what ``x`` adds has.

Shapes: the controller's; r (B, M), w_r and w_w (B, N), mem (B, N*M) row after row; R_r (columns of the drive, M),
E_r (M + 2J + 4, H), e_r, E_w (3M + 2J + 4, H), e_w. The state is the controller's, then r, w_r, w_w, mem. w_r and w_w
are distributions.

Refuses: no rows, rows of no numbers, and a negative reach J; a controller whose drive tells the step (clockwork) or
hands on x itself (targets and coins), or that has arrays of the machine's own names.

Source: GBC 10.12; Graves, Wayne & Danihelka 2014.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ltdcheck.reference.cell import Cell, Outer, Saved, Share, State, Total
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.memory.access import read, read_vjp, write, write_vjp
from ltdcheck.reference.memory.head import address, address_vjp, emissions
from ltdcheck.reference.ops import concatenate, linear, linear_adjoint, sigmoid, sigmoid_slope


@dataclass(frozen=True)
class NTM(Cell):
    """A recurrent network with an addressable memory; the first array of the state is the controller's output."""

    controller: Cell = field(default=Elman())
    rows: int = 4  # N
    width: int = 3  # M
    reach: int = 1  # J: a shift is by -J .. J rows
    reads: Literal["after", "before"] = "after"

    name: ClassVar[str] = "ntm"
    states: ClassVar[tuple[str, ...]] = ("h", "r", "w_r", "w_w", "mem")
    gates: ClassVar[tuple[str, ...]] = ("",)
    source: ClassVar[str] = "GBC 10.12"

    def __post_init__(self) -> None:
        """Refuse sizes that hold nothing; the state is the controller's and the memory's."""
        for what, least in (("rows", 1), ("width", 1), ("reach", 0)):
            if getattr(self, what) < least:
                raise ValueError(f"{what} is {getattr(self, what)}; it must be at least {least}")
        object.__setattr__(self, "states", (*self.controller.states, "r", "w_r", "w_w", "mem"))
        for name in ("gates", "differentiable"):
            object.__setattr__(self, name, getattr(self.controller, name))

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name.

        Raises
        ------
        ValueError
            For a controller that nothing can be added to, as the module says.
        """
        W = self.controller.output_width(H)
        inner, E = self.controller.shapes(I, H), emissions(self.width, self.reach)
        heads: dict[str, tuple[int, ...]] = {
            "R_r": (self._columns(inner, I), self.width),
            "E_r": (E, W),
            "e_r": (E,),
            "E_w": (E + 2 * self.width, W),
            "e_w": (E + 2 * self.width,),
        }
        if taken := sorted(inner.keys() & heads.keys()):
            raise ValueError(
                f"controller is {self.controller.name}; its arrays {', '.join(taken)} are the heads' names"
            )
        return {**inner, **heads}

    def _columns(self, shapes: dict[str, tuple[int, ...]], I: int) -> int:
        """How many numbers drive the controller: without weights none of them is anything but 0."""
        z = self.controller.drive({name: np.zeros(shape) for name, shape in shapes.items()}, np.ones((1, 1, I)))
        if not isinstance(z, np.ndarray) or np.any(z):
            raise ValueError(
                f"controller is {self.controller.name}; it must be a cell that x enters through parameters alone, "
                "alike at every step"
            )
        return int(z.shape[-1])

    def widths(self, H: int) -> tuple[int, ...]:
        """Columns of each array of the state."""
        return (*self.controller.widths(H), self.width, self.rows, self.rows, self.rows * self.width)

    def hidden_size(self, state: State) -> int:
        """H, of the controller's part."""
        return self.controller.hidden_size(state)

    def start(self, B: int, H: int, memory: NDArray[Any]) -> State:
        """A state at rest over the given memory (N, M): both heads at row 0, nothing read."""
        at_first = np.repeat(np.eye(self.rows)[:1], B, axis=0)
        own = tuple(np.zeros((B, width)) for width in self.controller.widths(H))
        return (*own, np.zeros((B, self.width)), at_first, at_first.copy(), np.tile(memory.reshape(1, -1), (B, 1)))

    def drive(self, p: dict[str, Any], x: Any) -> Any:
        """The controller's."""
        return self.controller.drive(p, x)

    def drive_vjp(self, p: dict[str, Any], x: Any, dz: Any) -> tuple[Any, dict[str, Any]]:
        """The controller's."""
        return self.controller.drive_vjp(p, x, dz)

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is the controller's drive."""
        *own, r_prev, w_r, w_w, mem = state
        E, M = emissions(self.width, self.reach), self.width
        new, inner = self.controller.step(p, z + linear(r_prev, p["R_r"]), tuple(own))
        h = new[0]
        e_r, e_w = linear(h, p["E_r"]) + p["e_r"], linear(h, p["E_w"]) + p["e_w"]
        erase, add = sigmoid(e_w[..., E : E + M]), e_w[..., E + M :]
        w_w, found_w = address(mem, w_w, e_w[..., :E], M)
        written, wrote = write(mem, w_w, erase, add)
        seen = written if self.reads == "after" else mem
        w_r, found_r = address(seen, w_r, e_r, M)
        r, got = read(seen, w_r)
        return (*new, r, w_r, w_w, written), (h, r_prev, inner, found_w, erase, wrote, found_r, got)

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        h, r_prev, inner, found_w, erase, wrote, found_r, got = saved
        *dnew, dr, dw_r, dw_w, dmem = dstate
        dread, dw = read_vjp(got, dr)  # r' = read(seen, w_r')
        dfound, dw_r, de_r = address_vjp(found_r, dw_r + dw)  # w_r' = address(seen, w_r, e_r)
        dseen = dread + dfound
        dwritten = dmem + dseen if self.reads == "after" else dmem
        dmem, dw, derase, dadd = write_vjp(wrote, dwritten)  # mem' = write(mem, w_w', erase, add)
        dfound, dw_w, de_w = address_vjp(found_w, dw_w + dw)  # w_w' = address(mem, w_w, e_w)
        dmem = dmem + dfound if self.reads == "after" else dmem + dfound + dseen
        de_w = concatenate([de_w, derase * sigmoid_slope(erase), dadd])
        dh = linear_adjoint(de_r, p["E_r"]) + linear_adjoint(de_w, p["E_w"])  # e = e + E@h'
        dz, down, shares = self.controller.step_vjp(p, inner, (dnew[0] + dh, *dnew[1:]))
        heads: dict[str, Share] = {
            "R_r": Outer(dz, r_prev),  # the drive is z + R_r@r
            "E_r": Outer(de_r, h),
            "e_r": Total(de_r),
            "E_w": Outer(de_w, h),
            "e_w": Total(de_w),
        }
        return dz, (*down, linear_adjoint(dz, p["R_r"]), dw_r, dw_w, dmem), {**shares, **heads}
