"""The recursive network and the shapes of trees (S28)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks.agreement import Blocks, assert_agrees, disagreement
from networks.draws import CELLS, array, arrays, cells, scales, seeds, sizes
from networks.same import Lift, assert_same

from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.jordan import Jordan
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.cells.ntm import NTM
from ltdcheck.reference.networks.composition import Affine, Bilinear, Recurrent
from ltdcheck.reference.networks.fold import Order
from ltdcheck.reference.networks.tree import Tree
from ltdcheck.reference.networks.trees import balanced_tree, chain_tree, given_tree
from ltdcheck.reference.networks.unroll import unroll

EPS = float(np.finfo(float).eps)

COMPOSITIONS = [Affine(), Affine("sigmoid"), Bilinear(), *map(Recurrent, (*CELLS, Jordan(hidden=2), NTM(rows=2)))]
Rng = np.random.Generator


def drawn_tree(rng: Rng, leaves: int) -> Order:
    """Any tree: two nodes without a parent are joined, again and again, and the nodes are numbered at random."""
    free, pairs = list(range(leaves)), []
    for node in range(leaves, 2 * leaves - 1):
        pairs.append(tuple(free.pop(rng.integers(len(free))) for _ in range(2)))
        free.append(node)
    number = [*range(leaves), *(leaves + rng.permutation(leaves - 1))]
    shuffled: list[Any] = [None] * len(pairs)
    for k, (a, b) in enumerate(pairs):
        shuffled[number[leaves + k] - leaves] = (number[a], number[b])
    return given_tree(leaves, shuffled)


def blocks_of(net: Tree, rng: Rng, N: int, B: int, I: int, H: int, scale: float = 1.0) -> Blocks:
    """Parameters and leaves."""
    return {**arrays(rng, net.shapes(I, H), scale), "x": array(rng, N, B, I)}


def forward_of(net: Tree, order: Order) -> Any:
    """Outputs of the pairing."""

    def forward(blocks: Blocks) -> list[Any]:
        (y, root), _ = net.forward(blocks, blocks["x"], order)
        return [y, *root]

    return forward


def backward_of(net: Tree, order: Order) -> Any:
    """Gradients by name."""

    def backward(blocks: Blocks, dys: list[Any]) -> Blocks:
        return net.backward(net.forward(blocks, blocks["x"], order)[1], dys[0], tuple(dys[1:]))

    return backward


@settings(max_examples=14)
@given(st.sampled_from(COMPOSITIONS), seeds, scales, st.integers(1, 5), sizes, sizes, sizes)
def test_gradients_lie_within_the_errors_of_two_oracles(
    composition: Any, seed: int, scale: float, N: int, B: int, I: int, H: int
) -> None:
    """Affine, bilinear and recurrent composition over chains, balanced and drawn trees of one to five leaves."""
    rng, net = np.random.default_rng(seed), Tree(composition)
    order = [chain_tree(N), balanced_tree(N), drawn_tree(rng, N)][seed % 3]
    assert_agrees(
        forward_of(net, order), backward_of(net, order), blocks_of(net, rng, N, B, I, H, scale), rng, steps=2 * N
    )


@given(cells, seeds, st.integers(1, 5))
def test_a_recurrent_composition_on_a_chain_is_the_cell_unrolled(cell: Any, seed: int, N: int) -> None:
    """From the first leaf as initial state, over the other leaves as inputs."""
    rng, net = np.random.default_rng(seed), Tree(Recurrent(cell))
    blocks = blocks_of(net, rng, N, 2, 3, 3)

    def pairs(lift: Lift) -> Iterator[tuple[Any, Any]]:
        held = lift(blocks)
        (y, root), _ = net.forward(held, held["x"], chain_tree(N))
        p = {k: held[f"join.{k}"] for k in cell.shapes(3, 3)}
        first = (y[0], *[np.zeros((2, 3)) for _ in cell.states[1:]])
        h, final, _ = unroll(cell, p, y[1:N], first)
        yield y[N:], h
        yield from zip(root, final, strict=True)

    assert_same(pairs)


@given(seeds, st.integers(1, 5))
def test_an_affine_composition_on_a_chain_is_an_elman_network(seed: int, N: int) -> None:
    """W@[l; r] = W_l@l + W_r@r: the left half is the recurrent matrix, the right half the input matrix."""
    rng, net = np.random.default_rng(seed), Tree(Affine())
    blocks = blocks_of(net, rng, N, 2, 3, 3)

    def pairs(lift: Lift) -> Iterator[tuple[Any, Any]]:
        held = lift(blocks)
        (y, _), _ = net.forward(held, held["x"], chain_tree(N))
        p = {"W": held["join.W"][:, :3], "U": held["join.W"][:, 3:], "b": held["join.b"]}
        yield y[N:], unroll(Elman(), p, y[1:N], (y[0],))[0]

    assert_same(pairs)


@given(seeds, sizes)
def test_a_bilinear_composition_is_its_equation(seed: int, H: int) -> None:
    """h_k = tanh(b_k + W_k@q + q'@V_k@q), longhand; without the tensor it is affine."""
    rng = np.random.default_rng(seed)
    blocks = {**arrays(rng, Bilinear().shapes(H)), "left": array(rng, 1, H), "right": array(rng, 1, H)}

    def pairs(lift: Lift) -> Iterator[tuple[Any, Any]]:
        p = lift(blocks)
        left, right = p.pop("left"), p.pop("right")
        (h,), _ = Bilinear().join(p, (left,), (right,))
        q, V = np.concatenate([left[0], right[0]]), p["V"].reshape(H, 2 * H, 2 * H)
        yield from ((h[0, k], np.tanh(p["b"][k] + p["W"][k] @ q + q @ V[k] @ q)) for k in range(H))
        (flat,), _ = Bilinear().join({**p, "V": np.zeros_like(p["V"])}, (left,), (right,))
        yield flat, Affine().join(p, (left,), (right,))[0][0]

    assert_same(pairs)


@given(st.integers(1, 200))
def test_a_balanced_tree_has_logarithmic_depth_and_a_chain_linear(N: int) -> None:
    """C40: ceil(log2 N) and N - 1; every tree over N leaves lies between, and joins N - 1 times."""
    assert balanced_tree(N).depth == (N - 1).bit_length()
    assert chain_tree(N).depth == N - 1
    for seed in range(3):
        order = drawn_tree(np.random.default_rng(seed), N)
        assert (N - 1).bit_length() <= order.depth <= N - 1
        assert len(order.parents) == N - 1


@given(st.integers(2, 33), st.floats(0.1, 0.9))
def test_the_gradient_of_the_root_passes_as_many_matrices_as_the_leaf_is_deep(N: int, w: float) -> None:
    """C40: with linear units of weight w, |dh_root/dx_n| is w to the depth of the leaf; never below w**ceil(log2 N)."""
    net = Tree(Affine("identity"))
    blocks = {"E": np.ones((1, 1)), "e": np.zeros(1), "join.W": np.full((1, 2), w), "join.b": np.zeros(1)}
    blocks["x"] = np.ones((N, 1, 1))
    for order in (balanced_tree(N), chain_tree(N)):
        dys = [np.zeros((2 * N - 1, 1, 1)), np.ones((1, 1))]
        dx = backward_of(net, order)(blocks, dys)["x"][:, 0, 0]
        # the product of as many factors, rounded each
        assert abs(np.min(dx) / w**order.depth - 1) <= 2 * order.depth * EPS


@given(seeds, st.integers(1, 6))
def test_the_numbering_of_nodes_has_no_effect(seed: int, N: int) -> None:
    """The same chain with its nodes numbered backwards has the same root and the same gradients, bit by bit."""
    rng, net = np.random.default_rng(seed), Tree(Affine())
    last = 2 * N - 2
    children = [(last - k + 1 if k else 0, k + 1) for k in range(N - 1)][::-1]
    shuffled = given_tree(N, children)
    blocks = blocks_of(net, rng, N, 2, 2, 3)
    (_, root), _ = net.forward(blocks, blocks["x"], shuffled)
    (_, right), _ = net.forward(blocks, blocks["x"], chain_tree(N))
    np.testing.assert_array_equal(root[0], right[0])


class OneChildOnly(Recurrent):
    """Nothing is handed to the right child."""

    def join_vjp(self, p: Any, saved: Any, dstate: Any) -> Any:
        (left, right), shares = super().join_vjp(p, saved, dstate)
        return (left, tuple(np.zeros_like(d) for d in right)), shares


class ChildrenSwapped(Affine):
    """The cotangents of the two children are exchanged."""

    def join_vjp(self, p: Any, saved: Any, dstate: Any) -> Any:
        (left, right), shares = super().join_vjp(p, saved, dstate)
        return (right, left), shares


class TensorOnce(Bilinear):
    """The product rule is applied to one of the two factors q."""

    def join_vjp(self, p: Any, saved: Any, dstate: Any) -> Any:
        q, tiled, Vq, h = saved
        _, shares = super().join_vjp(p, saved, dstate)
        children, _ = super().join_vjp(p, (q, tiled, 0 * Vq, h), dstate)
        return children, shares


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(Recurrent(LSTM()), OneChildOnly(LSTM())), (Affine(), ChildrenSwapped()), (Bilinear(), TensorOnce())],
    ids=["one child only", "children swapped", "tensor once"],
)
def test_a_wrong_fold_is_caught(right: Any, wrong: Any) -> None:
    """Each planted fault lies far outside the errors of the oracle and of the hand-derived pass."""
    net, order = Tree(right), balanced_tree(4)
    blocks = blocks_of(net, np.random.default_rng(0), 4, 2, 2, 3)
    assert disagreement(forward_of(net, order), backward_of(net, order), blocks, np.random.default_rng(1)) < 1
    assert disagreement(forward_of(net, order), backward_of(Tree(wrong), order), blocks, np.random.default_rng(1)) > 1e9


