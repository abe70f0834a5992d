"""Clipping on edge inputs: Inf and NaN, gradients of zeros, thresholds that are zero, negative or infinite.

A framework's known behaviour on these is declared by its rule (``documented``) and reported as a contract difference;
in somebody's own function the same behaviour is a failure, because nobody who calls it can know of it.
"""

from __future__ import annotations

import math

import numpy as np

from ltdcheck.implementation import ClippingAnswer, ClippingRule
from ltdcheck.problem import Array, ClippingCall
from ltdcheck.properties.clipping_bounds import (
    IDENTITY,
    Groups,
    ask,
    compare,
    inner,
    largest,
    norm,
    relative_bound,
    together,
    unit,
)
from ltdcheck.properties.clipping_cases import NORM, VALUE, clipping_law, lively, two_groups
from ltdcheck.properties.law import Disagreement, Evidence
from ltdcheck.result import Place


@clipping_law("clipping.nonfinite", questions=3)
def nonfinite(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """One Inf or NaN is not hidden, and does not destroy the entries beside it in silence.

    Raising, a skipped step, a step of norm v, NaN everywhere, and gradients left as they are for the caller to see are
    answers. NaN in one entry and 0 in the others, from Inf/Inf and x/Inf, is none: half the gradient is gone.
    """
    call = two_groups(call)
    return together(*(_with_special(rule, call, special) for special in (math.inf, -math.inf, math.nan)))


def _with_special(rule: ClippingRule, call: ClippingCall, special: float) -> Evidence:
    name = next(name for name, group in call.groups.items() if group.size)
    group = np.array(call.groups[name])
    group.flat[0] = special
    case = call.with_(groups={**call.groups, name: group})
    if not any(np.any(np.isfinite(g) & (g != 0)) for g in case.groups.values()):
        case = case.with_(groups={**case.groups, "finite": np.array([largest(call.groups)])})
    answer = rule.clip(case)
    if answer.raised is not None:
        return Evidence(1)
    given, got = _flat(case.groups), _flat(answer.groups)
    judge = _elementwise_nonfinite if rule.kind in VALUE else _joint_nonfinite
    words = judge(given, got, case)
    if words is not None:
        return Evidence(case.size, notes=(f"with one {special}: {words}",) if words else ())
    if _zero_beside(given, got) and (known := rule.documented.get("zero-beside-nonfinite")):
        return Evidence(case.size, notes=(known,))
    finite = np.isfinite(given) & (given != 0)
    k = int(np.argmax(finite & ((got == 0) | ~np.isfinite(got)))) if rule.kind in NORM else int(np.argmax(got != given))
    message = f"One entry is {special}, and the answer neither refuses it nor shows it nor keeps the others."
    where = Place("all groups in order", (k,))
    return Evidence(case.size, math.inf, None, Disagreement(where, repr(got.tolist()[k]), _wanted(rule), 0.0, message))


def _wanted(rule: ClippingRule) -> str:
    return "clipped" if rule.kind in VALUE else "an exception, zeros, a step of norm v, or NaN everywhere"


def _joint_nonfinite(given: Array, got: Array, case: ClippingCall) -> str | None:
    """Which of the answers it is, in words; None for none of them."""
    if not np.any(np.isfinite(got)):
        return "nothing finite is left"
    if np.all(np.isfinite(got)):
        n = math.hypot(*got.tolist())
        within = n <= case.threshold * (1 + relative_bound(case))
        return ("the step is skipped" if n == 0 else "a finite step within the threshold") if within else None
    finite = np.isfinite(given)
    kept = np.isfinite(got[finite]) & (np.abs(got[finite]) <= np.abs(given[finite]))
    alive = (got[finite] * given[finite] > 0) | (given[finite] == 0)
    shown = np.all(~np.isfinite(got[~finite]))
    return "it stays visible, and the other entries keep their signs" if shown and np.all(kept & alive) else None


def _elementwise_nonfinite(given: Array, got: Array, case: ClippingCall) -> str | None:
    """Finite entries and Inf are clipped, NaN stays NaN or becomes 0, which needs no words; or all is refused."""
    if not np.any(np.isfinite(got)):
        return "nothing finite is left"
    if not np.any(got):
        return "the step is skipped"
    v, lost = case.threshold, np.isnan(given)
    clipped = np.all(got[~lost] == np.clip(given[~lost], -v, v))
    if not clipped or not np.all(np.isnan(got[lost]) | (got[lost] == 0)):
        return None
    return ""


def _zero_beside(given: Array, got: Array) -> bool:
    """NaN where the gradient is not finite, 0 elsewhere."""
    return bool(np.all(np.isnan(got[~np.isfinite(given)])) and not np.any(got[np.isfinite(given)]))


@clipping_law("clipping.zero_gradient")
def zero_gradient(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """A gradient of zeros stays one: no 0/0."""
    case = call.with_(groups={name: np.zeros_like(group) for name, group in call.groups.items()})
    return compare(ask(rule, case).groups, case.groups, 0.0, 0.0, "A gradient of zeros becomes something else.")


@clipping_law("clipping.zero_threshold")
def zero_threshold(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """A threshold of 0 is refused, leaves nothing, or means no clipping; it does not make NaN."""
    call = two_groups(call).with_(threshold=0.0)
    zeros = call.with_(groups={name: np.zeros_like(group) for name, group in call.groups.items()})
    return together(_at_zero(rule, call), _at_zero(rule, zeros))


def _at_zero(rule: ClippingRule, call: ClippingCall) -> Evidence:
    answer = rule.clip(call)
    if answer.raised is not None:
        return Evidence(1)
    zeros = {name: np.zeros_like(group) for name, group in call.groups.items()}
    gone = compare(answer.groups, zeros, 0.0, 0.0, "The threshold is 0; the answer is neither zero nor the gradient.")
    if gone.ok:
        return gone
    if _unchanged(answer, call):
        return Evidence(call.size, notes=("the threshold 0 means no clipping",))
    return _documented(rule, "nan-at-zero", gone) if np.any(np.isnan(_flat(answer.groups))) else gone


@clipping_law("clipping.negative_threshold")
def negative_threshold(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """A negative threshold is refused or changes nothing; it does not turn the step around."""
    call = lively(call)
    signs = np.array([1.0, -1.0]) * largest(call.groups)  # what is turned around shows in one of the two at least
    call = call.with_(groups={**call.groups, "signs": signs}, threshold=-abs(call.threshold))
    answer = rule.clip(call)
    if answer.raised is not None:
        return Evidence(1)
    if _unchanged(answer, call):
        return Evidence(call.size, notes=("a negative threshold changes nothing",))
    if not np.any(_flat(answer.groups)):
        return Evidence(call.size, notes=("a negative threshold leaves nothing",))
    flipped = inner(answer.groups, call.groups) < 0 or bool(np.any(_flat(answer.groups) * _flat(call.groups) < 0))
    did = "turns the step, or a part of it, around" if flipped else "scales the step"
    message = f"The threshold {call.threshold!r} {did} instead of being refused."
    expected = "an exception, or the gradient as it is"
    failed = Evidence(
        call.size, math.inf, None, Disagreement(Place("call"), _words(answer.groups), expected, 0.0, message)
    )
    return _documented(rule, "sign-flip-at-negative-threshold", failed) if flipped else failed


@clipping_law("clipping.infinite_threshold")
def infinite_threshold(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """An infinite threshold, as used to measure the norm only, changes nothing, or is refused."""
    call = two_groups(call).with_(threshold=math.inf)
    answer = rule.clip(call)
    if answer.raised is not None:
        return Evidence(1)
    same = compare(answer.groups, call.groups, IDENTITY * unit(call.precision), 0.0, "An infinite threshold acts.")
    return same if same.ok else _documented(rule, "nan-at-infinite-threshold", same)


# -- parts -----------------------------------------------------------------------------------------------------------


def _documented(rule: ClippingRule, behaviour: str, failed: Evidence) -> Evidence:
    known = rule.documented.get(behaviour)
    return failed if known is None else Evidence(failed.compared, notes=(known,))


def _unchanged(answer: ClippingAnswer, call: ClippingCall) -> bool:
    return compare(answer.groups, call.groups, IDENTITY * unit(call.precision), 0.0, "").ok


def _flat(groups: Groups) -> Array:
    return np.concatenate([np.asarray(group, dtype=float).ravel() for group in groups.values()])


def _words(groups: Groups) -> str:
    """The first numbers, and the norm."""
    return f"{', '.join(map(repr, _flat(groups).tolist()[:3]))}, .. of norm {norm(groups)!r}"
