"""What every adapter shares: how a target is called, and how a run is split into calling and reading."""

from __future__ import annotations

import traceback
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.expected import expect, pair_of
from ltdcheck.adapters.precisions import Learned
from ltdcheck.adapters.state import arrays_of, build, count, joins
from ltdcheck.errors import LtdcheckError, TargetRaised, TargetUnusableError
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import Problem

Found = TypeVar("Found")
Reader = Callable[[], Outputs]


class Adapted(Implementation):
    """A target of some framework, with what was learned about it.

    An instance is kept for each size and precision, so that what one run leaves behind is there in the next.
    """

    framework: str = ""
    framework_version: str = ""

    def __init__(self, target: str, blueprint: Blueprint, learned: Learned) -> None:
        self.name = target
        self.blueprint = blueprint
        self.form = form = learned.form
        self.precisions, self.refused = learned.precisions, learned.refused
        self.fixed_sizes = (learned.inputs, form.hidden) if blueprint.fixed else None
        self.states = count(form.state)
        self.width = form.width
        self.narrow = form.narrow
        self.takes_state = form.takes_state
        self.unregistered: Sequence[str] = ()  # weights that it does not count among its parameters

    @abstractmethod
    def begin(self, problem: Problem, *, backward: bool, fresh: bool, pulls: int = 1) -> Reader:
        """Make the calls; what is returned reads the answers, now or after other calls.

        Of several ``pulls``, backward passes through one forward pass, the last one's gradients are read.
        """

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """One forward and, if asked and offered, one backward pass, in the problem's precision."""
        return self.begin(problem, backward=backward and self.has_backward, fresh=fresh)()

    def run_in_turn(self, problems: Sequence[Problem]) -> list[Outputs]:
        """All calls on one instance; no answer is read before the last call."""
        readers = [self.begin(problem, backward=self.has_backward, fresh=False) for problem in problems]
        return [read() for read in readers]

    def run_back_again(self, problem: Problem) -> Outputs:
        """Two backward passes through one forward pass."""
        return self.begin(problem, backward=self.has_backward, fresh=False, pulls=2)()

    def forward(self, call: Callable[..., Any], x: Any, state: list[Any], like: Problem, kit: Kit) -> Answer:
        """The forward pass on arrays of the framework: one call of a layer, or a loop over a cell.

        x is (T, B, I), or (B, T, I) where that is the target's order; ``state`` is empty where none is given.
        Where the target takes several of its arrays as one, ``state`` holds the parts of that one afterwards, so that a
        write into it shows.

        Raises
        ------
        TargetAnswer
            When an answer is not of the structure and shapes that were learned.
        """
        T, B, _ = like.dy.shape
        H = like.sizes["H"]
        zeros = [kit.zeros((B, width)) for width in self.widths(H)]
        given = list(state) or (zeros if self.form.needs_state else [])
        tree: tuple[Any, ...] = (build(self.form.state, given, kit.stack),) if given else ()
        if state and joins(self.form.state):
            state[:] = arrays_of(self.form.state, tree[0], (B, H), "the state")
        if self.form.kind == "layer":
            y, final = pair_of(call(x, *tree), "the answer")
            expect(y, (*((B, T) if self.form.batch_first else (T, B)), self.output_width(H)), "y")
            return y, arrays_of(self.form.state, final, (B, H), "the final state")
        outputs: list[Any] = []
        arrays = list(state) or zeros
        own = self.output_width(H)
        for t in range(T):
            answer = call(x[t], *tree)
            y_t, new = pair_of(answer, "the answer") if self.form.emits else (None, answer)
            arrays = arrays_of(self.form.state, new, (B, H), f"the state after step {t + 1}")
            outputs.append(expect(y_t, (B, own), f"the output of step {t + 1}") if self.form.emits else arrays[0])
            tree = (new,)
        return (kit.stack(outputs) if outputs else kit.zeros((0, B, own))), arrays

    def refuse_other_sizes(self, input_size: int, hidden_size: int) -> None:
        """An instance has the sizes that it was made with.

        Raises
        ------
        TargetUnusableError
            When others are asked for.
        """
        if self.fixed_sizes not in (None, (input_size, hidden_size)):
            why = f"it is an instance with (I, H) = {self.fixed_sizes}, and ({input_size}, {hidden_size}) is asked for."
            raise TargetUnusableError(self.name, why, "Name its class, or a factory (input_size, hidden_size).")


Answer = tuple[Any, list[Any]]  # y, and the arrays of the final state


class Kit:
    """The two things that folding a cell needs of a framework."""

    def __init__(self, zeros: Callable[[tuple[int, ...]], Any], stack: Callable[[list[Any]], Any]) -> None:
        self.zeros, self.stack = zeros, stack


def named(what: str, arrays: Sequence[Found]) -> dict[str, Found]:
    """``state[0]``, ``state[1]``, .. as facts and messages call them."""
    return {f"{what}[{k}]": array for k, array in enumerate(arrays)}


@contextmanager
def raising() -> Iterator[None]:
    """What the target raises becomes a :class:`TargetRaised`; ours pass."""
    try:
        yield
    except LtdcheckError:
        raise
    except Exception as error:
        raise TargetRaised(type(error).__name__, str(error), traceback.format_exc()) from error
