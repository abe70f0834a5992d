"""Faults of the parameters' part in the forward pass: biases, whole arrays, and the arrangement of blocks."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any, ClassVar

from ltdcheck.faults.fault import Network, fault
from ltdcheck.faults.graft import ALL, GATED, GATES, PARTS, Graft, SingleStep, computes, derived, derived_network, graft
from ltdcheck.problem import Params
from ltdcheck.reference import ops
from ltdcheck.reference.cell import Saved, State
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.networks.unroll import Gradients


def replaced(p: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The parameters with one of them changed."""
    return {**p, name: value}


def rows(value: Any, gates: tuple[str, ...]) -> dict[str, Any]:
    """An array of (gates*H, ..) by gate."""
    H = value.shape[0] // len(gates)
    return {gate: value[k * H : (k + 1) * H] for k, gate in enumerate(gates)}


# -- biases and whole parameters -----------------------------------------------------------------------------


class _BiasDoubled(Graft):
    """The bias of some gates, or of all, is added twice."""

    parts: ClassVar[str] = ""

    def drive(self, p: dict[str, Any], x: Any) -> Any:
        twice = p["b"] + p["b"]  # in the place of b, since what a drive hands to the steps is its cell's own business
        if self.parts:
            own = rows(p["b"], self.gates)
            twice = ops.concatenate([b + b if gate in self.parts else b for gate, b in own.items()])
        return super().drive(replaced(p, "b", twice), x)


fault(
    "bias-doubled",
    "The bias is added twice.",
    effect="every unit works at another point of its nonlinearity, and the bias learns at twice its rate",
    trigger="b != 0",
    source="DeepLearningTutorials#81",
    cells=ALL,
    forward=True,
)(computes(_BiasDoubled))
for _family in GATED:
    _words = {part: f"the {PARTS[part]}" for part in CELLS[_family].gates}
    for _parts, _what in {
        **_words,
        "".join(GATES[_family]): f"every gate of the {_family.upper()}, not of the candidate,",
    }.items():
        fault(
            f"bias-doubled.{_family}-{_parts if len(_parts) == 1 else 'gates'}",
            f"The bias of {_what} is added twice.",
            effect="the gate works at another point of its nonlinearity, and its bias learns at twice its rate",
            trigger="b != 0",
            source="thought of",
            cells=(_family,),
            forward=True,
        )(computes(derived(_BiasDoubled, parts=_parts)))


class _Unused(Graft):
    array: ClassVar[str]

    def drive(self, p: dict[str, Any], x: Any) -> Any:
        return super().drive(replaced(p, self.array, 0 * p[self.array]), x)

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        return super().step(replaced(p, self.array, 0 * p[self.array]), z, state)


for _array, _what in {"U": "input weights", "W": "recurrent weights", "b": "bias"}.items():
    fault(
        f"parameter-unused.{_array}",
        f"The {_what} are declared and never used." if _array != "b" else "The bias is declared and never added.",
        effect="the parameter gets no gradient and never changes",
        trigger={"U": "x != 0", "W": "h0 != 0 or T >= 2", "b": "b != 0"}[_array],
        source="thought of",
        cells=ALL,
        forward=True,
    )(computes(derived(_Unused, array=_array)))


class _BiasShared(Graft):
    """Gate ``to`` is driven with the bias of gate ``of``."""

    to: ClassVar[str]
    of: ClassVar[str]

    def drive(self, p: dict[str, Any], x: Any) -> Any:
        own = rows(p["b"], self.gates)
        return super().drive(replaced(p, "b", ops.concatenate(list({**own, self.to: own[self.of]}.values()))), x)


def _share_biases(cell: str, source: str) -> None:
    """Every ordered pair of gates."""
    for to in CELLS[cell].gates:
        for of in CELLS[cell].gates:
            if to != of:
                fault(
                    f"{cell}-bias-shared.{to}-from-{of}",
                    f"The {PARTS[to]} uses the bias of the {PARTS[of]}; its own is never read.",
                    effect="one bias never learns and the other answers for two gates",
                    trigger="the two biases differ",
                    source=source,
                    cells=(cell,),
                    forward=True,
                )(computes(derived(_BiasShared, to=to, of=of)))


_share_biases("lstm", "numpy-ml#42")
_share_biases("gru", "thought of")


# -- blocks and their arrangement ----------------------------------------------------------------------------


class _Exchanged(Graft):
    """The blocks of two gates change places in U, W and b."""

    pair: ClassVar[tuple[str, str]]

    def _exchange(self, value: Any) -> Any:
        own, (a, b) = rows(value, self.gates), self.pair
        return ops.concatenate(list({**own, a: own[b], b: own[a]}.values()), axis=-len(value.shape))

    def drive(self, p: dict[str, Any], x: Any) -> Any:
        return super().drive({**p, "U": self._exchange(p["U"]), "b": self._exchange(p["b"])}, x)

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        return super().step(replaced(p, "W", self._exchange(p["W"])), z, state)


class _GradientExchanged(Network):
    """The gradients of two gates' blocks change places in U, W and b."""

    pair: ClassVar[tuple[str, str]]

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        g = super().backward(params, x, state, dy, dstate)
        return replace(g, params={**g.params, **{name: self._exchange(g.params[name]) for name in ("U", "W", "b")}})

    def _exchange(self, value: Any) -> Any:
        own, (a, b) = rows(value, self.cell.gates), self.pair
        return ops.concatenate(list({**own, a: own[b], b: own[a]}.values()), axis=-len(value.shape))


def _orders(family: str, a: str, b: str) -> None:
    """Two gates exchanged: in both passes, in a path of its own for single steps, or in the gradient alone."""
    exchanged = derived(_Exchanged, pair=(a, b))
    two = f"the blocks of the {PARTS[a]} and of the {PARTS[b]}"
    fault(
        f"gate-order.{family}-{a}{b}",
        f"{two.capitalize()} are read in each other's place.",
        effect="weights trained elsewhere give nonsense here; training from scratch works",
        trigger="the blocks differ",
        source="CrispASR#106, coremltools#93",
        cells=(family,),
        forward=True,
        layout=True,
    )(computes(exchanged))
    fault(
        f"gate-order.{family}-{a}{b}-single-step",
        f"A sequence of a single step reads {two} in each other's place; the loop does not.",
        effect="a network fed step by step is another one than the network that was trained",
        trigger="T = 1",
        source="thought of",
        cells=(family,),
        forward=True,
    )(lambda cell: SingleStep(cell, graft(exchanged, cell)))
    fault(
        f"gate-order.{family}-{a}{b}-gradient",
        f"The gradients of {two} are returned in each other's place.",
        effect="each of the two gates learns what the other should",
        trigger="any",
        source="thought of",
        cells=(family,),
        forward=False,
    )(derived_network(_GradientExchanged, pair=(a, b)))


for _family in GATED:
    for _a, _b in combinations(CELLS[_family].gates, 2):
        _orders(_family, _a, _b)
