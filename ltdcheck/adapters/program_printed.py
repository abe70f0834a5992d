"""What a program writes to its error output, counted and kept in part, and what its exit status says."""

from __future__ import annotations

import os
import signal

from ltdcheck.errors import TargetFlooded

LONGEST = 1 << 26  # bytes of one answer, and of what is printed beside it
_KEPT = 1 << 16  # bytes
_LINES, _CHARACTERS = 10, 1000  # in a sentence


class Printed:
    """The reading end of the pipe that is its error output, which does not block."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.count = 0  # bytes since the last question
        self.ended = False
        self._kept = b""

    def drain(self) -> None:
        """Take what is there.

        Raises
        ------
        TargetFlooded
            When it does not end.
        """
        while not self.ended:
            try:
                piece = os.read(self.fd, _KEPT)
            except BlockingIOError:
                return
            self.ended = not piece
            self.count += len(piece)
            self._kept = (self._kept + piece)[-_KEPT:]
            if self.count > LONGEST:
                raise TargetFlooded(f"printed more than {LONGEST} bytes{self.last()}")

    def last(self) -> str:
        """The end of a sentence that quotes its last lines, or nothing where it printed none."""
        lines = self._kept.decode("utf-8", "replace").strip().splitlines()[-_LINES:]
        return f"; the last it printed: {chr(10).join(lines)[-_CHARACTERS:]}" if lines else ""


def cause_of_death(code: int) -> str:
    """What an exit status says, as a predicate of the program."""
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"died of {signal.Signals(-code).name}"
    except ValueError:  # real-time signals have no name
        return f"died of signal {-code}"
