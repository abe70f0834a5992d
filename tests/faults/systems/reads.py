"""Laws of what answers: classifiers (S20, S21), generative networks (S22), memories (S29) and hard reads (S30)."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from faults.systems.adjoint import cells, few
from faults.systems.law import EPS, close, drawn, law_of
from hypothesis import given
from hypothesis import strategies as st
from networks.agreement import Blocks, assert_agrees
from networks.draws import array, arrays, named, state, taken
from networks.test_generative import blocks_of, run
from scipy.special import log_softmax, softmax

from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.losses import Classifier
from ltdcheck.reference.memory.hard_read import Drawn, soft_expectation_vjp
from ltdcheck.reference.memory.network import MemoryNetwork
from ltdcheck.reference.networks.generative import Generative
from ltdcheck.reference.networks.network import inside
from ltdcheck.reference.networks.unroll import unroll

seeds = st.integers(0, 999)


class Stratified:
    """A generator whose numbers are spread evenly: the k-th call has ``each[k]`` for its rows."""

    def __init__(self, *each: Any) -> None:
        self.each = iter(each)

    def random(self, shape: tuple[int, int]) -> Any:
        """One number a row."""
        return next(self.each).reshape(shape)


def even(n: int) -> Any:
    """n numbers in the middle of n equal parts of 0 .. 1: every interval holds its length times n of them, within 1."""
    return (np.arange(n) + 0.5) / n


# -- classifiers -----------------------------------------------------------------------------------------------------


@law_of("classifier")
def loses_the_log_of_what_was_meant(classifier: Any) -> None:
    """L = -sum log p_t[y_t], at each step of a row or at its last, by scipy's softmax; its gradient, by autograd."""

    @few
    @given(cells, seeds, st.integers(2, 3), st.sampled_from(["every", "last"]), st.booleans())
    def check(cell: Cell, seed: int, T: int, at: Any, ragged: bool) -> None:  # noqa: FBT001
        ends = [T, T - 1] if ragged else None
        rng, right = np.random.default_rng(seed), Classifier(cell, at)
        p, first = arrays(rng, right.shapes(2, 2, 3)), named("", state(rng, cell, 2, 2))
        blocks = {**p, "x": array(rng, T, 2, 2), **first}
        targets = rng.integers(3, size=(T, 2) if at == "every" else 2)

        def loss(net: Classifier, b: Blocks) -> Any:
            return net.loss({k: b[k] for k in p}, b["x"], taken(b, "", len(cell.states)), targets, ends)

        h, _, _ = unroll(cell, inside("cell", p), blocks["x"], taken(blocks, "", len(cell.states)))
        by_class = log_softmax(h @ p["V"].T + p["c"], axis=-1)
        wanted = 0.0
        for b, n in enumerate(ends or [T, T]):
            for t in range(n) if at == "every" else [n - 1]:
                wanted -= by_class[t, b, targets[t, b] if at == "every" else targets[b]]
        close(loss(classifier(cell, at), blocks)[0], wanted)

        def backward(b: Blocks, dys: Any) -> Blocks:
            net = classifier(cell, at)
            g = net.loss_vjp({k: b[k] for k in p}, loss(net, b)[1])
            grads = {**g.params, "x": g.x, **named("", g.state)}
            return {name: grad * dys[0] for name, grad in grads.items()}

        assert_agrees(lambda b: [loss(right, b)[0]], backward, blocks, rng, steps=T)

    check()


# -- generative networks ---------------------------------------------------------------------------------------------


@law_of("generative")
def sums_to_one(generative: Any) -> None:
    """P over all sequences of a length, of any length, and of those that have ended with those that have not.

    P is a product of at most 2*T + 1 softmaxes, whose logarithms are off by a few roundings each.
    """

    @drawn
    @given(cells, seeds)
    def check(cell: Cell, seed: int) -> None:
        for ending in ("fixed", "symbol", "bernoulli", "length"):
            assert abs(all_sequences(generative, cell, seed, ending) - 1) <= 64 * EPS * 5

    check()


def all_sequences(generative: Any, cell: Cell, seed: int, ending: Any, K: int = 2, T: int = 2) -> float:
    """The sum of P over all sequences of K symbols."""
    rng, right, total = np.random.default_rng(seed), Generative(cell, K, ending, longest=T), 0.0
    net, p = generative(cell, K, ending, longest=T), blocks_of(right, rng, T, 1, 3, 0)
    for n in [T] if ending == "fixed" else range(ending == "bernoulli", T + 1):
        rows = np.array([*product(range(K), repeat=n)], dtype=int).reshape(K**n, n).T
        every = {k: np.repeat(v, K**n, axis=0) if "state" in k else v for k, v in p.items()}
        total += float(np.exp(run(net, every, rows)[0]).sum())
        if n == T and ending in ("symbol", "bernoulli"):  # some of T symbols end there, and the others are open
            going = run(right, every, rows, None, np.ones(K**n, bool))[0]
            total += float((np.exp(going) - np.exp(run(right, every, rows)[0])).sum())
    return total


