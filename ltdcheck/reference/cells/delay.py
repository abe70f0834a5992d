"""Recurrent network with delayed connections of lag d (S07).

    h_t = phi(b + W_1@h_{t-1} + W_d@h_{t-d} + U@x_t)

phi is one of tanh, sigmoid, relu, identity. The state is a queue of the last d hidden states, newest first:
(h_{t-1}, .., h_{t-d}), so that a sequence may be cut anywhere. With d = 1 both matrices see h_{t-1}.

Shapes: x (B, I), each array of the state (B, H), U (H, I), W (2H, H) with the rows of W_1 above those of W_d, b (H,).

Refuses: a lag below 1.

Source: GBC-draft 10.7.2, fig. 10.16; Lin et al. 1996.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ltdcheck.reference.cell import Cell, Outer, Saved, Share, State
from ltdcheck.reference.nonlinearities import NONLINEARITIES, Nonlinearity
from ltdcheck.reference.ops import linear, linear_adjoint


@dataclass(frozen=True)
class Delay(Cell):
    """The network with connections of lag 1 and d; the state is the last d hidden states."""

    nonlinearity: Nonlinearity = "tanh"
    lag: int = 2

    name: ClassVar[str] = "delay"
    states: ClassVar[tuple[str, ...]] = ("h", "h2")
    gates: ClassVar[tuple[str, ...]] = ("1", "d")
    source: ClassVar[str] = "GBC-draft 10.7.2, fig. 10.16"

    def __post_init__(self) -> None:
        """Refuse lags that look at no past, and name one array of the state for each step back."""
        if not isinstance(self.lag, int) or isinstance(self.lag, bool) or self.lag < 1:
            raise ValueError(f"lag = {self.lag!r} is not allowed: a lag is an integer of at least 1")
        object.__setattr__(self, "states", ("h", *(f"h{k}" for k in range(2, self.lag + 1))))

    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name."""
        return {"U": (H, I), "W": (2 * H, H), "b": (H,)}

    def gates_of(self, array: str) -> tuple[str, ...]:
        """W holds one block for each lag."""
        return self.gates if array == "W" else ("",)

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One step; ``z`` is ``b + U@x``, (B, H)."""
        h_prev, h_old = state[0], state[-1]  # h_{t-1} and h_{t-d}, (B, H)
        H = h_prev.shape[-1]
        phi, _ = NONLINEARITIES[self.nonlinearity]
        h = phi(z + linear(h_prev, p["W"][:H]) + linear(h_old, p["W"][H:]))
        return (h, *state[:-1]), (h_prev, h_old, h)

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """The adjoint of :meth:`step`."""
        h_prev, h_old, h = saved
        H = h.shape[-1]
        _, slope = NONLINEARITIES[self.nonlinearity]
        da = dstate[0] * slope(h)  # h' = phi(a)
        dprev, dold = linear_adjoint(da, p["W"][:H]), linear_adjoint(da, p["W"][H:])  # a = z + W_1@h_1 + W_d@h_d
        if self.lag == 1:
            queue: State = (dprev + dold,)
        else:  # the queue moves on by one
            queue = (dstate[1] + dprev, *dstate[2:], dold)
        return da, queue, {"W": (Outer(da, h_prev), Outer(da, h_old))}
