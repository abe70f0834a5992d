"""How things are timed: alternately, so that a busy machine slows both sides alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds of ours and of the peer's, one pair a round."""

    ours: list[float]
    peer: list[float]

    @property
    def ratio(self) -> float:
        """Ours over the peer's: the median of the rounds."""
        return statistics.median(a / b for a, b in zip(self.ours, self.peer, strict=True))

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles of the rounds' ratios."""
        ratios = [a / b for a, b in zip(self.ours, self.peer, strict=True)]
        low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return low, high


def alternately(
    ours: Callable[[], object],
    peer: Callable[[], object],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Timing:
    """Both, in turn, after one call of each that is not counted."""
    ours()
    peer()
    pairs = [(seconds(ours, clock), seconds(peer, clock)) for _ in range(rounds)]
    return Timing([a for a, _ in pairs], [b for _, b in pairs])


def seconds(call: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """How long one call takes, by a clock of the wall or of the processor."""
    started = clock()
    call()
    return clock() - started
