"""One worker process as its parent sees it: started, asked with a deadline, drained, and killed with all it started.

All waiting is one ``poll`` over the channel and the output, so a process that stops in the middle of reading a request,
of writing an answer or of printing meets the same deadline. What the target puts into a session of its own is not in
the process group and escapes the kill.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from ltdcheck.errors import TargetCrashed, TargetHung
from ltdcheck.runner.output import Output, cause_of_death
from ltdcheck.runner.wire import Incoming, Message, WireError

# ``-c`` and not ``-m``: the parent's ``sys.path`` must be in place before ltdcheck can be found, and the environment
# that the target sees must not change for it.
_BOOT = (
    "import json, sys; a = json.loads(sys.argv.pop()); sys.path[:] = a['path']; "
    "from ltdcheck.runner.worker import main; main(a['channel'], a['lifeline'])"
)
_SLICE = 0.2  # s between looks at whether the process lives, for when its children keep the channel open
_GRACE = 5.0  # s that a process may take to die after its channel closed
_REAP = 10.0  # s to wait for a killed process
_OURS = ("PYTEST_", "COV_CORE_", "COVERAGE_")  # would make the worker take part in the run's own tests


# one thread, unless the environment says otherwise: problems are small, and on a busy machine threads that wait for
# each other cost more than they give; sums are then taken in one order, too
_ALONE = {"OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Launch:
    """What a worker process starts with: the parent's ``sys.path`` and directory, an environment, its output limit."""

    path: list[str]
    cwd: str
    env: Mapping[str, str] | None  # None: the parent's, on one thread, without what steers pytest
    output_limit: int  # bytes a call

    def environment(self) -> dict[str, str]:
        """The environment of the worker process."""
        if self.env is not None:
            return dict(self.env)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return {**_ALONE, **inherited}


