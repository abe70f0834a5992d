"""A target in its worker process, with the interface of an implementation: what asks it need not know where it runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from ltdcheck.adapters.packing import (
    pack_call,
    pack_problem,
    unpack_answer,
    unpack_outputs,
)
from ltdcheck.errors import TargetAnswer, TargetFailure, TargetUnusableError
from ltdcheck.implementation import Ahead, ClippingAnswer, ClippingRule, Implementation, Outputs, Trial
from ltdcheck.problem import Array, ClippingCall, Problem
from ltdcheck.runner.isolation import Worker
from ltdcheck.runner.live import importable
from ltdcheck.runner.starting import worker_of

Begun = Callable[[Worker], None]


def nobody(worker: Worker) -> None:
    """Is told of a worker, and keeps nothing."""


class _Remote:
    """What holds a worker."""

    def __init__(self, worker: Worker, told: Mapping[str, Any]) -> None:
        self.worker, self.told = worker, told

    def close(self) -> None:
        """End the worker process."""
        self.worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Isolated(_Remote, Implementation):
    """An implementation in a worker process. ``told`` is all that it says of itself: framework, version, form, ..

    Law: it answers what the implementation itself would answer, to the last bit, or raises a
    :class:`~ltdcheck.errors.TargetFailure`.
    """

    def __init__(self, worker: Worker, told: Mapping[str, Any]) -> None:
        super().__init__(worker, told)
        self.name = told["name"]
        self.states = told["states"]
        self.width, self.narrow = told["width"], tuple(told["narrow"])
        self.precisions, self.refused = tuple(told["precisions"]), dict(told["refused"])
        self.has_backward = told["has_backward"]
        self.takes_state = told["takes_state"]
        self.takes_lengths = told["takes_lengths"]
        self.compiles, self.speaks, self.claims = told["compiles"], told["speaks"], told["claims"]
        self.dropout, self.remembers = told["dropout"], tuple(told["remembers"])
        sizes = told["fixed_sizes"]
        self.fixed_sizes = None if sizes is None else (sizes[0], sizes[1])
        self._shapes: dict[tuple[int, int], dict[str, tuple[int, ...]]] = {}

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Asked once for each pair of sizes."""
        sizes = (input_size, hidden_size)
        if sizes not in self._shapes:
            answer, _ = self.worker.call("parameters", {"I": input_size, "H": hidden_size})
            self._shapes[sizes] = {name: tuple(shape) for name, shape in answer["shapes"]}
        return dict(self._shapes[sizes])

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """One pass in the worker process; shapes are checked on this side."""
        header, arrays = pack_problem(problem)
        answer, answered = self.worker.call("run", {**header, "backward": backward, "fresh": fresh}, arrays)
        return checked(unpack_outputs(answer, answered), problem, self)

    def run_ahead(self, problem: Problem, *, backward: bool = True) -> Ahead:
        """The worker process runs it while this one goes on."""
        header, arrays = pack_problem(problem)
        asked = self.worker.begin("run", {**header, "backward": backward, "fresh": False}, arrays)
        return Ahead(lambda: checked(unpack_outputs(*asked.told()), problem, self), asked.ready)

    def run_in_turn(self, problems: Sequence[Problem]) -> list[Outputs]:
        """One message there and one back, so that no answer is read before the last call."""
        return self._several("run_in_turn", problems)

    def run_on(self, problems: Sequence[Problem], way: str) -> list[Outputs]:
        """As of the target itself, in one message; shapes are checked on this side."""
        return self._several("run_on", problems, way=way)

    def _several(self, question: str, problems: Sequence[Problem], **asked: str) -> list[Outputs]:
        packed = [pack_problem(problem, f"{k}/") for k, problem in enumerate(problems)]
        arrays = {name: array for _, each in packed for name, array in each.items()}
        headers = [header for header, _ in packed]
        answer, answered = self.worker.call(question, {"problems": headers, **asked}, arrays)
        outputs = [unpack_outputs(header, answered, f"{k}/") for k, header in enumerate(answer["outputs"])]
        return [checked(o, problem, self) for o, problem in zip(outputs, problems, strict=True)]

    def run_back_again(self, problem: Problem) -> Outputs:
        """As of the target itself; shapes are checked on this side."""
        answer, answered = self.worker.call("run_back_again", *pack_problem(problem))
        return checked(unpack_outputs(answer, answered), problem, self)

    def run_in_training(self, problem: Problem, seed: int) -> Outputs:
        """As of the target itself; shapes are checked on this side."""
        header, arrays = pack_problem(problem)
        answer, answered = self.worker.call("run_in_training", {**header, "seed": seed}, arrays)
        return checked(unpack_outputs(answer, answered), problem, self)

    def attempt(self, trial: str) -> Trial:
        """As of the program itself."""
        told, _ = self.worker.call("attempt", {"trial": trial})
        return Trial(**told)


