"""What goes wrong in gradient clipping: rows of the catalogue, each an operator on the reference rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ltdcheck.errors import UnknownNameError
from ltdcheck.implementation import ClippingAnswer, ClippingRule
from ltdcheck.problem import Array, ClippingCall
from ltdcheck.reference.clipping import clip_by_norm, clip_by_value, joint_norm

KINDS = ("clip-norm", "clip-value")


class Clipping(ClippingRule):
    """The reference as a rule under test; faults override its parts."""

    containers = ("list", "generator")

    def __init__(self, kind: str) -> None:
        self.kind = self.name = kind

    def apply(self, grads: Sequence[Array], v: float) -> list[Array]:
        """The clipped gradients; a fault in the numbers overrides this."""
        return clip_by_norm(grads, v) if self.kind == "clip-norm" else clip_by_value(grads, v)

    def returned(self, before: Sequence[Array], _after: Sequence[Array]) -> float | None:
        """The norm that the call returns."""
        return joint_norm(before) if self.kind == "clip-norm" else None

    def clip(self, call: ClippingCall) -> ClippingAnswer:
        """One call, on copies in the precision of the call."""
        given = [np.array(group, dtype=call.precision) for group in call.groups.values()]
        before = [g.copy() for g in given]
        try:
            with np.errstate(all="ignore"):
                after = self.apply(given, call.threshold)
                returned = self.returned(before, after)
        except ValueError as error:
            return ClippingAnswer({}, raised=f"ValueError: {error}")
        inputs_after = dict(zip(call.groups, given, strict=True))
        return ClippingAnswer(dict(zip(call.groups, after, strict=True)), returned, inputs_after=inputs_after)


@dataclass(frozen=True)
class ClippingFault:
    """One way to get clipping wrong; an id is a row of the catalogue, or a row and a site after a dot."""

    id: str
    sentence: str  # what is wrong, for a student
    effect: str  # what it does to training
    trigger: str  # the least configuration that shows it
    source: str  # who was bitten, or "thought of"
    cells: tuple[str, ...]  # the kinds that it can be planted in
    plant: Callable[[str], ClippingRule]  # from a kind to a rule with this fault
    forward: bool = True  # it changes what is computed

    @property
    def row(self) -> str:
        """The id without its site."""
        return self.id.partition(".")[0]


_CATALOGUE: dict[str, ClippingFault] = {}


def clipping_fault(
    id: str, sentence: str, *, effect: str, trigger: str, source: str, kinds: tuple[str, ...] = KINDS[:1]
) -> Callable[[type[Clipping]], type[Clipping]]:
    """Register a rule with this fault."""

    def register(faulty: type[Clipping]) -> type[Clipping]:
        if id in _CATALOGUE:
            raise ValueError(f"fault {id!r} is registered twice")
        _CATALOGUE[id] = ClippingFault(id, sentence, effect, trigger, source, kinds, faulty)
        return faulty

    return register


def clipping_faults(kind: str | None = None) -> list[ClippingFault]:
    """The catalogue, or the part of it that concerns one kind."""
    import ltdcheck.faults.clipping_edges
    import ltdcheck.faults.clipping_norm
    import ltdcheck.faults.clipping_shards
    import ltdcheck.faults.clipping_value  # noqa: F401  (they register theirs)

    return [fault for fault in _CATALOGUE.values() if kind is None or kind in fault.cells]


def clipping_fault_named(id: str) -> ClippingFault:
    """Look one up.

    Raises
    ------
    UnknownNameError
        When there is none of this id.
    """
    known = {fault.id: fault for fault in clipping_faults()}
    if id not in known:
        raise UnknownNameError("clipping fault", id, sorted(known))
    return known[id]
