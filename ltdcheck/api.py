"""The public functions: what the command line and the pytest plugin are made of.

What asks the targets is imported when they are named, while their processes start.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ltdcheck.errors import NonConformanceError
from ltdcheck.result import Finding, Record, Result, Status, exit_status
from ltdcheck.runner.isolated import reference
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.starting import started

if TYPE_CHECKING:
    from ltdcheck.runner.session import Session


class Report:
    """What :func:`check` found. Prints itself; ``bool(report.ok)`` is the verdict."""

    def __init__(self, record: Record) -> None:
        self.record = record

    @property
    def ok(self) -> bool:
        """Every target conforms."""
        return self.record.footer is not None and exit_status(self.record.footer) == 0

    @property
    def findings(self) -> list[Finding]:
        """Everything that is wrong."""
        return [result.finding for result in self.record.results if result.finding is not None]

    @property
    def results(self) -> Sequence[Result]:
        """One for each target and property."""
        return self.record.results

    def raise_for_findings(self) -> None:
        """Raise if any target does not conform, or if the run is not complete.

        Raises
        ------
        NonConformanceError
            With the report as its message.
        """
        if not self.ok:
            raise NonConformanceError(f"\n{self}")

    def write_html(self, path: str | Path) -> None:
        """Write the self-contained page."""
        from ltdcheck.reporting.html import render_html

        Path(path).write_text(render_html(self.record), encoding="utf-8")

    def __str__(self) -> str:
        from ltdcheck.reporting.console import render_record

        return render_record(self.record)


def named(target: object) -> tuple[str, object | None]:
    """The name of a target for people, and the object where the name alone does not find it."""
    if isinstance(target, str):
        return target, None
    spec = reference(target)
    if spec is not None:
        return spec, None
    return getattr(target, "__qualname__", type(target).__qualname__), target


def check(
    *targets: object,
    cell: str | None = None,
    layout: str = "",
    profile: str = "default",
    seed: int = 0,
    properties: Sequence[str] = (),
    timeout: float = 60.0,
) -> Report:
    """Check implementations of recurrent cells and layers, or clipping functions.

    Each target is a spec such as ``"torch.nn:LSTM"`` or ``"my_lstm.py:MyLSTM"``, or the object itself. ``cell`` is the
    family that all of them claim to be; ``layout`` what they are declared to be, as in ``"reset=after, order=r u n"``.
    ``timeout`` is in seconds, for one call of a target.

    Raises
    ------
    UsageError
        When a target cannot be used.
    """
    tried, pairs = profile_named(profile), [named(target) for target in targets]
    with started([spec for spec, live in pairs if live is None], cell, timeout):
        from ltdcheck.runner.check import run
        from ltdcheck.runner.examiners import Options
        from ltdcheck.runner.subjects import Target

        wanted = [Target(spec, live, cell, layout) for spec, live in pairs]
        options = Options(tried, seed, tuple(properties), timeout, command="ltdcheck.check")
        return Report(run(wanted, options))


def compare(
    first: object,
    second: object,
    *,
    cell: str | None = None,
    profile: str = "default",
    seed: int = 0,
    timeout: float = 60.0,
) -> Report:
    """Hold two implementations against each other on the same problems.

    Both are specs or objects, as for :func:`check`; ``cell`` is what both claim to be. Weights are transferred by the
    layouts that were identified, or by name where there is no reference for one of them.

    Raises
    ------
    UsageError
        When one cannot be used, or they cannot be asked the same questions.
    """
    from ltdcheck.runner.check import compare as compare_targets
    from ltdcheck.runner.examiners import Options
    from ltdcheck.runner.subjects import Target

    one, other = (Target(*named(target), cell) for target in (first, second))
    options = Options(profile_named(profile), seed, timeout=timeout, command="ltdcheck.compare")
    return Report(compare_targets(one, other, options))


def check_clipping(function: object, kind: str | None = None, **options: Any) -> Report:
    """Check a clipping function; ``kind`` is ``"clip-norm"`` or ``"clip-value"``, known for torch's own functions.

    Raises
    ------
    UsageError
        When the function cannot be used.
    """
    from ltdcheck.adapters import clipping_kind

    found = kind or clipping_kind(function, None)
    if found is None:
        from ltdcheck.errors import UsageError

        name, _ = named(function)
        raise UsageError(
            f"It is not known how {name} clips. Say kind='clip-norm' (by the joint norm) or kind='clip-value' "
            "(entry by entry)."
        )
    return check(function, cell=found, **options)


_ASKED_OF_SOME = {  # what is known of a target only when it is opened, and why its laws are not asked of others
    "training": "nothing of it is dropped in training",
    "memory": "it keeps no state from call to call",
}


class Conformance:
    """One target whose properties are asked for one by one, as tests; it is opened at the first."""

    def __init__(
        self,
        target: object,
        *,
        cell: str | None = None,
        layout: str = "",
        profile: str = "default",
        timeout: float = 60.0,
    ) -> None:
        from ltdcheck.adapters import clipping_kind
        from ltdcheck.properties.law import properties
        from ltdcheck.runner.examiners import Options
        from ltdcheck.runner.subjects import Target

        self.name, live = named(target)
        self._target = Target(self.name, live, cell, layout)
        self._options = Options(profile_named(profile), timeout=timeout, command="pytest")
        self._session: Session | None = None
        about = {"clipping"} if clipping_kind(target, cell) else {"cell", *_ASKED_OF_SOME}
        if self.name.startswith("exec:"):
            about.add("program")
        self._plan = [prop for prop in properties() if prop.about in about]
        self.properties = [prop.id for prop in self._plan]

    def check(self, property_id: str) -> tuple[Result, str]:
        """One property: its result, and the text for people.

        Raises
        ------
        UsageError
            When the target cannot be used.
        """
        from ltdcheck.properties.law import property_named
        from ltdcheck.reporting.finding_text import finding_text
        from ltdcheck.reporting.words import identity
        from ltdcheck.runner.session import Session
        from ltdcheck.runner.subjects import open_target

        if self._session is None:
            self._session = Session(open_target(self._target, self._options.timeout), self._options)
        opened, prop = self._session.opened, property_named(property_id)
        unasked = {} if opened.early else {a: why for a, why in _ASKED_OF_SOME.items() if a not in opened.subjects}
        plan = [other for other in self._plan if other.about not in unasked]
        if prop in plan:
            result = self._session.check(prop, plan)
        else:
            reason = unasked[prop.about]
            result = Result(self.name, opened.cell, opened.variant, prop.id, "not_applicable", reason)
        return result, finding_text(result, identity(result.target, result.cell, result.variant))

    def close(self) -> None:
        """End the worker process."""
        if self._session is not None:
            self._session.opened.close()


__all__ = ["Conformance", "NonConformanceError", "Report", "Status", "check", "check_clipping", "compare"]
