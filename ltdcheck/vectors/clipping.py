"""The vectors of a clipping rule: the calls that a check always makes, and what must be refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ltdcheck.faults.clipping import Clipping
from ltdcheck.problem import PRECISIONS, Array, ClippingCall
from ltdcheck.properties.clipping_bounds import absolute_bound, relative_bound
from ltdcheck.properties.clipping_cases import NORM
from ltdcheck.strategies.gradients import configurations
from ltdcheck.vectors.cells import upwards, written

Json = dict[str, Any]


def clipping_vectors(rule: str) -> list[Json]:
    """Every vector of ``clip-norm`` or ``clip-value``, without its flags."""
    calls = configurations(rule, "float32")  # whose scales both precisions hold
    alive = next(call for call in calls if call.label.startswith("two groups"))
    refused = [
        alive.with_(threshold=-1.0, label="a negative threshold"),
        alive.with_(threshold=0.0, label="a threshold of zero"),
        alive.with_(groups=_spoilt(alive, math.nan), label="a NaN"),
    ]
    if rule in NORM:  # elementwise, an Inf is a value beyond the threshold
        refused.append(alive.with_(groups=_spoilt(alive, math.inf), label="an Inf"))
    more = [
        alive.with_(threshold=math.inf, label="no threshold: infinite"),
        alive.with_(container="generator", label="from a generator"),
    ]
    vectors = [_vector(rule, call) for call in (*calls, *more)] + [_refusal(call) for call in refused]
    return [{"id": f"{rule}.{k + 1}", **vector} for k, vector in enumerate(vectors)]


def _spoilt(call: ClippingCall, value: float) -> dict[str, Array]:
    groups = {name: group.copy() for name, group in call.groups.items()}
    next(iter(groups.values())).flat[0] = value
    return groups


def _vector(rule: str, call: ClippingCall) -> Json:
    right = Clipping(rule).clip(replace(call, precision="float64"))
    bounds = {p: (_relative(rule, call, p), _absolute(rule, call, p)) for p in PRECISIONS}
    clipped = [
        {**written(group), "bounds": {p: upwards(r * np.abs(group) + a) for p, (r, a) in bounds.items()}}
        for group in right.groups.values()
    ]
    answer = {**_question(call), "clipped": clipped, "raises": False, "reveals": []}
    if right.returned is None:
        return answer
    allowed = {p: upwards(np.array([r * right.returned + a])) for p, (r, a) in bounds.items()}
    return {**answer, "norm": {"shape": [], "values": [right.returned], "bounds": allowed}}


def _relative(rule: str, call: ClippingCall, precision: str) -> float:
    """Elementwise, there is nothing to round."""
    return relative_bound(replace(call, precision=precision)) if rule in NORM else 0.0


def _absolute(rule: str, call: ClippingCall, precision: str) -> float:
    return absolute_bound(replace(call, precision=precision)) if rule in NORM else 0.0


def _refusal(call: ClippingCall) -> Json:
    return {**_question(call), "clipped": [], "raises": True, "reveals": []}


def _question(call: ClippingCall) -> Json:
    grads = []
    for group in call.groups.values():
        told = written(group)
        told["values"] = [v if math.isfinite(v) else str(v) for v in told["values"]]  # for which JSON has no numbers
        grads.append(told)
    threshold = call.threshold if math.isfinite(call.threshold) else str(call.threshold)
    return {"label": call.label, "container": call.container or "list", "grads": grads, "threshold": threshold}


def clipping_sequences(rule: str, vectors: Sequence[Json]) -> list[Json]:
    """All calls of one rule, one after the other."""
    ids = [vector["id"] for vector in vectors if not vector["raises"]]
    return [{"id": f"{rule}.s1", "label": "all in turn", "calls": ids, "reveals": []}]
