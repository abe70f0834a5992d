"""Opening a target and finding out what it is: what every check starts with."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event

import numpy as np

from ltdcheck.diagnosis.families import OTHER
from ltdcheck.diagnosis.identification import Identification
from ltdcheck.diagnosis.layers import recognise
from ltdcheck.errors import TargetFailure, TargetUnusableError
from ltdcheck.implementation import ClippingRule, Implementation
from ltdcheck.problem import Problem
from ltdcheck.properties.law import Disagreement
from ltdcheck.properties.subject import Subject
from ltdcheck.properties.unreferenced import Unreferenced
from ltdcheck.reference.declared import stated
from ltdcheck.result import Place
from ltdcheck.runner.isolated import Begun, Isolated, IsolatedClipping, nobody, open_isolated
from ltdcheck.runner.isolation import Worker
from ltdcheck.runner.starting import AT_ONCE, source_of
from ltdcheck.strategies.problems import PROBED

HELD = "it is held to every law that needs no reference"


@dataclass(frozen=True)
class Target:
    """What a person named: a spec, or an object; the family and the variant that it is declared to be.

    Refuses words that declare nothing (:mod:`ltdcheck.reference.declared`).
    """

    spec: str
    live: object | None = None
    cell: str | None = None
    declared: str = ""

    def __post_init__(self) -> None:
        """Read the words, before anything is run."""
        stated(self.declared)


@dataclass
class Opened:
    """A target that can be asked. ``early`` is what went wrong before it could be identified.

    ``other`` says why there is no reference for it: it is then held to the laws that need none. Where it is
    ``unsettled`` it may be a wrong network of a family that it does not claim: whether its forward pass is right is not
    decided.
    """

    target: Target
    implementation: Isolated | IsolatedClipping | None  # None: it failed before it said what it is
    identification: Identification | None = None
    early: TargetFailure | Disagreement | None = None
    other: str = ""
    unsettled: bool = False

    @property
    def about(self) -> str:
        """Which properties speak of it."""
        if self.implementation is None:
            return "clipping" if (self.target.cell or "").startswith("clip-") else "cell"
        return "clipping" if isinstance(self.implementation, ClippingRule) else "cell"

    @property
    def subjects(self) -> tuple[str, ...]:
        """What the properties that are asked of it speak of: how a program answers too, what training drops, memory."""
        if not isinstance(self.implementation, Implementation):
            return (self.about,)
        of = self.implementation
        told = {"training": of.dropout, "memory": of.remembers, "program": of.speaks}
        return (self.about, *(about for about, is_so in told.items() if is_so))

    @property
    def cell(self) -> str:
        """The family, or the kind of clipping."""
        if isinstance(self.implementation, ClippingRule):
            return self.implementation.kind
        if self.other:
            return OTHER
        return self.identification.cell.name if self.identification else (self.target.cell or "")

    @property
    def variant(self) -> str:
        """The variant and layout in one line."""
        if isinstance(self.implementation, ClippingRule):
            return self.implementation.form
        if self.other:
            return "no reference: nothing is said about its equations"
        return self.identification.words if self.identification else ""

    @property
    def layout(self) -> str:
        """How the parameters lie, an array at a time."""
        if self.other:
            return f"{self.other}; {HELD}"
        return "; ".join(self.identification.layout.describe()) if self.identification else ""

    @property
    def sure(self) -> str:
        """How sure it is what the target was taken for."""
        return self.identification.sure if self.identification and not self.other else ""

    def close(self) -> None:
        """End the worker process."""
        if self.implementation is not None:
            self.implementation.close()

    def subject(self) -> Subject | None:
        """What properties of cells are asked about; None where it is not known what it is."""
        if self.other and isinstance(self.implementation, Implementation):
            return Unreferenced(self.implementation, self.other, self.target.declared)
        if self.identification is None or not isinstance(self.implementation, Implementation):
            return None
        return Subject(self.implementation, self.identification.layout, self.target.declared)


def open_target(target: Target, timeout: float, begun: Begun = nobody) -> Opened:
    """Start the worker, which ``begun`` is told, load the target, identify it.

    Raises
    ------
    TargetUnusableError
        When it cannot be loaded, made or recognised.
    """
    try:
        implementation = open_isolated(source_of(target.spec, target.cell), target.live, timeout=timeout, begun=begun)
    except TargetFailure as failure:
        return Opened(target, None, early=failure)
    try:
        return identified(Opened(target, implementation))
    except BaseException:
        implementation.close()
        raise


def open_all(targets: Sequence[Target], timeout: float) -> list[Opened]:
    """Open several; workers start side by side, and the first target that cannot be used ends the run.

    Raises
    ------
    TargetUnusableError
        As :func:`open_target` does.
    """
    workers, over = list[Worker](), Event()

    def known(worker: Worker) -> None:
        workers.append(worker)
        if over.is_set():
            worker.close()

    with ThreadPoolExecutor(max_workers=max(1, min(len(targets), AT_ONCE))) as pool:
        pending = [pool.submit(open_target, target, timeout, known) for target in targets]
        try:
            wait(pending)
            return [future.result() for future in pending]
        except BaseException:  # an interruption too: the pool waits for threads that wait for targets
            over.set()
            for worker in workers:
                worker.close()
            raise


def identified(opened: Opened) -> Opened:
    """The same with what it was identified as, or with what went wrong on the way there.

    Raises
    ------
    TargetUnusableError
        When it is nothing that can be checked.
    """
    implementation, target = opened.implementation, opened.target
    if not isinstance(implementation, Implementation):
        return opened
    claimed = target.cell or implementation.claims or None
    if (hidden := _hidden_weights(implementation)) is not None:
        opened.early = hidden
        return opened
    if claimed == OTHER:
        opened.other = "it is said to be a cell without a reference"
        return opened
    try:
        found = recognise(implementation, target.spec, claimed)
    except TargetFailure as failure:
        opened.early = failure
    except TargetUnusableError as error:
        if claimed is not None:
            raise
        opened.other = error.why
    else:
        if found.layout.doubt and claimed is None and not found.partly:
            opened.other, opened.unsettled = _unlike(found), True
        else:
            opened.identification = found
    return opened


def _unlike(found: Identification) -> str:
    """Why a target that claims nothing is held against no reference, though its arrays have the shapes of one's."""
    name = found.cell.name
    return (
        f"its arrays have the shapes of {name}, and no variant of {name}, alone or with a known fault, answers as it "
        f"does: a wrong {name}, which --cell {name} holds against the nearest, or another cell, for which --cell other "
        "stands"
    )


