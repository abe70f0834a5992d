"""Faults of the nonlinearities: another function of about the same shape in the gates, or in the candidate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ltdcheck.faults.fault import fault
from ltdcheck.faults.graft import GATED, derived
from ltdcheck.faults.steps import Steps, rewires
from ltdcheck.reference.ops import relu, sigmoid, tanh

Function = Callable[[Any], Any]


class _Other(Steps):
    """Some parts have another nonlinearity."""

    parts: ClassVar[str]
    function: Any

    def squash(self, part: str, a: Any) -> Any:
        return self.function(a) if part in self.parts else super().squash(part, a)


def _bounded(a: Any) -> Any:
    """0 below 0, 1 above 1, and the number itself between."""
    return relu(a) - relu(a - 1)


# the hard logistic of Keras (0.2*a + 0.5) and of torch and ONNX (a/6 + 0.5), between 0 and 1
_GATES: dict[str, tuple[str, Function]] = {
    "hard": ("a hard logistic, clip(0.2*a + 0.5)", lambda a: _bounded(0.2 * a + 0.5)),
    "hard-sixth": ("a hard logistic, clip(a/6 + 0.5)", lambda a: _bounded(a / 6 + 0.5)),
    "tanh": ("tanh", tanh),
    "steep": ("a logistic of twice the slope, sg(2*a)", lambda a: sigmoid(2 * a)),
    "flipped": ("the falling logistic, sg(-a)", lambda a: sigmoid(-a)),
    "doubled": ("two logistics, one after the other", lambda a: sigmoid(sigmoid(a))),
}
_CANDIDATES: dict[str, tuple[str, Function]] = {
    "hard": ("a hard tanh, clip(a)", lambda a: a - relu(a - 1) + relu(-a - 1)),
    "relu": ("a relu", relu),
    "linear": ("none", lambda a: a),
    "scaled": ("1.7159*tanh(2/3*a)", lambda a: 1.7159 * tanh(a * (2 / 3))),
    "half": ("2*sg(a) - 1, which is tanh(a/2)", lambda a: 2 * sigmoid(a) - 1),
}

# what can be chosen in a cell's variant, and is wrong only where another is declared
_CHOICES = {"gate-activation": ("hard", "hard-sixth"), "candidate-activation": ("relu", "linear")}

for _row, _what, _parts, _right, _table in (
    ("gate-activation", "gates", "iforu", "the logistic", _GATES),
    ("candidate-activation", "candidate of a gated cell", "gn", "tanh", _CANDIDATES),
):
    for _site, (_words, _function) in _table.items():
        fault(
            f"{_row}.{_site}",
            f"The nonlinearity of the {_what} is {_words}, where {_right} is meant.",
            effect="weights that were trained elsewhere give other outputs",
            trigger="any",
            source="thought of",
            cells=GATED,
            forward=True,
            variant=_site in _CHOICES[_row],
        )(rewires(derived(_Other, parts=_parts, function=staticmethod(_function))))
