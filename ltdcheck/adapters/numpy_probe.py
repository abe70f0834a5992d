"""What is learned about a NumPy class before it is checked, and what is seen of its answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.form import Call, Form, H, I
from ltdcheck.adapters.sizes import learn_with_sizes, probing
from ltdcheck.errors import TargetAnswer
from ltdcheck.problem import Array, Params, Problem

Named = dict[str, Array]


def fill(network: Any, values: Params) -> None:
    """Write in place where dtype and shape allow; else replace the entry, and what else of the object holds it."""
    for name, value in values.items():
        old = network.params[name]
        if isinstance(old, np.ndarray) and old.dtype == value.dtype and old.shape == value.shape:
            old[...] = value
            continue
        network.params[name] = new = value.copy()
        for attribute, held in list(vars(network).items()):
            if held is old:
                setattr(network, attribute, new)


def refuse_other_kinds(answers: dict[str, Any]) -> None:
    """Every answer is an array of real numbers.

    Raises
    ------
    TargetAnswer
        When one is not.
    """
    for name, answer in answers.items():
        if not isinstance(answer, np.ndarray) or answer.dtype.kind != "f":
            kind = answer.dtype if isinstance(answer, np.ndarray) else type(answer).__name__
            raise TargetAnswer(f"{name} must be a NumPy array of real numbers, got {kind}")


def observed(answers: Named, given: Named, problem: Problem) -> dict[str, list[str]]:
    """Answers of another dtype than the problem's precision, and answers in the memory of an argument."""
    return {
        "dtype": [f"{name}: {a.dtype}" for name, a in answers.items() if a.dtype != problem.precision],
        "aliased": [n for n, a in answers.items() if any(np.may_share_memory(a, g) for g in given.values())],
    }


def learn_form(target: str, blueprint: Blueprint, precision: str) -> tuple[Form, int]:
    """The form, and the input size with which it was found; raises as :func:`learn_with_sizes` does."""
    network = blueprint.make(I, H)
    fill(network, {name: np.asarray(value).astype(precision) for name, value in network.params.items()})
    shapes = [np.shape(value) for value in network.params.values()] if blueprint.fixed else None
    probe = probing(lambda values: values.astype(precision))
    return learn_with_sizes(Call.of(network.forward, target), probe, target, network, shapes)