@law_of("sample")
def draws_as_often_as_is_likely(sample: Any) -> None:
    """Of n evenly spread numbers each symbol has n times its probability, within 1; the second, after each first."""

    @drawn
    @given(cells, seeds)
    def check(cell: Cell, seed: int) -> None:
        n, K, rng = 24, 3, np.random.default_rng(seed)
        net = Generative(cell, K)
        p = arrays(rng, net.shapes(2))
        first = state(rng, cell, 1, 2)
        every = tuple(np.repeat(s, n * n, axis=0) for s in first)
        got = sample(net, p, Stratified(np.repeat(even(n), n), np.tile(even(n), n)), 2, n * n, every)  # type: ignore[arg-type]
        y = got.symbols.reshape(2, n, n)
        blocks = {**p, **named("", first)}
        alone = np.exp([run(net, blocks, np.array([[a]]))[0][0] for a in range(K)])
        assert np.all(np.abs(np.bincount(y[0, :, 0], minlength=K) - n * alone) <= 1)
        for k in range(n):
            a = y[0, k, 0]
            pair = np.exp([run(net, blocks, np.array([[a], [b]]))[0][0] for b in range(K)])
            assert np.all(np.abs(np.bincount(y[1, k], minlength=K) - n * pair / alone[a]) <= 1)

    check()


# -- memories --------------------------------------------------------------------------------------------------------


def answered(a: Blocks, hops: int, lengths: list[int]) -> Any:
    """A memory network longhand, one question at a time."""
    answers = []
    for b, n in enumerate(lengths):
        u, items = a["B"] @ a["q"][b], a["x"][:n, b]
        for _ in range(hops if n else 0):
            u = u + softmax(items @ a["A"].T @ u) @ (items @ a["C"].T)
        answers.append(a["W"] @ u)
    return np.stack(answers)


@law_of("memory-network")
def answers_from_its_own_items(network: Any) -> None:
    """Each question from the first items of its row alone; and the gradient, by two oracles."""

    @few
    @given(seeds, st.integers(1, 2), st.lists(st.integers(0, 3), min_size=2, max_size=2))
    def check(seed: int, hops: int, lengths: list[int]) -> None:
        rng, right = np.random.default_rng(seed), MemoryNetwork(hops)
        names = right.shapes(2, 2, 2, 2)
        blocks = {**arrays(rng, names), "x": array(rng, 3, 2, 2), "q": array(rng, 2, 2)}

        def answer(net: MemoryNetwork, a: Blocks) -> Any:
            return net.answer({k: a[k] for k in names}, a["x"], a["q"], lengths)

        def backward(a: Blocks, dys: Any) -> Blocks:
            net = network(hops)
            g = net.answer_vjp({k: a[k] for k in names}, answer(net, a)[1], dys[0])
            return {**g.params, "x": g.x, "q": g.q}

        close(answer(network(hops), blocks)[0], answered(blocks, hops, lengths), 256)
        assert_agrees(lambda a: [answer(right, a)[0]], backward, blocks, rng, steps=hops)

    check()


@law_of("hard-read")
def reads_as_often_as_is_likely(hard_read: Any) -> None:
    """From n evenly spread numbers each row is read n times its softmax, within 1, and is what stands there."""

    @drawn
    @given(seeds, st.integers(2, 4))
    def check(seed: int, N: int) -> None:
        n, rng = 50, np.random.default_rng(seed)
        memory = np.repeat(rng.standard_normal((1, N, 2)), n, axis=0)
        scores = np.repeat(rng.standard_normal((1, N)), n, axis=0)
        r, got = hard_read(memory, scores, Stratified(even(n)))
        assert np.all(np.abs(got.onehot.sum(axis=0) - n * softmax(scores[0])) <= 1)
        assert np.array_equal(r, memory[np.arange(n), got.index])

    check()


@law_of("reinforce")
def is_unbiased(reinforce: Any) -> None:
    """The mean of the estimates over all rows, each as often as it is drawn, is the gradient, with any baseline."""

    @drawn
    @given(seeds, st.integers(2, 4), st.sampled_from([0.0, 1.0, -2.5]))
    def check(seed: int, N: int, baseline: float) -> None:
        rng = np.random.default_rng(seed)
        scores, losses, drows = rng.standard_normal((1, N)), rng.standard_normal((1, N)), rng.standard_normal((1, N, 2))
        p = ops.softmax(scores)
        found = [reinforce(Drawn(np.array([k]), p, (1, N, 2)), losses[:, k], drows[:, k], baseline) for k in range(N)]
        for got, right in zip(zip(*found, strict=True), soft_expectation_vjp(scores, losses, drows), strict=True):
            close(sum(p[0, k] * g for k, g in enumerate(got)), right)

    check()
