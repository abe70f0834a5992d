"""A law of a system: what the right class or function keeps, over drawn examples, and its faults do not.

Each law is a function of what is put in the right one's place; it raises an AssertionError at the first example that
does not keep it. Laws are kept in a table by the name of the system.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, settings

Law = Callable[[Any], None]
EPS = float(np.finfo(float).eps)

LAWS: dict[str, list[Law]] = {}

# the same examples in every run, none of them shrunk: a law that fails has done what it is for
drawn = settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],  # the first example of a machine imports what it draws with
    report_multiple_bugs=False,
)


def law_of(*systems: str) -> Callable[[Law], Law]:
    """Register a law of these systems."""

    def register(law: Law) -> Law:
        for system in systems:
            LAWS.setdefault(system, []).append(law)
        return law

    return register


def keeps(law: Law, subject: Any) -> bool:
    """Whether all its examples keep the law."""
    try:
        law(subject)
    except AssertionError:
        return False
    return True


def close(got: Any, wanted: Any, terms: int = 64) -> None:
    """Equal up to the rounding of sums of so many terms of order one, which are summed in another order."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape
    assert np.all(np.abs(got - wanted) <= terms * EPS * (1 + np.abs(wanted)))
