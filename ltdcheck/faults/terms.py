"""Faults of the adjoints' terms, by operators: doubled, of the other sign; slopes of another function; a wrong tape.

What drops a term stands in :mod:`ltdcheck.faults.carry`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ltdcheck.faults.adjoints import Adjoints, bends
from ltdcheck.faults.fault import Network, Plant, fault
from ltdcheck.faults.graft import ALL, Graft, derived, derived_network, differentiates, unprojected
from ltdcheck.problem import Params
from ltdcheck.reference.cell import Saved, Share, State
from ltdcheck.reference.networks.unroll import Gradients, Tape, unroll, unroll_vjp

# -- one term doubled, or of the other sign ------------------------------------------------------------------

_TERMS: dict[str, dict[str, str]] = {
    "elman": {"h<-h": "the state before"},
    "lstm": {
        "o<-h": "the output gate",
        "c'<-h": "the cell state, from the output,",
        "i<-c": "the input gate",
        "f<-c": "the forget gate",
        "g<-c": "the candidate",
        "c<-c": "the cell state before",
        "h<-i": "the state before, through the input gate,",
        "h<-f": "the state before, through the forget gate,",
        "h<-o": "the state before, through the output gate,",
        "h<-g": "the state before, through the candidate,",
    },
    "gru": {
        "u<-h": "the update gate",
        "n<-h": "the candidate",
        "h<-h": "the state before, through what is kept,",
        "r<-n": "the reset gate",
        "h<-r": "the state before, through the reset gate,",
        "h<-u": "the state before, through the update gate,",
        "h<-n": "the state before, through the candidate,",
    },
}


class _Scaled(Adjoints):
    """One term is multiplied."""

    at: ClassVar[str]
    by: ClassVar[float]

    def term(self, name: str, value: Any) -> Any:
        return self.by * value if name == self.at else value


_NAMES = {"elman": "Elman cell", "lstm": "LSTM", "gru": "GRU"}


def _site(family: str, term: str) -> str:
    """``lstm-new-c-from-h`` for ``c'<-h``."""
    target, _, source = term.partition("<-")
    return f"{family}-{'new-' if target.endswith(chr(39)) else ''}{target.rstrip(chr(39))}-from-{source}"


def _register(family: str, term: str, what: str, row: str, by: float, words: str) -> None:
    """One operator on one term."""
    fault(
        f"{row}.{_site(family, term)}",
        f"In the {_NAMES[family]}, the gradient that reaches {what} {words}.",
        effect="gradients of about the right size that lead elsewhere",
        trigger="any",
        source="thought of",
        cells=(family,),
        forward=False,
    )(bends(derived(_Scaled, at=term, by=by)))


for _family, _of_family in _TERMS.items():
    for _name, _what in _of_family.items():
        _register(_family, _name, _what, "gradient-term-doubled", 2.0, "counts twice")
        _register(_family, _name, _what, "gradient-term-negated", -1.0, "has the other sign")


# -- slopes of another function ------------------------------------------------------------------------------


class _OtherSlope(Adjoints):
    """One kind of slope is another function of the value."""

    parts: ClassVar[str]
    curve: Any

    def slope(self, part: str, s: Any) -> Any:
        return self.curve(s) if part in self.parts else super().slope(part, s)


_SLOPES: dict[str, tuple[str, str, tuple[str, ...], str, Callable[[Any], Any]]] = {
    "gates-tanh": ("gates is 1 - s^2, that of tanh,", "iforu", ("lstm", "gru"), "s*(1 - s)", lambda s: 1 - s * s),
    "gates-plus": ("gates is s*(1 + s)", "iforu", ("lstm", "gru"), "s*(1 - s)", lambda s: s * (1 + s)),
    "gates-complement": ("gates is 1 - s", "iforu", ("lstm", "gru"), "s*(1 - s)", lambda s: 1 - s),
    "gates-quarter": ("gates is 1/4, their largest,", "iforu", ("lstm", "gru"), "s*(1 - s)", lambda s: 0 * s + 0.25),
    "candidate-logistic": (
        "candidate is g*(1 - g), that of the logistic,",
        "gn",
        ("lstm", "gru"),
        "1 - g^2",
        lambda g: g * (1 - g),
    ),
    "candidate-plus": ("candidate is 1 + g^2", "gn", ("lstm", "gru"), "1 - g^2", lambda g: 1 + g * g),
    "candidate-unsquared": ("candidate is 1 - g", "gn", ("lstm", "gru"), "1 - g^2", lambda g: 1 - g),
    "cell-unsquared": ("squashed cell k = tanh(c) is 1 - k", "k", ("lstm",), "1 - k^2", lambda k: 1 - k),
    "cell-plus": ("squashed cell k = tanh(c) is 1 + k^2", "k", ("lstm",), "1 - k^2", lambda k: 1 + k * k),
    "state-unsquared": ("state h = tanh(a) is 1 - h", "h", ("elman",), "1 - h^2", lambda h: 1 - h),
    "state-plus": ("state h = tanh(a) is 1 + h^2", "h", ("elman",), "1 - h^2", lambda h: 1 + h * h),
    "state-logistic": (
        "state h = tanh(a) is h*(1 - h), that of the logistic,",
        "h",
        ("elman",),
        "1 - h^2",
        lambda h: h * (1 - h),
    ),
}
for _place, (_words, _parts, _cells, _right, _curve) in _SLOPES.items():
    fault(
        f"activation-derivative-other.{_place}",
        f"The slope of the {_words} where {_right} is meant.",
        effect="gradients of about the right sign and of the wrong size",
        trigger="any",
        source="thought of",
        cells=_cells,
        forward=False,
    )(bends(derived(_OtherSlope, parts=_parts, curve=staticmethod(_curve))))


