"""Faults of the Elman cell's line, ``h' = phi(z + W@h)``, by operators on each term."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ltdcheck.faults.fault import Network, fault
from ltdcheck.faults.graft import derived
from ltdcheck.faults.steps import ElmanSteps, rewired
from ltdcheck.reference.cell import Cell, Saved, State
from ltdcheck.reference.nonlinearities import NONLINEARITIES
from ltdcheck.reference.ops import linear

Line = Callable[[Callable[[Any], Any], Any, Any, Any], Any]  # phi, z, W@h, h


class _Line(ElmanSteps):
    """The step with another line."""

    line: Any

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        h = state[0]
        new = self.line(NONLINEARITIES[self.nonlinearity][0], z, linear(h, p["W"]), h)
        return (new,), (h, new)


_LINES: dict[str, tuple[str, Line]] = {
    "recurrent-outside": (
        "The recurrent product is added after the nonlinearity: phi(b + U@x) + W@h.",
        lambda phi, z, r, h: phi(z) + r,
    ),
    "recurrent-subtracted": (
        "The recurrent product is subtracted: phi(b + U@x - W@h).",
        lambda phi, z, r, h: phi(z - r),
    ),
    "recurrent-doubled": ("The recurrent product counts twice.", lambda phi, z, r, h: phi(z + 2 * r)),
    "input-outside": (
        "The input's part is added after the nonlinearity: phi(W@h) + b + U@x.",
        lambda phi, z, r, h: phi(r) + z,
    ),
    "product": (
        "The input's part and the recurrent product are multiplied where their sum is meant.",
        lambda phi, z, r, h: phi(z * r),
    ),
    "parts-apart": (
        "Each part goes through the nonlinearity by itself: phi(b + U@x) + phi(W@h).",
        lambda phi, z, r, h: phi(z) + phi(r),
    ),
    "residual": ("The old state is added to the new one: h + phi(b + W@h + U@x).", lambda phi, z, r, h: h + phi(z + r)),
    "averaged": (
        "The new state is the mean of the old one and phi(b + W@h + U@x).",
        lambda phi, z, r, h: (h + phi(z + r)) / 2,
    ),
    "negated": ("The new state has the other sign: -phi(b + W@h + U@x).", lambda phi, z, r, h: -phi(z + r)),
}


def _plant(line: Line) -> Callable[[Cell], Network]:
    return lambda cell: rewired(derived(_Line, line=staticmethod(line)), cell)


for _site, (_sentence, _line) in _LINES.items():
    fault(
        f"elman-line.{_site}",
        _sentence,
        effect="the state holds other numbers than the equation says, and more so the longer the sequence",
        trigger="h0 != 0 or T >= 2",
        source="thought of",
        cells=("elman",),
        forward=True,
    )(_plant(_line))
