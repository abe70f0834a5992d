"""Which part of a configuration a failure needs: asked of the smallest problem, one dimension at a time.

A dimension is needed when the failure goes with it at its neutral value, and does not matter when the smallest problem
has it there. What turns out not to be needed is set to its neutral value in the problem that the finding shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ltdcheck.problem import Problem
from ltdcheck.strategies.problems import FINE, Recipe

SIZES = ("T", "B", "I", "H")
GAPS = "zeros in x"  # where they are needed, it says nothing that x may be all zeros
DRAWS = 5  # of a problem that is one smaller

Make = Callable[[Recipe], Problem]

_NEUTRAL = {
    "views": (),
    "gaps": False,
    "regime": "usual",
    "cotangent": "y",
    "given_state": False,
    "precision": "float64",
}
_PLACES = {"h_T": "the final h", "c_T": "the final c", "all": "outputs and final state", "one step": "one step alone"}


@dataclass
class _Words:
    needed: list[str] = field(default_factory=list)
    free: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        needed = _and(self.needed) or "one step of one unit is enough"
        return (
            f"{needed}; {_and(self.free)} {'does' if len(self.free) == 1 else 'do'} not matter" if self.free else needed
        )


def needs(
    recipe: Recipe,
    make: Make,
    fails: Callable[[Problem], bool],
    *,
    precisions: Sequence[str],
    fixed_sizes: bool = False,
) -> tuple[Problem, str]:
    """The problem of ``recipe`` with everything that is not needed at its neutral value, and what is needed, in words.

    ``fails`` is asked about fifteen times, and ten times more for each size that is not 1 or has one value alone.
    ``fixed_sizes`` says that I and H are what they are.
    """
    words = _Words()
    for size in SIZES[:2] if fixed_sizes else SIZES:
        recipe = _ask_size(recipe, size, fails, make, words)
    recipe = _ask_fields(recipe, lambda r: fails(make(r)), precisions, words)
    return _ask_zeros(make(recipe), fails, words), str(words)


def _ask_size(recipe: Recipe, size: str, ask: Callable[[Problem], bool], make: Make, words: _Words) -> Recipe:
    """One less, in several draws, so that no chance decides: the first that fails is a smaller problem.

    Where only larger numbers fail at one less, the size is not needed, and not at its smallest: nothing is said of it.
    """
    value: int = getattr(recipe, size)
    if value <= 1:
        alone = _alone(recipe, size, ask, make)
        (words.needed if alone else words.free).append(alone or size)
        return recipe
    draws = [replace(_with(recipe, size, value - 1), seed=recipe.seed + k) for k in range(DRAWS)]
    if smaller := next((draw for draw in draws if ask(make(draw))), None):
        return _ask_size(smaller, size, ask, make, words)
    if not any(ask(_larger(make(draw))) for draw in draws):
        words.needed.append(_alone(recipe, size, ask, make) or f"{size} >= {value}")
    return recipe


def _alone(recipe: Recipe, size: str, ask: Callable[[Problem], bool], make: Make) -> str:
    """Where one more does not fail, what is needed: ``T = 1``, or ``odd T`` where two more do; "" where one does."""
    value: int = getattr(recipe, size)

    def fails_with(more: int) -> bool:
        draws = (make(replace(_with(recipe, size, value + more), seed=recipe.seed + k)) for k in range(DRAWS))
        return any(ask(draw) or ask(_larger(draw)) for draw in draws)

    try:
        if fails_with(1):
            return ""
        return f"{'odd' if value % 2 else 'even'} {size}" if fails_with(2) else f"{size} = {value}"
    except ValueError:  # a number of units that the cell does not allow
        return ""


def _larger(problem: Problem) -> Problem:
    """What is clipped or saturates beyond some size does so with sixteen times the numbers, exact still."""
    state = None if problem.state is None else tuple(16 * s for s in problem.state)
    return problem.with_(x=16 * problem.x, state=state)


def _ask_fields(recipe: Recipe, fails: Callable[[Recipe], bool], precisions: Sequence[str], words: _Words) -> Recipe:
    """Each field that is not neutral."""
    for name, neutral in _NEUTRAL.items():
        if getattr(recipe, name) == neutral or (name == "precision" and neutral not in precisions):
            continue
        simpler = _with(recipe, name, neutral)
        if fails(simpler):
            recipe = simpler
        elif name != "given_state":  # of the state the zeros tell more
            words.needed.append(_field_words(recipe, name))
    if recipe.grain >= FINE:
        words.needed.append("numbers that single precision does not hold")
    if recipe.precision == "float64" and "float32" in precisions:
        single = fails(_with(recipe, "precision", "float32"))
        (words.free if single else words.needed).append("precision" if single else "double precision")
    if not recipe.views:
        words.free.append("strides")
    return recipe


def _with(recipe: Recipe, name: str, value: Any) -> Recipe:
    changed: Recipe = replace(recipe, **{name: value})
    return changed


def _field_words(recipe: Recipe, name: str) -> str:
    if name == "views":
        return _and([f"{array} {how}" for array, how in recipe.views])
    if name == "cotangent":
        return f"a loss on {_PLACES[recipe.cotangent]}"
    return {"regime": f"{recipe.regime} numbers", "precision": recipe.precision, "gaps": GAPS}[name]


def _ask_zeros(problem: Problem, fails: Callable[[Problem], bool], words: _Words) -> Problem:
    """The input, the initial state and the biases, each as zeros."""
    state, biases = problem.state, [name for name in problem.params if _is_bias(name, problem)]
    zeroed = {name: np.zeros_like(problem.params[name]) for name in biases}
    if state is None:
        words.free.append("the initial state")
    else:
        problem = _zero(problem, problem.with_(state=tuple(map(np.zeros_like, state))), "state", fails, words)
    if GAPS not in words.needed:
        problem = _zero(problem, problem.with_(x=np.zeros_like(problem.x)), "x", fails, words)
    if biases:
        problem = _zero(problem, problem.with_(params={**problem.params, **zeroed}), "biases", fails, words)
    return problem


_ZEROS = {
    "state": ("a state that is not zero", "the numbers of the initial state"),
    "x": ("an x that is not zero", "x"),
    "biases": ("biases that are not zero", "biases"),
}


def _zero(problem: Problem, simpler: Problem, what: str, fails: Callable[[Problem], bool], words: _Words) -> Problem:
    needed, free = _ZEROS[what]
    if not fails(simpler):
        words.needed.append(needed)
        return problem
    words.free.append(free)
    return simpler


def _is_bias(name: str, problem: Problem) -> bool:
    """By the names that all cells use, in networks of layers as well."""
    return name.rpartition(".")[2].startswith("b") and problem.params[name].ndim == 1


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
