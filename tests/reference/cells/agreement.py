"""The hand-derived gradients of a cell against oracles that share no code with them."""

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from oracles.draws import margin, ragged, recipes, truth

from ltdcheck.oracles import complex_step, tape
from ltdcheck.oracles.pairing import blocks
from ltdcheck.problem import Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.strategies.problems import Recipe, build


def assert_gradients_agree(cell: Cell, problem: Problem) -> None:
    """Every entry of every block lies within the errors of autograd and of complex step."""
    right = truth(cell, problem)
    for oracle in (tape, complex_step):
        estimates = oracle.gradients(cell, problem)
        assert set(estimates) == set(right) == set(blocks(problem))
        for block, estimate in estimates.items():
            assert estimate.status == "ok", (block, estimate.reason)
            assert np.all(np.isfinite(estimate.error)), block
            assert margin(estimate, *right[block]) <= 1, (oracle.NAME, block)


def on_drawn_problems(cell: Cell, check: Callable[[Cell, Problem], None], examples: int = 5) -> None:
    """Sizes from 1 to 4, no steps to 8, every regime and loss, rows of one length and of several."""

    @settings(max_examples=examples)
    @given(recipes(cell))
    def run(recipe: Recipe) -> None:
        check(cell, ragged(build(cell, recipe), recipe.seed))

    run()
