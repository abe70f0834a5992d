"""What the worker process answers about a network: a handler ``(method, header, arrays) -> (header, arrays)``.

The target is made at the question ``make`` and tried out at ``describe``, and not when it is opened, so that one that
hangs or dies is held to the time limit of a call, and it is known whether its constructor did or its passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from typing import Any

from ltdcheck.adapters.adapting import Finish, recognise
from ltdcheck.adapters.packing import Arrays, Header, pack_outputs, unpack_problem
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import Problem

Answer = tuple[Header, Arrays]
Handler = Callable[[str, Header, Arrays], Answer]


class Network:
    """Answers about an implementation of a recurrent network."""

    def __init__(self, obj: Any, target: str) -> None:
        self.obj, self.target = obj, target

    @cached_property
    def finish(self) -> Finish:
        """The first instance, made, and not yet called."""
        return recognise(self.obj, self.target)

    @cached_property
    def subject(self) -> Implementation:
        """The implementation."""
        return self.finish()

    def __call__(self, method: str, header: Header, arrays: Arrays) -> Answer:
        """Answer a question, by its name."""
        answers: dict[str, Callable[[Header, Arrays], Answer]] = {
            "make": self._make,
            "describe": self._describe,
            "parameters": self._parameters,
            "run": self._run,
            "run_in_turn": self._run_in_turn,
            "run_on": self._run_on,
            "run_back_again": self._run_back_again,
            "run_in_training": self._run_in_training,
            "attempt": self._attempt,
        }
        return answers[method](header, arrays)

    def _make(self, _header: Header, _arrays: Arrays) -> Answer:
        _ = self.finish
        return {}, {}

    def _describe(self, _header: Header, _arrays: Arrays) -> Answer:
        subject = self.subject
        form = getattr(subject, "form", None)
        return {
            "about": "cell",
            "name": subject.name,
            "states": subject.states,
            "width": subject.width,
            "narrow": list(subject.narrow),
            "precisions": list(subject.precisions),
            "has_backward": subject.has_backward,
            "takes_state": subject.takes_state,
            "takes_lengths": subject.takes_lengths,
            "compiles": subject.compiles,
            "speaks": subject.speaks,
            "claims": subject.claims,
            "dropout": subject.dropout,
            "remembers": list(subject.remembers),
            "fixed_sizes": subject.fixed_sizes,
            "kind": getattr(form, "kind", "layer"),
            "batch_first": getattr(form, "batch_first", False),
            "framework": getattr(subject, "framework", ""),
            "framework_version": getattr(subject, "framework_version", ""),
            "unregistered": list(getattr(subject, "unregistered", ())),
            "refused": dict(getattr(subject, "refused", {})),
        }, {}

    def _parameters(self, header: Header, _arrays: Arrays) -> Answer:
        shapes = self.subject.parameters(header["I"], header["H"])
        return {"shapes": [[name, list(shape)] for name, shape in shapes.items()]}, {}

    def _run(self, header: Header, arrays: Arrays) -> Answer:
        problem = unpack_problem(header, arrays)
        return pack_outputs(self.subject.run(problem, backward=header["backward"], fresh=header["fresh"]))

    def _run_in_turn(self, header: Header, arrays: Arrays) -> Answer:
        return _several(self.subject.run_in_turn, header, arrays)

    def _run_on(self, header: Header, arrays: Arrays) -> Answer:
        return _several(partial(self.subject.run_on, way=header["way"]), header, arrays)

    def _run_back_again(self, header: Header, arrays: Arrays) -> Answer:
        return pack_outputs(self.subject.run_back_again(unpack_problem(header, arrays)))

    def _run_in_training(self, header: Header, arrays: Arrays) -> Answer:
        return pack_outputs(self.subject.run_in_training(unpack_problem(header, arrays), header["seed"]))

    def _attempt(self, header: Header, _arrays: Arrays) -> Answer:
        return asdict(self.subject.attempt(header["trial"])), {}


def _several(run: Callable[[Sequence[Problem]], list[Outputs]], header: Header, arrays: Arrays) -> Answer:
    """Several problems there, and as many answers back."""
    problems = [unpack_problem(h, arrays, f"{k}/") for k, h in enumerate(header["problems"])]
    packed = [pack_outputs(outputs, f"{k}/") for k, outputs in enumerate(run(problems))]
    together: Arrays = {}
    for _, answered in packed:
        together |= answered
    return {"outputs": [h for h, _ in packed]}, together
