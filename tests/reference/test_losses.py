"""Classification losses and their closed-form gradients."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Literal

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from networks.draws import taken
from networks.same import Lift, assert_same

import ltdcheck.reference.numbers.boxes  # noqa: F401  (lets autograd run the reference)
from ltdcheck.oracles.complex_step import derivative
from ltdcheck.oracles.shaking import EPS
from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.jordan import Jordan
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.losses import Classifier
from ltdcheck.reference.networks.network import states_of

T, B, I, H, O = 4, 2, 3, 5, 4
At = Literal["every", "last"]
Case = tuple[dict[str, np.ndarray], np.ndarray, State, np.ndarray]


def case(net: Classifier, seed: int = 0, scale: float = 1.0) -> Case:
    """Parameters, x, initial state and targets."""
    rng = np.random.default_rng(seed)
    params = {name: scale * rng.normal(size=shape) for name, shape in net.shapes(I, H, O).items()}
    state = tuple(rng.normal(size=(B, H)) for _ in net.cell.states)
    return params, rng.normal(size=(T, B, I)), state, rng.integers(0, O, (T, B) if net.at == "every" else B)


NETS = [
    Classifier(cell, at)
    for cell, at in itertools.product(
        (Elman(), Elman("relu"), LSTM(), LSTM(peepholes="current"), GRU()), ("every", "last")
    )
]


@pytest.mark.parametrize("ends", [None, [4, 2]], ids=["even", "ragged"])
@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.cell.name} {net.cell.variant} {net.at}")
def test_the_closed_form_is_the_gradient(net: Classifier, ends: list[int] | None) -> None:
    """Of every parameter, the output layer included, of x and of the initial state: autograd's, to rounding (C50)."""
    p, x, state, targets = case(net)
    names = list(p)

    def loss(values: tuple[np.ndarray, ...]) -> float:
        *arrays, x_, state_ = values
        return net.loss(dict(zip(names, arrays, strict=True)), x_, state_, targets, ends)[0]

    *dparams, dx, dstate = grad(loss)((*p.values(), x, state))
    g = net.loss_vjp(p, net.loss(p, x, state, targets, ends)[1])
    assert set(g.params) == set(p)
    pairs = [*((g.params[n], d) for n, d in zip(names, dparams, strict=True)), (g.x, dx)]
    for got, right in [*pairs, *zip(g.state, dstate, strict=True)]:
        assert np.max(np.abs(got - right)) <= 1e4 * EPS * np.max(np.abs(right))


def test_the_equations_of_the_book() -> None:
    """The sums of GBC-draft 10.2.1 for a tanh network, written as they are printed, give the same gradients."""
    net = Classifier(Elman())
    p, x, (h0,), targets = case(net)
    _, left = net.loss(p, x, (h0,), targets)
    h = np.concatenate([h0[None], left.h])
    do = np.exp(left.o) / np.exp(left.o).sum(axis=-1, keepdims=True) - np.eye(O)[targets]
    ds = np.zeros((T, B, H))
    for t in reversed(range(T)):
        ds[t] = do[t] @ p["V"]
        if t < T - 1:
            ds[t] += (ds[t + 1] * (1 - h[t + 2] ** 2)) @ p["cell.W"]
    da = ds * (1 - h[1:] ** 2)
    book = {
        "c": do.sum(axis=(0, 1)),
        "cell.b": da.sum(axis=(0, 1)),
        "V": sum(np.outer(do[t, n], h[t + 1, n]) for t in range(T) for n in range(B)),
        "cell.W": sum(np.outer(da[t, n], h[t, n]) for t in range(T) for n in range(B)),
        "cell.U": sum(np.outer(da[t, n], x[t, n]) for t in range(T) for n in range(B)),
    }
    g = net.loss_vjp(p, left)
    for name, right in book.items():
        assert np.max(np.abs(g.params[name] - right)) <= 1e3 * EPS * np.max(np.abs(right)), name


