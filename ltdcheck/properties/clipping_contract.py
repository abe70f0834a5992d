"""What a clipping function owes its caller beside the numbers: what is returned, left alone, and depended on."""

from __future__ import annotations

import math

import numpy as np

from ltdcheck.implementation import ClippingRule
from ltdcheck.problem import ClippingCall
from ltdcheck.properties.clipping_bounds import (
    Denominator,
    absolute_bound,
    ask,
    compare,
    largest,
    norm,
    relative_bound,
    scalar,
    scaled,
    together,
    under_denominators,
)
from ltdcheck.properties.clipping_cases import NORM, VALUE, above, clipping_law, lively, rounded, two_groups
from ltdcheck.properties.law import Disagreement, Evidence
from ltdcheck.result import Place


@clipping_law("clipping.norm_after_the_call", NORM)
def norm_after_the_call(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """The returned norm is that of the gradients, and what the gradients hold after the call measures v or less.

    The norm before clipping is returned in most; the norm after it is a contract difference.
    """
    call = above(lively(call), rule.kind)
    answer = ask(rule, call)
    before, after, v, b = norm(call.groups), norm(answer.groups), call.threshold, relative_bound(call)
    left = scalar(after, min(after, v), b * v, "norm after the call", "The gradients after the call are not clipped.")
    if answer.returned is None:
        return left
    returned = _returned(answer.returned, before, b)
    if not returned.ok and _returned(answer.returned, after, b).ok:
        returned = Evidence(1, notes=("the norm after clipping is returned, where most return the norm before",))
    return together(left, returned)


def _returned(got: float, expected: float, b: float) -> Evidence:
    return scalar(got, expected, b * expected, "returned norm", "The returned norm is not that of the gradients.")


@clipping_law("clipping.containers")
def containers(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """The answer does not depend on how the arrays are handed over: a generator can be read only once."""
    call = above(lively(call), rule.kind)
    first = ask(rule, call.with_(container=rule.containers[0])).groups
    found = []
    for container in rule.containers[1:]:
        got = ask(rule, call.with_(container=container)).groups
        message = f"Handed over as a {container} the gradients are clipped differently than as a {rule.containers[0]}."
        found.append(compare(got, first, 2 * relative_bound(call), 2 * absolute_bound(call), message))
    if not found:
        return Evidence(not_applicable=f"it takes its gradients in one way only, as a {rule.containers[0]}")
    return together(*found)


@clipping_law("clipping.inputs_unchanged")
def inputs_unchanged(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """A function that returns new arrays leaves those that it was given as they were."""
    call = above(lively(call), rule.kind)
    answer = ask(rule, call)
    if answer.in_place or answer.inputs_after is None:
        return Evidence(not_applicable="it works in place")
    message = "New arrays are returned, and the given ones changed as well."
    return compare(answer.inputs_after, call.groups, 0.0, 0.0, message)


@clipping_law("clipping.memoryless", questions=3)
def memoryless(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """The answer does not depend on earlier calls."""
    call = above(lively(call), rule.kind)
    first = ask(rule, call).groups
    ask(rule, call.with_(groups=scaled(call.groups, 4.0), threshold=call.threshold * 2))
    message = "The same call gives another answer after a call with larger gradients."
    return compare(ask(rule, call).groups, first, 2 * relative_bound(call), 2 * absolute_bound(call), message)


@clipping_law("clipping.threshold_matters")
def threshold_matters(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """Half the threshold gives half the step: the norm, or the entries beyond it, follow the argument."""
    call = lively(call)
    v = rounded(largest(call.groups) / 2, call.precision)
    found = []
    for threshold in (v, v / 2):
        case = call.with_(threshold=threshold)
        got = ask(rule, case).groups
        if rule.kind in VALUE:
            expected = threshold
            found.append(scalar(largest(got), expected, 0.0, "largest entry", "It does not follow the threshold."))
            continue
        n = norm(call.groups)

        def check(D: Denominator, got: float = norm(got), case: ClippingCall = case, n: float = n) -> Evidence:
            expected = n * D.factor(n, case.threshold)
            slack = relative_bound(case) * expected + absolute_bound(case) * case.size
            return scalar(got, expected, slack, "norm", "It does not follow the threshold.")

        found.append(under_denominators(rule, case, check))
    return together(*found)


@clipping_law("clipping.groups_matter", questions=3)
def groups_matter(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """Every group counts: its growth shrinks the others (clip-norm), and its entries are clipped (clip-value)."""
    call = two_groups(call)
    top = largest(call.groups)
    found = []
    for name in (name for name, group in call.groups.items() if group.size):
        grown = np.array(call.groups[name])
        grown.flat[0] = 4 * top
        case = call.with_(groups={**call.groups, name: grown}, threshold=rounded(2 * top, call.precision))
        found.append(_grown(rule, case, name))
    return together(*found)


def _grown(rule: ClippingRule, case: ClippingCall, name: str) -> Evidence:
    """One group dominates and is the only one beyond the threshold: what is left of all of them."""
    got = ask(rule, case).groups
    n, v = norm(case.groups), case.threshold
    if rule.kind in VALUE:
        expected = {k: np.clip(group, -v, v) for k, group in case.groups.items()}
        return compare(got, expected, 0.0, 0.0, f"The largest entry is in {name}; it is not clipped as it should be.")

    def check(D: Denominator) -> Evidence:
        message = f"The largest entry is in {name}; it does not count in the norm as it should."
        expected = scaled(case.groups, D.factor(n, v))
        return compare(got, expected, relative_bound(case), absolute_bound(case), message)

    return under_denominators(rule, case, check)


# -- the range of the norm -------------------------------------------------------------------------------------------

# powers of two for the largest entry: large and small within the range of squares, then beyond it
RANGE = {"float64": (66, -66, 664, -664), "float32": (33, -33, 66, -100), "float16": (6, -3, 9, -9)}


@clipping_law("clipping.range", questions=6)
def range_of_the_norm(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """Neither large nor small gradients are lost: the norm does not overflow or vanish where it is a number.

    Where the squares of the entries leave the range of the precision, frameworks answer with zeros (overflow) or leave
    small gradients as they are (underflow); in float64 and float32 that is a contract difference, as long as the answer
    stays within the threshold or is the gradient itself. In half precision squares overflow at 256, which ordinary
    gradients reach, so that it is a failure there.
    """
    call = lively(call)
    unscaled = scaled(call.groups, 2.0 ** -math.frexp(largest(call.groups))[1])  # largest entry in [1/2, 1)
    found = []
    for power in RANGE[call.precision]:
        large = {k: g.astype(call.precision).astype(float) for k, g in scaled(unscaled, 2.0**power).items()}
        thresholds = [1.0] if power > 0 else [1.0, 2.0 ** (power - 2)]
        found += [_in_range(rule, call.with_(groups=large, threshold=v), power) for v in thresholds]
    return together(*found)


def _in_range(rule: ClippingRule, case: ClippingCall, power: int) -> Evidence:
    n, v = norm(case.groups), case.threshold
    answer = rule.clip(case)
    where = f"entries up to 2^{power} in {case.precision}"
    if rule.kind in VALUE:
        expected = {k: np.clip(group, -v, v) for k, group in case.groups.items()}
        return compare(ask(rule, case).groups, expected, 0.0, 0.0, f"Wrong for {where}.")

    def check(D: Denominator) -> Evidence:
        expected = scaled(case.groups, D.factor(n, v))
        return compare(answer.groups, expected, relative_bound(case), absolute_bound(case), f"Wrong for {where}.")

    strict = n < v or _squares_fit(n, largest(case.groups), case.precision) or case.precision == "float16"
    if answer.raised is not None:
        return _refused(answer.raised, where) if strict else Evidence(1, notes=(f"it raises for {where}",))
    evidence = under_denominators(rule, case, check)
    if evidence.ok or strict:
        return evidence
    got = norm(answer.groups)
    unchanged = compare(answer.groups, case.groups, 0.0, 0.0, "").ok
    known = rule.documented.get("nan-beyond-range") if math.isnan(got) else None
    if known or got <= v * (1 + relative_bound(case)):
        says = known or "the answer is within v, not at it"
        return Evidence(case.size, notes=(f"the norm is out of range for {where}: {says}",))
    if unchanged and power < 0:
        return Evidence(case.size, notes=(f"the norm vanishes for {where}: they are not clipped",))
    return evidence


def _refused(raised: str, where: str) -> Evidence:
    """A failure: it raised on gradients whose squares are in range."""
    message = f"It raises for {where}."
    return Evidence(1, math.inf, None, Disagreement(Place("call"), raised, "clipped gradients", 0.0, message))


def _squares_fit(n: float, top: float, precision: str) -> bool:
    """The sum of squares does not overflow, and that of the largest entry keeps all its digits."""
    limits = np.finfo(precision)
    return n <= math.sqrt(float(limits.max)) / 2 and top >= math.sqrt(float(limits.tiny) / float(limits.eps))
