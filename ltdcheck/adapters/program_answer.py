"""The members of a program's answers as the outputs and gradients of a problem."""

from __future__ import annotations

from typing import Any

import numpy as np

from ltdcheck.adapters.adapted import named
from ltdcheck.adapters.program_declaration import Declaration
from ltdcheck.adapters.program_text import Message, array_of, arrays_of, shown
from ltdcheck.errors import TargetAnswer
from ltdcheck.problem import Array, Params, Problem

Pulled = tuple[Array | None, tuple[Array, ...] | None, Params | None, list[str]]  # dx, dstate0, dparams, missing


def outputs_of(answer: Message, problem: Problem, declared: Declaration) -> tuple[Array, tuple[Array, ...]]:
    """y and the final state, of the answer to ``forward``.

    Raises
    ------
    TargetAnswer
        When they have not the shapes that the program declared.
    """
    T, B, _ = problem.x.shape
    H, precision = problem.sizes["H"], problem.precision
    y = array_of(answer.get("y"), (T, B, H * declared.width), precision, "y")
    return y, arrays_of(answer.get("state"), declared.states, (B, H), precision, "state")


def gradients_of(answer: Message, problem: Problem, declared: Declaration) -> Pulled:
    """The answer to ``backward``; a gradient that does not come is named and filled with zeros.

    Raises
    ------
    TargetAnswer
        When one has another shape than what it is the gradient of.
    """
    B, H, precision = problem.sizes["B"], problem.sizes["H"], problem.precision
    dx = array_of(answer.get("dx"), problem.x.shape, precision, "dx")
    missing: list[str] = []
    initial = None
    if answer.get("dstate") is not None:
        initial = arrays_of(answer["dstate"], declared.states, (B, H), precision, "dstate")
    elif problem.state is not None:
        initial = tuple(np.zeros((B, H), precision) for _ in problem.state)
        missing += named("state", problem.state)
    return dx, initial, _of_parameters(answer, problem, missing), missing


def _of_parameters(answer: Message, problem: Problem, missing: list[str]) -> Params:
    told: Any = answer.get("dparams")
    if not isinstance(told, dict) or not told.keys() <= problem.params.keys():
        names = ", ".join(problem.params)
        raise TargetAnswer(f"dparams must be an object with arrays for {names}, got {shown(told)}")
    missing += [name for name in problem.params if name not in told]
    zeros = {name: np.zeros_like(v, problem.precision) for name, v in problem.params.items()}
    shapes = {name: np.shape(problem.params[name]) for name in told}
    return zeros | {n: array_of(told[n], s, problem.precision, f"dparams[{n!r}]") for n, s in shapes.items()}
