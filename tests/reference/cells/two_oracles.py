"""Hand-derived gradients against two oracles on drawn problems, relu included; and a wrong one against both."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.draws import margin, ragged, truth

from ltdcheck.oracles import complex_step, finite_difference, tape
from ltdcheck.oracles.pairing import blocks, every
from ltdcheck.reference.cell import Cell
from ltdcheck.strategies.problems import REGIMES, Recipe, build

COTANGENTS = ("all", "y", "h_T", "one step")


def recipes(inputs: Callable[[int], int]) -> st.SearchStrategy[Recipe]:
    """Sizes from 1 to 4, no steps to 6; ``inputs`` is the least I for H units."""
    return st.integers(1, 4).flatmap(
        lambda H: st.builds(
            Recipe,
            T=st.integers(0, 6),
            B=st.integers(1, 2),
            I=st.integers(inputs(H), inputs(H) + 2),
            H=st.just(H),
            regime=st.sampled_from(sorted(REGIMES)),
            seed=st.integers(0, 2**16),
            grain=st.sampled_from([3, 12]),
            cotangent=st.sampled_from(COTANGENTS),
        )
    )


def agrees(cell: Cell, *, examples: int = 6, inputs: Callable[[int], int] = lambda H: 1) -> None:
    """Every entry of every block lies within the errors of the tape and of complex steps.

    Where a comparison makes complex steps refuse, central differences on drawn entries take their place; an entry whose
    steps all meet a kink has an infinite error there.
    """
    smooth = not any(word in cell.variant for word in ("relu", "softsign", "hard", "clip"))

    @settings(max_examples=examples)
    @given(recipes(inputs), st.randoms(use_true_random=False))
    def check(recipe: Recipe, random: Any) -> None:
        problem = ragged(build(cell, recipe), recipe.seed)
        right = truth(cell, problem)
        for oracle in (tape, complex_step)[: 1 + smooth]:
            estimates = oracle.gradients(cell, problem)
            assert set(estimates) == set(right) == set(blocks(problem))
            for block, estimate in estimates.items():
                assert estimate.status == "ok", (block, estimate.reason)
                assert np.all(np.isfinite(estimate.error)), block
                assert margin(estimate, *right[block]) <= 1, (oracle.NAME, block)
        if not smooth:
            chosen = random.sample(every(problem), min(6, len(every(problem))))
            value, error = (np.array([right[b][k].reshape(-1)[n] for b, n in chosen]) for k in (0, 1))
            assert margin(finite_difference.slopes(cell, problem, chosen), value, error) <= 1

    check()


def catches(cell: Cell, wrong: Cell, recipe: Recipe) -> None:
    """The sensitivity twin: what ``wrong`` says of ``cell`` is excluded by both oracles."""
    problem = build(cell, recipe)
    claimed = truth(wrong, problem)
    for oracle in (tape, complex_step):
        estimates = oracle.gradients(cell, problem)
        assert max(margin(e, claimed[block][0], 0.0) for block, e in estimates.items()) > 1e6
