"""How far two right answers of a target may be apart whose operations nobody knows: measured on the target itself.

Two answers that are equal to the last bit agree, and nothing is measured. Else new instances are asked the same
question again, K = 8 times, each time with every number of the question (parameters, inputs, states, cotangents) moved
at random by up to 8 units in the last place of the precision. The bound of an entry is

    4 * (r + 8 * eps * m)

with r the root mean square of its K deviations and m the largest number seen in its pass: of inputs, states and outputs
for the forward pass, and of cotangents and gradients for the backward pass.

The first term takes each rounding inside the target for a change of its arguments, so that it knows the conditioning of
the question: it grows where the target amplifies small differences. The second covers roundings that no change of an
argument stands for, as those of a gate that is shut and of its slope: they are of the size of the numbers of the pass.
4 * 8 * eps is 64 times the rounding unit, as in the bounds that have a reference. So an entry far smaller than the
largest of its pass is held to less than its own digits: only a reference knows more.

A target of which two new instances differ on the very same question by more than the second term is no function of its
arguments. What moves is then no rounding, and the bound is the second term alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ltdcheck.estimate import Estimate
from ltdcheck.oracles.judging import judged
from ltdcheck.oracles.shaking import COPIES, FACTOR, SHAKE, root_mean_square
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.numbers.formats import FORMATS, rounded

Estimates = dict[str, Estimate]


def bounded(subject: Subject, problem: Problem) -> tuple[Estimates, Estimates]:
    """Outputs and gradients of a new instance, each entry with its bound; no gradients where none are offered.

    Raises
    ------
    TargetFailure
        When a new instance does not answer.
    """
    rng = np.random.default_rng(29)
    nudged = [_nudged(problem, rng) for _ in range(COPIES)]
    first, again, *others = [
        subject.run(asked, backward=subject.has_backward, fresh=True) for asked in (problem, problem, *nudged)
    ]
    outputs = _bounded([subject.outputs(out) for out in (first, again, *others)], _forward(problem), problem.precision)
    if not subject.has_backward:
        return outputs, {}
    gradients = [subject.gradients(out) for out in (first, again, *others)]
    return outputs, _bounded(gradients, [problem.dy, *problem.dstate], problem.precision)


def at_rest(problem: Problem, states: Sequence[str]) -> tuple[Estimates, Estimates]:
    """What a sequence of no steps gives: no outputs, the state as it was given, and its cotangent as its gradient."""
    outputs = {"y": problem.dy, **{f"{s}_T": v for s, v in zip(states, problem.given_state, strict=True)}}
    gradients = {"x": problem.x, **{f"{s}_0": v for s, v in zip(states, problem.dstate, strict=True)}}
    gradients |= {name: np.zeros_like(value) for name, value in problem.params.items()}
    exact = [{n: Estimate(v, np.zeros(v.shape)) for n, v in blocks.items()} for blocks in (outputs, gradients)]
    return exact[0], exact[1]


def _forward(problem: Problem) -> list[Array]:
    return [problem.x, *problem.given_state]


def _nudged(problem: Problem, rng: np.random.Generator) -> Problem:
    """Every number of the question off by up to ``SHAKE`` units in its last place."""
    unit = SHAKE * _eps(problem.precision)

    def off(array: Array) -> Array:
        return rounded(array * (1 + unit * rng.uniform(-1, 1, array.shape)), problem.precision)

    return problem.with_(
        params={name: off(value) for name, value in problem.params.items()},
        x=off(problem.x),
        state=None if problem.state is None else tuple(map(off, problem.state)),
        dy=off(problem.dy),
        dstate=tuple(map(off, problem.dstate)),
        views={},
    )


def _bounded(answers: Sequence[Mapping[str, Array]], given: Sequence[Array], precision: str) -> Estimates:
    """Each block of the first answer with its bound; the second answers the same question, the others nudged ones."""
    first, again, *others = answers
    largest = max((_largest(a) for a in (*given, *first.values())), default=0.0)
    floor = FACTOR * SHAKE * _eps(precision) * largest
    with np.errstate(invalid="ignore", over="ignore"):
        steady = all(bool(np.all(np.abs(_wide(again[n]) - _wide(first[n])) <= floor)) for n in first)
        estimates = {}
        for name, block in first.items():
            value = _wide(block)
            moved = np.stack([np.abs(_wide(other[name]) - value) for other in others])
            error = floor + (FACTOR * root_mean_square(moved) if steady else np.zeros(value.shape))
            estimates[name] = judged(value, np.where(np.isfinite(error), error, np.inf), precision)
    return estimates


def _wide(array: Array) -> NDArray[np.float64]:
    return np.asarray(array, dtype=np.float64)


def _largest(array: Array) -> float:
    finite = np.abs(_wide(array))
    return float(np.max(finite[np.isfinite(finite)], initial=0.0))


def _eps(precision: str) -> float:
    return 2 * FORMATS[precision].unit
