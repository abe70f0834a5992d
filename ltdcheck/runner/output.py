"""What the worker process prints, counted and kept in part, and what it says when the process dies."""

from __future__ import annotations

import os
import re
import signal
import sys

from ltdcheck.errors import TargetFlooded
from ltdcheck.runner.failures import shorten
from ltdcheck.runner.worker import CHANNEL_LOST

_CHUNK = 1 << 16
_KEPT = 1 << 16  # bytes: a traceback of 100 frames and the list of extension modules fit
_LINES, _CHARACTERS = 10, 1000  # of the output, in a message
_FATAL = "Fatal Python error: "  # where faulthandler begins, perhaps in the middle of a line
_FRAME = re.compile(r'^  File "(.*)", line (\d+) in (.*)$', re.MULTILINE)
_FRAMES = 3  # innermost, in a message


class Output:
    """The reading end of the pipe that is file descriptors 1 and 2 of the worker process."""

    def __init__(self, fd: int, limit: int) -> None:
        self.fd, self.limit = fd, limit
        self.count = 0  # bytes since the call began
        self.ended = False
        self._kept = b""
        os.set_blocking(fd, False)

    def drain(self, *, once: bool = False) -> None:
        """Take what is there, without waiting; ``once`` takes what a pipe holds and no more.

        Where the process answers several calls after each other, that may be of the next one: what each prints is then
        counted as exactly as two pipes hold.

        Raises
        ------
        TargetFlooded
            When this makes more than the limit since the call began.
        """
        while not self.ended:
            try:
                piece = os.read(self.fd, _CHUNK)
            except BlockingIOError:
                return
            self.ended = not piece
            self.count += len(piece)
            self._kept = (self._kept + piece)[-_KEPT:]
            if self.count > self.limit:
                raise TargetFlooded(f"printed more than {self.limit} bytes in one call{self.last_printed()}")
            if once:
                return

    def last_printed(self) -> str:
        """The end of a sentence that quotes the last lines, or nothing when nothing was printed."""
        printed, _ = self._parts()
        lines = printed.strip().splitlines()[-_LINES:]
        return f"; the last it printed: {shorten(chr(10).join(lines), _CHARACTERS)}" if lines else ""

    def place(self) -> str:
        """Where the interpreter was when native code crashed, innermost first, as :mod:`faulthandler` saw it."""
        _, trace = self._parts()
        found = _FRAME.findall(trace)[:_FRAMES]
        frames = [f'{function} ("{imported(path)}", line {line})' for path, line, function in found]
        return f", in {', called from '.join(frames)}" if frames else ""

    def _parts(self) -> tuple[str, str]:
        text = self._kept.decode("utf-8", "replace")
        printed, fatal, trace = text.rpartition(_FATAL)
        return (printed, trace) if fatal else (text, "")


def imported(path: str) -> str:
    """The path of a file as imports see it, from the folder on ``sys.path`` in which it is: the same on any machine."""
    folders = sorted((folder for folder in sys.path if folder), key=len, reverse=True)
    return next((path[len(folder) + 1 :] for folder in folders if path.startswith(f"{folder}{os.sep}")), path)


def cause_of_death(returncode: int | None) -> str:
    """What an exit status says, as a predicate of the target; None is a process that lives but does not answer."""
    if returncode is None or returncode == CHANNEL_LOST:
        return "closed the file descriptor on which its answers travel"
    if returncode < 0:
        return f"died of {_signal_name(-returncode)}"
    return f"left the interpreter with exit code {returncode}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no name
        return f"signal {number}"
