"""The gradients that checkers are compared on: each right one is right, and each wrong one wrong, as its text says.

The judge is a complex step in plain NumPy, on both sides of a kink. What rounding does to it and to a gradient is
bounded to first order by an error that runs along with the function (``Running``).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autograd import make_vjp
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROOT = Path(__file__).parents[2] / "benchmarks"
STEP = 1e-30  # its square is below the rounding of any entry here
TANH = 8  # units that tanh of complex numbers, and its slope 1 - h*h relative to 1, may be off by
# How many entries of the wrong gradient differ, and by which factor; None where the error has no factor.
PLANTED = {
    "dense": (30, 1.1),
    "one entry": (1, 1.1),
    "many entries": (1, 1.1),
    "antisymmetric": (56, None),
    "scale": (6, 1 + 1e-4),
    "small block": (6, 1.05),
    "15 lags": (64, 0.0),
    "30 lags": (64, 0.0),
    "truncated": (8 * (8 + 64 + 16), None),
    "kink": (2, None),
    "float32": (30, 1 + 1e-3),
    "large": (30, 1.01),
    "tiny": (30, 1.01),
}


@pytest.fixture(scope="module")
def cases() -> Iterator[dict[str, Any]]:
    """Those of the checkout, by name; loaded by place, as on a path the checkout's package would hide the wheel's."""
    spec = importlib.util.spec_from_file_location(
        "benchmarks", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None
    before = sys.modules.get("benchmarks")
    sys.modules["benchmarks"] = importlib.util.module_from_spec(spec)
    yield {case.name: case for case in importlib.import_module("benchmarks.peers.cases").CASES}
    for name in [name for name in sys.modules if name.startswith("benchmarks.peers")]:
        del sys.modules[name]
    del sys.modules["benchmarks"]
    if before is not None:
        sys.modules["benchmarks"] = before


@dataclass(frozen=True)
class Running:
    """A value v with a bound e of its error, and a tangent t with a bound d of its own; both in units of rounding."""

    v: Any
    e: Any
    t: Any
    d: Any

    def __add__(self, other: Running) -> Running:
        v, t = self.v + other.v, self.t + other.t
        return Running(v, self.e + other.e + abs(v), t, self.d + other.d + abs(t))

    def __sub__(self, other: Running) -> Running:
        return self + Running(-other.v, other.e, -other.t, other.d)

    def __mul__(self, other: Running) -> Running:
        return self.product(other, lambda a, b: a * b, 1)

    def __matmul__(self, other: Running) -> Running:
        return self.product(other, lambda a, b: a @ b, other.v.shape[0])

    def product(self, other: Running, times: Any, terms: int) -> Running:
        """Each of ``terms`` products is rounded, and each of their sums."""
        a, b, n = self, other, 2 * terms
        v, t = times(a.v, b.v), times(a.t, b.v) + times(a.v, b.t)
        e = times(a.e, abs(b.v)) + times(abs(a.v), b.e) + n * times(abs(a.v), abs(b.v))
        d = times(a.d, abs(b.v)) + times(abs(a.v), b.d) + times(abs(a.t), b.e) + times(a.e, abs(b.t))
        return Running(v, e, t, d + n * (times(abs(a.t), abs(b.v)) + times(abs(a.v), abs(b.t))))


class Errors:
    """The operations of the cases on ``Running``."""

    def array(self, a: Any) -> Running:
        return started(np.asarray(a, float), 0.0)

    def tanh(self, z: Running) -> Running:
        h = np.tanh(z.v)
        slope, e = 1 - h * h, z.e * (1 - h * h) + TANH * abs(h)
        return Running(h, e, slope * z.t, slope * z.d + (2 * abs(h) * e + TANH) * abs(z.t))

    def relu(self, z: Running) -> Running:
        on = z.v >= 0  # the side on which more is left
        return Running(z.v * on, z.e * on, z.t * on, z.d * on)

    def sum(self, z: Running) -> Running:
        n = z.v.size
        v, t = np.sum(z.v), np.sum(z.t)
        return Running(v, np.sum(z.e + n * abs(z.v)), t, np.sum(z.d + n * abs(z.t)))


def started(v: Floats, t: Any) -> Running:
    """Numbers that are exact, in float64."""
    nothing = np.zeros_like(v)
    return Running(v, nothing, nothing + t, nothing)


def gradient(case: Any, *, wrong: bool) -> Floats:
    """autograd's Jacobian (outputs, entries) in the precision of the case."""
    pull, y = make_vjp(lambda parts: case.written(numpy(), wrong=wrong)(*parts))(tuple(case.values()))
    rows = np.eye(y.size, dtype=y.dtype).reshape(y.size, *np.shape(y))
    return np.stack([np.concatenate([np.ravel(part) for part in pull(row)]) for row in rows]).astype(float)


