"""A generative network (S22): the probability of a sequence of symbols as a product, and sampling from it.

    P(y_1 .. y_n) = prod_t P(y_t | y_1 .. y_{t-1})        P(. | y_<t) = softmax(c + V@h_t)
    h_t = cell(onehot(y_{t-1}), state_{t-1}), with zeros in place of the symbol before the first

and, by ``ending``, the probability of stopping where it does:

    fixed       none: the length is given, and P sums to 1 over all sequences of that length
    symbol      one more symbol means the end: P also has the factor P(end | y_1 .. y_n)
    bernoulli   after each symbol the network stops with probability s_t = sg(d + v@h_t), so that a sequence has at
                least one symbol: P also has the factors (1 - s_1) .. (1 - s_{n-1}) s_n
    length      P(n) = softmax(l)[n] for n = 0 .. ``longest``, and the number of symbols still to come, n - t + 1 at
                step t, is one more input

With an ending P sums to 1 over all sequences of all lengths, where the network stops in the end. A row that is ``open``
goes on: its probability is that of all sequences of at least n symbols that begin with these.

Conditioned on a context (S23), a vector or a sequence, by ``how``, as in
:mod:`ltdcheck.reference.networks.conditional`; without one the context has no columns. On a sequence, which gives the
length, with ending="fixed" only.

Shapes: symbols y (T, B) of whole numbers below ``symbols`` = K, ``lengths`` (B,), log P (B,); V (O, H), c (O,) with
O = K, or K + 1 with an end symbol; v (1, H), d (1,); l (longest + 1,); the parameters of the cell under ``cell``.

Refuses: symbols that do not exist; lengths outside 0 .. T, beyond the longest, and 0 where the network stops after a
symbol; open rows where the length is given or drawn first; shapes that do not fit.

Source: GBC-draft 10.2.2, fig. 10.9, and 10.2.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.networks.conditional import Conditional, ConditionalTape, How
from ltdcheck.reference.networks.network import Blocks, Network, Shapes, inside, require_shapes, under
from ltdcheck.reference.networks.rows import Lengths, checked_lengths

Ending = Literal["fixed", "symbol", "bernoulli", "length"]
Symbols = NDArray[np.integer]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GenerativeTape:
    """What the forward pass leaves for its adjoint. ``wanted`` is 1 at the outcomes whose log-probabilities count."""

    params: Blocks
    body: ConditionalTape
    final: State
    h: Any  # (T, B, H)
    o: Any  # (T, B, O), before the softmax
    wanted: Floats  # (T, B, O)
    a: Any  # (T, B, 2), of stopping and of going on, before the softmax
    stops: Floats  # (T, B, 2)
    drawn: Floats  # (B, longest + 1)


@dataclass(frozen=True)
class Generative(Network):
    """A cell over ``symbols`` symbols, and how its sequences end."""

    cell: Cell
    symbols: int
    ending: Ending = "fixed"
    how: How = "bias"
    longest: int = 0  # with ending="length"

    name: ClassVar[str] = "generative"
    source: ClassVar[str] = "GBC-draft 10.2.2"

    def __post_init__(self) -> None:
        """Refuse alphabets and lengths that cannot be."""
        if self.symbols < 1:
            raise ValueError(f"symbols is {self.symbols}; it must be at least 1")
        if self.longest < 0:
            raise ValueError(f"longest is {self.longest}; it must be at least 0")
        if self.how == "sequence" and self.ending != "fixed":
            raise ValueError(f"ending is {self.ending!r}; with how='sequence' it must be 'fixed'")

    @property
    def body(self) -> Conditional:
        """The recurrent part."""
        return Conditional(self.cell, self.how)

    @property
    def outcomes(self) -> int:
        """O: the symbols, and the end where it is one."""
        return self.symbols + (self.ending == "symbol")

    def shapes(self, H: int, C: int = 0) -> Shapes:
        """Parameters by name, for a context of C numbers."""
        shapes = under("cell", self.body.shapes(self.symbols + (self.ending == "length"), H, C))
        width = self.cell.output_width(H)
        shapes |= {"V": (self.outcomes, width), "c": (self.outcomes,)}
        if self.ending == "bernoulli":
            shapes |= {"v": (1, width), "d": (1,)}
        return {**shapes, "l": (self.longest + 1,)} if self.ending == "length" else shapes

    def forward(
        self,
        params: Blocks,
        y: Symbols,
        state: State | None = None,
        context: Any = None,
        lengths: Lengths | None = None,
        open: NDArray[np.bool_] | None = None,  # noqa: A002
    ) -> tuple[Any, GenerativeTape]:
        """log P of each row, (B,); and the tape.

        Raises
        ------
        ValueError
            As the module says.
        """
        y, counts, closed = self._checked(y, lengths, open)
        T, B = y.shape
        context = np.zeros((B, 0)) if context is None else context
        steps = T + (self.ending == "symbol")  # the end is an outcome too
        ends = counts + closed if self.ending == "symbol" else counts
        x = self.inputs(before(y, steps), counts)
        (h, final), body = self.body.forward(inside("cell", params), x, context, state, ends)
        require_shapes(params, self.shapes(self.cell.hidden_size(final), context.shape[-1]))
        wanted = onehot(np.concatenate([y, y[:1]])[:steps] if T else np.zeros((steps, B), int), self.outcomes)
        wanted *= (np.arange(steps)[:, None] < counts)[..., None]
        if self.ending == "symbol":
            wanted[counts[closed], closed.nonzero()[0], self.symbols] = 1
        o = self.scores(params, h)
        log_p = summed(ops.log_softmax(o) * wanted, B)
        a, stops, drawn = o, np.zeros((steps, B, 2)), np.zeros((B, self.longest + 1))
        if self.ending == "bernoulli":
            a, stops = self.stopping(params, h), _stops(counts, closed, steps)
            log_p = log_p + summed(ops.log_softmax(a) * stops, B)
        if self.ending == "length":
            drawn[np.arange(B), counts] = 1
            log_p = log_p + ops.linear(drawn, ops.stack([ops.log_softmax(params["l"])]))[..., 0]
        return log_p, GenerativeTape(params, body, final, h, o, wanted, a, stops, drawn)

    def backward(self, tape: GenerativeTape, dlog_p: Any) -> Blocks:
        """The gradients of the parameters, of ``context``, and of the initial state where it was given."""
        p, each = tape.params, dlog_p[..., None]  # (B, 1)
        do = log_softmax_vjp(tape.o, tape.wanted) * each
        dh = ops.linear_adjoint(do, p["V"])  # o = c + V@h
        grads = {"V": ops.outer_total(do, tape.h), "c": ops.total(do)}
        if self.ending == "bernoulli":
            da = (log_softmax_vjp(tape.a, tape.stops) * each)[..., :1]  # a = d + v@h, and 0 for going on
            dh = dh + ops.linear_adjoint(da, p["v"])
            grads |= {"v": ops.outer_total(da, tape.h), "d": ops.total(da)}
        if self.ending == "length":
            one = p["l"] + ops.zeros_like(each)  # (B, longest + 1)
            grads["l"] = ops.total(ops.stack([log_softmax_vjp(one, tape.drawn) * each]))
        inner = self.body.backward(tape.body, dh, tuple(ops.zeros_like(s) for s in tape.final))
        outside = {name: inner.pop(name) for name in list(inner) if name == "context" or name.startswith("state.")}
        del inner["x"]  # symbols have no gradient
        return {**grads, **under("cell", inner), **outside}

    def inputs(self, symbols: Symbols, counts: NDArray[np.integer], t: int = 0) -> Floats:
        """The inputs at steps t + 1, ..: the symbols before them (-1 for none), one-hot; and how many are to come."""
        x = onehot(symbols, self.symbols)
        if self.ending != "length":
            return x
        left = counts - (t + np.arange(len(symbols)))[:, None]
        return np.concatenate([x, left[..., None].astype(float)], axis=-1)

    def scores(self, params: Blocks, h: Any) -> Any:
        """``c + V@h``: the log-probabilities of the outcomes, up to a constant."""
        return ops.linear(h, params["V"]) + params["c"]

    def stopping(self, params: Blocks, h: Any) -> Any:
        """``d + v@h`` and 0: the log-odds of stopping and of going on, (.., 2)."""
        a = ops.linear(h, params["v"]) + params["d"]
        return ops.concatenate([a, ops.zeros_like(a)])

    def _checked(
        self,
        y: Symbols,
        lengths: Lengths | None,
        open: NDArray[np.bool_] | None,  # noqa: A002
    ) -> tuple[Symbols, NDArray[np.integer], NDArray[np.bool_]]:
        """Symbols, lengths, and which rows end."""
        y = np.asarray(y)
        if y.ndim != 2 or y.dtype.kind not in "iu":
            raise ValueError(f"y has shape {y.shape} and type {y.dtype}; it must be (T, B) whole numbers")
        T, B = y.shape
        counts = np.full(B, T) if lengths is None else checked_lengths(lengths, T, B)
        read = y[np.arange(T)[:, None] < counts]
        if np.any((read < 0) | (read >= self.symbols)):
            raise ValueError(f"y must be symbols from 0 to {self.symbols - 1}; it ranges {read.min()}..{read.max()}")
        if open is not None and self.ending not in ("symbol", "bernoulli"):
            raise ValueError(f"open is given; with ending={self.ending!r} it must be None")
        closed = np.ones(B, bool) if open is None else ~np.asarray(open, bool)
        if closed.shape != (B,):
            raise ValueError(f"open has shape {closed.shape}; it must be ({B},)")
        if self.ending == "bernoulli" and np.any(counts[closed] == 0):
            raise ValueError("lengths holds 0; a network that stops after a symbol needs at least 1")
        if self.ending == "length" and np.any(counts > self.longest):
            raise ValueError(f"lengths holds {counts.max()}; the longest sequence has {self.longest}")
        return np.where(np.arange(T)[:, None] < counts, y, 0), counts, closed


def before(y: Symbols, steps: int) -> Symbols:
    """The symbol before each step, -1 before the first: (steps, B)."""
    return np.concatenate([np.full((1, y.shape[1]), -1), y])[:steps]


def onehot(y: Symbols, K: int) -> Floats:
    """1 at each symbol, and nowhere for -1: (.., K)."""
    return np.asarray(np.arange(K) == y[..., None], dtype=float)


def _stops(counts: NDArray[np.integer], closed: NDArray[np.bool_], T: int) -> Floats:
    """1 where a row stops (the first of two) or goes on (the second), before its last symbol in any case: (T, B, 2)."""
    t = np.arange(T)[:, None]
    return np.stack([closed & (t == counts - 1), t < counts - 1], axis=-1).astype(float)


def summed(terms: Any, B: int) -> Any:
    """Over time and outcomes: (T, B, O) gives (B,)."""
    ones = np.ones((1, terms.shape[-1]))
    return sum([ops.linear(terms[t], ones)[..., 0] for t in range(terms.shape[0])], np.zeros(B))


def log_softmax_vjp(o: Any, wanted: Floats) -> Any:
    """The gradient of ``sum(log_softmax(o) * wanted)`` in o; each row of ``wanted`` has one 1, or none.

    1 - p_y is the sum of the other probabilities, which keeps its digits when p_y is nearly 1. Who subtracts p_y from 1
    has an absolute rounding there.
    """
    O = wanted.shape[-1]
    others = ops.softmax(o) * (wanted.sum(axis=-1, keepdims=True) - wanted)
    rest, _ = ops.divided(ops.linear(others, np.ones((O, O))))
    return rest * wanted - others
