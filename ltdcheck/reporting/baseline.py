"""The findings of an earlier run, which the exit status of a later one leaves out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ltdcheck.errors import RecordError, UsageError
from ltdcheck.reporting.json_lines import read_record
from ltdcheck.result import Record, Result, Verdict, exit_status

Same = tuple[str, str, str, str]


@dataclass(frozen=True)
class Baseline:
    """What was found by then. A finding is known if target, property, block and the fault it is put down to are."""

    findings: frozenset[Same]

    @classmethod
    def read(cls, path: Path) -> Baseline:
        """Of a record.

        Raises
        ------
        UsageError
            When the file is no whole record.
        """
        try:
            record = read_record(path)
        except RecordError as error:
            raise UsageError(f"--baseline: {error}") from error
        return cls(frozenset(_same(result) for result in record.results if result.finding is not None))

    def known(self, record: Record) -> list[Result]:
        """The findings that are no news."""
        return [
            r for r in record.results if r.status == "failed" and r.finding is not None and _same(r) in self.findings
        ]

    def gone(self, record: Record) -> int:
        """How many are found no more, of targets that were checked again."""
        now = {_same(result) for result in record.results if result.finding is not None}
        again = {result.target for result in record.results}
        return sum(target in again for target, *_ in self.findings - now)

    def exit_status(self, record: Record) -> int:
        """That of the contract, as if what is known had passed."""
        assert record.footer is not None
        known: Sequence[Result] = self.known(record)
        failed = Counter(result.target for result in record.results if result.status == "failed")
        of_known = Counter(result.target for result in known)
        targets = {
            name: replace(summary, verdict=_but_for_failures(record, name))
            if summary.verdict == "does_not_conform" and failed[name] == of_known[name]
            else summary
            for name, summary in record.footer.targets.items()
        }
        counts = dict(record.footer.counts)
        counts["failed"] -= len(known)
        counts["passed"] += len(known)
        return exit_status(replace(record.footer, targets=targets, counts=counts))


def _but_for_failures(record: Record, target: str) -> Verdict:
    """The verdict without what is known to fail."""
    seen = {result.status for result in record.of(target)}
    return "undecided" if seen & {"undecided", "errored"} else "conforms"


def _same(result: Result) -> Same:
    assert result.finding is not None
    named = result.finding.diagnosis[0].fault if result.finding.diagnosis else ""
    return result.target, result.property, result.finding.where.block, named
