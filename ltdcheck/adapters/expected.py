"""What is expected of answers, and of the parameters that a problem gives; anything else is an answer's fault."""

from __future__ import annotations

from typing import Any

from ltdcheck.adapters.state import is_array, is_pair, outline
from ltdcheck.errors import TargetAnswer
from ltdcheck.problem import Problem


def pair_of(answer: Any, what: str) -> tuple[Any, Any]:
    """The two parts of an answer.

    Raises
    ------
    TargetAnswer
        When it has not two.
    """
    if not is_pair(answer):
        raise TargetAnswer(f"{what} must be a pair, got {outline(answer)}")
    return answer[0], answer[1]


def expect(array: Any, shape: tuple[int, ...], what: str) -> Any:
    """The array itself, if it has this shape.

    Raises
    ------
    TargetAnswer
        When it has another one, or is no array.
    """
    if not is_array(array) or tuple(array.shape) != shape:
        raise TargetAnswer(f"{what} must have shape {shape}, got {outline(array)}")
    return array


def check_names(names: set[str], problem: Problem) -> None:
    """The problem speaks of the parameters that the target has.

    Raises
    ------
    TargetAnswer
        When it does not: a record of another version of the target, say.
    """
    if names != problem.params.keys():
        raise TargetAnswer(f"has the parameters {sorted(names)}, and the problem gives {sorted(problem.params)}")
