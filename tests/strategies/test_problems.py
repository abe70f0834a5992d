"""Problems: numbers that every precision holds, losses that look where they say, a fixed set that hides nothing."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from ltdcheck.problem import HALF_PRECISIONS, PRECISIONS, Array, Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.numbers.formats import rounded
from ltdcheck.strategies.problems import (
    COTANGENTS,
    LARGE_BATCH,
    PROBED,
    REGIMES,
    Recipe,
    build,
    configurations,
    few,
    of_sizes,
    problems,
    recipes,
)

cells = st.sampled_from([cell() for cell in CELLS.values()])


def arrays(problem: Problem) -> list[Array]:
    """All numbers that are drawn at random and stay."""
    return [*problem.params.values(), problem.x, *(problem.state or ())]


@given(st.data(), cells)
def test_numbers_are_short_and_never_zero(data: st.DataObject, cell: Cell) -> None:
    """Multiples of 2**-grain, the same in float32, as are their doubles: two biases may share one."""
    recipe = data.draw(recipes(cell))
    problem = build(cell, recipe)
    for array in [*arrays(problem), problem.dy, *problem.dstate]:
        assert array.dtype == np.float64
        assert np.array_equal(array * 2**recipe.grain, np.round(array * 2**recipe.grain))
        for multiple in (1, 2, -3):
            assert np.array_equal((multiple * array).astype(np.float32), multiple * array)
    assert all(np.all(array != 0) for array in arrays(problem))


@given(st.data(), cells)
def test_shapes_are_those_of_the_recipe(data: st.DataObject, cell: Cell) -> None:
    """And of the cell's parameters; the state is given or it is not."""
    recipe = data.draw(recipes(cell))
    problem = build(cell, recipe)
    T, B, I, H = recipe.T, recipe.B, recipe.I, recipe.H
    assert problem.sizes == {"T": T, "B": B, "I": I, "H": H}
    assert {n: v.shape for n, v in problem.params.items()} == cell.shapes(I, H)
    assert len(problem.dstate) == len(problem.given_state) == len(cell.states)
    assert (problem.state is not None) == recipe.given_state
    assert problem.precision == recipe.precision


@given(cells, st.sampled_from(COTANGENTS), st.integers(0, 50), st.integers(0, 4))
def test_a_loss_looks_where_it_says(cell: Cell, cotangent: str, seed: int, T: int) -> None:
    """At everything, at the outputs, at one final state, or at one step."""
    problem = build(cell, Recipe(T=T, cotangent=cotangent, seed=seed))
    steps = int(np.sum(np.any(problem.dy != 0, axis=(1, 2))))
    ends = {s: bool(np.any(d)) for s, d in zip(cell.states, problem.dstate, strict=True)}
    everywhere = cotangent == "all" or (cotangent.endswith("_T") and cotangent[0] not in cell.states)
    assert steps == {"all": T, "y": T, "one step": min(T, 1)}.get(cotangent, 0)
    for state, looked in ends.items():
        assert looked == (everywhere or cotangent == f"{state}_T")


def test_an_expanded_cotangent_is_the_same_at_every_step() -> None:
    """As the gradient of a mean is, which frameworks hand over as one row with a stride of 0."""
    dy = build(LSTM(), Recipe(views=(("dy", "expanded"),))).dy
    assert np.array_equal(dy, np.broadcast_to(dy[:1], dy.shape))


@given(st.data(), cells)
def test_a_recipe_is_a_problem_for_ever(data: st.DataObject, cell: Cell) -> None:
    """Built twice it is the same to the last bit; another seed is another problem."""
    recipe = data.draw(recipes(cell))
    first, again = build(cell, recipe), build(cell, recipe)
    assert first.to_json() == again.to_json()
    other = build(cell, replace(recipe, seed=recipe.seed + 1, T=5, H=6))
    assert not np.array_equal(other.dy, build(cell, replace(recipe, T=5, H=6)).dy) or recipe.cotangent.endswith("_T")