def _hidden_weights(implementation: Implementation) -> Disagreement | None:
    """Two new instances with the same parameters answer differently: weights that are no parameters."""
    I, H = implementation.fixed_sizes or PROBED[1:]
    rng = np.random.default_rng(5)
    params = {n: np.round(rng.standard_normal(s) * 8) / 8 for n, s in implementation.parameters(I, H).items()}
    states = tuple(np.round(rng.standard_normal((2, width)) * 8) / 8 for width in implementation.widths(H))
    problem = Problem(
        params, np.round(rng.standard_normal((3, 2, I)) * 8) / 8, states,
        np.zeros((3, 2, implementation.output_width(H))), states,
        implementation.precisions[0],
    )  # fmt: skip
    try:
        first, second = (implementation.run(problem, backward=False, fresh=True) for _ in range(2))
        one, same = (implementation.run(problem, backward=False) for _ in range(2))
    except TargetFailure:
        return None
    restless = not np.array_equal(one.y, same.y, equal_nan=True)  # an instance that differs from itself is another case
    if restless or np.sum((first.y != second.y) & (first.y == first.y)) < 2:
        return None
    index = tuple(int(k) for k in np.argwhere(first.y != second.y)[0])
    text = "two new instances with the same parameters answer differently: it has weights that are not registered"
    return Disagreement(
        Place("y", index, step=index[0] + 1, unit=index[-1]), repr(float(second.y[index])), repr(float(first.y[index])),
        0.0, text,
    )  # fmt: skip