@pytest.mark.parametrize("at", ["every", "last"])
def test_the_loss_is_a_negative_log_likelihood(at: At) -> None:
    """It is the sum of -log p over the targets, is never negative, and going down its gradient lowers it (C56)."""
    net = Classifier(LSTM(), at)
    p, x, state, targets = case(net)
    L, left = net.loss(p, x, state, targets)
    probabilities = np.exp(left.o) / np.exp(left.o).sum(axis=-1, keepdims=True)
    right = probabilities if at == "every" else probabilities[-1:]
    chosen = np.take_along_axis(right, targets.reshape(-1, B, 1), -1)
    assert abs(L + np.log(chosen).sum()) <= 1e-14 * L
    assert L > 0
    g = net.loss_vjp(p, left)
    lower = {name: p[name] - 1e-3 * g.params[name] for name in p}
    assert net.loss(lower, x, state, targets)[0] < L


def test_only_the_last_step_counts() -> None:
    """With the loss at the last step, the output layer's gradient has one term, and earlier outputs none."""
    net = Classifier(Elman(), "last")
    p, x, state, targets = case(net)
    _, left = net.loss(p, x, state, targets)
    do = ops.softmax(left.o[-1]) - np.eye(O)[targets]
    assert np.allclose(net.loss_vjp(p, left).params["c"], do.sum(axis=0), rtol=1e-13, atol=0)


def test_a_confident_right_answer_keeps_its_digits() -> None:
    """At p = 1 - 1e-20 the loss is 1e-20, not 0, and the gradient of the target's output is -1e-20."""
    net = Classifier(Elman("identity"))
    p = {name: np.zeros(shape) for name, shape in net.shapes(1, 1, 2).items()}
    p["c"] = np.array([46.0, 0.0])
    L, left = net.loss(p, np.zeros((1, 1, 1)), (np.zeros((1, 1)),), np.zeros((1, 1), dtype=int))
    right = np.exp(-46.0)
    assert abs(L - right) <= 4 * EPS * right
    dc = net.loss_vjp(p, left).params["c"]
    assert np.all(np.abs(dc - [-right, right]) <= 4 * EPS * right)


def test_a_confident_wrong_answer_does_not_overflow() -> None:
    """Outputs of 1e300 give a loss of 1e300 and a gradient of one."""
    net = Classifier(Elman("identity"))
    p = {name: np.zeros(shape) for name, shape in net.shapes(1, 1, 2).items()}
    p["c"] = np.array([1e300, -1e300])
    L, left = net.loss(p, np.zeros((1, 1, 1)), (np.zeros((1, 1)),), np.ones((1, 1), dtype=int))
    assert L == 2e300
    assert net.loss_vjp(p, left).params["c"].tolist() == [1.0, -1.0]


def test_the_loss_runs_on_complex_numbers() -> None:
    """The derivative along a direction of all parameters is the inner product with the gradient."""
    net = Classifier(GRU())
    p, x, state, targets = case(net)
    rng = np.random.default_rng(1)
    v = {name: rng.normal(size=a.shape) for name, a in p.items()}
    sizes = np.cumsum([a.size for a in p.values()])[:-1]

    def flat(arrays: dict[str, np.ndarray]) -> np.ndarray:
        return np.concatenate([arrays[name].ravel() for name in p])

    def loss(theta: np.ndarray) -> np.ndarray:
        starts = [0, *sizes]
        parts = {n: theta[s : s + a.size].reshape(a.shape) for s, (n, a) in zip(starts, p.items(), strict=True)}
        return net.loss(parts, x, state, targets)[0]

    g = net.loss_vjp(p, net.loss(p, x, state, targets)[1])
    estimate = derivative(loss, flat(p), flat(v))
    assert estimate.status == "ok", estimate.reason
    right = flat(g.params) @ flat(v)
    assert abs(estimate.value - right) <= estimate.error + 1e3 * EPS * (np.abs(flat(g.params)) @ np.abs(flat(v)))


