"""An implementation together with what it was identified as: the door through which properties ask it questions.

Problems go in, in the reference's parameters and state order; answers come back in the reference's state order, with
parameter gradients in the target's own arrays. What was asked once is remembered, because several properties look at
the same answer.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Self, TypeVar

import numpy as np

from ltdcheck.estimate import Estimate
from ltdcheck.implementation import Ahead, Implementation, Outputs
from ltdcheck.oracles.judging import judged
from ltdcheck.oracles.rounding import Expected, expected
from ltdcheck.problem import Array, Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.direction import turned, turned_back
from ltdcheck.reference.layout import Layout
from ltdcheck.result import Place

REMEMBERED = 512
AT_ONCE = 1 << 20  # entries in all problems together that are asked about at once
Answer = TypeVar("Answer")


class Subject:
    """What a property is asked about."""

    unreferenced = ""  # why nothing is known of its equations, where nothing is
    alone: Sequence[str] = ()  # the precisions in which it is asked, where those are not all of the target's
    without: frozenset[str] = frozenset()  # the gradient blocks that are not looked at

    def __init__(self, implementation: Implementation, layout: Layout, declared: str = "") -> None:
        self.implementation = implementation
        self.layout = layout
        self.declared = declared
        self._memory: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._ahead: dict[tuple[int, bool], tuple[Problem, Ahead]] = {}  # what was asked ahead, and not looked at yet
        self.to_come: Iterator[Problem] = iter(())  # will be asked about: the reference answers while the target does

    def on(self, implementation: Implementation) -> Subject:
        """Another implementation that is held against the same."""
        other = Subject(implementation, self.layout, self.declared)
        other.without = self.without
        return other

    @property
    def cell(self) -> Cell:
        """The reference."""
        return self.layout.cell

    @property
    def precisions(self) -> Sequence[str]:
        """In which the target is asked: those in which it computes, unless it is asked in one only."""
        return self.alone or self.implementation.precisions

    def only(self, precision: str) -> Self:
        """The same, asked in one precision."""
        one = copy(self)
        one.alone = (precision,)
        return one

    def leaving_out(self, blocks: Iterable[str]) -> Self:
        """The same, of which these gradient blocks are not looked at."""
        one = copy(self)
        one.without = self.without | frozenset(blocks)
        return one

    @property
    def has_backward(self) -> bool:
        """It offers gradients, and there are any."""
        return not self.forward_only

    @property
    def forward_only(self) -> str:
        """Why no gradient is looked at, or ""."""
        if not self.cell.differentiable:
            return f"{self.cell.name} is not differentiable: it has no gradient to check"
        return "" if self.implementation.has_backward else "it offers no backward pass"

    def within(self, problem: Problem) -> Problem:
        """The problem with zeros for parameters that the target does not have."""
        I, H = problem.sizes["I"], problem.sizes["H"]

        def restrict() -> Problem:
            params = self.layout.within(problem.params, I, H)
            if all(np.array_equal(params[n], problem.params[n]) for n in params):
                return problem
            return problem.with_(params=params)

        return self._remembered(("within", id(problem)), problem, restrict)

    def made(self, name: str, problem: Problem, make: Callable[[], Problem]) -> Problem:
        """The problem that laws derive from this one by that name: one object for all, whose answers are remembered."""
        return self._remembered((name, id(problem)), problem, make)

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """One pass of the target."""
        if fresh:
            return self._back(self.implementation.run(self._there(problem), backward=backward, fresh=True), problem)
        return self._remembered(
            ("run", id(problem), backward), problem, lambda: _copied(self._run(problem, backward=backward))
        )

    def ahead(self, problem: Problem, *, backward: bool = True) -> None:
        """Ask what :meth:`run` asks later, so that the target answers while the reference does."""
        key = id(problem), backward
        if ("run", *key) not in self._memory and key not in self._ahead:
            self._ahead[key] = problem, self.run_ahead(problem, backward=backward)

    def _run(self, problem: Problem, *, backward: bool) -> Outputs:
        if (id(problem), backward) in self._ahead:
            return self._ahead.pop((id(problem), backward))[1].told()
        return self.run_again(problem, backward=backward)

    def run_ahead(self, problem: Problem, *, backward: bool = True) -> Ahead:
        """One pass that is not remembered, asked for now."""
        asked = self.implementation.run_ahead(self._there(problem), backward=backward)

        def told() -> Outputs:
            self._pass_time(asked.ready)
            return self._back(asked.told(), problem)

        return Ahead(told, asked.ready)

    def _pass_time(self, over: Callable[[], bool]) -> None:
        """What the reference says of problems to come, until there is an answer."""
        while not over() and (problem := next(self.to_come, None)) is not None:
            self.expect(self.within(problem))

    def run_again(self, problem: Problem, *, backward: bool = True) -> Outputs:
        """One pass that is not remembered."""
        return Subject.run_ahead(self, problem, backward=backward).told()

    def run_each(
        self, questions: Iterable[tuple[str, Problem]], *, backward: bool = True
    ) -> Iterator[tuple[str, Problem, Outputs]]:
        """Passes of problems with names that are not remembered; those that are small together are asked at once."""
        asked: deque[tuple[str, Problem, Ahead]] = deque()
        for name, problem in questions:
            asked.append((name, problem, self.run_ahead(problem, backward=backward)))
            if len(asked) * problem.entries >= AT_ONCE:
                first, its, answer = asked.popleft()
                yield first, its, answer.told()
        yield from ((name, problem, answer.told()) for name, problem, answer in asked)

    def run_in_turn(self, problems: Sequence[Problem]) -> list[Outputs]:
        """Several passes on one instance, read after the last."""
        outs = self.implementation.run_in_turn([self._there(p) for p in problems])
        return [self._back(out, problem) for out, problem in zip(outs, problems, strict=True)]

    def run_on(self, problems: Sequence[Problem], way: str) -> list[Outputs]:
        """Forward passes of one instance, each but the first from where the one before it stopped."""
        outs = self.implementation.run_on([self._there(p) for p in problems], way)
        return [self._back(out, problem) for out, problem in zip(outs, problems, strict=True)]

    def train(self, problem: Problem, seed: int) -> Outputs:
        """One pass in training mode, and the masks that were drawn, step by step in the order in which it reads."""
        return self._back(self.implementation.run_in_training(self._there(problem), seed), problem)

    def run_back_again(self, problem: Problem) -> Outputs:
        """One forward pass and two backward passes through it, with the second one's gradients."""
        return self._back(self.implementation.run_back_again(self._there(problem)), problem)

    def expect(self, problem: Problem) -> Expected:
        """What a right implementation answers."""
        return self._remembered(("expect", id(problem)), problem, lambda: expected(self.cell, problem))

    def outputs(self, out: Outputs) -> dict[str, Array]:
        """The forward blocks of an answer, by the names of :class:`Expected`."""
        return {"y": out.y, **{f"{s}_T": v for s, v in zip(self.cell.states, out.state, strict=True)}}

    def gradients(self, out: Outputs) -> dict[str, Array]:
        """The gradient blocks of an answer: ``x``, the initial state, and the target's own parameter arrays."""
        assert out.dx is not None
        assert out.dparams is not None
        initial = {f"{s}_0": v for s, v in zip(self.cell.states, out.dstate or (), strict=False)}
        return self._looked_at({"x": out.dx, **initial, **out.dparams})

    def expected_gradients(self, problem: Problem) -> dict[str, Estimate]:
        """The expected gradient blocks, parameters in the target's own arrays."""
        return self._looked_at(self.in_its_arrays(self.expect(problem).gradients, problem))

    def _looked_at(self, blocks: dict[str, Answer]) -> dict[str, Answer]:
        """Those that are."""
        return {name: block for name, block in blocks.items() if name not in self.without} if self.without else blocks

    def in_its_arrays(self, gradients: Mapping[str, Estimate], problem: Problem) -> dict[str, Estimate]:
        """Gradient blocks of a reference, parameters in the target's own arrays."""
        estimates = dict(gradients)
        I, H = problem.sizes["I"], problem.sizes["H"]
        names = list(self.cell.shapes(I, H))
        values = self.layout.scatter({n: estimates[n].value for n in names}, I, H)
        errors = self.layout.scatter({n: estimates[n].error for n in names}, I, H)
        own = {n: e for n, e in estimates.items() if n not in names}
        if problem.state is None:
            own = {n: e for n, e in own.items() if not n.endswith("_0")}
        return {**own, **{n: judged(values[n], errors[n], problem.precision) for n in values}}

    def place(self, block: str, index: tuple[int, ...], problem: Problem) -> Place:
        """An entry of a block in the papers' names and in the target's."""
        sizes = problem.sizes
        if block in self.layout.arrays:
            name, inner = self.layout.name_of(block, index, sizes["I"], sizes["H"])
            unit = inner[0] if inner else None
            return Place(_gradient(name), inner, unit=unit, target_block=block, target_index=index)
        if block in ("x", "y"):
            step, unit = index[0], index[-1]
            return Place("dx" if block == "x" else "y", index, step=step + 1, unit=unit)
        shown = _gradient(block) if block.endswith("_0") else block
        return Place(shown, index, unit=index[-1])

    def _there(self, problem: Problem) -> Problem:
        """In the target's own names and order."""
        I, H = problem.sizes["I"], problem.sizes["H"]
        there = np.argsort(self.layout.places)
        state = None if problem.state is None else _ordered(problem.state, there)
        dstate = _ordered(problem.dstate, there)
        params = self.layout.to_target(problem.params, I, H)
        return turned(problem.with_(params=params, state=state, dstate=dstate), self.layout.direction)

    def _back(self, out: Outputs, problem: Problem) -> Outputs:
        places = self.layout.places
        dstate = None if out.dstate is None else _ordered(out.dstate, places)
        turned_out = turned_back(out, self.layout.direction, problem.lengths)
        return replace(turned_out, state=_ordered(out.state, places), dstate=dstate)

    def _remembered(self, key: tuple[Any, ...], problem: Problem, make: Callable[[], Answer]) -> Answer:
        """Ask once; the problem is kept beside the answer so that its id stays its own."""
        if key not in self._memory:
            self._memory[key] = (problem, make())
            while len(self._memory) > REMEMBERED:
                self._memory.popitem(last=False)
        answer: Answer = self._memory[key][1]
        return answer


def _ordered(arrays: Sequence[Array], places: Iterable[int]) -> tuple[Array, ...]:
    return tuple(arrays[k] for k in places)


def _copied(out: Outputs) -> Outputs:
    """Memory of our own: what is remembered must not be a view of what a later call overwrites."""
    dstate = None if out.dstate is None else tuple(d.copy() for d in out.dstate)
    dx = None if out.dx is None else out.dx.copy()
    dparams = None if out.dparams is None else {n: g.copy() for n, g in out.dparams.items()}
    return Outputs(out.y.copy(), tuple(s.copy() for s in out.state), dx, dstate, dparams, out.facts)


def _gradient(name: str) -> str:
    """``dU_f`` for ``U_f``, and ``layer2.back.dU_f`` for ``layer2.back.U_f``."""
    unit, dot, block = name.rpartition(".")
    return f"{unit}{dot}d{block}"


Blocks = Mapping[str, Array]


def finite(block: Array) -> bool:
    """Every entry is a number."""
    return bool(np.all(np.isfinite(block)))
