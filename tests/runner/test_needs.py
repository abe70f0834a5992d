"""What a failure needs is said of what was seen to be needed, and the rest of the problem is neutral."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ltdcheck.problem import Problem
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.runner.needs import needs
from ltdcheck.strategies.problems import FINE, Recipe, build

SMALLEST = Recipe(T=1, B=1, I=1, H=1, cotangent="y", given_state=False, grain=1)
BOTH = ("float64", "float32")


def make(recipe: Recipe) -> Problem:
    """Of a GRU."""
    return build(GRU(), recipe)


def asked(recipe: Recipe, fails: Callable[[Problem], bool]) -> tuple[Problem, str, int]:
    """The problem, the words, and how many questions it took."""
    count = 0

    def counted(problem: Problem) -> bool:
        nonlocal count
        count += 1
        return fails(problem)

    problem, words = needs(recipe, make, counted, precisions=BOTH)
    return problem, words, count


@pytest.mark.parametrize(
    ("recipe", "fails", "needed"),
    [
        (SMALLEST, lambda p: True, "one step of one unit is enough"),
        (replace(SMALLEST, T=3), lambda p: p.sizes["T"] >= 3, "T >= 3"),
        (
            replace(SMALLEST, T=2, given_state=True),
            lambda p: p.sizes["T"] >= 2 and bool(p.given_state[0].any()),
            "T >= 2 and a state that is not zero",
        ),
        (SMALLEST, lambda p: p.sizes["T"] == 1, "T = 1"),
        (SMALLEST, lambda p: p.sizes["H"] % 2 == 1, "odd H"),
        (replace(SMALLEST, B=2), lambda p: p.sizes["B"] % 2 == 0, "even B"),
        (replace(SMALLEST, I=3), lambda p: p.sizes["I"] == 3, "I = 3"),
        (replace(SMALLEST, H=2, B=2), lambda p: p.sizes["H"] >= 2 and p.sizes["B"] >= 2, "B >= 2 and H >= 2"),
        (SMALLEST, lambda p: bool(p.x.any()), "an x that is not zero"),
        (SMALLEST, lambda p: bool(p.params["b"].any()), "biases that are not zero"),
        (replace(SMALLEST, cotangent="h_T"), lambda p: bool(p.dstate[0].any()), "a loss on the final h"),
        (replace(SMALLEST, precision="float32"), lambda p: p.precision == "float32", "float32"),
        (SMALLEST, lambda p: p.precision == "float64", "double precision"),
        (replace(SMALLEST, views=(("x", "strided"),)), lambda p: bool(p.views), "x strided"),
        (replace(SMALLEST, regime="saturated"), lambda p: "saturated" in p.label, "saturated numbers"),
        (replace(SMALLEST, grain=FINE), lambda p: True, "numbers that single precision does not hold"),
    ],
)
def test_what_is_needed_is_named(recipe: Recipe, fails: Callable[[Problem], bool], needed: str) -> None:
    """It, and nothing else, stands before the semicolon; the problem that is shown fails."""
    problem, words, count = asked(recipe, fails)
    assert words.partition(";")[0] == needed
    assert fails(problem)
    alone = any(word in needed for word in ("=", "odd", "even")) and ">=" not in needed
    assert count <= 15 + 10 * sum(getattr(recipe, size) > 1 for size in "TBIH") + 20 * alone


def test_what_does_not_matter_is_neutral() -> None:
    """State, input and biases are zeros, the precision is double, and the words name them."""
    recipe = replace(SMALLEST, given_state=True, precision="float32", views=(("x", "strided"),), cotangent="all")
    problem, words, _ = asked(recipe, lambda p: True)
    assert not problem.x.any()
    assert problem.state is None
    assert not any(np.any(problem.params[name]) for name in problem.params if name.startswith("b"))
    assert problem.params["W"].all()
    assert (problem.precision, problem.views) == ("float64", {})
    for free in ("T", "B", "I", "H", "x", "biases", "precision", "strides", "the initial state"):
        assert free in words.partition(";")[2]


def test_a_state_that_must_be_given_may_be_zero() -> None:
    """Given and zero is told from not given."""
    problem, words, _ = asked(replace(SMALLEST, given_state=True), lambda p: p.state is not None)
    assert problem.state is not None
    assert not problem.state[0].any()
    assert "the numbers of the initial state" in words


def test_larger_numbers_are_tried_before_a_size_is_called_needed() -> None:
    """A failure of three rows, which larger numbers show in fewer, does not need rows, and nothing is said of them."""
    recipe = replace(SMALLEST, B=3)
    problem, words, _ = asked(recipe, lambda p: p.sizes["B"] == 3 or float(np.abs(p.x).max()) > 4)
    assert "B" not in words
    assert problem.sizes["B"] == 3


def test_another_draw_may_be_smaller() -> None:
    """A failure of one row that the first draw does not show is shown in one row."""
    first = make(SMALLEST).params["W"][0, 0]
    problem, words, _ = asked(replace(SMALLEST, B=2), lambda p: p.sizes["B"] == 2 or p.params["W"][0, 0] != first)
    assert problem.sizes["B"] == 1
    assert words.startswith("one step of one unit is enough; T, B")


def test_sizes_that_are_fixed_are_not_spoken_of() -> None:
    """An instance has the I and H that it was made with."""
    _, words = needs(replace(SMALLEST, I=3, H=4), make, lambda p: True, precisions=BOTH, fixed_sizes=True)
    assert "I" not in words.replace(", ", " ").split()
    assert "H" not in words.replace(", ", " ").split()