@pytest.mark.parametrize("cell", [LSTM(), Clockwork(), Jordan(hidden=3)], ids=lambda cell: cell.name)
@pytest.mark.parametrize("at", ["every", "last"])
def test_a_row_with_a_length_has_the_loss_of_its_own_steps(cell: Cell, at: At) -> None:
    """L and its gradient are the sums over the rows alone; what their targets and x are after them does not matter."""
    net, ends = Classifier(cell, at), [4, 1]
    p, x, state, targets = case(net)
    spoiled, elsewhere = x.copy(), targets.copy()
    spoiled[1:, 1] = np.nan
    if at == "every":
        elsewhere[1:, 1] = -1
    assert net.loss(p, x, state, targets, ends)[0] == net.loss(p, spoiled, state, elsewhere, ends)[0]
    blocks = {**p, "x": x, **states_of(state)}

    def pairs(lift: Lift) -> Iterator[tuple[Any, Any]]:
        held = lift(blocks)
        q, first = {name: held[name] for name in p}, taken(held, "", len(cell.states))
        L, left = net.loss(q, held["x"], first, targets, ends)
        g, total, sums = net.loss_vjp(q, left), 0.0, dict.fromkeys(p, 0.0)
        for b, n in enumerate(ends):
            one = slice(b, b + 1)
            wanted = targets[:n, one] if at == "every" else targets[one]
            alone, left = net.loss(q, held["x"][:n, one], tuple(s[one] for s in first), wanted)
            own, total = net.loss_vjp(q, left), total + alone
            yield g.x[:, one], np.concatenate([own.x, np.zeros((T - n, 1, I))])
            sums = {name: sums[name] + own.params[name] for name in p}
        yield L, total
        yield from ((g.params[name], value) for name, value in sums.items())

    assert_same(pairs)


def test_refusals() -> None:
    """A class that does not exist, a last step that does not, and shapes and lengths that do not fit."""
    every, p = Classifier(Elman()), case(Classifier(Elman()))[0]
    for bad, said in (
        (np.zeros(B, int), r"targets has shape \(2,\) and type int64; it must be \(4, 2\) whole numbers"),
        (np.zeros((T, B)), "and type float64; it must be"),
    ):
        with pytest.raises(ValueError, match=said):
            every.loss(p, np.zeros((T, B, I)), (np.zeros((B, H)),), bad)
    with pytest.raises(ValueError, match=r"V has shape \(4, 4\); it must be \(4, 5\)"):
        every.loss({**p, "V": p["V"][:, 1:]}, np.zeros((T, B, I)), (np.zeros((B, H)),), np.zeros((T, B), int))
    net = Classifier(Elman(), "last")
    p, x, state, targets = case(net)
    with pytest.raises(ValueError, match="at least one step to each row"):
        net.loss(p, x, state, targets, [4, 0])
    with pytest.raises(ValueError, match=r"lengths\[1\] is 5"):
        net.loss(p, x, state, targets, [4, 5])
    with pytest.raises(ValueError, match="classes from 0 to 3"):
        net.loss(p, x, state, targets + O)
    with pytest.raises(ValueError, match="at least one step"):
        net.loss(p, x[:0], state, targets)


@pytest.mark.parametrize("cell", [Elman(), LSTM()], ids=["elman", "lstm"])
def test_no_steps_have_no_loss(cell: Cell) -> None:
    """The sum over no steps is 0, and so are all gradients."""
    net = Classifier(cell)
    p, x, state, _ = case(net)
    L, left = net.loss(p, x[:0], state, np.zeros((0, B), dtype=int))
    g = net.loss_vjp(p, left)
    assert L == 0
    assert not any(np.any(a) for a in g.params.values())


def test_log_softmax_of_boxes_is_that_of_floats() -> None:
    """autograd's copy of the formula gives the same numbers."""
    o = np.random.default_rng(0).normal(size=(3, 4)) * 20
    assert np.array_equal(ops.log_softmax(o), _through_boxes(o))


def _through_boxes(o: np.ndarray) -> np.ndarray:
    seen = []

    def keep(value: np.ndarray) -> float:
        result = ops.log_softmax(value)
        seen.append(result._value)
        return anp.sum(result)

    grad(keep)(o)
    return seen[0]
