"""What the worker process answers about a clipping function, which is made at the first question about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from ltdcheck.adapters.packing import Arrays, Header, pack_answer, unpack_call
from ltdcheck.adapters.serving import Answer
from ltdcheck.implementation import ClippingRule
from ltdcheck.problem import PRECISIONS


class Clipping:
    """Answers about a clipping function."""

    def __init__(self, make: Callable[[], ClippingRule]) -> None:
        self.make = make

    @cached_property
    def subject(self) -> ClippingRule:
        """The rule, made at the first question."""
        return self.make()

    def __call__(self, method: str, header: Header, arrays: Arrays) -> Answer:
        """Answer ``make``, which makes nothing here, ``describe`` or ``clip``."""
        if method == "make":
            return {}, {}
        if method == "clip":
            return pack_answer(self.subject.clip(unpack_call(header, arrays)))
        rule = self.subject
        told = {"name": rule.name, "kind": rule.kind, "framework": rule.framework, "form": rule.form}
        return {
            "about": "clipping",
            **told,
            "framework_version": getattr(rule, "framework_version", ""),
            "precisions": list(PRECISIONS),
            "containers": list(rule.containers),
            "documented": dict(rule.documented),
        }, {}
