"""What clipping does to finite gradients: bound, direction, identity below the threshold, joint scaling.

Goodfellow, Bengio, Courville, section 10.11.1. Each law derives the calls that it needs from the one that it is given:
an active threshold, a second group, a rotation. So each call is a case of each law.
"""

from __future__ import annotations

import math

import numpy as np

from ltdcheck.implementation import ClippingRule
from ltdcheck.problem import Array, ClippingCall
from ltdcheck.properties.clipping_bounds import (
    IDENTITY,
    Denominator,
    Groups,
    absolute_bound,
    ask,
    compare,
    inner,
    largest,
    norm,
    relative_bound,
    scalar,
    scaled,
    together,
    under_denominators,
    unit,
)
from ltdcheck.properties.clipping_cases import NORM, VALUE, above, below, clipping_law, lively, two_groups
from ltdcheck.properties.law import Disagreement, Evidence
from ltdcheck.result import Place


@clipping_law("clipping.bound")
def bound(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """After clipping the norm, or each entry, is at most v."""
    call = above(lively(call), rule.kind)
    got, v = ask(rule, call).groups, call.threshold
    if rule.kind in VALUE:  # v is a number of this precision, so there is nothing to round
        return compare(
            got, {k: np.clip(g, -v, v) for k, g in got.items()}, 0.0, 0.0, "An entry is beyond the threshold."
        )
    n = norm(got)
    return scalar(n, min(n, v), relative_bound(call) * v, "norm", "The norm is beyond the threshold.")


@clipping_law("clipping.identity_below")
def identity_below(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """Below the threshold nothing changes: bit by bit, or by the rounding of g v/v."""
    call = below(call, rule.kind)
    n, v, b = norm(call.groups), call.threshold, relative_bound(call)
    got = ask(rule, call).groups
    message = f"The {'norm' if rule.kind in NORM else 'largest entry'} is below the threshold, and the entry changed."
    if rule.kind in VALUE:
        return compare(got, call.groups, 0.0, 0.0, message)
    relative = IDENTITY * unit(call.precision) if n * (1 + b) < v else b
    return under_denominators(
        rule,
        call,
        lambda D: compare(
            got,
            scaled(call.groups, D.factor(n, v) if D.epsilon else 1.0),
            relative + (b if D.epsilon else 0),
            absolute_bound(call),
            message,
        ),
    )


@clipping_law("clipping.exact_norm", NORM)
def exact_norm(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """Above the threshold the clipped gradient has norm v: no less, no more."""
    call = above(lively(call), rule.kind)
    n, v = norm(call.groups), call.threshold
    got = norm(ask(rule, call).groups)

    def check(D: Denominator) -> Evidence:
        expected = n * D.factor(n, v)
        slack = relative_bound(call) * expected + absolute_bound(call) * call.size
        return scalar(got, expected, slack, "norm", "The norm after clipping is not the threshold.")

    return under_denominators(rule, call, check)


@clipping_law("clipping.direction", NORM)
def direction(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """Within each group every entry is multiplied by one factor, and the factor is positive.

    The factor is read off the largest entry. At most three roundings touch an entry beside those in the norm
    (division by the largest, by n, product with v), so two entries agree within 6 u; the quotient taken here adds 2.
    """
    call = above(lively(call), rule.kind)
    got = ask(rule, call).groups
    factors = {name: _factor(got[name], group) for name, group in call.groups.items()}
    positive = [
        scalar(c, max(c, 0.0), 0.0, name, "The factor is negative: the step goes uphill.")
        for name, c in factors.items()
    ]
    expected = {name: group * factors[name] for name, group in call.groups.items()}
    message = "The entries of this group are not multiplied by one factor."
    return together(*positive, compare(got, expected, 8 * unit(call.precision), absolute_bound(call), message))


@clipping_law("clipping.joint", NORM)
def joint(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """All groups are multiplied by the same factor, that of the norm over all of them."""
    call = above(two_groups(call), rule.kind)
    got = ask(rule, call).groups
    name = max(call.groups, key=lambda k: largest({k: call.groups[k]}))
    expected = scaled(call.groups, _factor(got[name], call.groups[name]))
    message = f"This group is not multiplied by the factor of {name}: the direction over all groups changes."
    return compare(got, expected, 8 * unit(call.precision), absolute_bound(call), message)


@clipping_law("clipping.idempotent")
def idempotent(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """Clipping twice changes nothing more."""
    call = above(lively(call), rule.kind)
    once = {k: np.asarray(g, dtype=float) for k, g in ask(rule, call).groups.items()}
    again = call.with_(groups=once)
    twice = ask(rule, again).groups
    if rule.kind in VALUE:
        return compare(twice, once, 0.0, 0.0, "Clipping the clipped gradient changes it.")
    n, v = norm(once), call.threshold
    return under_denominators(
        rule,
        call,
        lambda D: compare(
            twice,
            scaled(once, D.factor(n, v) if D.epsilon else 1.0),
            2 * relative_bound(call),
            absolute_bound(call),
            "Clipping the clipped gradient changes it.",
        ),
    )


@clipping_law("clipping.regrouping", questions=3)
def regrouping(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """The same entries in one group, in other groups or in another order are clipped to the same numbers."""
    call = above(two_groups(call), rule.kind)
    whole = _flat(ask(rule, call).groups)
    layouts = {
        "in one group": {"whole": _flat(call.groups)},
        "in the opposite order": {name: group[..., ::-1] for name, group in reversed(call.groups.items())},
        "each group in two": {
            f"{name}{part}": piece
            for name, group in call.groups.items()
            for part, piece in zip("ab", np.array_split(group.ravel(), [group.size // 2]), strict=True)
        },
    }
    found = []
    for words, groups in layouts.items():
        moved = call.with_(groups=groups)
        got = ask(rule, moved).groups
        if words == "in the opposite order":
            got = {name: got[name][..., ::-1] for name in call.groups}
        relative = 0.0 if rule.kind in VALUE else relative_bound(call) + relative_bound(moved)
        absolute = 0.0 if rule.kind in VALUE else 2 * absolute_bound(call)
        message = f"The entries {words} are clipped to other numbers."
        found.append(compare({"whole": _flat(got)}, {"whole": whole}, relative, absolute, message))
    return together(*found)


@clipping_law("clipping.rotation", NORM)
def rotation(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """Clipping commutes with orthogonal maps of the whole gradient: rotating and clipping may change places.

    The map is a reflection in a hyperplane across all groups. Rounding the rotated gradient moves it by u n at most,
    and the products in float64 by (N + 4) 2^-52 n; clipping then multiplies by at most v/n, twice.
    """
    call = above(lively(call), rule.kind)
    n, v = norm(call.groups), call.threshold
    turned = call.with_(groups={k: g.astype(call.precision).astype(float) for k, g in _reflected(call.groups).items()})
    first = ask(rule, turned).groups
    then = _reflected(ask(rule, call).groups)
    relative = 2 * relative_bound(call) + 4 * (unit(call.precision) + (call.size + 4) * 2.0**-52)
    message = "Clipping the rotated gradient is not rotating the clipped one."
    return compare(first, then, 0.0, relative * min(n, v) + 2 * absolute_bound(call), message)


@clipping_law("clipping.elementwise", VALUE)
def elementwise(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """Entries within the threshold are kept, and the others become v with their sign, exactly."""
    given, active = lively(call), above(lively(call), rule.kind)
    found = []
    for case in (given, active):
        v = case.threshold
        expected = {name: np.clip(group, -v, v) for name, group in case.groups.items()}
        found.append(compare(ask(rule, case).groups, expected, 0.0, 0.0, f"The threshold is {v!r}."))
    return together(*found)


@clipping_law("clipping.descent")
def descent(rule: ClippingRule, call: ClippingCall) -> Evidence:
    """The clipped gradient is a direction of descent: its inner product with a gradient other than 0 is positive."""
    call = above(lively(call), rule.kind)
    product = inner(ask(rule, call).groups, call.groups)
    if product > 0:
        return Evidence(call.size)
    message = "A step along the clipped gradient does not go downhill."
    return Evidence(call.size, math.inf, None, Disagreement(Place("inner product"), repr(product), "> 0", 0.0, message))


# -- parts -----------------------------------------------------------------------------------------------------------


def _factor(got: Array, group: Array) -> float:
    """What the largest entry of a group was multiplied by; 1 for a group of zeros."""
    if not largest({"": group}):
        return 1.0
    k = int(np.argmax(np.abs(group)))
    return float(np.ravel(got)[k]) / float(np.ravel(group)[k])


def _flat(groups: Groups) -> Array:
    return np.concatenate([np.asarray(group, dtype=float).ravel() for group in groups.values()])


def _reflected(groups: Groups) -> dict[str, Array]:
    """``g - 2 w (w.g)/(w.w)`` over all groups, with w from a fixed seed."""
    flat = _flat(groups)
    w = np.random.default_rng(11).uniform(0.5, 1.5, flat.size)
    turned = flat - w * (2 * (w @ flat) / (w @ w))
    ends = np.cumsum([group.size for group in groups.values()])[:-1]
    return {
        name: part.reshape(group.shape)
        for (name, group), part in zip(groups.items(), np.split(turned, ends), strict=True)
    }
