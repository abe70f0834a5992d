"""Workers, and how to start them before what asks them is imported: both take a second, and neither needs the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from ltdcheck.runner.isolation import Worker

LATER = 5.0  # s that a worker process may take longer than the program in it
PRINTED = 1 << 25  # bytes that a target may print in one call: 'describe' alone makes several of the target's own
AT_ONCE = 4  # targets that are opened side by side

_started: list[tuple[dict[str, Any], float, Worker]] = []  # and not yet taken


def source_of(spec: str, cell: str | None) -> dict[str, Any]:
    """What a worker is told of a target that is named."""
    return {"spec": spec, "name": spec, "cell": cell}


def worker_of(source: Mapping[str, Any], live: object | None, timeout: float) -> Worker:
    """A worker for this target, which may have been started; its process starts with the first question."""
    for each in list(_started):
        if live is None and each[:2] == (source, timeout):
            with suppress(ValueError):  # another thread was faster
                _started.remove(each)
                return each[2]
    return _made(source, live, timeout)


def _made(source: Mapping[str, Any], live: object | None, timeout: float) -> Worker:
    # the adapter of a program keeps the limit itself, and names the message that was not answered
    later = LATER if source.get("spec", "").startswith("exec:") else 0.0
    return Worker({**source, "limit": timeout}, live=live, timeout=timeout + later, output_limit=PRINTED)


@contextmanager
def started(specs: Sequence[str], cell: str | None, timeout: float) -> Iterator[None]:
    """Start the workers of the targets that are opened first; those that nobody takes are ended."""
    sources = [source_of(spec, cell) for spec in specs[:AT_ONCE]]
    begun = [(source, timeout, _made(source, None, timeout)) for source in sources]
    _started.extend(begun)
    try:
        for _, _, worker in begun:
            worker.start()
        yield
    finally:
        for each in begun:
            if each in _started:
                _started.remove(each)
                each[2].close()
