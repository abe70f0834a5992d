"""Iterated maps: gradients of every rule, real and complex, and wrong slopes that the oracles exclude."""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles.draws import margin, ragged
from reference.cells.agreement import assert_gradients_agree

from ltdcheck.oracles import complex_step, finite_difference, tape
from ltdcheck.oracles.pairing import blocks_of
from ltdcheck.problem import Problem
from ltdcheck.reference.cells import iterated_map
from ltdcheck.reference.cells.iterated_map import RULES, IteratedMap, Name
from ltdcheck.reference.networks.unroll import run, unroll, unroll_vjp

NAMES = get_args(Name)
every_rule = pytest.mark.parametrize("rule", NAMES)
Array = NDArray[Any]


def drawn(seed: int, T: int, B: int, H: int, size: float) -> Problem:
    """Side by side, numbers up to ``size``; at 1 the quadratic map reaches 1e45 in 8 steps and no further."""
    rng = np.random.default_rng(seed)

    def grains(*shape: int) -> Array:
        return np.asarray(np.round(rng.uniform(-size, size, shape) * 4096) / 4096)

    return Problem({"w": grains(H)}, np.zeros((T, B, 0)), (grains(B, H),), grains(T, B, H), (grains(B, H),))


@every_rule
def test_gradients_lie_within_the_errors_of_two_oracles(rule: Name) -> None:
    """Autograd and complex step, contracting and expanding, no steps to 8."""

    @settings(max_examples=15)
    @given(st.integers(0, 999), st.integers(0, 8), st.integers(1, 2), st.integers(1, 4), st.sampled_from([0.2, 1.0]))
    def check(seed: int, T: int, B: int, H: int, size: float) -> None:
        assert_gradients_agree(IteratedMap(rule), ragged(drawn(seed, T, B, H, size), seed))

    check()


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "tanh without its slope": ("tanh", {"by_h": lambda w, h, s: w + 0 * h}),
    "logistic without the second factor": ("logistic", {"by_h": lambda w, h, _: w * (1 - h)}),
    "quadratic without the 2": ("quadratic", {"by_h": lambda w, h, _: h}),
    "logistic in w of the new state": ("logistic", {"by_w": lambda w, h, s: s * (1 - s)}),
}


@pytest.mark.parametrize(("rule", "wrong"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_slope_is_excluded_by_both_oracles(
    rule: Name, wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oracles run the map alone; the planted slope is far outside their intervals."""
    problem = drawn(1, 3, 2, 3, 1.0)
    monkeypatch.setitem(iterated_map.RULES, rule, replace(RULES[rule], **wrong))
    found = blocks_of(run(IteratedMap(rule), problem)[2])
    for oracle in (tape, complex_step):
        estimates = oracle.gradients(IteratedMap(rule), problem)
        assert max(margin(e, found[block], 0.0) for block, e in estimates.items()) > 1e9


def as_pairs(T: int, a: Any, b: Any, x: Any, y: Any) -> Any:
    """T steps of ``z' = z^2 + c`` in real numbers: z = x + iy, c = a + ib; both parts, stacked."""
    for _ in range(T):
        x, y = x * x - y * y + a, 2 * x * y + b
    return np.stack([x, y])


@settings(max_examples=30)
@given(seed=st.integers(0, 999), T=st.integers(0, 6))
def test_complex_derivatives_are_those_of_the_map_of_the_plane(seed: int, T: int) -> None:
    """dz_T/dz_0 and dz_T/dc against complex step and differences of the same map in two real numbers.

    The adjoint's own rounding is that of T products of complex numbers, 4*T*2**-52 relative to the sum of their sizes,
    for which the derivative of the map with all signs positive stands.
    """
    rng = np.random.default_rng(seed)
    a, b, x, y = rng.uniform(-0.8, 0.8, 4)
    c, z = np.array([a + 1j * b]), np.array([[x + 1j * y]])
    cell = IteratedMap("quadratic")
    out, _, kept = unroll(cell, {"w": c}, np.zeros((T, 1, 0)), (z,))
    g = unroll_vjp(cell, {"w": c}, kept, np.zeros_like(out), (np.ones_like(z),))
    bound = np.abs(x) + np.abs(y) + 1
    size = 1.0
    for _ in range(T):
        size, bound = size * 2 * bound + 1, bound * bound + abs(a) + abs(b)
    point = np.array([a, b, x, y])
    for value, k in ((g.params["w"][0], 0), (g.state[0][0, 0], 2)):
        for oracle in (complex_step, finite_difference):
            estimate = oracle.derivative(lambda p: as_pairs(T, p[0], p[1], p[2], p[3]), point, np.eye(4)[k])
            assert estimate.status == "ok"
            off = np.abs(np.array([value.real, value.imag]) - estimate.value)
            assert np.all(off <= estimate.error + 4 * (T + 1) * 2.0**-52 * size)


def test_the_complex_derivative_is_not_conjugated() -> None:
    """After one step dz'/dz = 2z, also off the real axis; the state that matters has an effect."""
    cell, z = IteratedMap("quadratic"), np.array([[0.5 + 1j]])
    _, _, kept = unroll(cell, {"w": np.array([0j])}, np.zeros((1, 1, 0)), (z,))
    g = unroll_vjp(cell, {"w": np.array([0j])}, kept, np.zeros((1, 1, 1)), (np.ones_like(z),))
    assert g.state[0].item() == 1 + 2j


def test_an_unknown_rule_is_refused() -> None:
    """By name, with what is allowed."""
    with pytest.raises(ValueError, match="rule = 'cubic' is not allowed: one of identity, tanh"):
        IteratedMap("cubic")  # type: ignore[arg-type]
