"""The questions that identification asks: a base point at which the layout does not matter, and pokes around it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from math import ceil, isfinite, log2, prod

import numpy as np
from numpy.typing import NDArray

from ltdcheck.faults.fault import Fault, Network
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import PRECISIONS, Array, Params, Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.layout import FUSED, FUSED_VECTORS, JOINED_VECTORS, SINGLE, SINGLE_VECTORS, arrange
from ltdcheck.strategies.problems import PROBED

B = PROBED[0]
SIZES = PROBED[1:]  # I and H of the probe: their sums and multiples tell the axes apart
WIDE = (7, 17)  # the same where units stand in groups: sixteen groups have a unit each
T = 3
LONG = 33  # steps of the probe where a step depends on its number
BASE = 0.25  # every matrix entry at the base point
MOST = 0.5  # the share of entries that must be steady for the others to be left out; chosen, not derived
FARTHEST = 1e9  # a distance that no other exceeds, and that can be added up
KEPT = 2**14  # answers of references, of a kilobyte or less each; a target with a fault asks for about 6000

_Sources = tuple[tuple[str, ...], ...]
_VECTOR: _Sources = (("1",),)
_MATRIX: _Sources = (
    *(("x",), ("h",), ("x", "h"), ("h", "x")),
    *(("x", "h", "1"), ("h", "x", "1"), ("1", "x", "h"), ("1", "h", "x")),
    *(("x", "1"), ("h", "1"), ("1", "x"), ("1", "h")),
    *(("1",), ("1", "1")),
)


@dataclass(frozen=True)
class Reading:
    """One way to read an array's shape."""

    array: str
    arrangement: str
    sources: tuple[str, ...]
    gates: int
    units: int
    sizes: tuple[tuple[str, int], ...]  # how wide each source is
    inner: bool = False

    @property
    def widths(self) -> list[int]:
        """How many columns each source has."""
        return [dict(self.sizes)[s] for s in self.sources]

    @property
    def entries(self) -> int:
        """How many the array has."""
        return self.gates * self.units * sum(self.widths)

    def core(self) -> NDArray[np.float64]:
        """Zeros of the shape (g, u, s)."""
        return np.zeros((self.gates, self.units, sum(self.widths)))

    def columns(self, k: int) -> slice:
        """Those of the source k."""
        return slice(sum(self.widths[:k]), sum(self.widths[: k + 1]))


_ANSWERS: dict[tuple[Hashable, ...], NDArray[np.float64]] = {}  # of references; see Probe.base

Asks = Callable[[Problem], NDArray[np.float64]]
Response = Callable[[Reading, int, int], NDArray[np.float64]]


