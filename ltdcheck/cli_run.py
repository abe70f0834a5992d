"""A run as the command line makes one: progress on the way, the record as it comes, reports and exit status at last."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from ltdcheck.diagnosis.families import require_family
from ltdcheck.errors import UsageError
from ltdcheck.reporting.baseline import Baseline
from ltdcheck.reporting.console import Console
from ltdcheck.reporting.json_lines import RecordWriter
from ltdcheck.result import Record, Result, exit_status
from ltdcheck.runner.check import Observer, command_line, header
from ltdcheck.runner.examiners import Options

Ask = Callable[[Options, Sequence[Observer]], Record]


def conduct(
    ask: Ask,
    options: Callable[..., Options],
    json_path: Path | None,
    html_path: Path | None,
    junit_path: Path | None,
    kept: Callable[[], str] = lambda: "",
    *,
    sarif_path: Path | None = None,
    baseline: Baseline | None = None,
) -> None:
    """Ask, write what was asked for, and leave with the exit status of the contract.

    ``options`` still takes the command and the way to replay a line of the record. ``kept`` says what an interruption
    leaves besides the record. What a ``baseline`` knows of does not count in the exit status.
    """
    path = json_path or _default_record()
    shown = shlex.quote(str(path))
    told = options(command=command_line(), replay=lambda n: f"ltdcheck replay {shown}:{n}")
    console = Console()
    writer = _Late(lambda: RecordWriter(path, header(told)))
    try:
        record = ask(told, [console, writer])
    except KeyboardInterrupt:
        console.stop()
        writer.leave()
        left = f"The results so far are in {path}.partial." if writer.opened else "Nothing was checked yet."
        click.echo(f"Interrupted. {kept() or left}", err=True)
        sys.exit(1 if writer.failed else 4)
    except BaseException:
        console.stop()
        writer.leave()
        raise
    assert record.footer is not None
    writer.close(record.footer)
    console.finish(record)
    known = baseline.known(record) if baseline else []
    _write(record, html_path, junit_path)
    if sarif_path is not None:
        from ltdcheck.reporting.sarif import render_sarif

        sarif_path.write_text(render_sarif(record, known if baseline else None), encoding="utf-8")
    if baseline is None:
        sys.exit(exit_status(record.footer))
    found = record.footer.counts["failed"]
    gone = baseline.gone(record)
    click.echo(f"{found - len(known)} new, {len(known)} known from the baseline, {gone} of the baseline gone")
    sys.exit(baseline.exit_status(record))


def refuse_unusable(cell: str | None, timeout: float, *outputs: Path | None) -> None:
    """What can be seen to be wrong before anything is started.

    Raises
    ------
    UsageError
        When there is no such family, no time, or no directory for one of the outputs.
    """
    if cell is not None:
        require_family(cell)
    if not timeout > 0:
        raise UsageError(f"--timeout is {timeout:g}; it must be a positive number of seconds.")
    for path in outputs:
        if path is not None and not path.absolute().parent.is_dir():
            folder = path.absolute().parent
            raise UsageError(f"{path} cannot be written: there is no directory {folder}. Make it first.")


class _Late:
    """Opens the record when the first target starts: a run that cannot begin leaves no file."""

    def __init__(self, make: Any) -> None:
        self._make, self._writer, self.failed = make, None, False

    @property
    def opened(self) -> bool:
        """There is a file."""
        return self._writer is not None

    def start(self, planned: int, target: str) -> None:
        """Open it with the first target."""
        if self._writer is None:
            self._writer = self._make()

    def checking(self, property_id: str) -> None:
        """Nothing is written yet."""

    def result(self, result: Result) -> None:
        """One more line."""
        self.failed = self.failed or result.status == "failed"
        self._writer.write(result)  # type: ignore[attr-defined]

    def leave(self) -> None:
        """The run did not come to its end, and the file stays partial."""
        if self._writer is not None:
            with self._writer:
                pass

    def close(self, footer: Any) -> None:
        """The run is over."""
        if self._writer is not None:
            self._writer.close(footer)


def _default_record() -> Path:
    """Where the record lies when nobody said where: findings can be replayed all the same."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ltdcheck"
    cache.mkdir(parents=True, exist_ok=True)
    return cache / f"record-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.jsonl"


def _write(record: Record, html_path: Path | None, junit_path: Path | None) -> None:
    if html_path is not None:
        from ltdcheck.reporting.html import render_html

        html_path.write_text(render_html(record), encoding="utf-8")
    if junit_path is not None:
        from ltdcheck.reporting.junit import render_junit

        junit_path.write_text(render_junit(record), encoding="utf-8")