class IsolatedClipping(_Remote, ClippingRule):
    """A clipping function in a worker process."""

    def __init__(self, worker: Worker, told: Mapping[str, Any]) -> None:
        super().__init__(worker, told)
        self.name, self.kind = told["name"], told["kind"]
        self.framework, self.form = told["framework"], told["form"]
        self.containers, self.documented = tuple(told["containers"]), dict(told["documented"])

    def clip(self, call: ClippingCall) -> ClippingAnswer:
        """One call in the worker process."""
        header, arrays = pack_call(call)
        return unpack_answer(*self.worker.call("clip", header, arrays))


def open_isolated(
    source: Mapping[str, Any], live: object | None = None, *, timeout: float = 60.0, begun: Begun = nobody
) -> Isolated | IsolatedClipping:
    """Start a worker, open the target in it, and learn what it is.

    ``source`` is ``{"spec": .., "cell": ..}``; for a live object the spec is its reference, where it has one that a
    fresh interpreter finds, and else the object itself travels. ``begun`` is told the worker before it is asked.

    Raises
    ------
    TargetUnusableError
        When the target cannot be loaded, made or recognised.
    TargetFailure
        When it hangs, dies or raises while this is tried.
    """
    if live is not None and (spec := reference(live)) is not None:
        source, live = {**source, "name": source.get("name") or spec, "spec": spec}, None
    worker = worker_of(source, live, timeout)
    begun(worker)
    try:
        _make(worker, source.get("name") or source.get("spec") or "the target")
        told, _ = worker.call("describe")
    except BaseException:
        worker.close()
        raise
    return IsolatedClipping(worker, told) if told["about"] == "clipping" else Isolated(worker, told)


def _make(worker: Worker, target: str) -> None:
    """A target that does not get as far as its first call cannot be used; one that fails in a call has a finding."""
    try:
        worker.call("make")
    except TargetFailure as error:
        fix = "Let the import and the constructor come to an end."
        raise TargetUnusableError(target, f"importing or making it, the target {error}.", fix) from error


def reference(live: object) -> str | None:
    """``module:qualname``, if a fresh interpreter with the same path finds this very object under it."""
    module = inspect.getmodule(live)
    name = getattr(live, "__qualname__", None)
    if module is None or name is None or module.__name__ == "__main__":
        return None
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module.__name__}:{name}" if found is live and importable(module.__name__) else None


def checked(outputs: Outputs, problem: Problem, like: Implementation) -> Outputs:
    """The outputs, if they have the shapes that the problem asks for and the implementation says.

    Raises
    ------
    TargetAnswer
        When they have not.
    """
    T, B, I = problem.x.shape
    H = problem.sizes["H"]
    shapes = [(B, width) for width in like.widths(H)]
    _expect("y", outputs.y, (T, B, like.output_width(H)))
    _expect_states("the final state", outputs.state, shapes)
    if outputs.dx is not None:
        _expect("dx", outputs.dx, (T, B, I))
    if outputs.dstate is not None:
        _expect_states("the gradient of the initial state", outputs.dstate, shapes)
    if outputs.dparams is not None:
        if outputs.dparams.keys() != problem.params.keys():
            got, due = sorted(outputs.dparams), sorted(problem.params)
            raise TargetAnswer(f"gives gradients of the parameters {got}, not of {due}")
        for name, gradient in outputs.dparams.items():
            _expect(f"the gradient of {name}", gradient, problem.params[name].shape)
    return outputs


def _expect(what: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise TargetAnswer(f"{what} must have shape {shape}, got {array.shape}")
    if array.dtype.kind != "f":
        raise TargetAnswer(f"{what} must hold real numbers, got {array.dtype}")


def _expect_states(what: str, arrays: Sequence[Array], shapes: Sequence[tuple[int, ...]]) -> None:
    if len(arrays) != len(shapes):
        raise TargetAnswer(f"{what} must have {len(shapes)} arrays, got {len(arrays)}")
    for array, shape in zip(arrays, shapes, strict=True):
        _expect(what, array, shape)
