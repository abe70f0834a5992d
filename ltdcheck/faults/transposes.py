"""Faults of a transpose: the recurrent weights read, or carried back through, the wrong way round."""

from __future__ import annotations

from typing import Any, ClassVar

from ltdcheck.faults.arrangement import replaced, rows
from ltdcheck.faults.fault import Network, fault
from ltdcheck.faults.graft import (
    ALL,
    GATED,
    GATES,
    PARTS,
    Graft,
    SingleStep,
    computes,
    derived,
    differentiates,
    graft,
    unprojected,
)
from ltdcheck.reference import ops
from ltdcheck.reference.cell import Cell, Saved, Share, State
from ltdcheck.reference.cells import CELLS


def _transposed(W: Any, gates: tuple[str, ...], parts: str) -> Any:
    """The square blocks of some gates, or of all, transposed in their places."""
    return ops.concatenate([w.T if gate in parts or not parts else w for gate, w in rows(W, gates).items()], axis=-2)


class _Transposed(Graft):
    parts: ClassVar[str] = ""

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        return super().step(replaced(p, "W", _transposed(p["W"], self.gates, self.parts)), z, state)


class _TransposeMissing(Graft):
    parts: ClassVar[str] = ""

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        return super().step_vjp(replaced(p, "W", _transposed(p["W"], self.gates, self.parts)), saved, dstate)


fault(
    "recurrent-transposed",
    "The recurrent product is h@W where h@W.T is declared.",
    effect="weights trained elsewhere give nonsense here; training from scratch works",
    trigger="h0 != 0 or T >= 2, with H >= 2 and a non-symmetric W",
    source="onnx#915",
    cells=ALL,
    forward=True,
    layout=True,
)(unprojected(computes(_Transposed)))


@fault(
    "recurrent-transposed.single-step",
    "A sequence of a single step computes h@W where the loop computes h@W.T.",
    effect="a network fed step by step is another one than the network that was trained",
    trigger="T = 1 and h0 != 0, with H >= 2 and a non-symmetric W",
    source="thought of",
    cells=ALL,
    forward=True,
)
def _single(cell: Cell) -> Network | None:
    return unprojected(lambda square: SingleStep(square, graft(_Transposed, square)))(cell)


fault(
    "bptt-transpose-missing",
    "The gradient is carried back through W where its transpose is meant.",
    effect="the carried gradient points in a wrong direction",
    trigger="T >= 2 or the initial state's gradient, with H >= 2 and a non-symmetric W",
    source="rnn-from-scratch",
    cells=ALL,
    forward=False,
)(unprojected(differentiates(_TransposeMissing)))

for _family in GATED:
    for _parts in (*CELLS[_family].gates, "".join(GATES[_family])):
        _site = _parts if len(_parts) == 1 else "gates"
        _what = f"the {PARTS[_parts]}" if len(_parts) == 1 else f"every gate of the {_family.upper()}"
        fault(
            f"recurrent-transposed.{_family}-{_site}",
            f"The recurrent product is h@W where h@W.T is meant, in the rows of {_what}.",
            effect="weights trained elsewhere give nonsense here; training from scratch works",
            trigger="h0 != 0 or T >= 2, with H >= 2 and a non-symmetric W",
            source="thought of",
            cells=(_family,),
            forward=True,
        )(unprojected(computes(derived(_Transposed, parts=_parts))))
        fault(
            f"bptt-transpose-missing.{_family}-{_site}",
            f"The gradient is carried back through W where its transpose is meant, in the rows of {_what}.",
            effect="the carried gradient points in a wrong direction",
            trigger="T >= 2 or the initial state's gradient, with H >= 2 and a non-symmetric W",
            source="thought of",
            cells=(_family,),
            forward=False,
        )(unprojected(differentiates(derived(_TransposeMissing, parts=_parts))))
