"""How a program is started, with three pipes, and ended."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from ltdcheck.errors import TargetUnusableError


def started(command: Sequence[str], target: str) -> subprocess.Popen[bytes]:
    """A new process.

    Raises
    ------
    TargetUnusableError
        When there is no such command, or it cannot be run.
    """
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
    except (OSError, ValueError) as error:  # ValueError: a null byte in the command
        why = f"{command[0]!r} does not start ({getattr(error, 'strerror', None) or error})."
        raise TargetUnusableError(target, why, "Check the path, and that it may be executed.") from error


def ended(popen: subprocess.Popen[bytes]) -> None:
    """Kill it, wait for it, and close its pipes."""
    popen.kill()
    popen.wait()
    for pipe in (popen.stdin, popen.stdout, popen.stderr):
        if pipe is not None:
            pipe.close()
