"""What is under test: something with a forward pass and, perhaps, a backward pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ltdcheck.problem import Array, ClippingCall, Params, Problem


@dataclass(frozen=True, eq=False)
class Outputs:
    """What one forward and backward pass returned; gradient fields are None where none was asked or offered.

    ``facts`` are observations made beside the numbers, while the target ran: ``mutated`` (arguments that
    changed), ``missing`` (gradients that did not come), ``dtype`` (of the output).
    """

    y: Array  # (T, B, H), or as wide as the implementation says
    state: tuple[Array, ...]  # final, each (B, H), or as wide as the implementation says
    dx: Array | None = None  # (T, B, I)
    dstate: tuple[Array, ...] | None = None  # of the initial state, as wide as that
    dparams: Params | None = None
    facts: Mapping[str, list[str]] = field(default_factory=dict)
    masks: Sequence[tuple[Array, ...]] = ()  # of a pass in training mode: what the masks that were drawn can be


@dataclass(frozen=True)
class Trial:
    """What became of messages that have one right answer: how many were compared, and the first that is another one."""

    compared: int
    where: str = ""  # the message, in words; empty where all are right
    got: str = ""
    expected: str = ""


@dataclass(frozen=True)
class Ahead:
    """A pass that is asked for: ``told`` waits for its outputs, and raises what :meth:`Implementation.run` raises."""

    told: Callable[[], Outputs]
    ready: Callable[[], bool] = lambda: True  # nothing is gained by doing something else first


class Implementation(ABC):
    """Forward and backward of a recurrent network, in its own parameter names and shapes.

    Laws: ``run`` does not depend on what was run before; it changes nothing that it is given; the gradients are
    those of ``sum(dy * y) + sum(dstate * state)``.
    """

    name: str = "implementation"
    states: int = 1  # how many arrays make up the state
    width: int = 1  # of the output, in outputs of one cell: 2 where two directions are concatenated
    narrow: Sequence[int] = ()  # the width of each array of the state, 0 where it is H; () where all are H wide
    precisions: Sequence[str] = ("float64",)
    refused: Mapping[str, str] = {}  # precisions in which it cannot be called, and what it raised
    has_backward: bool = True
    takes_state: bool = True
    takes_lengths: bool = False  # rows may have fewer steps than others
    fixed_sizes: tuple[int, int] | None = None  # I and H, where it cannot be made at other sizes
    compiles: str = ""  # the axes, of "TBIH", for whose every size it compiles a program: then each costs a while
    speaks: str = ""  # the protocol of a program; empty for what is called and not written to
    dropout: float = 0.0  # the share of outputs between layers that it drops in training
    remembers: Sequence[str] = ()  # how it can be called without a state and go on from the last call: called, compiled
    claims: str = ""  # the family that it says it is, where it says so

    def widths(self, H: int) -> tuple[int, ...]:
        """Columns of each array of the state."""
        return tuple(width or H for width in self.narrow or (0,) * self.states)

    def output_width(self, H: int) -> int:
        """Columns of the output sequence; of a projected one those of the narrowest array of the state."""
        return self.width * min(self.widths(H), default=H)

    @abstractmethod
    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters at these sizes."""

    @abstractmethod
    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """One forward pass and, if asked and offered, one backward pass.

        ``fresh`` asks for an instance that has never been called.

        Raises
        ------
        TargetFailure
            When the implementation hangs, dies, raises, or answers with the wrong shapes.
        """

    def run_ahead(self, problem: Problem, *, backward: bool = True) -> Ahead:
        """Ask for a pass, which may run while the caller goes on; one that is not waited for need not run."""
        return Ahead(lambda: self.run(problem, backward=backward))

    def run_in_turn(self, problems: Sequence[Problem]) -> list[Outputs]:
        """Run them on one instance and read every answer only after the last call.

        An answer that is a view of a buffer which a later call overwrites shows here and nowhere else.
        """
        return [self.run(problem) for problem in problems]

    def run_on(self, problems: Sequence[Problem], way: str) -> list[Outputs]:
        """Forward passes of one instance, each but the first from where the one before it stopped.

        The first begins from its own state, or from zeros; the others give none. They have the same parameters. ``way``
        is one of those in ``remembers``.

        Raises
        ------
        NotImplementedError
            When it does not keep its state between calls.
        """
        raise NotImplementedError(f"{self.name} keeps no state between calls")

    def run_back_again(self, problem: Problem) -> Outputs:
        """One forward pass and two backward passes through it; the gradients are those of the second.

        Raises
        ------
        TargetRaised
            When it keeps nothing for a second backward pass.
        """
        return self.run(problem)

    def run_in_training(self, problem: Problem, seed: int) -> Outputs:
        """One forward and backward pass in training mode, its masks drawn from a seed, each (T, B, n).

        ``masks`` holds one tuple for each way to read what was drawn. Where that tells no masks, the fact ``unseen``
        names what was called to draw it.

        Raises
        ------
        NotImplementedError
            When it drops nothing in training.
        """
        raise NotImplementedError(f"{self.name} drops nothing in training")

    def attempt(self, trial: str) -> Trial:
        """What a program makes of messages that have one right answer, by the name of a law of ``protocol``.

        Raises
        ------
        NotImplementedError
            When it is no program.
        """
        raise NotImplementedError(f"{self.name} is called, and not written to")


@dataclass(frozen=True, eq=False)
class ClippingAnswer:
    """What one call of a clipping function left behind."""

    groups: dict[str, Array]  # names and shapes of the call; empty where it raised
    returned: float | None = None  # the norm, where the function returns one
    raised: str | None = None  # "ValueError: .."
    in_place: bool = False  # the arrays that were given hold the answer
    inputs_after: dict[str, Array] | None = None  # the given arrays after the call, where new ones are returned


class ClippingRule(ABC):
    """A clipping function under test, of one kind: ``clip-norm`` or ``clip-value``.

    Laws: ``clip`` does not depend on earlier calls, and does not change the call. An exception of the function is part
    of the answer, because for some arguments raising is right.

    ``documented`` names what the function's framework is known to do on edge inputs, with a sentence for each: such
    behaviour is reported as a contract difference and not as a failure.
    """

    name: str = "clipping"
    kind: str = "clip-norm"
    framework: str = ""  # empty for somebody's own function
    form: str = ""  # how it takes its arguments, in words
    containers: Sequence[str] = ("list",)  # the ways in which it takes its arrays; the first is the preferred one
    documented: Mapping[str, str] = {}

    @abstractmethod
    def clip(self, call: ClippingCall) -> ClippingAnswer:
        """One call, in the precision of the call.

        Raises
        ------
        TargetFailure
            When the function hangs, dies, or answers with the wrong shapes.
        """