@given(st.data())
def test_limits_are_kept(data: st.DataObject) -> None:
    """Sizes, precisions and cotangents are within what was asked for; sizes that a target has are not changed."""
    drawn = data.draw(recipes(Elman(), precisions=["float32"], min_T=2, max_T=3, max_size=2, given_state=True))
    assert 2 <= drawn.T <= 3
    assert drawn.I <= 2
    assert drawn.H <= 2
    assert drawn.precision == "float32"
    assert drawn.given_state
    assert drawn.cotangent != "c_T"  # Elman has no c
    fixed = data.draw(recipes(LSTM(), sizes=(3, 5)))
    assert (fixed.I, fixed.H) == (3, 5)


def test_recipes_shrink_to_the_smallest() -> None:
    """One step, one row, one unit, seed 0, few digits, the first regime, precision and loss."""
    quiet = settings(database=None, phases=[Phase.generate, Phase.shrink])
    smallest = Recipe(T=1, B=1, I=1, H=1, grain=3)
    assert find(recipes(LSTM()), lambda recipe: True, settings=quiet) == smallest
    assert find(recipes(LSTM()), lambda r: r.T >= 4 and r.H >= 2, settings=quiet) == replace(smallest, T=4, H=2)
    assert find(problems(Elman()), lambda p: p.precision == "float32", settings=quiet).sizes == dict.fromkeys("TBIH", 1)


# -- the fixed set ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", [cell() for cell in CELLS.values()], ids=lambda c: c.name)
def test_the_fixed_set_hides_nothing(cell: Cell) -> None:
    """In each precision: every regime, every loss, views, no state, one step, a long lag; and one large problem."""
    fixed = configurations(cell)
    assert len(set(fixed)) == len(fixed)
    for precision in PRECISIONS:
        own = [r for r in fixed if r.precision == precision]
        assert {r.regime for r in own} == set(REGIMES)
        assert {r.cotangent for r in own} == {c for c in COTANGENTS if c != "c_T" or "c" in cell.states}
        assert {view for r in own for view, _ in r.views} == {"x", "state", "dy"}
        assert {kind for r in own for _, kind in r.views} == {"strided", "expanded"}
        assert {r.given_state for r in own} == {True, False}
        assert {1} <= {r.T for r in own}
        assert max(r.T for r in own) > 40  # a truncation after 40 steps shows
    large = [r for r in fixed if r.B == LARGE_BATCH]
    assert len(large) == 1
    assert large[0].H > 128
    assert large[0].T * large[0].B * large[0].H > 32768
    assert large[0].H ** 2 > 32768


@pytest.mark.parametrize("cell", [cell() for cell in CELLS.values()], ids=lambda c: c.name)
def test_sizes_are_told_apart(cell: Cell) -> None:
    """In most problems T, B, I, H and the number of gates differ, as do their products with it."""
    n = len(cell.gates)
    distinct = [r for r in configurations(cell) if len({r.T, r.B, r.I, r.H, n * r.H, r.I + r.H}) >= (6 if n > 1 else 5)]
    assert len(distinct) > len(configurations(cell)) / 2
    assert all(r in configurations(cell) for r in few(cell))
    assert all(r.T > 1 for r in few(cell))
    assert {r.precision for r in few(cell)} == set(PRECISIONS)


def test_weights_are_not_symmetric_and_biases_differ() -> None:
    """In the usual problem, of every gate."""
    problem = build(LSTM(), Recipe())
    for W in np.split(problem.params["W"], 4):
        assert not np.allclose(W, W.T, atol=0.1)
    biases = np.split(problem.params["b"], 4)
    assert all(not np.allclose(a, b, atol=0.1) for a, b in itertools.combinations(biases, 2))


def test_regimes_are_what_they_are_called() -> None:
    """Saturated gates lie near their ends, linear ones around the middle; contracting weights have a norm below 1."""

    def inner(regime: str) -> Array:
        problem = build(LSTM(), Recipe(T=4, B=4, regime=regime))
        return np.abs(LSTM().drive(problem.params, problem.x))

    assert np.median(inner("saturated")) > 3
    assert np.median(inner("linear")) < 0.2
    norms = {r: np.linalg.norm(build(Elman(), Recipe(H=6, regime=r)).params["W"], 2) for r in REGIMES}
    assert norms["contracting"] < 0.6
    assert 1 < norms["usual"] < 4 < norms["expanding"]


