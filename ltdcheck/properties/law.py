"""What a property is: an id, a sentence, and a plain function of (subject, case) that returns evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ltdcheck.errors import UnknownNameError
from ltdcheck.result import Place

About = Literal["cell", "training", "memory", "program", "clipping", "reference", "pair"]


@dataclass(frozen=True)
class Disagreement:
    """The entry that is furthest outside its bound."""

    where: Place
    got: str
    expected: str
    bound: float
    message: str = ""


@dataclass(frozen=True)
class Evidence:
    """What a property saw on one case. Nothing compared and no reason given is an error, never a pass."""

    compared: int = 0
    worst: float = 0.0  # largest error over its bound
    detectable: float | None = None  # smallest relative error that would have been seen
    disagreement: Disagreement | None = None
    undecided: str = ""  # why nothing can be said about this case
    not_applicable: str = ""  # why the property does not speak of this subject
    notes: tuple[str, ...] = ()  # documented differences: reported, not failed
    left_out: int = 0  # blocks that were not compared, because rounding hides them
    blocks: Mapping[str, float] = field(default_factory=dict)  # what is detectable in each of them

    @property
    def ok(self) -> bool:
        """Nothing was found wrong."""
        return self.disagreement is None


Check = Callable[[Any, Any], Evidence]


@dataclass(frozen=True)
class Property:
    """A law of implementations, checked on one case at a time.

    ``reference`` says that it speaks of equations, so that nothing can be asked where there is no reference for them.
    ``questions`` says how many calls a case of it takes, where that is several: so many fewer cases are drawn for it.
    Laws of cells with several are about calling more than about numbers: of the fixed cases they are asked each in one
    precision.
    """

    id: str
    about: About
    statement: str
    check: Check
    reference: bool = False
    questions: int = 1

    @property
    def title(self) -> str:
        """The first sentence."""
        return self.statement.split("\n", 1)[0]


_REGISTRY: dict[str, Property] = {}


def law(id: str, about: About = "cell", *, reference: bool = False, questions: int = 1) -> Callable[[Check], Check]:
    """Register a function as the property ``id``; its docstring is the statement that people read."""

    def register(check: Check) -> Check:
        if id in _REGISTRY:
            raise ValueError(f"property {id!r} is registered twice")
        if not check.__doc__:
            raise ValueError(f"property {id!r} has no docstring; it is what the report prints")
        _REGISTRY[id] = Property(id, about, check.__doc__.strip(), check, reference, questions)
        return check

    return register


def properties(about: About | None = None) -> list[Property]:
    """All properties, or those about one kind of subject, in the order of their checks."""
    import ltdcheck.properties  # noqa: F401  (registers them)

    return [p for p in _REGISTRY.values() if about in (None, p.about)]


def property_named(id: str) -> Property:
    """Look one up.

    Raises
    ------
    UnknownNameError
        When there is none of this id.
    """
    known = {p.id: p for p in properties()}
    if id not in known:
        raise UnknownNameError("property", id, sorted(known))
    return known[id]
