"""Every fault shows at its trigger, and hides below it."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest
from faults.problems import PLAIN, answer, blocks, case, changed, names, network, planted
from faults.triggers import HIDES, SHOWS, hides, shows

from ltdcheck.faults.fault import Fault, Network, WrongFunction, faults
from ltdcheck.problem import PRECISIONS
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.variants import variants

everywhere = pytest.mark.parametrize(("fault", "cell"), planted(), ids=names(planted()))

FORWARD = ("y", "final[0]", "final[1]")


@everywhere
def test_a_fault_shows_at_its_trigger(fault: Fault, cell: Cell) -> None:
    """It changes the outputs, or the gradients and not one bit of the outputs, or a fact that is noted beside them."""
    wrong, right = answer(network(fault, cell), shows(fault)), answer(Network(cell), shows(fault))
    seen = changed(wrong, right)
    if fault.forward:
        assert seen & set(FORWARD)
    else:
        assert seen or wrong.facts != right.facts
        a, b = blocks(wrong), blocks(right)
        assert all(a[name].tobytes() == b[name].tobytes() for name in FORWARD if name in a)


BELOW = [(f, cell, k) for f, cell in planted() for k in range(len(hides(f)))]


@pytest.mark.parametrize(("fault", "cell", "k"), BELOW, ids=[f"{c.name}-{f.id}-{k}" for f, c, k in BELOW])
def test_a_fault_hides_below_its_trigger(fault: Fault, cell: Cell, k: int) -> None:
    """There the network is right up to rounding, gradients included where the trigger speaks of the value alone."""
    where = hides(fault)[k]
    wrong, right = answer(network(fault, cell), where), answer(Network(cell), where)
    kept = set(FORWARD) if _trigger_is_a_value(fault) else set(blocks(right))
    assert not changed(wrong, right) & kept


def _trigger_is_a_value(fault: Fault) -> bool:
    """A forward fault that hides where an argument is zero or a matrix symmetric has a wrong derivative there."""
    zeroed = any(c.zero or c.symmetric or c.equal_biases or not c.given or c.state == 0 for c in hides(fault))
    return fault.forward and zeroed


@everywhere
def test_a_fault_runs_at_the_smallest_sizes(fault: Fault, cell: Cell) -> None:
    """Of T = 0 and T = 1, one row, one input and one unit, in the precision that is asked for."""
    for T, precision in itertools.product((0, 1), PRECISIONS):
        outputs = blocks(answer(network(fault, cell), case(T=T, B=1, I=1, H=1, precision=precision)))
        shapes = right_shapes(cell, T, precision)
        assert {name: (a.shape, a.dtype) for name, a in outputs.items()} == shapes, (T, precision)


@cache
def right_shapes(cell: Cell, T: int, precision: str) -> dict[str, tuple[tuple[int, ...], np.dtype[np.generic]]]:
    """What the right network answers to the same."""
    right = blocks(answer(Network(cell), case(T=T, B=1, I=1, H=1, precision=precision)))
    return {name: (a.shape, np.dtype(precision)) for name, a in right.items()}


@pytest.mark.parametrize("family", list(CELLS))
def test_a_fault_runs_in_every_variant_that_it_plants_itself_in(family: str) -> None:
    """Forward, at T = 2: the shapes are right, and at least the default or some other variant has it."""
    for fault, cell in itertools.product(faults(family), variants(family)):
        wrong = fault.plant(cell)
        if wrong is not None:
            (problem,) = case(T=2, B=2, H=3).problems(cell)
            assert wrong.run(problem, backward=False).y.shape == (2, 2, cell.output_width(3)), fault.id


# At T = 0 the only derivative is that of a constant; the sizes test looks there.
OWN = [
    (f, c)
    for f, c in planted()
    if f.forward and c.differentiable and isinstance(f.plant(c), WrongFunction) and shows(f).T > 0
]


@pytest.mark.parametrize(("fault", "cell"), OWN, ids=names(OWN))
def test_a_forward_fault_has_the_gradient_of_what_it_computes(fault: Fault, cell: Cell) -> None:
    """Along a random direction, a central difference of its own forward pass agrees.

    Truncation is of order step**2, rounding of order 1e-16/step: both below 1e-9 for a step of 1e-5 and numbers of
    order 1 to 100; 1e-6 leaves room for the third derivatives of an unbounded gate. Where x is zero the direction is:
    a fault that looks for zeros jumps there, and has derivatives only along what keeps them.
    """
    where = shows(fault) if shows(fault).H < 100 and shows(fault).T < 50 else PLAIN
    wrong, (problem,) = network(fault, cell), where.problems(cell)
    out, rng, step = wrong.run(problem), np.random.default_rng(7), 1e-5
    along = {name: rng.standard_normal(value.shape) for name, value in {**problem.params, "x": problem.x}.items()}
    along["x"] *= problem.x != 0
    h0 = tuple(rng.standard_normal(s.shape) for s in problem.given_state)

    def loss(s: float) -> float:
        moved = problem.with_(
            params={name: value + s * along[name] for name, value in problem.params.items()},
            x=problem.x + s * along["x"],
            state=tuple(a + s * d for a, d in zip(problem.given_state, h0, strict=True)),
        )
        o = wrong.run(moved, backward=False)
        ends = zip(problem.dstate, o.state, strict=True)
        return float((problem.dy * o.y).sum() + sum((d * a).sum() for d, a in ends))

    assert out.dparams is not None
    assert out.dstate is not None
    assert out.dx is not None
    parts = [(out.dparams[name], along[name]) for name in out.dparams] + [(out.dx, along["x"])]
    parts += list(zip(out.dstate, h0, strict=True))
    claimed = sum(float((g * d).sum()) for g, d in parts)
    scale = sum(float(np.abs(g * d).sum()) for g, d in parts)
    assert abs((loss(step) - loss(-step)) / (2 * step) - claimed) <= 1e-6 * scale


def test_the_tables_speak_of_known_faults() -> None:
    """Every entry of the trigger tables is an id or a row."""
    known = {f.id for f in faults()} | {f.row for f in faults()}
    assert set(SHOWS) | set(HIDES) <= known