@pytest.mark.parametrize("sizes", [(3, 5), (1, 1)])
def test_a_target_of_one_size_is_asked_that_size(sizes: tuple[int, int]) -> None:
    """Everything else of the fixed set stays, and nothing is asked twice."""
    fixed = configurations(LSTM(), sizes=sizes)
    assert {(r.I, r.H) for r in fixed} == {sizes}
    assert len(set(fixed)) == len(fixed)
    assert {r.regime for r in fixed} == set(REGIMES)


@pytest.mark.parametrize("axes", ["BIH", "TBIH"])
def test_a_target_that_compiles_is_asked_few_sizes(axes: str) -> None:
    """I above H in few rows, and in the first precision in many, all 1, and large with I below H; all else stays."""
    fixed, free = configurations(LSTM(), compiles=axes), configurations(LSTM())
    others = [f.name for f in fields(Recipe) if f.name not in axes]
    ours, theirs = ([tuple(getattr(r, name) for name in others) for r in chosen] for chosen in (fixed, free))
    assert [r for r in theirs if r in ours] == ours
    assert len(theirs) == len(ours) + 2
    sizes = {p: {(r.B, r.I, r.H) for r in fixed if r.precision == p} for p in PRECISIONS}
    assert sizes == {"float64": {PROBED, (1, 1, 1), (6, 7, 5), (LARGE_BATCH, 3, 184)}, "float32": {PROBED}}
    assert {r.T for r in fixed if (r.B, r.I, r.H) == PROBED} == {5, 41} | ({12} if axes == "BIH" else set())
    assert {tuple(getattr(r, axis) for axis in axes) for r in few(LSTM(), compiles=axes)} == {
        (5, *PROBED)[-len(axes) :]
    }
    assert {(r.I, r.H) for r in few(LSTM(), sizes=(3, 5), compiles=axes)} == {(3, 5)}
    assert {r.regime for r in few(LSTM(), compiles=axes)} == {r.regime for r in few(LSTM())}


@given(st.data())
def test_what_is_drawn_has_sizes_that_are_known(data: st.DataObject) -> None:
    """Along the axes that count, and together; steps beyond the longest, and the large one, are left away."""
    fixed = configurations(LSTM(), compiles="TBIH")
    free = recipes(LSTM(), max_T=9)
    by_units, by_all = (data.draw(of_sizes(free, fixed, axes, 9)) for axes in ("BIH", "TBIH"))
    for one, sizes in (
        ((by_units.B, by_units.I, by_units.H), [PROBED, (1, 1, 1), (6, 7, 5)]),
        ((by_all.T, by_all.B, by_all.I, by_all.H), [(5, *PROBED), (1, 1, 1, 1), (5, 6, 7, 5)]),
    ):
        assert one in sizes
    assert all(one.B == 2 for one in (by_units, by_all) if one.precision == "float32")
    assert by_units.T <= 9


def test_a_label_says_what_is_special() -> None:
    """In words."""
    recipe = Recipe(regime="linear", cotangent="h_T", given_state=False, views=(("x", "strided"),))
    assert build(Elman(), recipe).label == "linear, loss on h_T, no state given, strided x"


@pytest.mark.parametrize("precision", HALF_PRECISIONS)
def test_half_precisions_have_every_number(precision: str) -> None:
    """Rounding to the precision changes nothing, as it would change the numbers of the same recipe in single."""
    half, single = (build(LSTM(), Recipe(precision=p)) for p in (precision, "float32"))
    for problem, same in ((half, True), (single, False)):
        arrays = [*problem.params.values(), problem.x, problem.dy, *problem.given_state, *problem.dstate]
        assert all(np.array_equal(rounded(a, precision), a) for a in arrays) == same
