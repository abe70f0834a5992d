"""The pre-activation form is the ordinary network seen before its nonlinearity."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.cells.two_oracles import catches

from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.preactivation import Preactivation
from ltdcheck.reference.jacobians import step_jacobians
from ltdcheck.reference.networks.unroll import run, unroll
from ltdcheck.reference.nonlinearities import NONLINEARITIES, Nonlinearity
from ltdcheck.strategies.problems import Recipe, build, problems

PHIS = sorted(get_args(Nonlinearity))


@given(st.data(), st.sampled_from(PHIS))
def test_its_activations_are_the_states_of_the_ordinary_network(data: Any, phi: Any) -> None:
    """From h_0 in the one and phi(h_0) in the other: the same operations in the same order, so the same bits."""
    problem = data.draw(problems(Preactivation(phi)))
    h = unroll(Preactivation(phi), problem.params, problem.x, problem.given_state)[0]
    squash = NONLINEARITIES[phi][0]
    a = unroll(Elman(phi), problem.params, problem.x, (squash(problem.given_state[0]),))[0]
    assert np.array_equal(squash(h), a)


@given(st.data(), st.sampled_from(PHIS))
def test_its_gradients_are_those_of_the_ordinary_network_through_phi(data: Any, phi: Any) -> None:
    """A loss on phi(h_T) has the same gradient in W in both; the same products, up to the order of two factors."""
    cell = Preactivation(phi)
    problem = data.draw(problems(cell, max_T=6))
    p, (h0,), (d,) = problem.params, problem.given_state, problem.dstate
    squash, slope = NONLINEARITIES[phi]
    h = unroll(cell, p, problem.x, (h0,))[1][0]
    mine = run(cell, problem.with_(dy=0 * problem.dy, dstate=(d * slope(squash(h)),)))[2]
    other = run(Elman(phi), problem.with_(dy=0 * problem.dy, state=(squash(h0),)))[2]
    for name in p:
        scale = np.abs(other.params[name]).max(initial=0.0)
        assert np.all(np.abs(mine.params[name] - other.params[name]) <= 1e-13 * scale)


def test_the_jacobian_is_the_weights_times_the_slopes_of_the_old_state() -> None:
    """dh'/dh = W @ diag(phi'(h)), where the ordinary network has diag(phi'(a')) @ W."""
    problem = build(Preactivation(), Recipe(T=1, B=1))
    (J,) = step_jacobians(Preactivation(), problem.params, problem.x, problem.given_state)[0]
    slopes = 1 - np.tanh(problem.given_state[0][0]) ** 2
    assert np.allclose(J, problem.params["W"] * slopes, rtol=1e-15, atol=0)


class SlopeOfTheNew(Preactivation):
    """The slope is taken at the new state."""

    def step(self, p: Any, z: Any, state: Any) -> Any:
        new, _ = super().step(p, z, state)
        return new, (NONLINEARITIES[self.nonlinearity][0](state[0]), NONLINEARITIES[self.nonlinearity][0](new[0]))

    def step_vjp(self, p: Any, saved: Any, dstate: Any) -> Any:
        a, later = saved
        dz, _, shares = super().step_vjp(p, (a,), dstate)
        return dz, super().step_vjp(p, (later,), dstate)[1], shares


class WithoutSlope(Preactivation):
    """The slope is missing."""

    def step_vjp(self, p: Any, saved: Any, dstate: Any) -> Any:
        dz, _, shares = super().step_vjp(p, saved, dstate)
        return dz, Preactivation("identity").step_vjp(p, saved, dstate)[1], shares


@pytest.mark.parametrize("wrong", [SlopeOfTheNew, WithoutSlope])
def test_wrong_adjoints_are_excluded(wrong: Any) -> None:
    """The oracles differentiate the step and see both."""
    catches(Preactivation(), wrong(), Recipe(T=3, B=2, I=2, H=3))
