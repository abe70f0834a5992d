"""Problems on which faults show or hide, and a comparison by blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from ltdcheck.faults.fault import Fault, Network, faults
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.variants import variants

# A block is the same when its largest difference is below this part of its largest entry. Sums of a few hundred
# products of numbers of order 1 over a few steps lose at most some 1e-14 to rounding; the smallest fault, single
# precision inside, makes 1e-8.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Case:
    """Sizes that are all different, and what is zero, large or special."""

    T: int = 5
    B: int = 3
    I: int = 4
    H: int = 6
    precision: str = "float64"
    zero: tuple[str, ...] = ()  # parameters, "state", "dy" or "dstate"
    bias: float = 1.0  # their scale
    state: float = 1.0
    symmetric: bool = False  # the square blocks of W
    equal_biases: bool = False  # of all gates
    given: bool = True  # the initial state
    views: tuple[tuple[str, str], ...] = ()
    gaps: bool = False  # the first step's input is all zeros in the first row
    fine: bool = False  # numbers that single precision does not hold
    calls: int = 1
    look: int = 0  # at the answer of which call
    shared: tuple[str, ...] = ("params",)  # what all calls have in common
    longer: int = 0  # steps that the first call has more than the others
    narrower: int = 0  # rows that it has less
    turned: bool = False  # the later calls hold the first one's rows from the last to the first
    lengths: tuple[int, ...] | None = None  # of the rows, with cotangents inside them
    again: bool = False  # two backward passes through the forward pass that is looked at

    def problems(self, cell: Cell) -> list[Problem]:
        """One for each call."""
        first = replace(self, T=self.T + self.longer, B=self.B - self.narrower)._problem(cell, 0)
        if self.turned:
            return [first, *[_turned(first)] * (self.calls - 1)]
        common = {name: getattr(first, name) for name in self.shared}
        return [first, *(self._problem(cell, k).with_(**common) for k in range(1, self.calls))]

    def _problem(self, cell: Cell, seed: int) -> Problem:
        rng = np.random.default_rng(seed)

        def draw(*shape: int) -> Array:
            coarse = np.round(rng.standard_normal(shape) * 256) / 256 + 1 / 512  # never zero
            return coarse + rng.standard_normal(shape) * 2.0**-30 if self.fine else coarse

        H = max(self.H, cell.fewest)
        params = {name: draw(*shape) for name, shape in cell.shapes(self.I, H).items()}
        params["W"] = self._recurrent(params["W"])
        params["b"] = params["b"] * self.bias
        if self.equal_biases:
            params["b"] = np.tile(params["b"][:H], len(cell.gates))
        widths = cell.widths(H)
        state = tuple(draw(self.B, width) * self.state * ("state" not in self.zero) for width in widths)
        x, dy = draw(self.T, self.B, self.I), draw(self.T, self.B, widths[0])
        if self.gaps:
            x[0, 0] = 0
        if dict(self.views).get("dy") == "expanded":
            dy[...] = dy.ravel()[0]
        ends = None if self.lengths is None else self.lengths[: self.B]
        if ends is not None:
            dy = np.where(np.arange(self.T)[:, None, None] < np.array(ends)[None, :, None], dy, 0.0)
        return Problem(
            params={name: value * (name not in self.zero) for name, value in params.items()},
            x=x,
            state=state if self.given else None,
            dy=dy * ("dy" not in self.zero),
            dstate=tuple(draw(self.B, width) * ("dstate" not in self.zero) for width in widths),
            precision=self.precision,
            views=dict(self.views),
            lengths=ends,
        )

    def _recurrent(self, W: Array) -> Array:
        W = W / np.sqrt(self.H) if self.fine else np.round(W * 4096 / np.sqrt(self.H)) / 4096
        if self.symmetric:
            blocks = W.reshape(-1, self.H, self.H)
            W = ((blocks + blocks.swapaxes(1, 2)) / 2).reshape(W.shape)
        return W


PLAIN = Case()


def _turned(problem: Problem) -> Problem:
    """The rows of the batch in reverse order."""
    state, dstate = (tuple(s[::-1] for s in arrays) for arrays in (problem.given_state, problem.dstate))
    return problem.with_(x=problem.x[:, ::-1], state=state, dy=problem.dy[:, ::-1], dstate=dstate)


def case(**changes: Any) -> Case:
    """The plain case with some fields changed."""
    return replace(PLAIN, **changes)


def answer(network: Network, where: Case) -> Outputs:
    """What the network says on the call that is looked at."""
    problems = where.problems(network.cell)
    return network.run_back_again(problems[where.look]) if where.again else network.run_in_turn(problems)[where.look]


def blocks(outputs: Outputs) -> dict[str, Array]:
    """Every array of an answer by name."""
    named = {"y": outputs.y, **{f"final[{k}]": s for k, s in enumerate(outputs.state)}}
    if outputs.dx is not None:
        named["dx"] = outputs.dx
    named |= {f"dstate[{k}]": s for k, s in enumerate(outputs.dstate or ())}
    return named | {f"d{name}": value for name, value in (outputs.dparams or {}).items()}


def changed(one: Outputs, other: Outputs) -> set[str]:
    """The blocks in which two answers differ by more than rounding."""
    a, b = blocks(one), blocks(other)
    assert a.keys() == b.keys()
    return {name for name in a if not _same(a[name], b[name])}


def _same(a: Array, b: Array) -> bool:
    assert a.shape == b.shape
    if a.size == 0:
        return True
    return bool(np.abs(a - b).max() <= ROUNDING * np.abs(b).max())


@cache
def planted() -> list[tuple[Fault, Cell]]:
    """Every fault in every family that it lists, in the first variant that has something to get wrong."""
    return [(f, _first(f, family)) for family in CELLS for f in faults(family)]


def _first(fault: Fault, family: str) -> Cell:
    return next(cell for cell in variants(family) if fault.plant(cell) is not None)


def network(fault: Fault, cell: Cell) -> Network:
    """The planted fault, where it is known that there is something to get wrong."""
    wrong = fault.plant(cell)
    assert wrong is not None
    return wrong


def names(pairs: list[tuple[Fault, Cell]]) -> Iterator[str]:
    """Test ids."""
    return (f"{cell.name}-{fault.id}" for fault, cell in pairs)
