"""A process of a run's own that checks one target after another, so that several are checked at a time.

It is a worker process (:mod:`ltdcheck.runner.isolation`) whose handler is a check: it ends when it is told to, and with
the run, whatever it is doing, and with it ends the process of the target. Only ltdcheck's own code runs in it, so that
what it answers may be a pickle.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ltdcheck.errors import TargetFailure, UsageError
from ltdcheck.properties.law import properties
from ltdcheck.result import Footer, Record, Result, TargetSummary, count
from ltdcheck.runner import wire
from ltdcheck.runner.check import header, run
from ltdcheck.runner.examiners import Options
from ltdcheck.runner.isolation import Worker
from ltdcheck.runner.live import pickled, restored
from ltdcheck.runner.subjects import Target
from ltdcheck.runner.worker import Handler

START = 600.0  # s for importing ltdcheck on a machine that is busy with everything else
PRINTED = 1 << 30  # bytes: it prints nothing of a target's, whose own process has its limit


@dataclass(frozen=True)
class Unusable:
    """Why a target was not checked."""

    reason: str


class Hand:
    """Checks targets, one at a time; its process starts with the first."""

    def __init__(self, options: Options) -> None:
        self.options = options
        told = replace(options, replay=str)  # the line that a finding will stand in is not known there
        self._worker = Worker(
            {},
            live=told,
            opener=f"{__name__}:open_hand",
            timeout=math.inf,
            start_timeout=START,
            output_limit=PRINTED,
        )

    def check(self, target: Target) -> Record | Unusable:
        """All of a target's results; where the process itself fails, one that says so, and the next has a new one."""
        try:
            _, arrays = self._worker.call("check", arrays={"target": pickled(target)})
        except TargetFailure as failure:
            return _errored(target, failure, self.options)
        found: Record | Unusable = pickle.loads(arrays["found"].tobytes())  # noqa: S301  (it is our own process)
        return found

    def close(self) -> None:
        """End the process, and that of the target; a check that another thread is waiting for raises."""
        self._worker.close()


def open_hand(_source: Mapping[str, Any], live: object) -> Handler:
    """The handler in the process."""
    assert isinstance(live, Options)
    options = live

    def handler(_method: str, _header: wire.Header, arrays: wire.Arrays) -> tuple[wire.Header, wire.Arrays]:
        target = restored(arrays["target"])
        assert isinstance(target, Target)
        return {}, {"found": np.frombuffer(pickle.dumps(_checked(target, options)), np.uint8)}

    return handler


def _checked(target: Target, options: Options) -> Record | Unusable:
    try:
        return run([target], options)
    except UsageError as error:
        return Unusable(str(error))


def _errored(target: Target, failure: TargetFailure, options: Options) -> Record:
    """The record of a target that ltdcheck itself could not check."""
    about = "clipping" if (target.cell or "").startswith("clip-") else "cell"
    first = next(prop.id for prop in properties() if prop.about == about)
    reason = f"the process that checked it {failure}\n{getattr(failure, 'traceback', '')}".strip()
    result = Result(target.spec, target.cell or "", "", first, "errored", reason)
    summary = TargetSummary("undecided", target.cell or "", reason=f"the process that checked it {failure}")
    return Record(header(options), [result], Footer({target.spec: summary}, 1, count([result]), 0.0))
