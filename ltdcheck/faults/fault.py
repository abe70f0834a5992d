"""What a fault is: an operator on the reference network, with an id and the prose that a diagnosis prints.

A forward fault changes ``step`` or the fold; its backward pass is then the right derivative of the wrong function,
which is what most shipped bugs are and why an ordinary gradient check does not see them. A backward fault leaves the
forward pass alone and changes what the adjoint returns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from autograd import make_vjp
from autograd.builtins import tuple as boxed_tuple

import ltdcheck.reference.numbers.boxes  # noqa: F401  (lets autograd run the reference)
from ltdcheck.errors import UnknownNameError
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import Array, Params, Problem
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.networks.unroll import Gradients, unroll, unroll_vjp

Arrays = tuple[Array, ...]


class Network(Implementation):
    """The reference as an implementation under test, in its own parameter names; faults override its parts."""

    precisions = ("float64", "float32")
    lengths: tuple[int, ...] | None = None  # of the rows of the pass that is running

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.name = cell.name
        self.states = len(cell.states)
        self.has_backward = cell.differentiable

    def widths(self, H: int) -> tuple[int, ...]:
        """Those of the cell."""
        return self.cell.widths(H)

    def output_width(self, H: int) -> int:
        """That of the cell."""
        return self.cell.output_width(H)

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes."""
        return self.cell.shapes(input_size, hidden_size)

    def forward(self, params: dict[str, Any], x: Any, state: State) -> tuple[Any, State]:
        """The forward pass; a fault in the fold overrides this."""
        y, final, _ = unroll(self.cell, params, x, state, lengths=self.lengths)
        return y, final

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        """The backward pass; a fault in BPTT overrides this."""
        _, _, tape = unroll(self.cell, params, x, state, lengths=self.lengths)
        return unroll_vjp(self.cell, params, tape, dy, dstate)

    def answer(self, params: Params, x: Array, state: Arrays, dy: Array, dstate: Arrays, *, backward: bool) -> Outputs:
        """One pass on arrays of its own; a fault in what is returned, or in what arguments suffer, overrides this."""
        y, final = self.forward(params, x, state)
        if not (backward and self.has_backward):
            return Outputs(y, tuple(final))
        g = self.backward(params, x, state, dy, dstate)
        return Outputs(y, tuple(final), g.x, tuple(g.state), g.params)

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """One pass in the problem's precision, on copies; ``facts["mutated"]`` names the copies that it changed."""
        asked = problem.with_(state=problem.given_state)
        params, x, state, dy, dstate = _arguments(asked)
        self.lengths = problem.lengths
        with np.errstate(all="ignore"):  # an unbounded gate may overflow, and what comes of it is the answer
            outputs = self.answer(params, x, state, dy, dstate, backward=backward)
        mutated = [name for name, now, was in _pairs((params, x, state, dy, dstate), asked) if not _equal(now, was)]
        return replace(outputs, facts={**outputs.facts, "mutated": mutated}) if mutated else outputs


def marked(cell: Cell, names: Collection[str], I: int, H: int) -> Params:
    """Ones where a parameter, or a block of it, has one of these names; zeros elsewhere."""
    params = {name: np.full(shape, float(name in names)) for name, shape in cell.shapes(I, H).items()}
    if not set(names) <= params.keys():
        for block in cell.blocks(H):
            if block.name in names:
                params[block.array][block.start : block.stop] = 1.0
    return params


def _arguments(problem: Problem) -> tuple[Params, Array, Arrays, Array, Arrays]:
    """Copies in the problem's precision."""
    cast = problem.precision
    params = {name: value.astype(cast) for name, value in problem.params.items()}
    state = tuple(s.astype(cast) for s in problem.given_state)
    return params, problem.x.astype(cast), state, problem.dy.astype(cast), tuple(d.astype(cast) for d in problem.dstate)