class Probe:
    """The target and the references, which ``cells`` are, under the same questions."""

    def __init__(self, target: Implementation, cells: Sequence[Cell]) -> None:
        self.target = target
        self.steps = LONG if any(cell.timed for cell in cells) else T
        self.precision = next(p for p in target.precisions if p in PRECISIONS)
        self.I, self.H = I, H = target.fixed_sizes or (WIDE if any(map(divides, cells)) else SIZES)
        rng = np.random.default_rng(7)

        def grains(*shape: int) -> NDArray[np.float64]:
            return np.asarray(np.round(rng.standard_normal(shape) * 64) / 64)

        self.x = self._x = grains(self.steps, B, I)
        pair = grains(B, H), grains(B, H)
        self.patterns = {"x": grains(H, I), "h": grains(H, H), "1": grains(H, 1)}
        states = (*pair, *(grains(B, H) for _ in range(target.states - 2)))
        widths = cells[0].widths(H) if cells else target.widths(H)
        self.states = tuple(s[:, :width] for s, width in zip(states, (*widths, H)[: len(states)], strict=True))
        self.wide = cells[0].sources(I, H) if cells else {"x": I, "h": H, "1": 1}
        self.patterns["m"] = grains(H, H)
        self._alike: tuple[Hashable, ...] = ()
        self.order: bool | None = None  # of the state: whether it is the other one; seen from the answers if None
        self.steady: NDArray[np.bool_] | None = None  # the entries of an answer that count; all where it is None
        self.inventory = target.parameters(I, H)
        self.units = sorted({b.stop - b.start for cell in cells for b in cell.blocks(H)}, reverse=True)
        self.sources = _MATRIX + tuple(s for k in range(2, _recurrences(cells, H) + 1) for s in _several(k))
        self.sources += (("m",),) if "m" in self.wide else ()

    @property
    def swapped(self) -> bool:
        """The widths of the target's state tell that its arrays are in the other order."""
        return self.target.widths(self.H) != tuple(s.shape[1] for s in self.states[: self.target.states])

    @property
    def reorders(self) -> bool:
        """The state has arrays whose order their widths do not tell."""
        return self.target.states > 1 and len(set(self.target.widths(self.H))) == 1

    def louder(self, size: float) -> None:
        """Ask with one row and step of positive inputs that make potentials a few times this size.

        There units spike, and what follows shows how they are reset; what they forget shows in the other row.
        """
        self.x = self._x.copy()
        self.x[1, 0] = abs(self.x[1, 0]) * 2.0 ** max(0, ceil(log2(4 * size)))
        self._alike = ()

    def leave_out_restless(self, start: Params, *, swapped: bool) -> bool:
        """Let only those entries count that are the same when a question is asked again; whether some are not.

        An entry that holds what another call left says nothing of what the target is. Where most entries are restless,
        all of them count.
        """
        problem = there(self.problem(start, self.target.states), swapped=swapped)
        steady = unchanged(self.target, problem, swapped=swapped)
        if not np.mean(steady) > MOST or steady.all():
            return False
        self.steady = steady
        return True

    def counted(self, answer: NDArray[np.float64]) -> NDArray[np.float64]:
        """The answer with zeros for the entries that do not count."""
        return answer if self.steady is None else np.where(self.steady, answer, 0.0)

    def problem(self, params: Params, states: int) -> Problem:
        """A forward question: the cotangents are zero."""
        return self.asked(params, self.x, self.states[:states])

    def asked(self, params: Params, x: Array, states: Sequence[Array]) -> Problem:
        """The same for another sequence and other states."""
        dy = np.zeros((*x.shape[:2], self.wide["h"]))
        return Problem(params, x, tuple(states), dy, tuple(np.zeros_like(s) for s in states), self.precision)

    def ask(self, params: Params, states: int, *, swapped: bool) -> NDArray[np.float64]:
        """The target's answer as one vector: outputs, then the final state in the reference's order."""
        problem = there(self.problem(params, states), swapped=swapped)
        answer = answer_of(self.target.run(problem, backward=False, fresh=True), swapped=swapped)
        return self.counted(answer)

    def base(self, cell: Cell, poke: str = "", fault: Fault | None = None) -> NDArray[np.float64]:
        """A reference's answer at the base point, or with one block poked; empty where it has no such fault.

        Probes that ask alike are answered alike, whatever the target: each reference answers once a process.
        """
        self._alike = self._alike or self.asks_alike()
        key = (self._alike, cell, poke, fault.id if fault else "")
        if key not in _ANSWERS:
            if len(_ANSWERS) >= KEPT:
                _ANSWERS.clear()
            _ANSWERS[key] = self._base(cell, poke, fault)
        known = _ANSWERS[key]
        return self.counted(known) if known.size else known

    def asks_alike(self) -> tuple[Hashable, ...]:
        """What decides the answers of references, beside what they are."""
        given = b"".join(a.tobytes() for a in (self.x, *self.states))
        return given, self.steps, self.I, self.H, self.precision

    def _base(self, cell: Cell, poke: str, fault: Fault | None) -> NDArray[np.float64]:
        network = fault.plant(cell) if fault else Network(cell)
        if network is None:
            return np.empty(0)
        params = self.base_params(cell)
        if poke:
            block = next(b for b in cell.blocks(self.H) if b.name == poke)
            part = block.of(params[block.array])
            pattern = self.patterns[cell.source_of(block.array)][: len(part)]
            part += pattern[:, : part.shape[1]] if part.ndim > 1 else pattern[:, 0]
        return answer_of(self.reference(network, self.problem(params, len(cell.states))), swapped=False)

    def base_params(self, cell: Cell) -> Params:
        """A reference's parameters at the base point."""
        shapes = cell.shapes(self.I, self.H)
        return {n: np.full(s, BASE) if len(s) > 1 else np.zeros(s) for n, s in shapes.items()}

    def driven(self, ask: Asks, base: Params, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is answered at the base point where all pre-activations of the first step are these, a line for each.

        ``ask`` answers a question with a line for each row.
        """
        x = np.zeros((self.steps, len(levels), self.I))
        x[0, :, 0] = levels / BASE
        rest = [np.zeros((len(levels), s.shape[1])) for s in self.states[: self.target.states]]
        return ask(self.asked(base, x, rest))

    def reference(self, network: Network, problem: Problem) -> Outputs:
        """A reference's answer to the problem, as the target's shows it."""
        return network.run(problem, backward=False)

    def outputs(self, answer: NDArray[np.float64]) -> NDArray[np.float64]:
        """The output sequence (T, B, H) of an answer."""
        return answer[: self.steps * B * self.wide["h"]].reshape(self.steps, B, -1)

    def readings(self, array: str) -> list[Reading]:
        """Every way in which the array's shape can be read at the probe's sizes.

        An axis of one entry in front may be that of layers or directions: then the rest is read as an array without it.
        """
        shape = self.inventory[array]
        found = self._readings(array, shape)
        if len(shape) < 2 or shape[0] != 1:
            return found
        inside = [one for one in self._readings(array, shape[1:]) if one.sources != ("1",)]  # those are found already
        return [*found, *(replace(one, arrangement=f"1 {one.arrangement}") for one in inside)]

    def _readings(self, array: str, shape: tuple[int, ...]) -> list[Reading]:
        entries = prod(shape)
        found = []
        single = [(1, a, self.sources) for a in SINGLE] + [(1, a, _VECTOR) for a in SINGLE_VECTORS]
        fused = [(g, a, self.sources) for g in (2, 3, 4) for a in FUSED]
        fused += [(g, a, _VECTOR) for g in (2, 3, 4) for a in FUSED_VECTORS]
        # last: where two gates' biases are as well explained as two biases, they are the gates'
        fused += [(g, a, (("1", "1"),)) for a, gates in zip(JOINED_VECTORS, ((3, 4), (1,)), strict=True) for g in gates]
        for (gates, arrangement, choices), units in product(single + fused, self.units):
            for sources in choices:
                reading = Reading(array, arrangement, sources, gates, units, tuple(self.wide.items()))
                if reading.entries == entries and arrange(reading.core(), arrangement).shape == shape:
                    found.append(reading)
                    if "h" in sources and (len(sources) > 1 or gates > 1) and units == self.H == self.wide["h"]:
                        found.append(replace(reading, inner=True))
        return found

    def base_array(self, reading: Reading) -> NDArray[np.float64]:
        """The array at the base point, as a core."""
        core = reading.core()
        for k, source in enumerate(reading.sources):
            core[:, :, reading.columns(k)] = 0.0 if source == "1" else BASE
        return core

    def poked(self, reading: Reading, gate: int, k: int) -> NDArray[np.float64]:
        """The array with one gate's part of one source changed."""
        core = self.base_array(reading)
        source = reading.sources[k]
        pattern = self.patterns[source][: reading.units, : reading.widths[k]]
        core[gate, :, reading.columns(k)] += pattern.T if reading.inner and source == "h" else pattern
        return arrange(core, reading.arrangement)


def divides(cell: Cell) -> bool:
    """Its units may stand in groups, each with a number of its own."""
    return bool({f.name for f in fields(cell)} & {"tau", "periods"})


def there(problem: Problem, *, swapped: bool) -> Problem:
    """The problem for a target that has the arrays of its state in the other order."""
    return problem.with_(state=problem.given_state[::-1], dstate=problem.dstate[::-1]) if swapped else problem


def unchanged(target: Implementation, problem: Problem, *, swapped: bool) -> NDArray[np.bool_]:
    """Which entries of an answer, as :func:`answer_of` lists them, are the same after a call about something else."""
    first, _, again = (
        answer_of(target.run(asked, backward=False, fresh=True), swapped=swapped)
        for asked in (problem, problem.with_(x=-problem.x), problem)
    )
    return first == again if first.shape == again.shape else np.zeros(first.shape, dtype=bool)


def answer_of(out: Outputs, *, swapped: bool) -> NDArray[np.float64]:
    """Outputs and final state, in the reference's order, as one vector."""
    state = tuple(reversed(out.state)) if swapped else out.state
    return np.concatenate([np.asarray(a, dtype=np.float64).reshape(-1) for a in (out.y, *state)])


def far(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Largest difference relative to the largest entry; FARTHEST where either is not finite or the lengths differ."""
    if a.shape != b.shape:
        return FARTHEST
    with np.errstate(all="ignore"):
        gap = float(abs(a - b).max())
    return min(gap / max(float(abs(a).max()), 1e-30), FARTHEST) if isfinite(gap) else FARTHEST


def _recurrences(cells: Sequence[Cell], H: int) -> int:
    """How many recurrent blocks may feed one unit: two with a delay, four with full gate recurrence."""
    counts = [[cell.source_of(b.array) for b in cell.blocks(H)] for cell in cells]
    return max((ceil(sources.count("h") / sources.count("x")) for sources in counts), default=1)


def _several(k: int) -> _Sources:
    """One matrix for k recurrent blocks, with the input's or without."""
    recurrent = ("h",) * k
    return (recurrent, ("x", *recurrent), (*recurrent, "x"))
