"""Bad input is refused by name: the argument, its value, and what is allowed; one row for each place of a mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.reference.cells.continuous import Continuous
from ltdcheck.reference.cells.delay import Delay
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.leaky import Leaky
from ltdcheck.reference.cells.liquid_state import LiquidState
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.clipping import clip_by_norm, clip_by_value
from ltdcheck.reference.hidden_clipping import clip_hidden
from ltdcheck.reference.losses import Classifier
from ltdcheck.reference.memory.network import MemoryNetwork
from ltdcheck.reference.networks.conditional import Conditional
from ltdcheck.reference.networks.fold import Order
from ltdcheck.reference.networks.generative import Generative
from ltdcheck.reference.networks.stacked import Stacked
from ltdcheck.reference.networks.trees import given_tree
from ltdcheck.reference.networks.truncated import BPTT
from ltdcheck.reference.networks.unroll import unroll

ONES = np.ones((3, 2, 2))  # T = 3, B = 2, I = 2


def ragged(*lengths: Any) -> Any:
    """A fold over rows of these lengths."""
    p = {name: np.zeros(shape) for name, shape in Elman().shapes(2, 2).items()}
    return unroll(Elman(), p, ONES, (np.zeros((2, 2)),), lengths=lengths)


def classified(*targets: int) -> Any:
    """A loss over two classes."""
    net = Classifier(Elman(), "last")
    p = {name: np.zeros(shape) for name, shape in net.shapes(2, 2, 2).items()}
    return net.loss(p, ONES, (np.zeros((2, 2)),), np.array(targets))


def spoken(*symbols: int) -> Any:
    """The probability of a sequence over two symbols."""
    net = Generative(Elman(), 2)
    p = {name: np.zeros(shape) for name, shape in net.shapes(2).items()}
    return net.forward(p, np.array(symbols)[:, None], (np.zeros((1, 2)),))


def remembered(*lengths: int) -> Any:
    """An answer from the first items of two rows."""
    net = MemoryNetwork()
    p = {name: np.zeros(shape) for name, shape in net.shapes(2, 2, 2, 2).items()}
    return net.answer(p, ONES, np.ones((2, 2)), lengths)


CHOICES: list[tuple[Any, str]] = [
    (Elman, "nonlinearity = 'other' is not allowed: one of tanh, sigmoid, relu, identity, softsign"),
    (lambda word: LSTM(peepholes=word), "peepholes = 'other' is not allowed: one of none, current, previous"),
    (lambda word: GRU("after", word), "update = 'other' is not allowed: one of keeps, replaces"),
    (lambda word: Leaky(leak=word), "leak = 'other' is not allowed: one of averaging, summing"),
    (lambda word: Continuous(phi_of=word), "phi_of = 'other' is not allowed: one of input, state"),
    (LiquidState, "reset = 'other' is not allowed: one of zero, subtract"),
    (lambda word: Conditional(Elman(), word), "how = 'other' is not allowed: one of bias, initial, both, sequence"),
    (lambda word: Stacked((Elman(),), word), "skip = 'other' is not allowed: one of none, residual"),
    (
        lambda word: Generative(Elman(), 2, word),
        "ending = 'other' is not allowed: one of fixed, symbol, bernoulli, length",
    ),
    (lambda word: BPTT(Elman(), 2, word), "kind = 'other' is not allowed: one of chunks, window"),
    (lambda word: Classifier(Elman(), word), "at = 'other' is not allowed: one of every, last"),
]


@pytest.mark.parametrize(("make", "message"), CHOICES, ids=[message.split()[0] for _, message in CHOICES])
def test_a_word_that_names_no_variant_is_refused(make: Any, message: str) -> None:
    """It would be taken for one of the others; in its place or by its name."""
    with pytest.raises(ValueError, match=message):
        make("other")


MISTAKES: list[tuple[str, Callable[[], Any], str]] = [
    ("tau < 1", lambda: Leaky(tau=0.5), r"tau = 0\.5 is not allowed: 1 <= tau < inf"),
    ("tau < 1", lambda: Leaky(tau=(2.0, 0.9)), r"tau = \(2\.0, 0\.9\) is not allowed: 1 <= tau"),
    ("tau < 1", lambda: LiquidState(tau_m=0.0), r"tau_m = 0\.0 is not allowed: 1 <= tau_m"),
    ("tau < dt", lambda: Continuous(tau=0.25, dt=0.5), r"tau = 0\.25 is not allowed: dt <= tau"),
    ("a negative period", lambda: Clockwork(periods=(-1, 2)), r"periods = \(-1, 2\) is not allowed: positive integers"),
    ("a period of 0", lambda: Clockwork(periods=(0, 2)), r"periods = \(0, 2\) is not allowed: positive integers"),
    ("a lag of 0", lambda: Delay(lag=0), r"lag = 0 is not allowed"),
    (
        "a tree with a cycle",
        lambda: given_tree(3, [(0, 4), (1, 3)]),
        r"children make a cycle of the nodes \[3, 4\]; every node",
    ),
    ("an order with a cycle", lambda: Order(1, ((2,), (1,))), r"parents of state 1 are \(2,\); .* from 0 to 0"),
    ("a length beyond T", lambda: ragged(3, 4), r"lengths\[1\] is 4; a length is a whole number from 0 to T = 3"),
    ("a negative length", lambda: ragged(-1, 2), r"lengths\[0\] is -1; a length is a whole number from 0 to T = 3"),
    ("a length that is not whole", lambda: ragged(1.5, 2.0), r"lengths are of type float64; .* whole numbers"),
    ("too few lengths", lambda: ragged(3), r"lengths has shape \(1,\); it must be \(2,\)"),
    ("a length beyond T", lambda: remembered(3, 4), r"lengths is \[3, 4\]; .* from 0 to 3"),
    ("a threshold of 0", lambda: clip_by_norm([ONES], 0.0), r"v, the threshold, is 0\.0; it must be positive"),
    ("a negative threshold", lambda: clip_by_value([ONES], -1.0), r"v, the threshold, is -1\.0; it must be positive"),
    ("a threshold of NaN", lambda: clip_by_norm([ONES], np.nan), r"v, the threshold, is nan; it must be positive"),
    ("a negative threshold", lambda: clip_hidden(-1.0), r"v is -1\.0; it must be positive"),
    ("a threshold of 0", lambda: LiquidState(threshold=0.0), r"threshold = 0\.0 is not allowed: 0 < threshold"),
    ("a label out of range", lambda: classified(0, 2), r"targets must be classes from 0 to 1; they range 0\.\.2"),
    ("a negative label", lambda: classified(-1, 0), r"targets must be classes from 0 to 1; they range -1\.\.0"),
    ("a symbol out of range", lambda: spoken(0, 2), r"y must be symbols from 0 to 1; it ranges 0\.\.2"),
]


@pytest.mark.parametrize(("what", "call", "message"), MISTAKES, ids=[f"{m[0]}, {k}" for k, m in enumerate(MISTAKES)])
def test_a_mistake_is_named(what: str, call: Callable[[], Any], message: str) -> None:
    """A ValueError with the argument, its value, and what is allowed."""
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("name", CELLS)
def test_shapes_that_do_not_fit_are_named(name: str) -> None:
    """For every cell: a parameter, a state and a number of states; the array, its shape, and the one it must have."""
    cell = CELLS[name]()
    H = 6
    p = {n: np.full(shape, 2.0) for n, shape in cell.shapes(2, H).items()}
    first = tuple(np.zeros((2, n)) for n in cell.widths(H))
    unroll(cell, p, ONES, first)
    narrow = {**p, "U": p["U"][:, :1]}
    with pytest.raises(ValueError, match=rf"U has shape \({len(p['U'])}, 1\); it must be \({len(p['U'])}, 2\)"):
        unroll(cell, narrow, ONES, first)
    with pytest.raises(ValueError, match=r"state\[0\] has shape \(3, 6\); it must be \(2, 6\)"):
        unroll(cell, p, ONES, (np.zeros((3, H)), *first[1:]))
    with pytest.raises(ValueError, match=r"state\[0\] has shape \(1, 6\); it must be \(2, 6\)"):
        unroll(cell, p, ONES, tuple(s[:1] for s in first))
    with pytest.raises(ValueError, match=rf"state has {len(first) + 1} arrays; a {name} has {len(first)}"):
        unroll(cell, p, ONES, (*first, first[0]))
