"""Gradients that are clipped on their way back through the sequence (S42), to a threshold that is the target's own.

Below the threshold the pass is the adjoint; beyond it, it is the adjoint of no function. Some do it on purpose, so that
what is told to them is its name, its place and its threshold. As the threshold is anybody's, no site is in the
catalogue of a family: the diagnosis measures it, and plants what it measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ltdcheck.faults.fault import Fault, Network
from ltdcheck.faults.graft import ALL, Graft, derived, derived_network, graft
from ltdcheck.problem import Params
from ltdcheck.reference.cell import Cell, Outer, Saved, Share, State, Wiring
from ltdcheck.reference.clipping import clip_by_value
from ltdcheck.reference.hidden_clipping import clip_hidden
from ltdcheck.reference.networks.unroll import Gradients, unroll, unroll_vjp
from ltdcheck.reference.ops import linear_adjoint


class _Carried(Network):
    """What every step hands to the one before is clipped."""

    v: ClassVar[float]
    by: ClassVar[Any]

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        _, _, tape = unroll(self.cell, params, x, state, lengths=self.lengths)
        return unroll_vjp(self.cell, params, tape, dy, dstate, carry=clip_hidden(self.v, self.by))


class _Arrived(Graft):
    """The whole cotangent of a step's state is clipped, that of its own loss included."""

    v: ClassVar[float]

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        return super().step_vjp(p, saved, tuple(clip_by_value(dstate, self.v)))


class _Summed(Graft):
    """The cotangent of ``z + W@h`` is clipped, before it goes to the weights, to x and to the step before."""

    v: ClassVar[float]

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        da, before, shares = super().step_vjp(p, saved, dstate)
        whole = shares["W"]
        if not isinstance(whole, Outer) or whole.da.shape != np.shape(da) or "p" in shares:
            raise ValueError(f"the gates of {self.name} have no sum z + W@h whose cotangent could be clipped alone")
        clipped = np.clip(da, -self.v, self.v)
        dh = before[0] - linear_adjoint(da, p["W"]) + linear_adjoint(clipped, p["W"])
        return clipped, (dh, *before[1:]), {**shares, "W": Outer(clipped, whole.x)}


def _grafted(mixin: type[Cell], v: float) -> Callable[[Cell], Network | None]:
    return lambda cell: None if isinstance(cell, Wiring) else Network(graft(derived(mixin, v=v), cell))


def _of_fold(by: str, v: float) -> Callable[[Cell], Network | None]:
    network = derived_network(_Carried, v=v, by=by)
    return lambda cell: None if isinstance(cell, Wiring) else network(cell)


_SITES: dict[str, tuple[str, Callable[[float], Callable[[Cell], Network | None]]]] = {
    "value": ("what each step hands back to the one before, entry by entry,", lambda v: _of_fold("value", v)),
    "norm": ("what each step hands back to the one before, by the norm of each row,", lambda v: _of_fold("norm", v)),
    "arrived": ("what arrives at each step, its own loss included, entry by entry,", lambda v: _grafted(_Arrived, v)),
    "sum": ("the gradient of W@h + U@x + b at each step, entry by entry,", lambda v: _grafted(_Summed, v)),
}


def clippings_inside(v: float = 1.0) -> list[Fault]:
    """One for each place where people clip, with this threshold."""
    return [
        Fault(
            f"gradient-clipped-inside.{site}",
            f"Inside the backward pass {words} is clipped to {v:.6g}: beyond that it is not the gradient.",
            effect="no step back grows beyond the threshold, and the direction of the gradient is another",
            trigger="a gradient beyond the threshold",
            source="Lasagne's grad_clipping; Graves 2013" if site == "sum" else "GBC 10.11.1; Graves 2013",
            cells=ALL,
            plant=plant(v),
            forward=False,
        )
        for site, (words, plant) in _SITES.items()
    ]
