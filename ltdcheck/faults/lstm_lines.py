"""Faults of the LSTM's two lines, ``c' = f*c + i*g`` and ``h' = o*tanh(c')``, by operators on each term.

A term is dropped, doubled, given the other sign, the other operand, or the other place. What exchanges two gates is an
order of the gates, and stands in :mod:`ltdcheck.faults.arrangement`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ltdcheck.faults.fault import fault
from ltdcheck.faults.graft import derived
from ltdcheck.faults.steps import LSTMSteps, rewires
from ltdcheck.reference.ops import sigmoid, tanh

Write = Callable[[Any, Any, Any, Any, Any], Any]  # self, f, c_prev, i, g
Read = Callable[[Any, Any, Any, Any, Any], Any]  # self, o, c, g, c_prev

_MEMORY = "the cell holds other numbers than the gates say, and more so the longer the sequence"
_OUTPUT = "the output shows something else than the cell holds"

_WRITES: dict[str, tuple[str, Write]] = {
    "input-missing": ("The cell is f*c: i*g is missing, and nothing is ever written.", lambda _, f, c, i, g: f * c),
    "input-subtracted": (
        "The cell is f*c - i*g: what is written has the other sign.",
        lambda _, f, c, i, g: f * c - i * g,
    ),
    "input-doubled": (
        "The cell is f*c + 2*i*g: what is written counts twice.",
        lambda _, f, c, i, g: f * c + 2 * i * g,
    ),
    "input-gate-squared": (
        "The cell is f*c + i*i*g: the input gate is applied twice.",
        lambda _, f, c, i, g: f * c + i * i * g,
    ),
    "forget-gate-squared": (
        "The cell is f*f*c + i*g: the forget gate is applied twice.",
        lambda _, f, c, i, g: f * f * c + i * g,
    ),
    "forget-complement": (
        "The cell keeps 1 - f of what it held, where f is meant.",
        lambda _, f, c, i, g: (1 - f) * c + i * g,
    ),
    "input-complement": (
        "The cell takes 1 - i of the candidate, where i is meant.",
        lambda _, f, c, i, g: f * c + (1 - i) * g,
    ),
    "coupled": (
        "The cell takes 1 - f of the candidate: the input gate is computed and not used.",
        lambda _, f, c, i, g: f * c + (1 - f) * g,
    ),
    "forget-sum": (
        "The cell adds the forget gate to what it held, f + c, where the product f*c is meant.",
        lambda _, f, c, i, g: f + c + i * g,
    ),
    "forget-around": (
        "The forget gate multiplies the whole, f*(c + i*g), where f*c + i*g is meant.",
        lambda _, f, c, i, g: f * (c + i * g),
    ),
    "input-around": (
        "The input gate multiplies the whole, i*(f*c + g), where f*c + i*g is meant.",
        lambda _, f, c, i, g: i * (f * c + g),
    ),
    "squashed": (
        "The new cell goes through a tanh before it is kept: tanh(f*c + i*g).",
        lambda _, f, c, i, g: tanh(f * c + i * g),
    ),
    "old-squashed": (
        "The old cell goes through a tanh before it is kept: f*tanh(c) + i*g.",
        lambda _, f, c, i, g: f * tanh(c) + i * g,
    ),
    "averaged": (
        "The cell is the mean of f*c and i*g where their sum is meant.",
        lambda _, f, c, i, g: (f * c + i * g) / 2,
    ),
}
_READS: dict[str, tuple[str, Read]] = {
    "linear": ("The output is o*c: the tanh of the cell is missing.", lambda _, o, c, g, before: o * c),
    "squashed-product": ("The output is tanh(o*c), where o*tanh(c) is meant.", lambda _, o, c, g, before: tanh(o * c)),
    "stale": ("The output is o*tanh(c) of the cell before the step.", lambda _, o, c, g, before: o * tanh(before)),
    "logistic": (
        "The output is o*sg(c): the cell goes through a logistic where tanh is meant.",
        lambda _, o, c, g, before: o * sigmoid(c),
    ),
    "complement": (
        "The output is (1 - o)*tanh(c), where o*tanh(c) is meant.",
        lambda _, o, c, g, before: (1 - o) * tanh(c),
    ),
    "negated": ("The output is -o*tanh(c).", lambda _, o, c, g, before: -o * tanh(c)),
    "gate-squared": (
        "The output is o*o*tanh(c): the output gate is applied twice.",
        lambda _, o, c, g, before: o * o * tanh(c),
    ),
    "squashed-twice": ("The output is o*tanh(tanh(c)).", lambda _, o, c, g, before: o * tanh(tanh(c))),
    "sum": ("The output is o + tanh(c), where the product o*tanh(c) is meant.", lambda _, o, c, g, before: o + tanh(c)),
}

for _method, _table, _effect in (("write", _WRITES, _MEMORY), ("read", _READS, _OUTPUT)):
    for _site, (_sentence, _line) in _table.items():
        fault(
            f"lstm-{_method}.{_site}",
            _sentence,
            effect=_effect,
            trigger="any",
            source="thought of",
            cells=("lstm",),
            forward=True,
            variant=_site == "linear",  # output="identity" is a variant
        )(rewires(derived(LSTMSteps, **{_method: _line})))
