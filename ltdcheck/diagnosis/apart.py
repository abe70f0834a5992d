"""How far a network's answers are from a target's, block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from ltdcheck.diagnosis.hearing import Exchange, put
from ltdcheck.faults.fault import Network, marked
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Params, Problem
from ltdcheck.properties.subject import Subject

INF = float("inf")
FAR = 1e-2  # a relative distance taken for more than rounding; chosen, not derived
SMALL = 2.0**-20  # of the largest gradient: below it the bounds are asked whether a gradient is more than rounding


@dataclass(frozen=True, order=True)
class Apart:
    """The largest relative distance of any block, and how many observations beside the numbers differ."""

    far: float = 0.0
    facts: int = 0


def residual(subject: Subject, network: Network, exchanges: Sequence[Exchange], enough: float = INF) -> Apart:
    """Of all answers; the network is one that was never called. The first distance beyond ``enough`` ends it.

    Gradients are asked for where the outputs are near: of the first answer, and of each where all are of new instances.
    """
    worst = Apart()
    alone = all(exchange.fresh for exchange in exchanges)  # no answer depends on what was asked before
    if not alone and enough < INF and exchanges[0].way == "run":
        far = _forward(deepcopy(network), exchanges[0])  # which leaves the network as one that was never called
        if not far <= enough:
            return Apart(far)
    for exchange in exchanges:
        if alone and not (far := _forward(network, exchange)) <= min(enough, FAR):
            return Apart(max(worst.far, far))
        seen = _residual(subject, network, exchange)
        worst = Apart(max(worst.far, seen.far), worst.facts + seen.facts)
        if not worst.far <= enough:
            break
    return worst


def outputs_apart(network: Network, exchanges: Sequence[Exchange]) -> float:
    """Of the outputs and final states of all answers; the network is one that was never called."""
    worst = 0.0
    for exchange in exchanges:
        answers = put(exchange, network)
        if len(answers) != len(exchange.answers):
            return INF
        pairs = zip(answers, exchange.answers, strict=True)
        worst = max([worst, *(max(of_outputs(ours, theirs).values()) for ours, theirs in pairs)])
    return worst


def _forward(network: Network, exchange: Exchange) -> float:
    """Of the outputs of one run."""
    first = put(replace(exchange, backward=False), network)
    return max(of_outputs(first[0], exchange.answers[0]).values()) if first else INF


def _residual(subject: Subject, network: Network, exchange: Exchange) -> Apart:
    answers = put(exchange, network)
    if len(answers) != len(exchange.answers):
        return Apart(INF)
    asked = list(zip(answers, exchange.answers, exchange.problems, strict=False))
    far = max((max(apart(subject, ours, theirs, p).values()) for ours, theirs, p in asked), default=0.0)
    return Apart(far, sum(facts_apart(subject, ours, theirs, p) for ours, theirs, p in asked))


def apart(subject: Subject, ours: Outputs, theirs: Outputs, problem: Problem) -> dict[str, float]:
    """The relative distance of each block, by the target's own arrays.

    ``ours`` is an answer in the reference's parameters, ``theirs`` in the target's.
    """
    blocks = of_outputs(ours, theirs)
    if theirs.dx is None:
        return blocks
    if ours.dx is None:
        return {**blocks, "x": INF}
    both: dict[str, tuple[Array, Array]] = {"x": (ours.dx, theirs.dx)}
    if problem.state is not None:
        pairs = enumerate(zip(ours.dstate or (), theirs.dstate or (), strict=False))
        both |= {f"{subject.cell.states[k]}_0": (a, b) for k, (a, b) in pairs}
    own = placed(subject, ours.dparams or {}, problem)
    both |= {name: (own[name], gradient) for name, gradient in (theirs.dparams or {}).items()}
    both = {name: pair for name, pair in both.items() if name not in subject.without}
    return blocks | {name: distance(a, b) for name, (a, b) in both.items()} | _cancelled(subject, both, problem)


def _cancelled(subject: Subject, both: Mapping[str, tuple[Array, Array]], problem: Problem) -> dict[str, float]:
    """No distance of gradients whose sums cancel, so that each is a rounding of its own: within twice their bound."""
    largest = {name: max(float(np.max(np.abs(g), initial=0.0)) for g in pair) for name, pair in both.items()}
    small = [name for name, size in largest.items() if 0 < size <= SMALL * max(largest.values())]
    if not small or subject.unreferenced:
        return {}
    bounds = {name: 2 * e.error for name, e in subject.expected_gradients(problem).items() if name in small}
    return {name: 0.0 for name, bound in bounds.items() if _within(bound, *both[name])}


def _within(bound: Array, a: Array, b: Array) -> bool:
    return np.shape(a) == np.shape(b) and bool(np.all(np.abs(a - b) <= bound))


def facts_apart(subject: Subject, ours: Outputs, theirs: Outputs, problem: Problem) -> int:
    """Over arguments that change, and gradients that do not come, how many only one of the two observes."""
    return sum(
        len(_observed(subject, ours, fact, whole, problem) ^ {n.partition("[")[0] for n in theirs.facts.get(fact, ())})
        for fact, whole in (("mutated", False), ("missing", True))
    )


def _observed(subject: Subject, ours: Outputs, fact: str, whole: bool, problem: Problem) -> set[str]:  # noqa: FBT001
    """The names by the target's arrays: those that hold some such parameter, or nothing else where they are whole."""
    names, blocks = set(ours.facts.get(fact, ())), set(ours.facts.get(f"{fact}_blocks", ()))
    if not names | blocks:
        return set()
    I, H = problem.sizes["I"], problem.sizes["H"]
    shapes = subject.cell.shapes(I, H)
    ones = placed(subject, marked(subject.cell, names | blocks, I, H), problem)
    held = {name for name, at in ones.items() if at.size and (np.all(at) if whole else np.any(at))}
    return held | {name.partition("[")[0] for name in names - shapes.keys()}


def of_outputs(ours: Outputs, theirs: Outputs) -> dict[str, float]:
    """Of the forward pass alone."""
    if len(ours.state) != len(theirs.state):
        return {"y": INF}
    states = {f"state {k}": distance(a, b) for k, (a, b) in enumerate(zip(ours.state, theirs.state, strict=True))}
    return {"y": distance(ours.y, theirs.y), **states}


def placed(subject: Subject, values: Mapping[str, Array], problem: Problem) -> Params:
    """Values of the reference's parameters in the target's arrays; zeros for those that are not given."""
    I, H = problem.sizes["I"], problem.sizes["H"]
    shapes = subject.cell.shapes(I, H)
    full = {name: np.zeros(shape) if values.get(name) is None else values[name] for name, shape in shapes.items()}
    return subject.layout.scatter(full, I, H)


def distance(a: Array, b: Array) -> float:
    """Relative to the largest entry of either; infinite where shapes differ or only one is finite."""
    if np.shape(a) != np.shape(b):
        return INF
    if not np.size(a):
        return 0.0
    a64, b64 = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    largest = float(abs(a64).max()), float(abs(b64).max())
    if not all(map(isfinite, largest)):
        return 0.0 if np.array_equal(a64, b64, equal_nan=True) else INF
    scale = max(largest)
    return float(abs(a64 - b64).max()) / scale if scale else 0.0
