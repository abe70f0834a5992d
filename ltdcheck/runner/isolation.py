"""The target in a worker process: asked by message, with a time limit, not trusted to behave.

Each call either returns the target's answer or raises one of the :class:`~ltdcheck.errors.TargetFailure` family, or
the :class:`~ltdcheck.errors.UsageError` that was raised in the worker. After a death the next call starts a new
process and opens the target again. POSIX only: sessions and process groups are what makes killing complete.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ltdcheck.runner import wire
from ltdcheck.runner.failures import EXIT, rebuild
from ltdcheck.runner.live import pickled
from ltdcheck.runner.process import Launch, Process
from ltdcheck.runner.worker import OK

OPENER = "ltdcheck.adapters:open_target"
OUTPUT_LIMIT = 1_000_000  # bytes printed in one call

Answer = tuple[wire.Header, wire.Arrays]


class Question:
    """A question that was begun, and what became of it once that is known."""

    def __init__(self, worker: Worker, request: bytes, method: str) -> None:
        self.worker, self.request, self.method = worker, request, method
        self.answer: Answer | None = None
        self.error: Exception | None = None  # instead of an answer

    def told(self) -> Answer:
        """Wait, and return or raise what a call would; the time limit is that of the waiting."""
        self.worker.settle(self)
        if self.error is not None:
            raise self.error
        assert self.answer is not None
        return self.answer

    def ready(self) -> bool:
        """There is an answer, or the beginning of one, or there will be none."""
        return self.worker.answers(self)


class Worker:
    """One target in one process at a time, which starts with the first call.

    Parameters
    ----------
    source
        What to open, JSON-able: ``{"spec": "torch.nn:LSTM"}``.
    live
        An object of the caller's, pickled now, which the opener gets besides ``source``.
    opener
        ``module:function``; in the worker process ``function(source, live)`` returns the handler, and
        ``handler(method, header, arrays)`` returns ``(header, arrays)``.
    timeout
        Seconds for a call, unless the call says otherwise.
    start_timeout
        Seconds for the process to start and the target to be opened.
    env
        The worker's environment; by default the caller's, without what steers pytest and coverage, and with one
        OpenMP thread where the caller's does not say how many.
    output_limit
        Bytes that the target may print in one call.

    Several workers run in parallel; calls of one worker from several threads wait for each other, and for a question
    that was begun.
    """

    def __init__(
        self,
        source: Mapping[str, Any],
        *,
        live: object | None = None,
        opener: str = OPENER,
        timeout: float = 60.0,
        start_timeout: float = 120.0,
        env: Mapping[str, str] | None = None,
        output_limit: int = OUTPUT_LIMIT,
    ) -> None:
        arrays = {} if live is None else {"live": pickled(live)}
        self._opening = wire.encode("open", {"opener": opener, "source": dict(source)}, arrays)
        self._launch = Launch(list(sys.path), str(Path.cwd()), env, output_limit)
        self.timeout, self.start_timeout = timeout, start_timeout
        self._process: Process | None = None
        self._opened = False  # the process has answered that the target is open
        self._begun: deque[Question] = deque()  # what the process is asked, in this order
        self._closed = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the process, and let it open the target while its caller goes on; the first call waits for that."""
        with self._lock:
            self._refuse_if_closed()
            if self._process is None:
                self._begin_opening()

    def call(
        self,
        method: str,
        header: Mapping[str, Any] | None = None,
        arrays: Mapping[str, wire.Array] | None = None,
        *,
        timeout: float | None = None,
    ) -> Answer:
        """Ask the target's handler; the arrays that come back are the caller's own.

        Raises
        ------
        TargetRaised, TargetHung, TargetCrashed, TargetFlooded, TargetAnswer
            When the target fails; after all but the first and last a new process answers the next call.
        UsageError
            As raised in the worker process.
        RuntimeError
            When the worker is closed.
        """
        request = wire.encode(method, dict(header or {}), arrays or {})
        with self._lock:
            self._settle_all()
            return self._ask(request, method, self.timeout if timeout is None else timeout)

    def begin(
        self, method: str, header: Mapping[str, Any] | None = None, arrays: Mapping[str, wire.Array] | None = None
    ) -> Question:
        """Ask as :meth:`call` does, and do not wait: questions are answered in the order in which they are begun.

        What nobody waits for is answered before the next call. Where the process ends before its turn, it is asked
        again when it is waited for.
        """
        asked = Question(self, wire.encode(method, dict(header or {}), arrays or {}), method)
        with self._lock:
            try:
                self._running().begin(asked.request)
            except Exception as error:  # noqa: BLE001  (raised where it is waited for)
                asked.error = error
            else:
                self._begun.append(asked)
        return asked

    def settle(self, question: Question) -> None:
        """Wait for what became of a question that was begun."""
        with self._lock:
            while question in self._begun:
                self._settle_first()
            if question.answer is None and question.error is None:  # the process ended before its turn
                self._settle_all()
                self._tell(question, lambda: self._ask(question.request, question.method, self.timeout))

    def answers(self, question: Question) -> bool:
        """It was answered, or its answer has begun to arrive, or there will be none from the process that was asked."""
        with self._lock:
            while question in self._begun and self._process is not None and self._process.answers():
                if self._begun[0] is question:
                    return True
                self._settle_first()
            return question not in self._begun

    def _settle_all(self) -> None:
        while self._begun:
            self._settle_first()

    def _settle_first(self) -> None:
        process = self._process
        if process is None or process.owner != os.getpid():
            self._discard()
        else:
            asked = self._begun.popleft()
            self._tell(asked, lambda: self._take(lambda: process.finish(asked.method, self.timeout)))

    def _tell(self, asked: Question, answer: Callable[[], Answer]) -> None:
        try:
            asked.answer = answer()
        except Exception as error:  # noqa: BLE001  (raised where it is waited for)
            asked.error = error

    def close(self) -> None:
        """Kill the process; a call that another thread is waiting for raises."""
        self._closed = True
        if (process := self._process) is not None:
            process.kill()
        with self._lock:
            self._discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _running(self) -> Process:
        self._refuse_if_closed()
        if self._process is not None and self._process.owner != os.getpid():
            self._discard()  # this is a copy made by fork; the process belongs to the original
        process = self._process or self._begin_opening()
        if not self._opened:
            try:
                self._refuse_if_closed()  # again: close() may have looked for a process before there was one
                self._take(lambda: process.finish("open", self.start_timeout))
                self._opened = True
            except BaseException:
                self._discard()
                raise
        return process

    def _begin_opening(self) -> Process:
        self._process, self._opened = Process(self._launch), False
        self._process.begin(self._opening)
        return self._process

    def _ask(self, request: bytes, method: str, limit: float) -> Answer:
        process = self._running()
        return self._take(lambda: process.exchange(request, method, limit))

    def _take(self, reply_of: Callable[[], wire.Message]) -> Answer:
        try:
            reply = reply_of()
        except BaseException:  # KeyboardInterrupt too: the answer to an abandoned call must never meet the next one
            self._discard()
            if self._closed:
                raise RuntimeError("the worker was closed during a call") from None
            raise
        if reply.method == OK:
            return reply.header, reply.arrays
        if reply.method == EXIT:
            self._discard()
        raise rebuild(reply.method, reply.header)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise RuntimeError("the worker is closed")

    def _discard(self) -> None:
        self._begun.clear()
        if self._process is not None:
            self._process.end()
            self._process = None
