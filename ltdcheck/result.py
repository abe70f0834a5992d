"""What a run leaves behind: results, findings, and the accounting that proves a record whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SCHEMA = "ltdcheck-record/1"

# passed, failed: the target's; undecided: the bounds could not tell; errored: ltdcheck itself could not evaluate the
# property (``reason`` holds the traceback). A target that crashes, hangs or raises where it must not has failed.
Status = Literal["passed", "failed", "undecided", "not_applicable", "errored"]
Verdict = Literal["conforms", "does_not_conform", "undecided", "unusable"]
STATUSES: tuple[Status, ...] = ("passed", "failed", "undecided", "not_applicable", "errored")


@dataclass(frozen=True)
class Place:
    """Where two arrays differ: ``W_f[2, 0]``, in the target's array ``weight_hh_l0[7, 0]``, at a step, at a unit."""

    block: str
    index: tuple[int, ...] = ()
    step: int | None = None
    unit: int | None = None
    target_block: str = ""
    target_index: tuple[int, ...] = ()

    def __str__(self) -> str:
        text = self.block + (f"[{', '.join(map(str, self.index))}]" if self.index else "")
        if self.target_block and self.target_block != self.block:
            text += f" ({self.target_block}[{', '.join(map(str, self.target_index))}])"
        if self.step is not None:
            text += f", step {self.step}"
        return text


UNKNOWN = "none known"  # a diagnosis that names no fault, but says what differs


@dataclass(frozen=True)
class Diagnosis:
    """A fault that reproduces what the target does; ``residual`` is the largest relative distance that remains.

    Where no fault does, ``fault`` is ``UNKNOWN``, and the sentence describes the difference.
    """

    fault: str
    sentence: str
    residual: float


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, the smallest problem that shows it, and how to see it again.

    ``problem`` is plain JSON data: lists, not tuples, and text keys, so that it comes back from a record as it was.
    """

    where: Place
    got: str  # what the target answered, in words or digits
    expected: str
    bound: float  # how far got may be from expected
    message: str = ""  # one sentence
    problem: dict[str, Any] | None = None  # Problem.to_json, or the arguments of a clipping call
    diagnosis: Sequence[Diagnosis] = ()
    replay: str = ""
    matters: str = ""  # which part of the configuration is needed
    oracle: str = ""  # who says what is expected, or why nobody proves it


@dataclass(frozen=True)
class Result:
    """One property of one target."""

    target: str
    cell: str
    variant: str
    property: str
    status: Status
    reason: str = ""
    examples: int = 0
    compared: int = 0
    worst: float = 0.0  # largest error over its bound
    detectable: float | None = None  # smallest relative error that would have been seen
    seconds: float = 0.0
    finding: Finding | None = None
    notes: Sequence[str] = ()  # contract differences and other things that are not faults
    left_out: int = 0  # blocks that were not compared, because rounding hides what they hold
    blocks: dict[str, float] = field(default_factory=dict)  # what is detectable in each block

    def to_json(self) -> dict[str, Any]:
        """One line of the record."""
        data: dict[str, Any] = {"kind": "result", **asdict(self)}
        if self.finding is None:
            del data["finding"]
        else:
            data["finding"]["place"] = data["finding"]["where"]
            data["finding"]["where"] = str(self.finding.where)
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        """The inverse of :meth:`to_json`."""
        fields = {k: v for k, v in data.items() if k != "kind"}
        if found := fields.get("finding"):
            found = dict(found)
            place = found.pop("place")
            place = {**place, "index": tuple(place["index"]), "target_index": tuple(place["target_index"])}
            found["diagnosis"] = tuple(Diagnosis(**d) for d in found["diagnosis"])
            fields["finding"] = Finding(**{**found, "where": Place(**place)})
        fields["notes"] = tuple(fields.get("notes", ()))
        return cls(**fields)


@dataclass(frozen=True)
class Header:
    """The first line of a record."""

    command: str
    seed: int
    profile: str
    versions: dict[str, str]
    started: str  # ISO 8601, UTC
    schema: str = SCHEMA

    def to_json(self) -> dict[str, Any]:
        """One line of the record."""
        return {"kind": "header", **asdict(self)}


@dataclass(frozen=True)
class TargetSummary:
    """What became of one target."""

    verdict: Verdict
    cell: str = ""
    variant: str = ""
    layout: str = ""  # how its parameters map to the reference's, in words
    reason: str = ""
    version: str = ""  # of its framework
    precisions: str = ""  # in which it computes
    sure: str = ""  # how far the reference so arranged is from the target, and how far the next variant


@dataclass(frozen=True)
class Footer:
    """The last line of a record: its presence says that the run came to its end, its sums say that nothing is lost."""

    targets: dict[str, TargetSummary]
    planned: int
    counts: dict[Status, int]
    seconds: float
    problems: dict[str, int] = field(default_factory=dict)  # drawn, beyond_precision: see the bound's limits

    @property
    def adds_up(self) -> bool:
        """Every planned result was reported."""
        return self.planned == sum(self.counts.values())

    def to_json(self) -> dict[str, Any]:
        """One line of the record: the counts lie flat in it."""
        return {
            "kind": "footer",
            "targets": {name: asdict(summary) for name, summary in self.targets.items()},
            "planned": self.planned,
            **{status: self.counts.get(status, 0) for status in STATUSES},
            "problems": self.problems,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Record:
    """A run as data: what every report is rendered from. Without a footer it is a part of an interrupted run."""

    header: Header
    results: Sequence[Result]
    footer: Footer | None = None

    @property
    def targets(self) -> dict[str, TargetSummary | None]:
        """Every target in the order of the footer, then those that only results speak of; None where no verdict is."""
        judged: dict[str, TargetSummary | None] = dict(self.footer.targets) if self.footer else {}
        return judged | {result.target: None for result in self.results if result.target not in judged}

    def of(self, target: str) -> list[Result]:
        """The results of one target."""
        return [result for result in self.results if result.target == target]


def count(results: Iterable[Result]) -> dict[Status, int]:
    """How many results of each status."""
    counter = Counter(result.status for result in results)
    return {status: counter[status] for status in STATUSES}


def verdict_of(results: Sequence[Result]) -> Verdict:
    """The verdict on one target.

    A failure outweighs everything: it is proven. A property that ltdcheck itself could not evaluate says nothing about
    the target, so it leaves the verdict open, like an undecided one; so does a pass in which nothing was compared.
    """
    seen = {result.status for result in results}
    if not results:
        return "unusable"
    if "failed" in seen:
        return "does_not_conform"
    empty = any(result.status == "passed" and result.compared == 0 for result in results)
    if empty or seen & {"undecided", "errored"} or "passed" not in seen:
        return "undecided"
    return "conforms"


def exit_status(footer: Footer) -> int:
    """The contract; where several hold, the first of these decides.

    1. A target does not conform: a proven failure stays proven whatever else went wrong.
    2. 3, ltdcheck itself failed: a property was errored, or more was reported than planned.
    3. 2, a target cannot be used.
    4. 4, nothing wrong was found but the run is not complete: undecided, or planned and not run.
    5. 0, all targets conform.
    """
    verdicts = {summary.verdict for summary in footer.targets.values()}
    counts = {status: footer.counts.get(status, 0) for status in STATUSES}
    if "does_not_conform" in verdicts or counts["failed"]:
        return 1
    if counts["errored"] or sum(counts.values()) > footer.planned:
        return 3
    if "unusable" in verdicts:
        return 2
    if "undecided" in verdicts or counts["undecided"] or not footer.adds_up or not verdicts:
        return 4
    return 0
