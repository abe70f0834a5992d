"""The records of single targets in a folder, each in a file of its own, until the record of the whole run is written.

A run that is interrupted leaves them, and one that asks the same finds them: what a file stands for is in its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ltdcheck.errors import RecordError
from ltdcheck.reporting.json_lines import RecordWriter, read_record
from ltdcheck.result import Record


class Shelf:
    """Records by target. ``asked`` is all that the results depend on besides the target: versions, profile, seed, .."""

    def __init__(self, folder: Path, asked: str) -> None:
        self.folder, self.asked = folder, asked

    def of(self, target: str) -> Record | None:
        """What is there of this target; a file that is not whole is as good as none."""
        try:
            return read_record(self._path(target))
        except RecordError:
            return None

    def keep(self, target: str, record: Record) -> None:
        """Write it."""
        assert record.footer is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        with RecordWriter(self._path(target), record.header) as writer:
            for result in record.results:
                writer.write(result)
            writer.close(record.footer)

    def known(self, targets: Iterable[str]) -> int:
        """How many of them are there."""
        return sum(self._path(target).exists() for target in targets)

    def clear(self, targets: Iterable[str]) -> None:
        """Remove what was kept of them."""
        for target in targets:
            self._path(target).unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _path(self, target: str) -> Path:
        return self.folder / f"{hashlib.sha256(f'{self.asked} {target}'.encode()).hexdigest()[:16]}.jsonl"