# -- what the tape holds -------------------------------------------------------------------------------------


class _Retaped(Network):
    """The backward pass reads another tape than the forward pass left."""

    retaped: Any

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        _, _, tape = unroll(self.cell, params, x, state)
        saved = self.retaped(list(tape.saved)) if tape.saved else tape.saved
        return unroll_vjp(self.cell, params, Tape(tape.x, saved), dy, dstate)


_TAPES: dict[str, tuple[str, Callable[[list[Saved]], Sequence[Saved]]]] = {
    "aliased": (
        "holds the last step's values at every step: one buffer is overwritten by each",
        lambda s: s[-1:] * len(s),
    ),
    "shifted": ("is read one step early: step t finds what step t - 1 left", lambda s: [s[0], *s[:-1]]),
    "late": ("is read one step late: step t finds what step t + 1 left", lambda s: [*s[1:], s[-1]]),
    "reversed": ("is read from its beginning where its end is meant", lambda s: s[::-1]),
}
for _place, (_words, _retaped) in _TAPES.items():
    fault(
        f"tape-wrong.{_place}",
        f"What the forward pass keeps for the backward pass {_words}.",
        effect="right outputs, and gradients of another sequence",
        trigger="T >= 2",
        source="thought of",
        cells=ALL,
        forward=False,
    )(derived_network(_Retaped, retaped=staticmethod(_retaped)))


class _Saved(Graft):
    """One value of the tape is replaced by another of the same step."""

    put: Any

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        return super().step_vjp(p, self.put(saved), dstate)


# saved: (h_prev, c_prev, gates, g, c, k) in the LSTM, (h_prev, r, u, q, n, keep, take) in the GRU, and what clip left
_OPERANDS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "lstm-new-cell": (
        "lstm",
        "the new cell state where the old one was multiplied by f",
        lambda s: (s[0], s[4], *s[2:]),
    ),
    "lstm-unsquashed-cell": (
        "lstm",
        "the cell state c where tanh(c) was multiplied by o",
        lambda s: (*s[:5], s[4], *s[6:]),
    ),
    "lstm-candidate-for-cell": (
        "lstm",
        "the candidate g where tanh(c) was multiplied by o",
        lambda s: (*s[:5], s[3], *s[6:]),
    ),
    "lstm-state-for-cell": (
        "lstm",
        "the old output h where the old cell state was multiplied by f",
        lambda s: (s[0], s[0], *s[2:]),
    ),
    "gru-keep-take-swapped": (
        "gru",
        "the weights of the old state and of the candidate in each other's place",
        lambda s: (*s[:5], s[6], s[5], *s[7:]),
    ),
    "gru-reset-update-swapped": (
        "gru",
        "the reset and the update gate in each other's place",
        lambda s: (s[0], s[2], s[1], *s[3:]),
    ),
    "gru-candidate-for-state": ("gru", "the candidate n where the old state is meant", lambda s: (s[4], *s[1:])),
    "elman-new-for-old": ("elman", "the old state where the new one has the slope", lambda s: (s[0], s[0], *s[2:])),
}
for _place, (_family, _words, _put) in _OPERANDS.items():
    _wrong: Plant = differentiates(derived(_Saved, put=staticmethod(_put)))
    fault(
        f"gradient-operand-wrong.{_place}",
        f"The backward pass reads {_words}.",
        effect="gradients of about the right size that lead elsewhere",
        trigger="any",
        source="thought of",
        cells=(_family,),
        forward=False,
    )(unprojected(_wrong) if _place == "lstm-state-for-cell" else _wrong)
