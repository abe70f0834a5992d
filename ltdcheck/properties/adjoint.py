"""The backward pass is the adjoint of the forward pass: ``<w, J v> = <J^T w, v>``.

The left side comes from the forward equations alone, by complex step; no hand-written adjoint takes part in it.
"""

from __future__ import annotations

import numpy as np

from ltdcheck.oracles import complex_step
from ltdcheck.oracles.pairing import blocks
from ltdcheck.problem import Array, Problem
from ltdcheck.properties import own_gradients
from ltdcheck.properties.compare import digits
from ltdcheck.properties.law import Disagreement, Evidence, law
from ltdcheck.properties.subject import Subject
from ltdcheck.properties.values import beyond
from ltdcheck.result import Place


@law("gradients.adjoint_identity", questions=2)
def adjoint_identity(subject: Subject, problem: Problem) -> Evidence:
    """The derivative of the loss along a direction is the inner product of that direction with the gradient.

    The directions move parameters, inputs and initial states at once, with signs that no symmetry shares. Where there
    is no reference the derivative is that of the target's own forward pass, by differences with an error of their own;
    then there are directions as well that move one array, or the input of one step.
    """
    if not subject.has_backward:
        return Evidence(not_applicable="it offers no backward pass")
    asked = own_gradients.adjoint if subject.unreferenced else _of_the_reference
    return asked(subject, subject.within(problem))


def _of_the_reference(subject: Subject, problem: Problem) -> Evidence:
    """The gradient against the reference's derivative by complex step, along one direction."""
    if limit := beyond(subject, problem):
        return limit
    wanted = subject.expected_gradients(problem)
    if name := next((n for n, e in wanted.items() if e.status != "ok" or not np.all(np.isfinite(e.error))), ""):
        return Evidence(undecided=f"{name} is beyond {problem.precision}, and the inner product is over all blocks")
    direction = _direction(subject, problem)
    left = complex_step.slope_along(subject.cell, problem, direction)
    if left.status != "ok":
        return Evidence(not_applicable=f"complex step cannot differentiate this network: {left.reason}")
    right, bound = _inner(subject, problem, direction)
    bound += float(left.error)
    got, expected = right, float(left.value)
    if not abs(got - expected) <= bound:
        text = "the gradient along a random direction is not the derivative of the loss along it"
        where = Place("the gradient along a direction")
        return Evidence(1, disagreement=Disagreement(where, digits(got, bound), digits(expected, bound), bound, text))
    return Evidence(1, abs(got - expected) / bound if bound else 0.0)


def _direction(subject: Subject, problem: Problem) -> dict[str, Array]:
    """Random signs, zero for parameters that the target does not have, and none for a state that is not given."""
    rng = np.random.default_rng(problem.x.size + 7)
    given = {n: v for n, v in blocks(problem).items() if problem.state is not None or not n.startswith("state.")}
    signs = {name: rng.choice([-1.0, 1.0], size=value.shape) for name, value in given.items()}
    params = {name: signs[name] for name in problem.params}
    I, H = problem.sizes["I"], problem.sizes["H"]
    return {**signs, **subject.layout.within(params, I, H)}


def _inner(subject: Subject, problem: Problem, direction: dict[str, Array]) -> tuple[float, float]:
    """The gradient's inner product with the direction, and its bound.

    A parameter that the target holds in two places (two biases) moves in one of them: the gradient of either is that of
    the sum.
    """
    I, H = problem.sizes["I"], problem.sizes["H"]
    got, wanted = subject.gradients(subject.run(problem)), subject.expected_gradients(problem)
    signs = subject.layout.scatter({name: direction[name] for name in problem.params}, I, H)
    signs = subject.layout.once(signs, I, H)
    names = {f"{s}_0": f"state.{k}" for k, s in enumerate(subject.cell.states)}
    total, bound = 0.0, 0.0
    for name, estimate in wanted.items():
        v = signs[name] if name in signs else direction[names.get(name, name)]
        total += float(np.sum(v * got[name], dtype=np.longdouble))
        bound += float(np.sum(np.abs(v) * estimate.error))
    return total, bound