def _pairs(now: tuple[Params, Array, Arrays, Array, Arrays], problem: Problem) -> Iterator[tuple[str, Array, Array]]:
    """Every argument's name, what it holds after the pass, and what the problem says."""
    params, x, state, dy, dstate = now
    yield "x", x, problem.x
    yield "dy", dy, problem.dy
    for name, value in params.items():
        yield name, value, problem.params[name]
    for k, s in enumerate(problem.given_state):
        yield f"state[{k}]", state[k], s
        yield f"dstate[{k}]", dstate[k], problem.dstate[k]


def _equal(now: Array, was: Array) -> bool:
    """Whether a copy still holds what it was made from; two NaNs are equal."""
    was = was.astype(now.dtype, copy=False)
    if now.tobytes() == was.tobytes():  # nearly always, and in a quarter of the time
        return True
    same = now == was
    return bool(same.all()) or bool((same | (np.isnan(now) & np.isnan(was))).all())


class WrongFunction(Network):
    """A network with a forward fault: its gradient is autograd's, of the function that it does compute."""

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        """The derivative of :meth:`forward`."""
        names = list(params)

        def outputs(arguments: Any) -> Any:
            *values, x_, state_ = arguments
            y, final = self.forward(dict(zip(names, values, strict=True)), x_, state_)
            return boxed_tuple((y, *final))

        pull, _ = make_vjp(outputs)((*params.values(), x, tuple(state)))
        *dparams, dx, dstate0 = pull((dy, *dstate))
        return Gradients(dict(zip(names, dparams, strict=True)), dx, tuple(dstate0), ())


@dataclass(frozen=True)
class Fault:
    """One way to get it wrong, seen in the wild or thought of.

    An id is a row of the catalogue, or a row and a site: ``gate-unbounded.f`` is ``gate-unbounded`` at the forget gate.
    """

    id: str
    sentence: str  # what is wrong, for a student: "the gradient through the reset gate is not carried back"
    effect: str  # what it does to training or to results
    trigger: str  # the least configuration that shows it
    source: str  # who was bitten, or "thought of"
    cells: tuple[str, ...]  # the families that it can be planted in
    plant: Callable[[Cell], Network | None]  # None where this variant has nothing to get wrong
    forward: bool  # it changes the forward pass
    layout: bool = False  # another arrangement of the parameters makes it right: identified, not reported
    variant: bool = False  # another variant of the cell computes it: wrong only against what is declared

    @property
    def row(self) -> str:
        """The id without its site."""
        return self.id.partition(".")[0]


_CATALOGUE: dict[str, Fault] = {}

Plant = Callable[[Cell], Network | None]


def fault(
    id: str,
    sentence: str,
    *,
    effect: str,
    trigger: str,
    source: str,
    cells: tuple[str, ...],
    forward: bool,
    layout: bool = False,
    variant: bool = False,
) -> Callable[[Plant], Plant]:
    """Register a function from a cell to a network with this fault.

    Raises
    ------
    ValueError
        When there is one of this id.
    """

    def register(plant: Plant) -> Plant:
        if id in _CATALOGUE:
            raise ValueError(f"fault {id!r} is registered twice")
        _CATALOGUE[id] = Fault(id, sentence, effect, trigger, source, cells, plant, forward, layout, variant)
        return plant

    return register


def faults(cell: str | None = None) -> list[Fault]:
    """The catalogue, or the part of it that concerns one family.

    Those seen in the wild come first: of two that explain a target equally well, the one that people ship is likelier.
    """
    import ltdcheck.faults  # noqa: F401  (registers them)

    known = [f for f in _CATALOGUE.values() if cell is None or cell in f.cells]
    return sorted(known, key=lambda f: f.source == "thought of")


def fault_named(id: str) -> Fault:
    """Look one up; a row stands for its first site.

    Raises
    ------
    UnknownNameError
        When there is none of this id.
    """
    known = {f.id: f for f in faults()}
    rows = {f.row: f for f in reversed(faults())}
    if id not in known and id not in rows:
        raise UnknownNameError("fault", id, sorted(known))
    return known.get(id) or rows[id]
