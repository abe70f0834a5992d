"""Full and truncated BPTT, immediate partial derivatives and temporal contributions (S31)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks.agreement import Blocks, assert_agrees, disagreement
from networks.draws import array, arrays, cells, named, scales, seeds, sizes, state, taken
from networks.same import Lift, assert_same

from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.networks.truncated import BPTT, contributions, immediate
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp

Rng = np.random.Generator


def blocks_of(cell: Any, rng: Rng, T: int, B: int, I: int, H: int, scale: float = 1.0) -> Blocks:
    """Parameters, inputs and initial state."""
    return {**arrays(rng, cell.shapes(I, H), scale), "x": array(rng, T, B, I), **named("", state(rng, cell, B, H))}


def run(net: BPTT, blocks: Blocks) -> Any:
    """The forward pass."""
    return net.forward(blocks, blocks["x"], taken(blocks, "", len(net.cell.states)))


def forward_of(net: BPTT) -> Any:
    """Outputs of the pairing."""

    def forward(blocks: Blocks) -> list[Any]:
        (y, final), _ = run(net, blocks)
        return [y, *final]

    return forward


def backward_of(net: BPTT) -> Any:
    """Gradients by name."""
    return lambda blocks, dys: net.backward(run(net, blocks)[1], dys[0], tuple(dys[1:]))


@settings(max_examples=6)
@given(cells, seeds, scales, st.integers(0, 4), st.integers(1, 2), sizes, sizes)
def test_full_bptt_lies_within_the_errors_of_two_oracles(
    cell: Any, seed: int, scale: float, T: int, B: int, I: int, H: int
) -> None:
    """C50: the closed-form gradients of 10.2.1 are the gradients."""
    rng = np.random.default_rng(seed)
    for net in (BPTT(cell), BPTT(cell, max(T, 1), "window")):
        assert_agrees(forward_of(net), backward_of(net), blocks_of(cell, rng, T, B, I, H, scale), rng, steps=T)


@given(cells, seeds, scales, st.integers(1, 5), st.integers(1, 4))
def test_chunks_are_the_gradient_of_the_network_with_its_state_detached(
    cell: Any, seed: int, scale: float, T: int, k: int
) -> None:
    """Each chunk is a network of its own, from where the one before ended: gradients are sums over the chunks."""
    rng, net = np.random.default_rng(seed), BPTT(cell, k)
    blocks = blocks_of(cell, rng, T, 2, 2, 3, scale)
    dys = [array(rng, T, 2, 3), *state(rng, cell, 2, 3)]

    def pairs(lift: Lift) -> Iterator[tuple[Any, Any]]:
        held = lift(blocks)
        g, p = backward_of(net)(held, dys), {name: held[name] for name in cell.shapes(2, 3)}
        first, total, dx, start = taken(held, "", len(cell.states)), dict.fromkeys(p, 0.0), [], None
        for low in range(0, T, k):
            _, end, tape = unroll(cell, p, held["x"][low : low + k], first)
            last = tuple(dys[1:]) if low + k >= T else tuple(np.zeros_like(s) for s in end)
            own = unroll_vjp(cell, p, tape, dys[0][low : low + k], last)
            total = {n: total[n] + own.params[n] for n in p}
            dx.append(own.x)
            first, start = end, start or own.state
        expected = {**total, "x": np.concatenate(dx), **named("", start or ())}
        yield from ((g[name], value) for name, value in expected.items())

    assert_same(pairs)


@settings(max_examples=25)
@given(cells, seeds, scales, st.integers(1, 5))
def test_temporal_contributions_sum_to_the_gradient(cell: Any, seed: int, scale: float, T: int) -> None:
    """Over all pairs k <= t; those with t - k < n to the window of n steps; those within a chunk to the chunks."""
    rng = np.random.default_rng(seed)
    blocks = blocks_of(cell, rng, T, 2, 2, 3, scale)
    dy, dstate = array(rng, T, 2, 3), state(rng, cell, 2, 3)
    kept = {
        BPTT(cell): lambda t, k: True,
        **{BPTT(cell, n, "window"): (lambda t, k, n=n: t - k < n) for n in range(1, T + 1)},
        **{BPTT(cell, n): (lambda t, k, n=n: t // n == k // n) for n in range(1, T + 1)},
    }

    def pairs(lift: Lift) -> Iterator[tuple[Any, Any]]:
        _, tape = run(BPTT(cell), lift(blocks))
        terms = contributions(cell, tape, dy, dstate)
        assert [len(row) for row in terms] == list(range(1, T + 1))
        for net, keeps in kept.items():
            g = net.backward(tape, dy, dstate)
            for name in cell.shapes(2, 3):
                yield g[name], sum(terms[t][k][name] for t in range(T) for k in range(t + 1) if keeps(t, k))

    assert_same(pairs)


@settings(max_examples=25)
@given(seeds, st.integers(1, 5))
def test_a_contribution_is_the_product_of_its_three_factors(seed: int, T: int) -> None:
    """dL_t/dh_t @ dh_t/dh_k @ d+h_k/dW, longhand for a scalar tanh network: with w the weight, a' the slopes."""
    rng = np.random.default_rng(seed)
    blocks = blocks_of(Elman(), rng, T, 1, 1, 1)
    dy = array(rng, T, 1, 1)

    def pairs(lift: Lift) -> Iterator[tuple[Any, Any]]:
        held = lift(blocks)
        (y, _), tape = run(BPTT(Elman()), held)
        terms = contributions(Elman(), tape, dy, (np.zeros((1, 1)),))
        h, slope, w = scalars(held, y)
        for t in range(1, T + 1):
            for k in range(1, t + 1):
                between = np.prod(w * slope[k + 1 : t + 1])
                yield terms[t - 1][k - 1]["W"][0, 0], dy[t - 1, 0, 0] * between * slope[k] * h[k - 1]

    assert_same(pairs)