def numpy() -> Any:
    """The framework of the cases that is always there."""
    return importlib.import_module("benchmarks.peers.frameworks.numpy").NumPy()


def units(case: Any) -> Iterator[list[Floats]]:
    """The direction of each entry in turn, as arrays."""
    ends = np.cumsum([a.size for a in case.values()])[:-1]
    for unit in np.eye(case.entries):
        yield [part.reshape(a.shape) for part, a in zip(np.split(unit, ends), case.values(), strict=True)]


def slopes(case: Any, side: float) -> Floats:
    """Complex steps of the right function, (outputs, entries), to one side."""
    f = case.written(numpy(), wrong=False)
    moved = ([a + side * STEP * 1j * v for a, v in zip(case.values(), parts, strict=True)] for parts in units(case))
    return np.stack([np.ravel(f(*parts)).imag / (side * STEP) for parts in moved], axis=1)


def bounds(case: Any) -> Floats:
    """What rounding may do to the gradient in its precision and to the complex step, (outputs, entries)."""
    f = case.written(Errors(), wrong=False)
    exact = [a.astype(float) for a in case.values()]
    errors = np.stack([np.ravel(f(*map(started, exact, parts)).d) for parts in units(case)], axis=1)
    return (np.finfo(case.dtype).eps + np.finfo(float).eps) * errors


def beyond(case: Any, J: Floats) -> Floats:
    """How far a gradient is outside the slopes to both sides."""
    sides = slopes(case, 1.0), slopes(case, -1.0)
    return np.maximum(np.minimum(*sides) - J, J - np.maximum(*sides))


def test_every_case_has_its_row_here(cases: dict[str, Any]) -> None:
    """No case is left out of these tests."""
    assert list(PLANTED) == list(cases)


@pytest.mark.parametrize("name", PLANTED)
def test_the_right_gradient_is_right(cases: dict[str, Any], name: str) -> None:
    """Every entry agrees with the complex step within rounding."""
    case = cases[name]
    assert np.all(beyond(case, gradient(case, wrong=False)) <= bounds(case))


@pytest.mark.parametrize("name", PLANTED)
def test_the_wrong_gradient_is_wrong_in_the_entries_that_it_names(cases: dict[str, Any], name: str) -> None:
    """They are off by the planted factor, which is more than rounding can do; the others are as they were."""
    case = cases[name]
    wrong, right = gradient(case, wrong=True), gradient(case, wrong=False)
    count, factor = PLANTED[name]
    planted = wrong != right if factor is None else abs(wrong - factor * right) < abs(wrong - right)
    assert np.sum(planted) == count
    assert np.array_equal(beyond(case, wrong) > bounds(case), planted)


@pytest.mark.parametrize("name", PLANTED)
def test_the_error_changes_no_value(cases: dict[str, Any], name: str) -> None:
    """A wrong gradient belongs to the very same function."""
    case = cases[name]
    values = [case.written(numpy(), wrong=wrong)(*case.values()) for wrong in (True, False)]
    assert np.array_equal(*values)


def test_the_antisymmetric_error_is_antisymmetric(cases: dict[str, Any]) -> None:
    """It is orthogonal to every direction that is projected on itself."""
    case = cases["antisymmetric"]
    E = gradient(case, wrong=True) - gradient(case, wrong=False)
    # E is a difference of two gradients: each has rounded once, and so has what was added to it, for E and for E.T
    assert np.allclose(E, -E.T, rtol=0, atol=4 * np.finfo(float).eps * np.max(abs(gradient(case, wrong=True))))
    assert np.max(abs(E)) > 0.01
