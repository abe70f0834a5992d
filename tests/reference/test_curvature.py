"""Products with the Hessian and the Gauss-Newton matrix, and the Hessian-free method (S47)."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from autograd import make_ggnvp
from autograd import numpy as anp
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.draws import named
from reference.longhand_oracle import exactly
from sampled import one_in

from ltdcheck.oracles import complex_step, finite_difference
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.curvature import (
    classifier_gauss_newton_product,
    classifier_hessian_product,
    hidden_tangents,
    structural_product,
)
from ltdcheck.reference.hessian_free import HessianFree, pack, unpack
from ltdcheck.reference.losses import Classifier
from ltdcheck.reference.networks.network import inside, under
from ltdcheck.reference.networks.unroll import unroll
from ltdcheck.strategies.problems import REGIMES, Recipe, build

EPS = float(np.finfo(float).eps)
CELLS: list[Cell] = [Elman(), LSTM(peepholes="previous"), GRU(reset="after")]
O = 3


def setting(net: Classifier, recipe: Recipe) -> tuple[Any, ...]:
    """Parameters, a direction, x, the initial state, and targets."""
    problem = build(net.cell, recipe)
    rng = np.random.default_rng(recipe.seed)
    p = {**under("cell", problem.params), "V": rng.standard_normal((O, recipe.H)), "c": rng.standard_normal(O)}
    v = {name: rng.standard_normal(value.shape) for name, value in p.items()}
    targets = rng.integers(O, size=(recipe.T, recipe.B) if net.at == "every" else recipe.B)
    return p, v, problem.x, problem.given_state, targets


def recipes(least: int = 0, units: int = 3) -> st.SearchStrategy[Recipe]:
    """Small nets."""
    return st.builds(
        Recipe,
        T=st.integers(least, 4),
        B=st.integers(1, 2),
        I=st.integers(1, 2),
        H=st.integers(1, units),
        regime=st.sampled_from(sorted(REGIMES)),
        seed=st.integers(0, 2**16),
    )


@pytest.mark.parametrize("at", ["every", "last"])
@pytest.mark.parametrize("cell", CELLS, ids=named)
def test_hessian_products_are_forward_over_reverse_and_second_differences(cell: Cell, at: Any) -> None:
    """w.H.v within the errors of a complex step and of central differences, both through the gradient."""
    net = Classifier(cell, at)

    @settings(max_examples=4)
    @given(recipes(1 if at == "last" else 0))
    def check(recipe: Recipe) -> None:
        p, v, x, state, targets = setting(net, recipe)
        w = np.random.default_rng(1).standard_normal(pack(p).size)
        Hv = classifier_hessian_product(net, exactly(p), exactly(v), exactly(x), exactly(state), targets)

        def slope(flat: Any) -> Any:
            q = unpack(flat, p)
            g = net.loss_vjp(q, net.loss(q, x, state, targets)[1]).params
            return sum((g[name] * part).sum() for name, part in unpack(w, p).items())

        mine = pack(Hv) @ w
        for oracle in (complex_step, finite_difference):
            estimate = oracle.derivative(slope, pack(p), pack(v))
            assert estimate.status == "ok", estimate.reason
            assert abs(mine - estimate.value) <= estimate.error, oracle.NAME

    check()


def outputs(net: Classifier, p: Any, x: Any, state: Any) -> Any:
    """o (T, B, O)."""
    return net.loss(p, x, state, np.zeros(x.shape[:2] if net.at == "every" else x.shape[1], dtype=int))[1].o


def jacobian(f: Any, p: Any) -> tuple[Any, Any]:
    """Column by column from complex steps, with the error of every entry."""
    columns = [complex_step.derivative(f, pack(p), e) for e in np.eye(pack(p).size)]
    return tuple(np.stack([getattr(c, part).ravel() for c in columns], axis=1) for part in ("value", "error"))


def explicit(net: Classifier, setting: Any, structural: float) -> tuple[Any, Any]:
    """G + structural*S as a matrix (n, n), and the error of every entry of it."""
    p, _, x, state, _ = setting
    J, J_off = jacobian(lambda flat: outputs(net, unpack(flat, p), x, state), p)
    K, K_off = jacobian(lambda flat: unroll(net.cell, inside("cell", unpack(flat, p)), x, state)[0], p)
    o = outputs(net, p, x, state).reshape(-1, O)
    q = np.exp(o - o.max(axis=1, keepdims=True))
    q /= q.sum(axis=1, keepdims=True)
    asked = np.ones(len(o)) if net.at == "every" else np.arange(len(o)) >= len(o) - x.shape[1]
    L, L_off = np.zeros((2, len(J), len(J)))
    for k, row in enumerate(q):
        here = slice(k * O, (k + 1) * O)
        L[here, here] = asked[k] * (np.diag(row) - np.outer(row, row))
        # a softmax of O numbers is off by its argument's rounding, and the difference by the terms'
        L_off[here, here] = asked[k] * 8 * EPS * (O + np.ptp(o[k]) + np.abs(o[k]).max())
    a, L_size, k = np.abs(J), np.abs(L), np.abs(K)
    size = a.T @ L_size @ a + structural * k.T @ k
    off = a.T @ L_off @ a + J_off.T @ L_size @ (a + J_off) + a.T @ L_size @ J_off
    off += structural * (K_off.T @ (k + K_off) + k.T @ K_off) + 2 * (len(J) + len(K)) * EPS * size
    return J.T @ L @ J + structural * K.T @ K, off


@pytest.mark.parametrize("at", ["every", "last"])
@pytest.mark.parametrize("cell", one_in(2, CELLS[::-1], named))
def test_gauss_newton_products_are_those_of_the_explicit_matrix(cell: Cell, at: Any) -> None:
    """G@v + mu*S@v, entry by entry, within the error of the explicit Jacobians and of the sums over them.

    The LSTM, whose matrix has twice the rows of a GRU's, is asked for quality.
    """
    net = Classifier(cell, at)

    @settings(max_examples=2)
    @given(recipes(1, units=2), st.sampled_from([0.0, 0.5]))
    def check(recipe: Recipe, mu: float) -> None:
        drawn = setting(net, recipe)
        p, v, x, state, targets = drawn
        G, off = explicit(net, drawn, mu)
        Gv = classifier_gauss_newton_product(
            net, exactly(p), exactly(v), exactly(x), exactly(state), targets, structural=mu
        )
        allowed = off @ np.abs(pack(v)) + 2 * len(G) * EPS * np.abs(G) @ np.abs(pack(v))
        assert np.all(np.abs(pack(Gv) - G @ pack(v)) <= allowed)

    check()


@settings(max_examples=10)
@given(recipes(1))
def test_gauss_newton_products_agree_with_autograd(recipe: Recipe) -> None:
    """autograd's own Gauss-Newton product of a tanh network written out, to 1e-10 of the largest entry.

    Four steps of at most 3 units: conditioning of a few thousand roundings in the contracting regimes, which are drawn.
    """
    recipe = Recipe(T=recipe.T, B=1, I=recipe.I, H=recipe.H, regime="contracting", seed=recipe.seed)
    net = Classifier(Elman())
    p, v, x, state, targets = setting(net, recipe)

    def forward(flat: Any) -> Any:
        q, h, o = unpack_boxed(flat, p), state[0][0], []
        for x_t in x[:, 0]:
            h = anp.tanh(anp.dot(q["cell.U"], x_t) + anp.dot(q["cell.W"], h) + q["cell.b"])
            o.append(anp.dot(q["V"], h) + q["c"])
        return anp.concatenate(o)

    def loss(o: Any) -> Any:
        rows = anp.reshape(o, (-1, O))
        return anp.sum(anp.log(anp.sum(anp.exp(rows), axis=1)) - rows[np.arange(len(x)), targets[:, 0]])

    theirs = make_ggnvp(forward, loss)(pack(p))(pack(v))
    mine = pack(classifier_gauss_newton_product(net, p, v, x, state, targets))
    np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-10 * np.max(np.abs(theirs)))


def unpack_boxed(flat: Any, like: Any) -> Any:
    """Slices of a box."""
    edges = np.cumsum([0, *(w.size for w in like.values())])
    parts = zip(like.items(), itertools.pairwise(edges), strict=True)
    return {name: anp.reshape(flat[a:b], w.shape) for (name, w), (a, b) in parts}


@settings(max_examples=20)
@given(recipes(1), st.sampled_from(CELLS))
def test_the_gauss_newton_matrix_is_symmetric_and_positive(recipe: Recipe, cell: Cell) -> None:
    """v.G.v >= 0 and w.G.v = v.G.w, up to the rounding of the products; the Hessian has directions below 0."""
    net = Classifier(cell)
    p, v, x, state, targets = setting(net, recipe)
    w = {name: np.roll(value, 1) for name, value in v.items()}

    def G(d: Any) -> Any:
        return pack(classifier_gauss_newton_product(net, exactly(p), exactly(d), exactly(x), exactly(state), targets))

    vGv, wGw, wGv, vGw = pack(v) @ G(v), pack(w) @ G(w), pack(w) @ G(v), pack(v) @ G(w)
    assert vGv >= 0
    assert wGw >= 0
    # computed in long double; by Cauchy-Schwarz both products are sums of terms below the geometric mean
    assert abs(wGv - vGw) <= 1e3 * EPS * (float(np.sqrt(vGv * wGw)) + 1e-12 * float(vGv + wGw))


def test_the_hessian_is_not_the_gauss_newton_matrix() -> None:
    """The sensitivity twin: they differ, and the Hessian has a direction of negative curvature."""
    net = Classifier(Elman())
    p, v, x, state, targets = setting(net, Recipe(T=4, B=2, I=2, H=3, seed=2))
    n = pack(p).size
    H = np.stack([pack(classifier_hessian_product(net, p, unpack(e, p), x, state, targets)) for e in np.eye(n)])
    G = np.stack([pack(classifier_gauss_newton_product(net, p, unpack(e, p), x, state, targets)) for e in np.eye(n)])
    assert np.linalg.norm(H - G) > 1e-2 * np.linalg.norm(H)
    assert np.linalg.eigvalsh((H + H.T) / 2)[0] < -1e-3 < -1e-12 < np.linalg.eigvalsh((G + G.T) / 2)[0]
    with pytest.raises(ValueError, match="v has the shapes"):
        classifier_hessian_product(net, p, {**v, "c": np.zeros(O + 1)}, x, state, targets)


@pytest.mark.parametrize("cell", [*CELLS, Elman("relu")], ids=named)
def test_tangents_are_the_transpose_of_bptt(cell: Cell) -> None:
    """u.(K@v) = (K'@u).v: the structural product is K'@K, and v.S.v the squared length of K@v."""
    problem = build(cell, Recipe(T=5, B=2, I=2, H=3, seed=6))
    v = {name: np.random.default_rng(0).standard_normal(value.shape) for name, value in problem.params.items()}
    moved = hidden_tangents(cell, problem.params, v, problem.x, problem.given_state)
    product = structural_product(cell, problem.params, v, problem.x, problem.given_state)
    assert np.sum(moved**2) > 1e-3
    # a few hundred operations on numbers of order one, ending in sums of positive terms
    np.testing.assert_allclose(pack(product) @ pack(v), np.sum(moved**2), rtol=1e4 * EPS)


# -- the method ------------------------------------------------------------------------------------------------------


def test_the_direction_solves_the_damped_system() -> None:
    """(G + lam*I + mu*lam*S)@delta = -g, to the tolerance of conjugate gradients, against a dense solver."""
    net = Classifier(GRU())
    drawn = setting(net, Recipe(T=3, B=2, I=2, H=2, seed=1))
    p, _, x, state, targets = drawn
    method = HessianFree(damping=0.5, structural=0.25, iterations=500, tolerance=1e-12)
    delta, promised = method.direction(net, p, x, state, targets)
    g = pack(net.loss_vjp(p, net.loss(p, x, state, targets)[1]).params)
    B = explicit(net, drawn, 0.25 * 0.5)[0] + 0.5 * np.eye(g.size)
    right = np.linalg.solve(B, -g)
    # the residual is below 1e-12*||g||, and the smallest eigenvalue of B at least the damping
    assert np.linalg.norm(pack(delta) - right) <= 1e-11 * np.linalg.norm(g) / 0.5
    assert abs(promised - g @ right / 2) <= 1e-10 * abs(promised)


def test_twenty_steps_fit_four_sequences() -> None:
    """The loss never rises; it falls below a twentieth, where twenty steps of plain descent leave more than half."""
    net = Classifier(Elman())
    p, _, x, state, targets = setting(net, Recipe(T=4, B=4, I=3, H=6, seed=5))
    method, seen = HessianFree(structural=0.1), [float(net.loss(p, x, state, targets)[0])]
    for _ in range(20):
        p, method = method.step(net, p, x, state, targets)
        seen.append(float(net.loss(p, x, state, targets)[0]))
    assert all(b <= a for a, b in itertools.pairwise(seen))
    assert seen[-1] < seen[0] / 20


def test_a_step_that_does_not_help_is_not_taken_and_raises_the_damping() -> None:
    """At a point where the loss is 0 up to rounding nothing can be won; elsewhere a good step lowers the damping."""
    net = Classifier(Elman())
    p, _, x, state, targets = setting(net, Recipe(T=2, B=2, I=2, H=3, seed=3))
    moved, after = HessianFree(damping=100.0).step(net, p, x, state, targets)
    assert after.damping == pytest.approx(100 * 2 / 3)
    assert any(np.any(moved[name] != p[name]) for name in p)
    worse, _ = _Uphill(damping=1.0).step(net, p, x, state, targets)
    assert worse is p
    assert _Uphill(damping=1.0).step(net, p, x, state, targets)[1].damping == 1.5


class _Uphill(HessianFree):
    """A method whose direction leads up."""

    def direction(self, *args: Any) -> Any:
        delta, promised = super().direction(*args)
        return {name: -value for name, value in delta.items()}, promised


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"damping": 0.0}, "damping is 0.0; it must be positive"),
        ({"structural": -1.0}, "structural is -1.0; it must lie between 0.0 and"),
        ({"iterations": 0}, "iterations is 0; at least 1"),
        ({"tolerance": 0.0}, "tolerance is 0.0; it must be positive"),
    ],
)
def test_bad_numbers_are_refused(arguments: dict[str, Any], said: str) -> None:
    """The message names the argument, its value and what is allowed."""
    with pytest.raises(ValueError, match=said):
        HessianFree(**arguments)
