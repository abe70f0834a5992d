"""How laws of clipping are registered, and how a law derives the call that it needs from the one that it is given."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps

import numpy as np

from ltdcheck.implementation import ClippingRule
from ltdcheck.problem import ClippingCall
from ltdcheck.properties.clipping_bounds import RefusedError, largest, norm
from ltdcheck.properties.law import Evidence, law

NORM, VALUE = ("clip-norm",), ("clip-value",)
Check = Callable[[ClippingRule, ClippingCall], Evidence]


def clipping_law(id: str, kinds: tuple[str, ...] = NORM + VALUE, *, questions: int = 1) -> Callable[[Check], Check]:
    """Register a property of clipping functions of these kinds; a function that raises inside ``ask`` fails it."""

    def register(check: Check) -> Check:
        @wraps(check)
        def guarded(rule: ClippingRule, call: ClippingCall) -> Evidence:
            if rule.kind not in kinds:
                return Evidence(not_applicable=f"this is a law of {' and '.join(kinds)}")
            try:
                with np.errstate(all="ignore"):  # a wrong answer may hold anything
                    return check(rule, call)
            except RefusedError as refused:
                return Evidence(1, math.inf, disagreement=refused.disagreement)

        law(id, about="clipping", questions=questions)(guarded)
        return guarded

    return register


def reach(kind: str, call: ClippingCall) -> float:
    """What the threshold is compared with: the norm, or the largest entry."""
    return norm(call.groups) if kind in NORM else largest(call.groups)


def rounded(v: float, precision: str) -> float:
    """A threshold that is exactly representable in float32, or in float16 for that precision; never 0."""
    coarse = np.float16 if precision == "float16" else np.float32
    return float(max(coarse(v), np.finfo(coarse).tiny))


def lively(call: ClippingCall) -> ClippingCall:
    """The call, or one with the last entry of its first group that has any set to -1, if all entries are 0."""
    if largest(call.groups):
        return call
    name = next(name for name, group in call.groups.items() if group.size)
    group = np.zeros_like(call.groups[name])
    group.flat[-1] = -1.0
    return call.with_(groups={**call.groups, name: group})


def above(call: ClippingCall, kind: str) -> ClippingCall:
    """The call, with half the largest entry as threshold where nothing would be clipped otherwise."""
    if reach(kind, call) > call.threshold:
        return call
    return call.with_(threshold=rounded(largest(call.groups) / 2, call.precision))


def below(call: ClippingCall, kind: str) -> ClippingCall:
    """The call, with twice the norm as threshold where something would be clipped otherwise."""
    if reach(kind, call) <= call.threshold:
        return call
    return call.with_(threshold=rounded(2 * norm(call.groups), call.precision))


def two_groups(call: ClippingCall) -> ClippingCall:
    """The call, lively, and with a second group that is not zero if it has only one."""
    call = lively(call)
    alive = [group for group in call.groups.values() if largest({"": group})]
    if len(alive) > 1:
        return call
    extra = np.array([0.25, -0.5]) * 2.0 ** math.floor(math.log2(largest(call.groups)))
    return call.with_(groups={**call.groups, "beside": extra})