def scalars(blocks: Blocks, y: Any) -> tuple[Any, Any, Any]:
    """Of one tanh unit: h_0 .. h_T, the slopes there, and its weight."""
    h = np.concatenate([blocks["state.0"], y[:, 0]])[:, 0]
    return h, 1 - h * h, blocks["W"][0, 0]


@settings(max_examples=25)
@given(seeds, st.integers(2, 5))
def test_total_derivatives_in_place_of_immediate_ones_count_twice(seed: int, T: int) -> None:
    """C50: with dh_k/dW, in which h_{k-1} moves too, instead of d+h_k/dW, the sum is not the gradient."""
    rng = np.random.default_rng(seed)
    blocks = blocks_of(Elman(), rng, T, 1, 1, 1)

    def pairs(lift: Lift) -> Iterator[tuple[Any, Any]]:
        held = lift(blocks)
        (y, _), _ = run(BPTT(Elman()), held)
        h, slope, w = scalars(held, y)
        wholes = [0.0 * w]
        for k in range(1, T + 1):  # dh_k/dW = slope*(h_{k-1} + w*dh_{k-1}/dW)
            wholes.append(slope[k] * (h[k - 1] + w * wholes[-1]))
        between = {(t, k): np.prod(w * slope[k + 1 : t + 1]) for t in range(1, T + 1) for k in range(1, t + 1)}
        right = sum(b * slope[k] * h[k - 1] for (_, k), b in between.items())
        wrong = sum(b * wholes[k] for (_, k), b in between.items())
        yield backward_of(BPTT(Elman()))(held, [np.ones((T, 1, 1)), np.zeros((1, 1))])["W"][0, 0], right
        yield wrong - right, sum(b * wholes[k] for (t, k), b in between.items() if k < t)

    assert_same(pairs)
    (_, right), (_, twice) = pairs(dict)
    assert abs(twice) > 2**20 * np.finfo(float).eps * abs(right)  # a million roundings


@settings(max_examples=25)
@given(cells, seeds, st.integers(1, 4))
def test_immediate_derivatives_hold_the_state_before_fixed(cell: Any, seed: int, T: int) -> None:
    """Step t's is the gradient of that one step, run alone from the state before it; their sum is the gradient."""
    rng = np.random.default_rng(seed)
    blocks = blocks_of(cell, rng, T, 2, 2, 3)
    dy, dstate = array(rng, T, 2, 3), state(rng, cell, 2, 3)

    def pairs(lift: Lift) -> Iterator[tuple[Any, Any]]:
        held = lift(blocks)
        p, before = {name: held[name] for name in cell.shapes(2, 3)}, taken(held, "", len(cell.states))
        _, _, tape = unroll(cell, p, held["x"], before)
        g = unroll_vjp(cell, p, tape, dy, dstate)
        steps = immediate(cell, p, tape, list(g.arrived))
        for t in range(T):
            y_t, after, one = unroll(cell, p, held["x"][t : t + 1], before)
            alone = unroll_vjp(cell, p, one, np.zeros_like(y_t), g.arrived[t])
            yield from ((steps[t][name], alone.params[name]) for name in p)
            before = after
        yield from ((sum(s[name] for s in steps), g.params[name]) for name in p)

    assert_same(pairs)


