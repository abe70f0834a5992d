"""Problems as the members of messages, and small problems for the trials of a program."""

from __future__ import annotations

import numpy as np

from ltdcheck.adapters.form import H, I
from ltdcheck.adapters.program_declaration import Declaration
from ltdcheck.adapters.program_session import Session
from ltdcheck.adapters.program_text import Message, arrays_of, spelled
from ltdcheck.problem import Array, Problem


def forward_of(problem: Problem, form: str) -> Message:
    """The members of ``forward``; ``lengths`` where rows are of different lengths."""
    return {
        "precision": problem.precision,
        "params": {name: spelled(value, form) for name, value in problem.params.items()},
        "x": spelled(problem.x, form),
        "state": None if problem.state is None else [spelled(s, form) for s in problem.state],
        **({} if problem.lengths is None else {"lengths": list(problem.lengths)}),
    }


def backward_of(problem: Problem, form: str) -> Message:
    """The members of ``backward``."""
    return {"dy": spelled(problem.dy, form), "dstate": [spelled(d, form) for d in problem.dstate]}


class Question:
    """Messages to a network of the sizes that every adapter asks first, or of the program's own."""

    def __init__(self, session: Session, declared: Declaration) -> None:
        self.session, self.declared = session, declared
        self.I, self.H = declared.fixed_sizes or (I, H)
        self.precision = declared.precisions[0]

    def start(self, more: int = 0) -> Declaration:
        """A network, of sizes that are larger by ``more``."""
        return self.session.start(self.I + more, self.H + more)

    def forward(self, T: int, B: int, state: list[Array] | None = None, precision: str = "") -> Message:
        """The members of ``forward``, with small numbers where none are given."""
        return forward_of(self._problem(T, B, state, precision), self.declared.numbers)

    def backward(self, T: int, B: int) -> Message:
        """The members of ``backward``."""
        return backward_of(self._problem(T, B), self.declared.numbers)

    def state_of(self, answer: Message, B: int, precision: str = "") -> tuple[Array, ...]:
        """The arrays of a final state."""
        how = (self.declared.states, (B, self.H), precision or self.precision)
        return arrays_of(answer.get("state"), *how, "state")

    def _problem(self, T: int, B: int, state: list[Array] | None = None, precision: str = "") -> Problem:
        assert self.session.declared is not None
        states = tuple(state or [small((B, self.H))] * self.declared.states)
        return Problem(
            params={name: small(shape) for name, shape in self.session.declared.parameters.items()},
            x=small((T, B, self.I)),
            state=states,
            dy=small((T, B, self.H * self.declared.width)),
            dstate=states,
            precision=precision or self.precision,
        )


def small(shape: tuple[int, ...]) -> Array:
    """Multiples of 1/16, not all alike."""
    count = int(np.prod(shape))
    return ((np.arange(count) * 5 % 13 - 6) / 16).reshape(shape)