class Process:
    """A running worker process; it dies with this object, at interpreter exit, and with the parent."""

    def __init__(self, launch: Launch) -> None:
        self.owner = os.getpid()
        self._channel, channel = socket.socketpair()
        lifeline, lifeline_kept = os.pipe()
        output, printed = os.pipe()
        try:
            self._popen = _start(launch, channel.fileno(), lifeline, printed)
        except BaseException:
            _close(self._channel, lifeline_kept, output)
            raise
        finally:
            _close(channel, lifeline, printed)
        self.end = weakref.finalize(self, _end, self._popen, self.owner, self._channel, lifeline_kept, output)
        self._channel.settimeout(0)
        self._output = Output(output, launch.output_limit)
        self._poll = select.poll()
        self._poll.register(output, select.POLLIN)
        self._unsent: deque[memoryview] = deque()  # of requests
        self._incoming = Incoming()
        self._in_flight = 0  # requests that were not answered

    def kill(self) -> None:
        """Kill the process and what it started, from any thread, leaving the rest to the thread that waits for it."""
        _kill_group(self._popen.pid)

    def exchange(self, request: bytes, method: str, limit: float) -> Message:
        """Send ``request`` and return the answer; after an exception the process is of no further use.

        Raises
        ------
        TargetHung, TargetFlooded, TargetCrashed
            As :meth:`finish` does.
        """
        self.begin(request)
        return self.finish(method, limit)

    def begin(self, request: bytes) -> None:
        """Send what of ``request`` goes without waiting; :meth:`finish` sends the rest.

        Requests may follow each other: they are answered in their order.
        """
        if not self._in_flight:
            self._output.count = 0
        self._in_flight += 1
        self._unsent.append(memoryview(request))
        self._send()

    def answers(self) -> bool:
        """The channel has something to tell, be it that the process is dead."""
        self._send()
        channel = select.poll()
        channel.register(self._channel, select.POLLIN)
        return bool(channel.poll(0))

    def finish(self, method: str, limit: float) -> Message:
        """Wait for the next answer to what was begun; after an exception the process is of no further use.

        Raises
        ------
        TargetHung
            After ``limit`` seconds of waiting.
        TargetFlooded
            When it prints more than the launch allows.
        TargetCrashed
            When it dies, or writes into the channel itself.
        """
        until = time.monotonic() + limit
        incoming = self._incoming
        try:
            while not incoming.complete:
                self._send()
                events = select.POLLIN | (select.POLLOUT if self._unsent else 0)
                if self._wait_for_channel(events, until, f"gave no answer to {method!r} within {limit:g} s"):
                    incoming.feed(self._channel)
            self._output.drain(once=self._in_flight > 1)  # printed before the answer was sent, so in the pipe by now
            self._in_flight -= 1
            self._output.count, self._incoming = 0, Incoming()
            return incoming.message()
        except (EOFError, ConnectionError):
            raise self._death(method) from None
        except WireError as error:
            raise TargetCrashed(f"wrote {error} where its answer to {method!r} travels") from None

    def _send(self) -> None:
        """As much of the requests as goes without waiting; nothing where the process does not read any more.

        What it answered before is read all the same, and what it died of is found behind that.
        """
        try:
            while self._unsent:
                sent = self._channel.send(self._unsent[0])
                self._unsent[0] = self._unsent[0][sent:]
                if not self._unsent[0]:
                    self._unsent.popleft()
        except BlockingIOError:
            pass
        except ConnectionError:
            self._unsent.clear()

    def _wait_for_channel(self, events: int, until: float, complaint: str) -> bool:
        """Wait for one event; True when there is something to receive."""
        left = until - time.monotonic()
        if left <= 0:
            raise TargetHung(complaint + self._output.last_printed())
        channel = self._channel.fileno()
        self._poll.register(channel, events)
        ready = dict(self._poll.poll(1000 * min(left, _SLICE)))
        if not ready and self._popen.poll() is not None:
            raise EOFError
        if self._output.fd in ready:
            self._drain()
        return bool(ready.get(channel, 0) & ~select.POLLOUT)

    def _drain(self) -> None:
        self._output.drain(once=self._in_flight > 1)
        if self._output.ended:
            self._poll.unregister(self._output.fd)

    def _death(self, method: str) -> TargetCrashed:
        """Wait for the process to be dead, and say what it died of."""
        until = time.monotonic() + _GRACE
        while self._popen.poll() is None and time.monotonic() < until:
            self._output.drain()
            time.sleep(0.001)
        returncode = self._popen.returncode
        self.kill()  # its children; a number of a dead process group is not given to another while a member lives
        self._output.drain()
        what = f"{cause_of_death(returncode)} while it answered {method!r}"
        return TargetCrashed(what + self._output.place() + self._output.last_printed())


def _start(launch: Launch, channel: int, lifeline: int, printed: int) -> subprocess.Popen[bytes]:
    arguments = json.dumps({"path": launch.path, "channel": channel, "lifeline": lifeline})
    return subprocess.Popen(
        [sys.executable, "-P", "-u", "-c", _BOOT, arguments],
        stdin=subprocess.DEVNULL,
        stdout=printed,
        stderr=printed,
        cwd=launch.cwd,
        env=launch.environment(),
        pass_fds=(channel, lifeline),
        start_new_session=True,
    )


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # gone; macOS refuses for a group of zombies
        os.killpg(pid, signal.SIGKILL)


def _end(popen: subprocess.Popen[bytes], owner: int, *ends: socket.socket | int) -> None:
    """Kill, reap, and close; a copy of the parent made by fork leaves the process to the original."""
    if os.getpid() == owner:
        _kill_group(popen.pid)
        with contextlib.suppress(subprocess.TimeoutExpired):
            popen.wait(_REAP)
    _close(*ends)


def _close(*ends: socket.socket | int) -> None:
    for end in ends:
        if isinstance(end, int):
            os.close(end)
        else:
            end.close()
