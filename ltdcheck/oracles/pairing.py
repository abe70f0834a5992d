"""The function that every oracle differentiates: the pairing of a network's outputs with the cotangents.

    L = sum(dy * y) + sum(dstate * state_T)

Its arguments are the blocks ``x`` (T, B, I), ``state.0``, ``state.1`` (each (B, H)) and the parameters by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.errors import NotDifferentiableError
from ltdcheck.problem import Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.networks.unroll import Gradients, unroll
from ltdcheck.reference.numbers.runs import Runs

Blocks = dict[str, NDArray[Any]]
Direction = tuple[str, int]  # a block, and the flat index of an entry


def blocks(problem: Problem) -> Blocks:
    """The arguments by name."""
    states = {f"state.{k}": s for k, s in enumerate(problem.given_state)}
    return {"x": problem.x, **states, **problem.params}


def blocks_of(gradients: Gradients) -> Blocks:
    """Gradients by the same names."""
    states = {f"state.{k}": s for k, s in enumerate(gradients.state)}
    return {"x": gradients.x, **states, **gradients.params}


def outputs(
    cell: Cell, arguments: Mapping[str, Any], lengths: Sequence[int] | None = None
) -> tuple[Any, tuple[Any, ...]]:
    """The output sequence and the final state, in the number system of the arguments."""
    state = tuple(arguments[f"state.{k}"] for k in range(len(cell.states)))
    params = {k: v for k, v in arguments.items() if k != "x" and not k.startswith("state.")}
    y, final, _ = unroll(cell, params, arguments["x"], state, lengths=lengths)
    return y, final


def pairing(cell: Cell, problem: Problem, arguments: Mapping[str, Any]) -> Any:
    """L, one number; of :class:`Runs`, one number a run, (K,).

    Raises
    ------
    NotDifferentiableError
        When the cell has no derivative: L is only ever asked for in order to differentiate it.
    """
    if not cell.differentiable:
        raise NotDifferentiableError(f"{cell.name} has no gradient to check; check its forward pass alone.")
    y, final = outputs(cell, arguments, problem.lengths)
    terms = [(y, problem.dy), *zip(final, problem.dstate, strict=True)]
    return sum(_summed(array * cotangent) for array, cotangent in terms)


def _summed(a: Any) -> Any:
    return a.all.reshape((a.all.shape[0], -1)).sum(axis=-1) if isinstance(a, Runs) else a.sum()


def every(problem: Problem) -> list[Direction]:
    """All entries of all blocks, in order."""
    return [(name, k) for name, value in blocks(problem).items() for k in range(value.size)]


def along(problem: Problem, name: str, entries: Sequence[int], steps: NDArray[Any]) -> NDArray[Any]:
    """Block ``name`` in len(steps) * len(entries) copies, each with one entry moved; steps vary slowest."""
    base = blocks(problem)[name]
    moved = np.repeat(base.reshape(1, -1), len(steps) * len(entries), axis=0).astype(np.result_type(base, steps))
    moved[np.arange(len(moved)), np.tile(entries, len(steps))] += np.repeat(steps, len(entries))
    return moved.reshape(-1, *base.shape)
