"""Two targets that are held against each other: opened, put on common ground, examined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ltdcheck.diagnosis.identification import Identification
from ltdcheck.errors import TargetUnusableError
from ltdcheck.implementation import Implementation
from ltdcheck.properties.law import Disagreement, Property
from ltdcheck.properties.pair import Pair, Side
from ltdcheck.properties.subject import Subject
from ltdcheck.properties.unreferenced import Unreferenced
from ltdcheck.result import Finding, Place
from ltdcheck.runner.examine import Tally, check_of, examine
from ltdcheck.runner.examiners import ASKED_ONCE, CellExaminer, Options
from ltdcheck.runner.subjects import Opened, Target, open_all
from ltdcheck.strategies.problems import Recipe, build

RAW = "arrays of the same names and shapes hold the same weights"


@dataclass
class OpenedPair:
    """Two opened targets, with the interface of one. ``pair`` is None where one failed before it could be asked."""

    first: Opened
    second: Opened
    pair: Pair | None = None

    about = "pair"
    subjects = ("pair",)
    other = ""
    unsettled = False

    @property
    def target(self) -> Target:
        """Named after both."""
        return Target(f"{self.first.target.spec} against {self.second.target.spec}")

    @property
    def early(self) -> Disagreement | None:
        """What went wrong with one of them before it could be identified."""
        for side in (self.first, self.second):
            if isinstance(side.early, Disagreement):
                return side.early
            if side.early is not None:
                where = Place(side.target.spec)
                return Disagreement(where, str(side.early), "an answer", 0.0, f"{side.target.spec} {side.early}")
        return None

    @property
    def implementation(self) -> Sized:
        """What is asked about sizes."""
        both = [getattr(side.implementation, "compiles", "") for side in (self.first, self.second)]
        return Sized(self._fixed, "".join(axis for axis in "TBIH" if axis in both[0] + both[1]))

    @property
    def cell(self) -> str:
        """The family, where both are of one."""
        return self.first.cell if self.first.cell == self.second.cell else ""

    @property
    def variant(self) -> str:
        """The variant, where both have one."""
        return self.pair.cell.variant if self.pair and not self.pair.differs else ""

    sure = ""  # each of them is told what it was taken for, and nothing is said of the pair

    @property
    def layout(self) -> str:
        """What each is, a line each; first of all that they are not the same, where they are not."""
        if self.pair is None:
            return ""
        told = [f"{side.target.spec} is {side.cell}({side.variant})" for side in (self.first, self.second)]
        raw = [RAW] if self.pair.first.subject.unreferenced else []
        return "; ".join([*filter(None, [self.pair.differs]), *told, *raw])

    @property
    def specs(self) -> list[dict[str, Any]]:
        """What names them again, for a record."""
        return [{"spec": side.target.spec, "cell": side.target.cell} for side in (self.first, self.second)]

    def subject(self) -> Pair | None:
        """What the laws are asked about."""
        return self.pair

    def close(self) -> None:
        """End both worker processes."""
        self.first.close()
        self.second.close()

    @property
    def _fixed(self) -> tuple[int, int] | None:
        sizes = [getattr(side.implementation, "fixed_sizes", None) for side in (self.first, self.second)]
        return next((one for one in sizes if one is not None), None)


@dataclass(frozen=True)
class Sized:
    """I and H, where one of the two has no others, and the axes for whose sizes one of them compiles."""

    fixed_sizes: tuple[int, int] | None
    compiles: str


def open_pair(first: Target, second: Target, timeout: float) -> OpenedPair:
    """Start both workers, identify both targets, and find their common ground.

    Raises
    ------
    TargetUnusableError
        When one cannot be loaded, made or recognised, or they cannot be asked the same questions.
    """
    opened = open_all([first, second], timeout)
    try:
        return paired(*opened)
    except BaseException:
        for one in opened:
            one.close()
        raise


def paired(first: Opened, second: Opened) -> OpenedPair:
    """Two opened targets on common ground: identified layouts, or else arrays of the same names and shapes.

    Raises
    ------
    TargetUnusableError
        When they cannot be asked the same questions.
    """
    opened = OpenedPair(first, second)
    if opened.early is not None:
        return opened
    ours, theirs = _network(first), _network(second)
    _require_same_sizes(first, second)
    known = [side.subject() for side in (first, second) if _certain(side.identification)]
    if len(known) == 2 and None not in known:
        opened.pair = _pair(opened, known)
        return opened
    _require_same_arrays(first, second)
    why = "not both of them are known cells"
    raw = [Unreferenced(ours, why), Unreferenced(theirs, why)]
    raw[1].layout = raw[0].layout  # by name, in one order
    opened.pair = _pair(opened, raw)
    return opened


def _pair(opened: OpenedPair, subjects: Sequence[Subject | None]) -> Pair:
    sides = [
        Side(side.target.spec, subject)
        for side, subject in zip((opened.first, opened.second), subjects, strict=True)
        if subject is not None
    ]
    return Pair(*sides)


def _certain(found: Identification | None) -> bool:
    return found is not None and not found.layout.doubt


def _network(opened: Opened) -> Implementation:
    if isinstance(opened.implementation, Implementation):
        return opened.implementation
    why = "it is a clipping function, and two networks are compared."
    raise TargetUnusableError(opened.target.spec, why, "Check it with 'ltdcheck check'.")


def _require_same_sizes(first: Opened, second: Opened) -> None:
    sizes = [getattr(side.implementation, "fixed_sizes", None) for side in (first, second)]
    if None not in sizes and sizes[0] != sizes[1]:
        why = f"with (I, H) = {sizes[1]} it is compared with {first.target.spec}, which has {sizes[0]}."
        raise TargetUnusableError(second.target.spec, why, "Name classes, or instances of the same sizes.")


def _require_same_arrays(first: Opened, second: Opened) -> None:
    """Without two identified layouts weights are transferred by name."""
    ours, theirs = _network(first), _network(second)
    sizes = ours.fixed_sizes or theirs.fixed_sizes or (4, 5)
    arrays, others = ours.parameters(*sizes), theirs.parameters(*sizes)
    if arrays == others and (ours.states, ours.width) == (theirs.states, theirs.width):
        return
    lists = [", ".join(f"{n} {s}" for n, s in found.items()) for found in (arrays, others)]
    unknown = " and ".join(side.target.spec for side in (first, second) if not _certain(side.identification))
    why = (
        f"there is no reference for {unknown}, and its weights cannot be transferred by name: {first.target.spec} has "
        f"{lists[0]} and {ours.states} state(s), {second.target.spec} has {lists[1]} and {theirs.states} state(s)."
    )
    fix = "Give both the same parameter names and shapes, or say their family with --cell."
    raise TargetUnusableError(f"{first.target.spec} against {second.target.spec}", why, fix)


class PairExaminer(CellExaminer):
    """Examines the laws of pairs on problems."""

    def __init__(self, opened: OpenedPair, options: Options) -> None:
        self.options, self.specs = options, opened.specs
        self.subject: Any = opened.pair
        self.sizes, self.compiles = opened.implementation.fixed_sizes, opened.implementation.compiles
        if opened.pair is not None:
            cell = opened.pair.cell
            self.make = lru_cache(maxsize=512)(lambda recipe: build(cell, recipe))

    def examine(self, prop: Property) -> Tally[Recipe]:
        """On fixed and drawn problems; what speaks of variants, once."""
        if prop.id == "pair.same_function":
            return examine(check_of(prop, self.subject, self.make), [ASKED_ONCE])
        return super().examine(prop)

    def finding(self, prop: Property, tally: Tally[Recipe], replay: str) -> Finding | None:
        """With the names of both in its problem, so that it replays from the record alone."""
        seen = tally.disagreement
        if prop.id == "pair.same_function" and seen is not None:
            problem = {"pair": self.specs}
            return Finding(seen.where, seen.got, seen.expected, seen.bound, seen.message, problem, replay=replay)
        found = super().finding(prop, tally, replay)
        return found and replace(found, problem={**(found.problem or {}), "pair": self.specs})

    def holds_for_new(self, prop: Property, tally: Tally[Recipe]) -> bool:
        """Earlier calls are the business of each one's own check."""
        return False
