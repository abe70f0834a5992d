"""A program in any language as an implementation: it is asked in JSON lines, as ``program.md`` describes."""

from __future__ import annotations

from dataclasses import replace

from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.expected import check_names
from ltdcheck.adapters.form import H, I
from ltdcheck.adapters.program_answer import Pulled, gradients_of, outputs_of
from ltdcheck.adapters.program_declaration import Declaration
from ltdcheck.adapters.program_question import backward_of, forward_of
from ltdcheck.adapters.program_session import PROTOCOL, Command, Session
from ltdcheck.adapters.program_trials import TRIALS
from ltdcheck.errors import TargetAnswer, TargetFailure, TargetUnusableError
from ltdcheck.implementation import Implementation, Outputs, Trial
from ltdcheck.problem import Problem

DESCRIBED = "'ltdcheck explain protocol' describes what it must answer."


class Program(Implementation):
    """A program, its gradients by its own backward pass. One process is kept; another is begun for a fresh instance.

    Facts: ``missing`` gradients, of a parameter or of a given initial state.
    """

    framework = "program"
    speaks = PROTOCOL
    takes_state = True

    def __init__(self, command: Command, target: str) -> None:
        self.name = target
        self.command = replace(command, cell=None)
        self._session = Session(self.command)
        self.declared = declared = self._session.start(I, H)
        self.claims = next(iter(declared.cells), "")
        if command.cell is not None and command.cell in declared.cells[1:]:
            self.claims, self.command = command.cell, command
            self._session.close()
            self.declared = declared = self._kept().start(I, H)
        self.framework_version = f"{declared.name} {declared.version}"
        self.states, self.width, self.precisions = declared.states, declared.width, tuple(declared.precisions)
        self.has_backward, self.fixed_sizes = declared.backward, declared.fixed_sizes
        self.takes_lengths = declared.lengths

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """As it declares them for these sizes."""
        session = self._at(input_size, hidden_size)
        assert session.declared is not None
        return dict(session.declared.parameters)

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """One ``forward`` and perhaps one ``backward``."""
        return self._passes(problem, int(backward and self.has_backward), fresh=fresh)

    def run_back_again(self, problem: Problem) -> Outputs:
        """One ``forward`` and two ``backward``."""
        return self._passes(problem, 2 * self.has_backward)

    def attempt(self, trial: str) -> Trial:
        """What a new process makes of messages whose answers the protocol says."""
        session = Session(self.command)
        try:
            return TRIALS[trial](session, self.declared)
        finally:
            session.close()

    def _at(self, input_size: int, hidden_size: int, *, fresh: bool = False) -> Session:
        """A session in which a network of these sizes was started."""
        session = Session(self.command) if fresh else self._kept()
        session.process.begin()
        if session.sizes != (input_size, hidden_size):
            told = session.start(input_size, hidden_size)
            if _kind(told) != _kind(self.declared):
                raise TargetAnswer("declares other states, width, backward or lengths at other sizes")
        return session

    def _kept(self) -> Session:
        if not self._session.alive:
            self._session = Session(self.command)
        return self._session

    def _passes(self, problem: Problem, pulls: int, *, fresh: bool = False) -> Outputs:
        session = self._at(problem.sizes["I"], problem.sizes["H"], fresh=fresh)
        assert session.declared is not None
        check_names(set(session.declared.parameters), problem)
        try:
            answer = session.ask("forward", **forward_of(problem, self.declared.numbers))
            y, state = outputs_of(answer, problem, self.declared)
            pulled: Pulled = (None, None, None, [])
            for _ in range(pulls):
                answer = session.ask("backward", **backward_of(problem, self.declared.numbers))
                pulled = gradients_of(answer, problem, self.declared)
        except TargetAnswer:
            session.close()
            raise
        finally:
            if fresh:
                session.close()
        dx, dstate, dparams, missing = pulled
        return Outputs(y, state, dx, dstate, dparams, {"missing": missing} if missing else {})


def _kind(told: Declaration) -> tuple[int, int, bool, bool]:
    """What does not depend on sizes."""
    return told.states, told.width, told.backward, told.lengths


def adapt(blueprint: Blueprint, first: Command) -> Program:
    """A command as an implementation.

    Raises
    ------
    TargetUnusableError
        When its program does not start, or does not answer ``start`` as it must.
    """
    try:
        return Program(first, blueprint.target)
    except TargetFailure as failure:
        raise TargetUnusableError(blueprint.target, f"the program {failure}.", DESCRIBED) from failure