@settings(max_examples=12)
@given(
    cells | st.just(Clockwork()),
    seeds,
    st.lists(st.integers(0, 4), min_size=2, max_size=3),
    st.none() | st.integers(1, 4),
    st.sampled_from(["chunks", "window"]),
)
def test_a_row_with_a_length_is_truncated_as_the_shorter_sequence_alone(
    cell: Any, seed: int, ends: Any, k: Any, kind: Any
) -> None:
    """Every gradient, row by row; and the sum of the contributions within reach is the gradient of the parameters."""
    rng, net, B, T = np.random.default_rng(seed), BPTT(cell, k, kind), len(ends), 4
    blocks = blocks_of(cell, rng, T, B, 2, 3)
    dy, dstate = array(rng, T, B, 3), state(rng, cell, B, 3)

    def pairs(lift: Lift) -> Iterator[tuple[Any, Any]]:
        held = lift(blocks)
        p, first = {name: held[name] for name in cell.shapes(2, 3)}, taken(held, "", len(cell.states))
        _, tape = net.forward(p, held["x"], first, ends)
        g, total = net.backward(tape, dy, dstate), {name: np.zeros_like(v) for name, v in p.items()}
        for b, n in enumerate(ends):
            one = slice(b, b + 1)
            _, left = net.forward(p, held["x"][:n, one], tuple(s[one] for s in first))
            h = net.backward(left, dy[:n, one], tuple(d[one] for d in dstate))
            yield g["x"][:, one], np.concatenate([h["x"], np.zeros((T - n, 1, 2))])
            yield from ((g[f"state.{j}"][one], h[f"state.{j}"]) for j in range(len(first)))
            total = {name: total[name] + h[name] for name in p}
        terms = contributions(cell, tape, dy, dstate)
        near = (lambda t, s: t // k == s // k) if kind == "chunks" else (lambda t, s: t - s < k)
        for name in p:
            yield g[name], total[name]
            yield g[name], sum(terms[t][s][name] for t in range(T) for s in range(t + 1) if k is None or near(t, s))

    assert_same(pairs)


@given(cells, st.integers(2, 6), st.integers(1, 5), st.sampled_from(["chunks", "window"]))
def test_truncation_loses_nothing_but_what_lies_further_back(cell: Any, T: int, k: int, kind: Any) -> None:
    """Truncated after fewer than T steps a gradient differs from the whole one; after T or more it is the whole one."""
    rng = np.random.default_rng(T)
    blocks = blocks_of(cell, rng, T, 2, 2, 3)
    dys = [array(rng, T, 2, 3), *state(rng, cell, 2, 3)]
    whole, cut = (backward_of(net)(blocks, dys) for net in (BPTT(cell), BPTT(cell, k, kind)))
    same = [name for name in whole if np.array_equal(whole[name], cut[name])]
    assert (set(same) == set(whole)) == (k >= T)
    assert k >= T or not {"W", "U", "b", "x"} & set(same)


@pytest.mark.parametrize("kind", ["chunks", "window"])
def test_a_truncated_gradient_is_told_from_the_gradient(kind: Any) -> None:
    """The wrong fold of this page: cut one step short of the whole, it lies far outside the errors."""
    blocks = blocks_of(LSTM(), np.random.default_rng(0), 4, 2, 2, 3)
    net, cut = BPTT(LSTM()), BPTT(LSTM(), 3, kind)
    assert disagreement(forward_of(net), backward_of(net), blocks, np.random.default_rng(1)) < 1
    assert disagreement(forward_of(net), backward_of(cut), blocks, np.random.default_rng(1)) > 1e9


def test_reaches_that_cannot_be_are_refused() -> None:
    """No steps, an unknown kind, shapes that do not fit."""
    with pytest.raises(ValueError, match="steps is 0; it must be at least 1, or None for all of them"):
        BPTT(Elman(), 0)
    with pytest.raises(ValueError, match="kind = 'half' is not allowed: one of chunks, window"):
        BPTT(Elman(), 2, "half")
    blocks = blocks_of(Elman(), np.random.default_rng(0), 2, 2, 2, 3)
    with pytest.raises(ValueError, match=r"U has shape \(3, 2\); it must be \(3, 4\)"):
        run(BPTT(Elman()), {**blocks, "x": np.zeros((2, 2, 4))})
