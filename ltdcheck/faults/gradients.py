"""Faults of whole gradients: none at all, a block without one, a cotangent not read, a wrong slope."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from ltdcheck.faults.arrangement import rows
from ltdcheck.faults.fault import Arrays, Network, Plant, fault
from ltdcheck.faults.graft import ALL, GATED, PARTS, derived_network
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Params
from ltdcheck.reference import ops
from ltdcheck.reference.cell import State
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.networks.unroll import Gradients

# -- none at all ---------------------------------------------------------------------------------------------


class _Empty(Network):
    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        grads = {name: ops.zeros_like(value) for name, value in params.items()}
        return Gradients(grads, ops.zeros_like(x), tuple(ops.zeros_like(s) for s in state), ())


def _names(state: Arrays) -> list[str]:
    """What a fact calls the arrays of the state."""
    return [f"state[{k}]" for k in range(len(state))]


class _NoBackward(_Empty):
    def answer(self, params: Params, x: Array, state: Arrays, dy: Array, dstate: Arrays, *, backward: bool) -> Outputs:
        outputs = super().answer(params, x, state, dy, dstate, backward=backward)
        return replace(outputs, facts={"missing": ["x", *_names(state), *params]}) if backward else outputs


fault(
    "backward-empty",
    "Every gradient is zero.",
    effect="nothing is learned",
    trigger="any",
    source="darknet#636",
    cells=ALL,
    forward=False,
)(_Empty)
fault(
    "backward-empty.none",
    "The backward pass returns no gradient at all.",
    effect="nothing is learned, or the optimizer fails",
    trigger="any",
    source="darknet#636",
    cells=ALL,
    forward=False,
)(_NoBackward)


# -- a block without a gradient ------------------------------------------------------------------------------


class _Zero(Network):
    """The gradient of one block is zero."""

    block: ClassVar[str]

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        g = super().backward(params, x, state, dy, dstate)
        if self.block == "x":
            return replace(g, x=ops.zeros_like(g.x))
        if self.block == "state":
            return replace(g, state=tuple(ops.zeros_like(s) for s in g.state))
        return replace(g, params={**g.params, self.block: ops.zeros_like(g.params[self.block])})


class _Missing(_Zero):
    """One block gets no gradient, and the answer says so."""

    def answer(self, params: Params, x: Array, state: Arrays, dy: Array, dstate: Arrays, *, backward: bool) -> Outputs:
        out = super().answer(params, x, state, dy, dstate, backward=backward)
        missing = _names(state) if self.block == "state" else [self.block]
        return replace(out, facts={"missing": missing}) if backward else out


def _of_this(network: type[_Zero]) -> Plant:
    """Some variants do not have the block."""
    known = ("x", "state")
    return lambda cell: network(cell) if network.block in known or network.block in cell.shapes(1, 1) else None


_BLOCKS = {
    "x": "input",
    "state": "initial state",
    "U": "input weights",
    "W": "recurrent weights",
    "b": "biases",
    "p": "peepholes",
    "R": "weights of the projection",
    "bh": "hidden bias of the candidate",
}
for _block, _what in _BLOCKS.items():
    _cells = {"p": ("lstm",), "R": ("lstm",), "bh": ("gru",)}.get(_block, ALL)
    fault(
        f"gradient-zero.{_block}",
        f"The gradient of the {_what} is zero.",
        effect="what stands behind it learns nothing",
        trigger="any",
        source="thought of",
        cells=_cells,
        forward=False,
    )(_of_this(derived_network(_Zero, block=_block)))
    fault(
        f"weight-detached.{_block}" if _block not in ("x", "state") else f"gradient-missing.{_block}",
        f"No gradient comes for the {_what}: {'they are' if _what.endswith('s') else 'it is'} not part of the graph.",
        effect="what stands behind it learns nothing",
        trigger="any",
        source="thought of",
        cells=_cells,
        forward=False,
    )(_of_this(derived_network(_Missing, block=_block)))


class _RowsZero(Network):
    """The gradient of one gate's recurrent weights, or of its rows of another array, is zero."""

    gate: ClassVar[str]
    array: ClassVar[str] = "W"

    def backward(self, params: Params, x: Any, state: State, dy: Any, dstate: State) -> Gradients:
        g = super().backward(params, x, state, dy, dstate)
        own = rows(g.params[self.array], self.cell.gates)
        kept = [0 * part if gate == self.gate else part for gate, part in own.items()]
        array = ops.concatenate(kept, axis=-1 if self.array == "b" else -2)
        return replace(g, params={**g.params, self.array: array})


class _RowsMissing(_RowsZero):
    """One gate gets no gradient, and the answer says so of its block: of the array where that holds nothing else."""

    def answer(self, params: Params, x: Array, state: Arrays, dy: Array, dstate: Arrays, *, backward: bool) -> Outputs:
        out = super().answer(params, x, state, dy, dstate, backward=backward)
        return replace(out, facts={"missing_blocks": [f"{self.array}_{self.gate}"]}) if backward else out


for _family in GATED:
    for _part in CELLS[_family].gates:
        fault(
            f"gradient-zero.{_family}-W-{_part}",
            f"The gradient of the recurrent weights of the {PARTS[_part]} is zero.",
            effect="the gate learns from the input alone",
            trigger="h0 != 0 or T >= 2",
            source="thought of",
            cells=(_family,),
            forward=False,
        )(derived_network(_RowsZero, gate=_part))
        for _array in ("U", "W", "b"):
            fault(
                f"weight-detached.{_family}-{_array}-{_part}",
                f"No gradient comes for the {_BLOCKS[_array]} of the {PARTS[_part]}: they are not part of the graph.",
                effect="what stands behind it learns nothing",
                trigger="any" if _array != "W" else "h0 != 0 or T >= 2",
                source="thought of",
                cells=(_family,),
                forward=False,
            )(derived_network(_RowsMissing, gate=_part, array=_array))
