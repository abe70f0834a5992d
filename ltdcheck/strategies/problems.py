"""Problems for recurrent cells: a fixed set that always runs, and Hypothesis strategies around it.

A :class:`Recipe` is what Hypothesis draws and shrinks: sizes, a regime, a seed. The arrays come from the seed, so that
an example is fast, and every number is a multiple of a power of two, so that it is the same number in double and single
precision and prints in few digits when the recipe has shrunk; for a half precision the numbers are rounded to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.random import Generator
from numpy.typing import NDArray

from ltdcheck.problem import HALF_PRECISIONS, PRECISIONS, Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.numbers.formats import rounded

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Regime:
    """Typical sizes: of the weights relative to 1/sqrt(fan-in), and of biases, inputs and initial states."""

    recurrent: float
    weights: float = 1.0
    biases: float = 0.5
    inputs: float = 1.0
    states: float = 1.0


REGIMES = {
    "usual": Regime(1.0),
    "linear": Regime(0.3, weights=0.1, biases=0.1, inputs=0.2, states=0.2),
    "contracting": Regime(0.2),
    "saturated": Regime(1.0, biases=4.0, inputs=4.0),
    "expanding": Regime(4.0, weights=2.0),
}

FINE = 40  # the grain of numbers that single precision does not hold: what rounds them on their way in is seen
PROBED = (2, 7, 5)  # B, I and H of the questions by which a target is identified; I is larger than H at these alone
WIDER = 3  # times as many rows, where more are asked than in another problem
LARGE_BATCH = 60  # of the one large problem
LONG_WEIGHTS = 4096  # weights of a gate up to which a thousand steps take about a second

COTANGENTS = ("all", "y", "h_T", "c_T", "one step")


@dataclass(frozen=True)
class Recipe:
    """A problem in a few numbers; ``grain`` g makes every array entry a multiple of 2**-g."""

    T: int = 5
    B: int = 3
    I: int = 4
    H: int = 6
    regime: str = "usual"
    seed: int = 0
    grain: int = 12
    precision: str = "float64"
    cotangent: str = "all"
    given_state: bool = True
    views: tuple[tuple[str, str], ...] = ()
    gaps: bool = False  # some of x is zero: whole steps of a row, and single features

    @property
    def label(self) -> str:
        """In a few words, beside sizes and precision."""
        words = [self.regime, f"loss on {self.cotangent}"]
        words += ["zeros in x"] if self.gaps else []
        words += [] if self.given_state else ["no state given"]
        words += [f"{kind} {name}" for name, kind in self.views]
        return ", ".join(words)


def build(cell: Cell, recipe: Recipe) -> Problem:
    """The problem of a recipe, in the parameters of ``cell``, with no fewer units than it can have."""
    rng = np.random.default_rng(recipe.seed)
    r = REGIMES[recipe.regime]
    T, B, I, H = recipe.T, recipe.B, recipe.I, max(recipe.H, cell.fewest)
    params = {}
    for name, shape in cell.shapes(I, H).items():
        weights = r.recurrent if name.rpartition(".")[2] == "W" else r.weights
        scale = r.biases if len(shape) < 2 else weights / np.sqrt(max(shape[1], 1))
        params[name] = _grains(rng, shape, scale, recipe.grain)
    x = _grains(rng, (T, B, I), r.inputs, recipe.grain) * (~_gaps(T, B, I) if recipe.gaps else 1)
    given = tuple(_grains(rng, (B, width), r.states, recipe.grain) for width in cell.widths(H))
    dy, dstate = _cotangents(rng, cell, recipe, H)
    fits = partial(rounded, precision=recipe.precision) if recipe.precision in HALF_PRECISIONS else np.asarray
    return Problem(
        params={name: fits(value) for name, value in params.items()},
        x=fits(x),
        state=tuple(map(fits, given)) if recipe.given_state else None,
        dy=fits(dy),
        dstate=tuple(map(fits, dstate)),
        precision=recipe.precision,
        views=dict(recipe.views),
        label=recipe.label,
    )


def _cotangents(rng: Generator, cell: Cell, recipe: Recipe, H: int) -> tuple[Floats, tuple[Floats, ...]]:
    """Cotangents of the output sequence and of the final state, zero where the loss does not look."""
    T, B = recipe.T, recipe.B
    dy = _grains(rng, (T, B, cell.output_width(H)), 1.0, recipe.grain)
    dstate = tuple(_grains(rng, (B, width), 1.0, recipe.grain) for width in cell.widths(H))
    looks = recipe.cotangent
    if dict(recipe.views).get("dy") == "expanded":
        dy[:] = dy[:1]
    if looks == "one step" and T:
        dy[np.arange(T) != rng.integers(T)] = 0.0
    if looks in ("h_T", "c_T"):
        dy[:] = 0.0
    if looks in ("one step", "y"):
        dstate = tuple(np.zeros_like(d) for d in dstate)
    if looks in ("h_T", "c_T") and looks[:-2] in cell.states:
        dstate = tuple(d if s == looks[:-2] else np.zeros_like(d) for s, d in zip(cell.states, dstate, strict=True))
    return dy, dstate


def _gaps(T: int, B: int, I: int) -> NDArray[np.bool_]:
    """The first step of the first row, and every third of each; and every fourth feature."""
    t, b, i = np.ogrid[:T, :B, :I]
    gaps: NDArray[np.bool_] = ((t + b) % 3 == 0) | ((t + b + i) % 4 == 3)
    return gaps


def _grains(rng: Generator, shape: tuple[int, ...], scale: float, grain: int) -> NDArray[np.float64]:
    """Normal numbers, rounded to multiples of 2**-grain and never zero."""
    step = 2.0**-grain
    drawn = np.clip(rng.standard_normal(shape), -4, 4) * scale
    rounded = np.round(drawn / step) * step
    return np.where(rounded == 0, np.where(drawn < 0, -step, step), rounded)


def configurations(
    cell: Cell, precisions: Sequence[str] = PRECISIONS, sizes: tuple[int, int] | None = None, compiles: str = ""
) -> list[Recipe]:
    """What always runs, in every precision: the configurations that hide no bug, then each regime and view.

    ``sizes`` are I and H, for a target that has no others. One that ``compiles`` a program for each size along some
    axes is asked most at those at which it was identified, and at others in the first precision.
    """
    base = _at(Recipe(), "BIH", PROBED) if compiles else Recipe()
    steps = "T" in compiles  # each number of them costs a program
    losses = [c for c in COTANGENTS[1:] if c != "c_T" or "c" in cell.states]
    far = [
        # longer than the lengths to which people truncate
        replace(base, T=41, B=2, I=2, H=8, regime="contracting", cotangent="h_T", seed=30),
        replace(base, T=41 if steps else 12, B=2, I=3, H=5, regime="contracting", seed=31),
    ]
    few_steps = replace(base, T=base.T if steps else 2, seed=33)
    recipes = [
        base,
        *(replace(base, cotangent=c, seed=k + 1) for k, c in enumerate(losses)),
        replace(base, given_state=False, seed=10),
        replace(base, gaps=True, seed=15),
        replace(base, views=(("x", "strided"), ("state", "strided")), seed=11),
        replace(base, views=(("dy", "strided"),), seed=12),
        replace(base, views=(("dy", "expanded"),), seed=13),
        *(replace(base, regime=r, seed=20 + k) for k, r in enumerate(REGIMES)),
        *([_at(recipe, "BIH", PROBED) for recipe in far] if compiles else far),
    ]
    corners = [
        replace(base, T=1, B=1, I=1, H=1, seed=32),
        _at(few_steps, "BIH", (base.B * WIDER, base.I, base.H) if compiles else (5, 1, 2)),
    ]
    large = replace(base, T=3, B=LARGE_BATCH, I=3, H=184, seed=34)  # H > 128; W and y with more than 32 768 entries
    fine = replace(base, grain=FINE, seed=14)

    def asked(precision: str) -> list[Recipe]:
        chosen = [*recipes, *(corners if precision == precisions[0] or not compiles else [])]
        chosen += [*([fine] if precision == "float64" else []), *([large] if sizes is not None else [])]
        if sizes is not None:
            chosen = list(dict.fromkeys(replace(recipe, I=sizes[0], H=sizes[1]) for recipe in chosen))
        return [replace(recipe, precision=precision) for recipe in chosen]

    found = [recipe for precision in precisions for recipe in asked(precision)]
    return found if sizes is not None else [*found, replace(large, precision=precisions[0])]


def few(
    cell: Cell, precisions: Sequence[str] = PRECISIONS, sizes: tuple[int, int] | None = None, compiles: str = ""
) -> list[Recipe]:
    """The start of :func:`configurations`, for laws that do not depend on the regime.

    Its numbers are the same in single and double precision. These laws make problems of further sizes from each that
    they are asked about; so a target that ``compiles`` is asked about the usual sizes alone.
    """
    labels = {"usual", "saturated", "contracting"}
    chosen = [r for r in configurations(cell, precisions, sizes, compiles) if not r.views and r.cotangent == "all"]
    chosen = [r for r in chosen if r.grain < FINE and r.B < LARGE_BATCH]
    chosen = [r for r in chosen if r.regime in labels and r.T <= 12 and r.T > 1]
    return list(dict.fromkeys(_at(r, compiles, _sizes(chosen[0], compiles)) for r in chosen))


def in_turn(recipes: Sequence[Recipe], precisions: Sequence[str]) -> list[Recipe]:
    """Each once, in the first precision, the second, and so on."""
    once = dict.fromkeys(replace(recipe, precision="") for recipe in recipes)
    return [replace(recipe, precision=precisions[k % len(precisions)]) for k, recipe in enumerate(once)]


def long(
    cell: Cell, precisions: Sequence[str] = PRECISIONS, sizes: tuple[int, int] | None = None, compiles: str = ""
) -> list[Recipe]:
    """A thousand steps with the loss at the last one, for laws of long lags; fewer where the range is shorter.

    A target that is large gets 200.
    """
    I, H = sizes or (PROBED[1:] if compiles else (2, 4))
    steps = {p: (1000 if p == "float64" else 400) if H * (I + H) <= LONG_WEIGHTS else 200 for p in precisions}
    return [Recipe(T=T, B=1, I=I, H=H, cotangent="h_T", seed=40, precision=p) for p, T in steps.items()]


def recipes(
    cell: Cell,
    *,
    precisions: Sequence[str] = PRECISIONS,
    min_T: int = 1,
    max_T: int = 12,
    max_size: int = 6,
    cotangents: Sequence[str] = COTANGENTS,
    given_state: bool | None = None,
    sizes: tuple[int, int] | None = None,
) -> st.SearchStrategy[Recipe]:
    """Recipes that shrink towards one step, one unit, one row, seed 0 and few digits."""
    looks = [c for c in cotangents if c != "c_T" or "c" in cell.states]
    return st.builds(
        Recipe,
        T=st.integers(min_T, max_T),
        B=st.integers(1, 4),
        I=st.integers(1, max_size) if sizes is None else st.just(sizes[0]),
        H=st.integers(1, max_size) if sizes is None else st.just(sizes[1]),
        regime=st.sampled_from(sorted(REGIMES, key=list(REGIMES).index)),
        seed=st.integers(0, 2**16),
        grain=st.sampled_from([3, 6, 12]),
        precision=st.sampled_from(list(precisions)),
        cotangent=st.sampled_from(looks),
        given_state=st.sampled_from([True, True, False]) if given_state is None else st.just(given_state),
    )


def of_sizes(
    drawn: st.SearchStrategy[Recipe], known: Sequence[Recipe], axes: str, longest: int
) -> st.SearchStrategy[Recipe]:
    """What is drawn, at sizes along the ``axes`` that a ``known`` recipe in its precision has, not the large one.

    It is for a target that compiles a program for each of these sizes. ``longest`` are the most steps.
    """
    sizes: dict[str, dict[tuple[int, ...], None]] = {}
    for r in known:
        if r.B < LARGE_BATCH and ("T" not in axes or longest >= r.T):
            sizes.setdefault(r.precision, {})[_sizes(r, axes)] = None
    return drawn.flatmap(lambda r: st.sampled_from(list(sizes[r.precision])).map(lambda at: _at(r, axes, at)))


def _sizes(recipe: Recipe, axes: str) -> tuple[int, ...]:
    return tuple(getattr(recipe, axis) for axis in axes)


def _at(recipe: Recipe, axes: str, sizes: tuple[int, ...]) -> Recipe:
    """The same at these sizes along the axes."""
    along: dict[str, Any] = dict(zip(axes, sizes, strict=True))
    return replace(recipe, **along)


def problems(cell: Cell, **limits: object) -> st.SearchStrategy[Problem]:
    """Problems in the parameters of ``cell``; the keywords are those of :func:`recipes`."""
    return recipes(cell, **limits).map(lambda recipe: build(cell, recipe))  # type: ignore[arg-type]
