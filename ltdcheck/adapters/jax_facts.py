"""What the program of one call shows beside its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ltdcheck.adapters.adapted import named
from ltdcheck.errors import TargetAnswer

Facts = dict[str, list[str]]


class Observed(NamedTuple):
    """What the answers of one call are like."""

    dtype: Any  # of y
    facts: Facts


def observed(whole: Callable[..., Any], given: Any) -> Observed:
    """The facts: answers of another ``dtype`` than x, answers ``detached`` from all gradients, ``missing`` gradients.

    An operation is taken to pass on each of its arguments to each of its results; so what is told is true, and what
    hides in a loop or branch is not told.

    Raises
    ------
    TargetAnswer
        When an answer does not hold real numbers.
    """
    program, structure = jax.make_jaxpr(lambda given: whole(given, 1), return_shape=True)(given)
    (y, final), (dparams, _, _) = structure
    answers = {"y": y, **named("state", final)}
    for name, answer in answers.items():
        if not jnp.issubdtype(answer.dtype, jnp.floating):
            raise TargetAnswer(f"{name} must hold real numbers, got {answer.dtype}")
    jaxpr = program.jaxpr
    cotangents = jaxpr.invars[-len(answers) :]
    gradients = dict(zip([*dparams, "x", *named("state", given.state)], jaxpr.outvars[len(answers) :], strict=True))
    reached = [_reached(jaxpr, cotangent) for cotangent in cotangents]
    facts = {
        "dtype": [f"{name}: {answer.dtype}" for name, answer in answers.items() if answer.dtype != given.x.dtype],
        "detached": [
            name for name, by in zip(answers, reached, strict=True) if not by & set(map(id, gradients.values()))
        ],
        "missing": [name for name, gradient in gradients.items() if not any(id(gradient) in by for by in reached)],
    }
    return Observed(y.dtype, facts)


def _reached(jaxpr: Any, start: Any) -> set[int]:
    """The variables that depend on one of them."""
    reached = {id(start)}
    for equation in jaxpr.eqns:
        if any(id(v) in reached for v in equation.invars):
            reached |= {id(v) for v in equation.outvars}
    return reached
