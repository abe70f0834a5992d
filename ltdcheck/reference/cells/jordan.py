"""Output-recurrent (Jordan) network (S03), by itself, with teacher forcing, and with scheduled sampling.

    h_t = phi(b + W@o_{t-1} + U@x_t)
    o_t = c + V@h_t

phi is one of tanh, sigmoid, relu, identity. The only memory is the output of the step before: it is the state, and the
second size of :meth:`Jordan.shapes` is its width O. ``hidden`` is the width of h, or 0 for as many as outputs.

:class:`Forced` replaces o_{t-1} by the target y_{t-1} where a coin k_t says so:

    h_t = phi(b + W@(k_t*y_{t-1} + (1 - k_t)*o_{t-1}) + U@x_t)

Coins that are all 1 are teacher forcing, all 0 the network by itself, drawn at random scheduled sampling
(:func:`coins`). Targets and coins come with the input (:func:`forced_input`).

Shapes: x (B, I), o (B, O), U (H, I), W (H, O), V (O, H), b (H,), c (O,).

Refuses: a negative hidden width; an input of :class:`Forced` too narrow to hold targets and coin; probabilities outside
0 .. 1; targets that do not fit the input.

Source: GBC-draft 10.2, figures 10.4 and 10.5; Jordan 1986; Bengio et al. 2015 for scheduled sampling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ltdcheck.problem import Array
from ltdcheck.reference import ops
from ltdcheck.reference.cell import Block, Cell, Outer, Saved, Share, State, Total
from ltdcheck.reference.memory.rows import sums
from ltdcheck.reference.nonlinearities import NONLINEARITIES, Nonlinearity


@dataclass(frozen=True)
class Jordan(Cell):
    """The output-recurrent network; the state is o."""

    nonlinearity: Nonlinearity = "tanh"
    hidden: int = 0

    name: ClassVar[str] = "jordan"
    states: ClassVar[tuple[str, ...]] = ("o",)
    gates: ClassVar[tuple[str, ...]] = ("",)
    source: ClassVar[str] = "GBC-draft 10.2, fig. 10.4"
    biases: ClassVar[tuple[str, ...]] = ("b", "c")

    def __post_init__(self) -> None:
        """Refuse a width that is none."""
        if not isinstance(self.hidden, int) or self.hidden < 0:
            raise ValueError(f"hidden = {self.hidden!r} is not allowed: a width, or 0 for that of the output")

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name; the second size is that of the state, which is the output."""
        H, O = self.hidden or H, H
        return {"U": (H, I), "W": (H, O), "b": (H,), "V": (O, H), "c": (O,)}

    def blocks(self, H: int) -> list[Block]:
        """Every array is one block."""
        return [Block(name, name, 0, shape[0]) for name, shape in self.shapes(1, H).items()]

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is ``b + U@x``, (B, H)."""
        (o_prev,) = state  # (B, O)
        phi, _ = NONLINEARITIES[self.nonlinearity]
        h = phi(ops.affine(o_prev, p["W"], z))
        return (ops.affine(h, p["V"], p["c"]),), (o_prev, h)

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        o_prev, h = saved
        (do,) = dstate
        _, slope = NONLINEARITIES[self.nonlinearity]
        da = ops.linear_adjoint(do, p["V"]) * slope(h)  # o = c + V@h, h = phi(a)
        shares: dict[str, Share] = {"W": Outer(da, o_prev), "V": Outer(do, h), "c": Total(do)}
        return da, (ops.linear_adjoint(da, p["W"]),), shares  # a = z + W@o_prev


@dataclass(frozen=True)
class Forced(Jordan):
    """The same with targets: the input's columns are x (I - O - 1), y_{t-1} (O) and the coin k_t (1)."""

    name: ClassVar[str] = "jordan-forced"

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name; I counts all columns of the input.

        Raises
        ------
        ValueError
            When the columns are too few for targets and coin.
        """
        if I < H + 1:
            raise ValueError(f"I = {I} is not allowed: {H} targets and a coin are {H + 1} columns of the input")
        return super().shapes(I - H - 1, H)

    def drive(self, p: dict[str, Any], x: Any) -> Any:
        """``b + U@x``, then targets and coin as they are: (T, B, H + O + 1)."""
        I = p["U"].shape[1]
        return ops.concatenate([super().drive(p, x[..., :I]), x[..., I:]])

    def drive_vjp(self, p: dict[str, Any], x: Any, dz: Any) -> tuple[Any, dict[str, Any]]:
        """Cotangents of the input's columns and of the parameters."""
        H, I = p["U"].shape
        dx, grads = super().drive_vjp(p, x[..., :I], dz[..., :H])
        return ops.concatenate([dx, dz[..., H:]]), grads

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is one entry of :meth:`drive`."""
        (o_prev,) = state  # (B, O)
        H = p["U"].shape[0]
        y_prev, k = z[..., H:-1], z[..., -1:]
        fed = k * y_prev + ops.complement(k) * o_prev
        new, saved = super().step(p, z[..., :H], (fed,))
        return new, (o_prev, saved, y_prev, k)

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        o_prev, inner, y_prev, k = saved
        da, (dfed,), shares = super().step_vjp(p, inner, dstate)
        toward = dfed * (y_prev - o_prev)  # fed = k*y_prev + (1 - k)*o_prev
        return ops.concatenate([da, dfed * k, sums(toward)]), (dfed * ops.complement(k),), shares


def forced_input(x: Array, y: Array, k: Array, first: Array | None = None) -> Array:
    """The input of :class:`Forced`: x (T, B, I), then the targets y (T, B, O) one step late, then the coins k (T, B).

    ``first`` (B, O) stands in for the target before the first step; without it zeros do.

    Raises
    ------
    ValueError
        When the arrays do not belong to the same steps and rows.
    """
    T, B = x.shape[:2]
    for name, array, rank in (("y", y, 3), ("k", k, 2)):
        if array.ndim != rank or array.shape[:2] != (T, B):
            raise ValueError(f"{name} of shape {array.shape} is not allowed: its first axes are (T, B) = {(T, B)}")
    before = np.zeros(y.shape[1:]) if first is None else first
    if before.shape != y.shape[1:]:
        raise ValueError(f"first of shape {before.shape} is not allowed: that of a target is {y.shape[1:]}")
    return np.concatenate([x, np.concatenate([before[None], y])[:T], k[..., None]], axis=-1)


def coins(rng: np.random.Generator, T: int, B: int, teacher: float | Array) -> Array:
    """Which of target and own output each step and row is fed, (T, B): 1 with probability ``teacher``, or (T,) of them.

    Raises
    ------
    ValueError
        When a probability is none.
    """
    odds = np.broadcast_to(np.asarray(teacher, dtype=float).reshape(-1, 1), (T, B))
    if not np.all((odds >= 0) & (odds <= 1)):
        raise ValueError(f"teacher = {teacher!r} is not allowed: a probability is a number from 0 to 1")
    return (rng.random((T, B)) < odds).astype(float)