@pytest.mark.parametrize(
    ("children", "words"),
    [
        ([(0, 1), (5, 4), (2, 4)], "children name node 4 twice"),
        ([(0, 5), (1, 3), (2, 4)], "children make a cycle: each of the nodes 0 to 5 has a parent"),
        ([(0, 1), (4, 2)], r"children make a cycle of the nodes \[4\]"),
        ([(0, 7), (1, 2)], r"children of node 3 are \(0, 7\); they must be two numbers from 0 to 4"),
        ([(0, -1), (1, 2)], r"children of node 3 are \(0, -1\)"),
        ([(0, 1, 2)], r"children of node 3 are \(0, 1, 2\)"),
        ([(0, 1)], r"children leave the nodes \[2, 3\] without a parent"),
    ],
)
def test_children_that_make_no_tree_are_refused(children: Any, words: str) -> None:
    """A cycle, a shared child, a child that does not exist, two roots: each named."""
    with pytest.raises(ValueError, match=words):
        given_tree(3, children)


def test_what_does_not_fit_is_refused_by_name() -> None:
    """No leaves; an order over others, or one that is not a binary tree; a wrong shape; an order with a cycle."""
    net = Tree()
    blocks = blocks_of(net, np.random.default_rng(0), 3, 2, 2, 3)
    for make in (chain_tree, balanced_tree):
        with pytest.raises(ValueError, match="leaves is 0; a tree must have at least 1"):
            make(0)
    with pytest.raises(ValueError, match="order is over 4 leaves; it must be over those of x, 3"):
        net.forward(blocks, blocks["x"], chain_tree(4))
    with pytest.raises(ValueError, match="in a binary tree every state but the root is one of two children"):
        net.forward(blocks, blocks["x"], Order(3, ((0, 1), (1, 2))))
    with pytest.raises(ValueError, match=r"parents of state 2 are \(0, 3\); they must be states from 0 to 1"):
        Order(2, ((0, 3), (1, 2)))
    with pytest.raises(ValueError, match=r"join.W has shape \(3, 3\); it must be \(3, 6\)"):
        net.forward({**blocks, "join.W": np.zeros((3, 3))}, blocks["x"], chain_tree(3))
