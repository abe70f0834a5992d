"""Faults of the slopes in the backward pass: of the wrong value, left out, cut off, or of another nonlinearity."""

from __future__ import annotations

from typing import Any, ClassVar

from ltdcheck.faults.adjoints import ADJOINTS, Adjoints, bent
from ltdcheck.faults.fault import Network, Plant, fault
from ltdcheck.faults.graft import ALL, GATES, derived
from ltdcheck.faults.steps import declared
from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.nonlinearities import NONLINEARITIES


class _SlopeTwice(Adjoints):
    """The nonlinearity is applied once more to a value that it has already given."""

    at: ClassVar[str]

    def slope(self, part: str, s: Any) -> Any:
        if part != self.at:
            return super().slope(part, s)
        return super().slope(part, ops.sigmoid(s) if part in "iforu" else ops.tanh(s))


class _SlopeMissing(Adjoints):
    """The derivative of a nonlinearity is left out."""

    at: ClassVar[str]

    def slope(self, part: str, s: Any) -> Any:
        return 0 * s + 1 if part == self.at else super().slope(part, s)


class _SlopeCut(Adjoints):
    """Saturated units get no gradient: the logistic beyond 0.005 .. 0.995, tanh beyond -0.99 .. 0.99."""

    def slope(self, part: str, s: Any) -> Any:
        slope = super().slope(part, s)
        centred = 2 * s - 1 if part in "iforu" else s
        return slope * ops.positive(0.99 - centred) * ops.positive(0.99 + centred)


class _SlopeOfUsual(Adjoints):
    """The slope is that of the usual nonlinearity, whatever the forward pass computes."""

    at: ClassVar[str]

    def slope(self, part: str, s: Any) -> Any:
        return NONLINEARITIES[_usual(part)][1](s) if part in self.at else super().slope(part, s)


def _usual(part: str) -> str:
    return "sigmoid" if part in "iforu" else "tanh"


def _where_usual(mixin: type[Cell], part: str) -> Plant:
    """A part has the slope that is spoken of only where its nonlinearity is the logistic, or tanh outside gates."""

    def plant(cell: Cell) -> Network | None:
        if cell.name not in ADJOINTS:
            return None
        has = part != "h" or isinstance(cell, Elman)  # gated cells have no nonlinearity of the state
        return None if has and declared(cell, part) != _usual(part) else bent(mixin, cell)

    return plant


def _where_unusual(parts: str) -> Plant:
    """The slope of the usual nonlinearity is wrong only where there is another one."""

    def plant(cell: Cell) -> Network | None:
        if cell.name not in ADJOINTS or declared(cell, parts[0]) == _usual(parts[0]):
            return None
        return bent(derived(_SlopeOfUsual, at=parts), cell)

    return plant


_CURVED = {
    "elman": {"h": "state h"},
    "lstm": {"g": "candidate g", "k": "squashed cell k = tanh(c)"},
    "gru": {"n": "candidate n"},
}
for _family in ALL:
    for _part, _what in {**_CURVED[_family], **GATES[_family]}.items():
        _bounded = _part in GATES[_family]
        _wrong = f"sg({_part})*(1 - sg({_part}))" if _bounded else f"1 - tanh({_part})^2"
        fault(
            f"activation-derivative-doubled.{_part}",
            f"The slope of the {_what} is {_wrong}, where {_part} is {'the logistic' if _bounded else 'tanh'} already.",
            effect="gradients of about the right sign and of the wrong size",
            trigger="any",
            source="a course's LSTM notebook" if _part == "g" else "thought of",
            cells=(_family,),
            forward=False,
        )(_where_usual(derived(_SlopeTwice, at=_part), _part))
        fault(
            f"activation-derivative-missing.{_part}",
            f"The slope of the {_what} is left out of the gradient.",
            effect="saturated units learn as fast as any other",
            trigger="any",
            source="thought of",
            cells=(_family,),
            forward=False,
        )(_where_usual(derived(_SlopeMissing, at=_part), _part))

fault(
    "activation-derivative-cut",
    "Saturated units get no gradient: the slope is taken as 0 where the value is within 1 % of its limits.",
    effect="units that saturate never come back",
    trigger="abs(tanh) > 0.99",
    source="thought of",
    cells=ALL,
    forward=False,
)(_where_usual(_SlopeCut, "h"))

_UNUSUAL = {
    "candidate-tanh": ("gn", ("lstm", "gru"), "slope of the candidate is 1 - g^2, that of tanh,"),
    "cell-tanh": ("k", ("lstm",), "slope of the squashed cell k is 1 - k^2, that of tanh,"),
    "state-tanh": ("h", ("elman",), "slope of the state h is 1 - h^2, that of tanh,"),
    "gates-logistic": ("iforu", ("lstm", "gru"), "slope of the gates is s*(1 - s), that of the logistic,"),
}
for _place, (_parts, _cells, _words) in _UNUSUAL.items():
    fault(
        f"activation-derivative-other.{_place}",
        f"The {_words} where the forward pass computes another nonlinearity.",
        effect="the gradient is that of the usual cell, at the values of another one",
        trigger="a variant with another nonlinearity",
        source="thought of",
        cells=_cells,
        forward=False,
    )(_where_unusual(_parts))
