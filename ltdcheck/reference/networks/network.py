"""What every network is: cells, and a fold over them with its adjoint; and the names of its arrays.

A network's parameters are one flat dict: those of its parts under the part's name, ``encoder.W``. Its gradients are one
flat dict too: by the name of what each is the gradient of, parameters and inputs (``x``, ``context``, ``state.0``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from ltdcheck.reference import ops
from ltdcheck.reference.arguments import require_choices
from ltdcheck.reference.cell import Cell, State

Shapes = dict[str, tuple[int, ...]]
Blocks = dict[str, Any]


@dataclass(frozen=True)
class Network:
    """A fold of cells. Subclasses are frozen dataclasses: their fields are the cells and the variant.

    Each has ``shapes(sizes..)``, the parameters by name; ``forward(params, inputs..)``, which gives the outputs and a
    tape; and ``backward(tape, cotangents..)``, which gives the gradients by name. Law: ``backward`` is the adjoint of
    the derivative of ``forward``, in every parameter and every input.
    """

    name: ClassVar[str]
    source: ClassVar[str]

    def __new__(cls, *args: Any, **named: Any) -> Self:
        """Refuse words that name no variant, before anything is made of the others."""
        require_choices(cls, args, named)
        return super().__new__(cls)


def under(prefix: str, blocks: Mapping[str, Any]) -> dict[str, Any]:
    """The same under the name of a part: ``W`` becomes ``encoder.W``."""
    return {f"{prefix}.{name}": value for name, value in blocks.items()}


def inside(prefix: str, blocks: Mapping[str, Any]) -> dict[str, Any]:
    """What belongs to a part, by its names there: the inverse of :func:`under`."""
    return {name[len(prefix) + 1 :]: value for name, value in blocks.items() if name.startswith(f"{prefix}.")}


def states_of(state: State) -> Blocks:
    """The arrays of a state, or their cotangents, by name."""
    return {f"state.{k}": array for k, array in enumerate(state)}


def require_shapes(arrays: Mapping[str, Any], shapes: Mapping[str, tuple[int | str, ...]]) -> None:
    """Refuse parameters that do not fit.

    Raises
    ------
    ValueError
        Naming the array, its shape and the shape it must have.
    """
    for name, shape in shapes.items():
        if name not in arrays:
            raise ValueError(f"{name} is missing; it must be an array of shape {shape}")
        require_shape(name, arrays[name], shape)


def require_shape(name: str, array: Any, shape: tuple[int | str, ...]) -> None:
    """Refuse an array of another shape; a letter stands for any size.

    Raises
    ------
    ValueError
        Naming the array, its shape and the shape it must have.
    """
    got = tuple(array.shape)
    if len(got) != len(shape) or any(isinstance(n, int) and n != m for n, m in zip(shape, got, strict=True)):
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} has shape {got}; it must be ({wanted})")


def require_state(name: str, cell: Cell, state: State, B: int) -> int:
    """Refuse a state that is not one array of B rows for each array of the cell's state; the answer is H.

    Raises
    ------
    ValueError
        Naming the array, its shape and the shape it must have.
    """
    if len(state) != len(cell.states):
        raise ValueError(f"{name} has {len(state)} arrays; a {cell.name} has {len(cell.states)}: {cell.states}")
    H = cell.hidden_size(state)
    for k, (array, width) in enumerate(zip(state, cell.widths(H), strict=True)):
        require_shape(f"{name}[{k}]", array, (B, width))
    return H


def require_part(prefix: str, cell: Cell, params: Blocks, x: Any, state: State) -> Blocks:
    """A part's own parameters, once they, x (T, B, I) and its state fit together.

    Raises
    ------
    ValueError
        Naming the array, its shape and the shape it must have.
    """
    require_shape("x", x, ("T", "B", "I"))
    H = require_state(f"state of {prefix}" if prefix else "state", cell, state, x.shape[1])
    shapes = cell.shapes(x.shape[2], H)
    require_shapes(params, under(prefix, shapes) if prefix else shapes)
    return inside(prefix, params) if prefix else {name: params[name] for name in shapes}


def sequence(steps: Sequence[Any], like: Any) -> Any:
    """The steps stacked; without any, no steps of the shape of ``like``."""
    return ops.stack(list(steps)) if len(steps) else ops.stack([like])[:0]
