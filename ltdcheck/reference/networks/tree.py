"""Recursive network (S28): a fold over a tree, from the leaves to the root, with one composition at every node.

    leaf n: h = e + E@x_n, and zeros in the other arrays of the state
    node v: state_v = join(state of the left child, state of the right child)

The tree is given with the inputs, so that the same parameters serve every sentence (:mod:`.trees`); the composition is
one of :mod:`.composition`.

Shapes: x (N, B, I), one row a leaf; y (2N - 1, B, H), the vectors of all states: the leaves, then the nodes in order,
the root last; E (H, I), e (H,), and the composition's under ``join``.

Refuses: an order that is no binary tree over N leaves; shapes that do not fit.

Source: GBC-draft 10.6, fig. 10.14.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ltdcheck.reference import ops
from ltdcheck.reference.cell import Saved, State
from ltdcheck.reference.networks.composition import Affine, Composition
from ltdcheck.reference.networks.fold import Joined, Order, collect, fold, fold_vjp
from ltdcheck.reference.networks.network import Blocks, Network, Shapes, inside, require_shape, require_shapes, under


@dataclass(frozen=True)
class TreeTape:
    """What the forward pass leaves for its adjoint."""

    params: Blocks
    x: Any
    order: Order
    states: Sequence[State]
    saved: Sequence[Saved]


@dataclass(frozen=True)
class Tree(Network):
    """A recursive network, by its composition."""

    composition: Composition = field(default=Affine())

    name: ClassVar[str] = "tree"
    source: ClassVar[str] = "GBC-draft 10.6"

    def shapes(self, I: int, H: int) -> Shapes:
        """Parameters by name."""
        return {"E": (H, I), "e": (H,), **under("join", self.composition.shapes(H))}

    def forward(self, params: Blocks, x: Any, order: Order) -> tuple[tuple[Any, State], TreeTape]:
        """The vectors of all states (2N - 1, B, H), and the state of the root; and the tape.

        Raises
        ------
        ValueError
            As the module says.
        """
        self._require(params, x, order)
        h, p = ops.linear(x, params["E"]) + params["e"], inside("join", params)
        H = h.shape[-1]
        nothing = ops.zeros_like(h[0])
        rest = tuple(ops.linear(nothing, np.zeros((n, H))) for n in self.composition.widths(H)[1:])
        leaves = [(h[n], *rest) for n in range(x.shape[0])]
        states, saved = fold(order, leaves, lambda v, left, right: self.composition.join(p, left, right))
        return (ops.stack([s[0] for s in states]), states[-1]), TreeTape(params, x, order, states, saved)

    def backward(self, tape: TreeTape, dy: Any, dstate: State) -> Blocks:
        """The gradients of the parameters and of ``x``."""
        p, N = inside("join", tape.params), tape.order.roots
        own: list[State] = [(dy[v],) for v in range(len(tape.states))]
        own[-1] = (own[-1][0] + dstate[0], *dstate[1:])
        shares: list[Blocks] = []

        def join_vjp(v: int, d: State) -> Sequence[State]:
            whole = (*d, *[ops.zeros_like(s) for s in tape.states[N + v][len(d) :]])
            children, share = self.composition.join_vjp(p, tape.saved[v], whole)
            shares.append(share)
            return children

        arrived = fold_vjp(tape.order, own, join_vjp)
        dh = ops.stack([arrived[n][0] for n in range(N)])
        joined = collect(shares, Joined()) or {name: ops.zeros_like(value) for name, value in p.items()}
        leaf = {"E": ops.outer_total(dh, tape.x), "e": ops.total(dh)}  # h = e + E@x
        return {**leaf, **under("join", joined), "x": ops.linear_adjoint(dh, tape.params["E"])}

    def _require(self, params: Blocks, x: Any, order: Order) -> None:
        require_shape("x", x, ("N", "B", "I"))
        if order.roots != x.shape[0]:
            raise ValueError(f"order is over {order.roots} leaves; it must be over those of x, {x.shape[0]}")
        children = [child for pair in order.parents for child in pair]
        if sorted(children) != list(range(len(children))) or any(len(pair) != 2 for pair in order.parents):
            raise ValueError(
                f"order joins {order.parents}; in a binary tree every state but the root is one of two children"
            )
        require_shapes(params, {"e": ("H",)})
        require_shapes(params, self.shapes(x.shape[2], params["e"].shape[0]))
