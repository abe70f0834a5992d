"""Targets checked by the workers of a dask cluster, each in a process of its own there.

The cluster is the one whose scheduler dask's configuration names (``DASK_SCHEDULER_ADDRESS``), or else one on this
machine. Its workers need ltdcheck and the frameworks in the same versions, and find files under the same paths.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

from ltdcheck.errors import UsageError
from ltdcheck.result import Record
from ltdcheck.runner.check import versions
from ltdcheck.runner.examiners import Options
from ltdcheck.runner.hand import Hand, Unusable
from ltdcheck.runner.live import pickled, restored
from ltdcheck.runner.subjects import Target

CONNECTING = 30  # s to find a scheduler


class DaskHands:
    """The workers of a cluster; ``jobs`` of them where it is made here.

    Raises
    ------
    UsageError
        When dask is not installed, or there is no scheduler at the address.
    """

    def __init__(self, options: Options, jobs: int) -> None:
        try:
            import dask
            from distributed import Client
        except ImportError as error:
            raise UsageError(
                f"--engine dask needs dask ({error}). Install it: pip install 'ltdcheck[dask]'."
            ) from error
        address = dask.config.get("scheduler-address", None)
        where: dict[str, Any] = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": ":0"}
        try:
            self._client = Client(address, timeout=CONNECTING) if address else Client(**where)
        except OSError as error:
            why = f"There is no dask scheduler at {address}: {error}"
            raise UsageError(f"{why}. Start it, or unset DASK_SCHEDULER_ADDRESS for one on this machine.") from error
        self._options, self._asked = replace(options, replay=str), list[Any]()  # the line is not known there

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """What has not begun does not begin; a cluster of our own ends."""
        self._client.cancel(self._asked)
        self._client.close()

    def check(self, target: Target) -> Any:
        """A future of the record, of any worker that is free."""
        bytes_of = pickled(target).tobytes()
        future = self._client.submit(
            _check, bytes_of, self._options, versions(), pure=False, key=f"check {target.spec}"
        )
        self._asked.append(future)
        return future


def _check(target: bytes, options: Options, wanted: dict[str, str]) -> Record | Unusable:
    """On a worker, which may be on another machine."""
    import numpy as np

    here = versions()
    apart = [name for name in here.keys() & wanted.keys() - {"platform"} if here[name] != wanted[name]]
    if apart:
        told = ", ".join(f"{name} {here[name]} and not {wanted[name]}" for name in sorted(apart))
        return Unusable(f"A dask worker has {told}. Install the same versions everywhere.")
    hand = Hand(options)
    try:
        found = restored(np.frombuffer(target, np.uint8))
        assert isinstance(found, Target)
        return hand.check(found)
    finally:
        hand.close()
