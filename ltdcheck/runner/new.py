"""An implementation of which every call meets a new instance: what earlier calls leave behind does not show."""

from __future__ import annotations

from collections.abc import Sequence

from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import Problem


class New(Implementation):
    """The same answers, without a past."""

    def __init__(self, implementation: Implementation) -> None:
        self.implementation, self.name = implementation, implementation.name
        self.states, self.width, self.precisions = (
            implementation.states,
            implementation.width,
            implementation.precisions,
        )
        self.narrow = implementation.narrow
        self.has_backward, self.takes_state = implementation.has_backward, implementation.takes_state
        self.takes_lengths, self.remembers = implementation.takes_lengths, implementation.remembers
        self.fixed_sizes, self.compiles = implementation.fixed_sizes, implementation.compiles

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """The same."""
        return self.implementation.parameters(input_size, hidden_size)

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """One call of a new instance."""
        return self.implementation.run(problem, backward=backward, fresh=True)

    def run_in_turn(self, problems: Sequence[Problem]) -> list[Outputs]:
        """One new instance for each."""
        return [self.run(problem) for problem in problems]

    def run_on(self, problems: Sequence[Problem], way: str) -> list[Outputs]:
        """What one call is to keep for the next is no past: the same."""
        return self.implementation.run_on(problems, way)

    def run_in_training(self, problem: Problem, seed: int) -> Outputs:
        """What is drawn anew from a seed each time has no past: the same."""
        return self.implementation.run_in_training(problem, seed)
