"""A program as a process: one line goes in, one line comes out, within a time limit.

All waiting is one ``poll`` over its three pipes, so that a program that does not read, does not answer, or stops in the
middle of a line meets the same deadline. It stays in the process group of whoever runs it, and dies with that group.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
import weakref
from collections.abc import Sequence

from ltdcheck.adapters.program_printed import LONGEST, Printed, cause_of_death
from ltdcheck.adapters.program_start import ended, started
from ltdcheck.errors import TargetAnswer, TargetCrashed, TargetFailure, TargetFlooded, TargetHung

_CHUNK = 1 << 16
_SLICE = 0.2  # s between looks at whether it lives, for when its children keep the pipes open
_GRACE = 5.0  # s that it may take to die after it closed its output


class Process:
    """A running program; it is killed with this object.

    Raises
    ------
    TargetUnusableError
        When there is no such command, or it cannot be run.
    """

    def __init__(self, command: Sequence[str], target: str, limit: float) -> None:
        self.limit, self._until = limit, 0.0
        self._popen = started(command, target)
        self.end = weakref.finalize(self, ended, self._popen)
        self._in, self._out, self._err = (p for p in (self._popen.stdin, self._popen.stdout, self._popen.stderr) if p)
        for pipe in (self._in, self._out, self._err):
            os.set_blocking(pipe.fileno(), False)
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self._poll.register(self._err, select.POLLIN)
        self._answer, self._printed = bytearray(), Printed(self._err.fileno())

    def begin(self) -> None:
        """The time limit of what is asked, in seconds, counts from here."""
        self._until = time.monotonic() + self.limit

    def ask(self, line: bytes, what: str) -> bytes:
        """Write a line, and return the line that answers it; ``what`` names the message in what is raised.

        Raises
        ------
        TargetHung
            When there is no whole line within the time limit.
        TargetFlooded
            When the answer, or what is printed beside it, does not end.
        TargetCrashed
            When it dies, or closes its input or output.
        TargetAnswer
            When there is more than one line.
        """
        self._printed.count = 0
        self._take()
        if self._answer:
            raise TargetAnswer(f"wrote a line before it was asked {what}: {self._begins()}")
        unsent = memoryview(line)
        while b"\n" not in self._answer:
            try:
                unsent = unsent[self._send(unsent) :] if unsent else unsent
                self._wait(what, writing=bool(unsent))
                if not self._take() and b"\n" not in self._answer:
                    raise self._death(what)
            except BrokenPipeError:
                raise self._death(what) from None
        answer, _, rest = bytes(self._answer).partition(b"\n")
        if rest and answer.lstrip().startswith(b"{"):  # else the line is none of the protocol, and is refused as that
            raise TargetAnswer(f"wrote more than one line as its answer to {what}: {self._begins()}")
        self._answer.clear()
        return answer

    def leave(self, until: float, *, closing: bool = True) -> int | None:
        """Its exit status, once it has ended by itself; None if it has not at the time ``until``."""
        if closing:
            self._in.close()
        while self._popen.poll() is None and time.monotonic() < until:
            self._take()
            time.sleep(0.002)
        return self._popen.returncode

    def _send(self, unsent: memoryview) -> int:
        with contextlib.suppress(BlockingIOError):
            return os.write(self._in.fileno(), unsent[:_CHUNK])
        return 0

    def _wait(self, what: str, *, writing: bool) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TargetHung(f"gave no answer to {what} within {self.limit:g} s{self._printed.last()}")
        if writing:
            self._poll.register(self._in, select.POLLOUT)
        ready = self._poll.poll(1000 * min(left, _SLICE))
        if writing:
            self._poll.unregister(self._in)
        if not ready and self._popen.poll() is not None and self._take() and b"\n" not in self._answer:
            raise self._death(what)

    def _take(self) -> bool:
        """Read what is there; False where its output has ended."""
        self._drain()
        while True:
            try:
                piece = os.read(self._out.fileno(), _CHUNK)
            except BlockingIOError:
                return True
            self._answer += piece
            if not piece or b"\n" in piece:
                return bool(piece)
            if len(self._answer) > LONGEST:
                raise TargetFlooded(f"wrote a line of more than {LONGEST} bytes{self._printed.last()}")

    def _drain(self) -> None:
        if not self._printed.ended:
            self._printed.drain()
            if self._printed.ended:  # it would always be ready
                self._poll.unregister(self._err)

    def _death(self, what: str) -> TargetFailure:
        code = self.leave(time.monotonic() + _GRACE, closing=False)
        self._drain()
        cause = "closed its input or output" if code is None else cause_of_death(code)
        return TargetCrashed(f"{cause} while it answered {what}{self._printed.last()}")

    def _begins(self) -> str:
        return repr(self._answer[:60].decode("utf-8", "replace"))
