"""What every cell is: one time step, its adjoint, and the names of its parts.

A cell is split where the fold can save work. ``drive`` is what the input contributes, for all steps in one product;
``step`` is one step; ``step_vjp`` its adjoint, which leaves each parameter's gradient as a pair of factors, so that the
fold forms it in one product for all steps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

from ltdcheck.reference.arguments import require_choices

State = tuple[Any, ...]
Saved = tuple[Any, ...]


class Outer(NamedTuple):
    """A weight's share of one step: the gradient is the sum over time and batch of ``outer(da, x)``."""

    da: Any  # (B, m)
    x: Any  # (B, n)


class Total(NamedTuple):
    """A bias's or diagonal weight's share of one step: the gradient is the sum over time and batch of ``da``."""

    da: Any  # (B, m)


Share = Outer | Total | tuple[Outer, ...]  # a tuple: rows of one array, in order


@dataclass(frozen=True)
class Block:
    """A named part of a parameter array, called ``name`` in the papers.

    It is rows ``start`` to ``stop`` of ``array``, and of a matrix its columns ``left`` to ``right``; None is the end.
    """

    name: str
    array: str
    start: int
    stop: int
    left: int = 0
    right: int | None = None

    def of(self, array: Any) -> Any:
        """What of the array it is, as a view."""
        rows = array[self.start : self.stop]
        return rows if rows.ndim == 1 else rows[:, self.left : self.right]


@dataclass(frozen=True)
class Cell(ABC):
    """One step of a recurrence. Subclasses are frozen dataclasses whose fields are the variant.

    Laws: ``step_vjp`` is the adjoint of ``step``'s derivative; ``drive_vjp`` of ``drive``'s; the first array of the
    state is the output.
    """

    name: ClassVar[str]
    states: ClassVar[tuple[str, ...]]  # the first is the output
    gates: ClassVar[tuple[str, ...]]  # in the order of their rows in the parameter arrays
    source: ClassVar[str]
    differentiable: ClassVar[bool] = True  # where not, step_vjp and every oracle refuse
    timed: ClassVar[bool] = False  # a step depends on its number, which a second call starts anew
    biases: ClassVar[tuple[str, ...]] = ("b",)  # arrays that an implementation may do without

    def __new__(cls, *args: Any, **named: Any) -> Self:
        """Refuse words that name no variant, before anything is made of the others."""
        require_choices(cls, args, named)
        return super().__new__(cls)

    @property
    def both_ways(self) -> bool:
        """A part of it reads the sequence backwards."""
        return False

    @abstractmethod
    def shapes(self, I: int, H: int) -> dict[str, tuple[int, ...]]:
        """Parameters by name."""

    def widths(self, H: int) -> tuple[int, ...]:
        """Columns of each array of the state."""
        return (H,) * len(self.states)

    def output_width(self, H: int) -> int:
        """Columns of the output sequence."""
        return self.widths(H)[0]

    def hidden_size(self, state: State) -> int:
        """H, the number of units, of a state."""
        H: int = state[0].shape[-1] if len(state[0].shape) else 0
        return H

    @property
    def fewest(self) -> int:
        """The fewest units that it can have."""
        return 0

    def sources(self, I: int, H: int) -> dict[str, int]:
        """How wide is what feeds parameter arrays, by the names of :meth:`source_of`."""
        return {"x": I, "h": self.widths(H)[0], "1": 1}

    @abstractmethod
    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """One time step from the drive ``z`` of this step; ``Saved`` is what the adjoint needs."""

    @abstractmethod
    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """Cotangents of the drive and of the previous state, and each parameter's share."""

    def drive(self, p: dict[str, Any], x: Any) -> Any:
        """``b + U@x`` for all steps at once: (T, B, I) to (T, B, gates*H)."""
        from ltdcheck.reference.ops import affine

        return affine(x, p["U"], p["b"])

    def drive_vjp(self, p: dict[str, Any], x: Any, dz: Any) -> tuple[Any, dict[str, Any]]:
        """Cotangents of x and of the parameters of :meth:`drive`."""
        from ltdcheck.reference.ops import linear_adjoint, outer_total, total

        return linear_adjoint(dz, p["U"]), {"U": outer_total(dz, x), "b": total(dz)}

    def blocks(self, H: int) -> list[Block]:
        """Every parameter array cut into the parts that the papers name: ``U_i``, ``W_f``, ``b_g``, ..."""
        rows = {name: shape[0] // H for name, shape in self.shapes(1, H).items()}
        return [
            Block(f"{array}_{gate}" if gate else array, array, k * H, (k + 1) * H)
            for array, count in rows.items()
            for k, gate in enumerate(self.gates_of(array)[:count])
        ]

    def gates_of(self, array: str) -> tuple[str, ...]:
        """Which gates an array holds rows for, in order."""
        return self.gates

    def source_of(self, array: str) -> str:
        """What feeds an array: the input x, the hidden state h or what a step makes of it, or "1": nothing."""
        shape = self.shapes(7, 5)[array]  # sizes that differ, and that every cell allows
        return "1" if len(shape) == 1 else "x" if shape[1] == 7 else "h"

    @property
    def variant(self) -> str:
        """The variant in words: the fields that differ from their defaults."""
        from dataclasses import fields

        words = [f"{f.name}={getattr(self, f.name)}" for f in fields(self) if getattr(self, f.name) != f.default]
        return ", ".join(words)


# cotangents of the parameters, of x and of the initial state; and those that arrived at the state of every step
Pulled = tuple[dict[str, Any], Any, State, Sequence[State]]


class Wiring(Cell):
    """Several cells that are asked as one, over whole sequences: what they do is no fold of one step.

    :func:`~ltdcheck.reference.networks.unroll.unroll` and its adjoint hand over to ``unroll`` and ``unroll_vjp`` here,
    so that every oracle, bound and law that takes a cell takes a network of cells. The state is flat: the arrays of all
    cells, one after the other.
    """

    @abstractmethod
    def unroll(self, params: dict[str, Any], x: Any, state: State, lengths: Any = None) -> tuple[Any, State, Any]:
        """The output sequence, the final state, and what the adjoint needs."""

    @abstractmethod
    def unroll_vjp(self, params: dict[str, Any], tape: Any, dy: Any, dstate: State) -> Pulled:
        """The adjoint of :meth:`unroll`."""

    def step(self, p: dict[str, Any], z: Any, state: State) -> tuple[State, Saved]:
        """Refuse: the cells may read the sequence from either end.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(f"{self.name} has no step of its own; unroll it over a sequence")

    def step_vjp(self, p: dict[str, Any], saved: Saved, dstate: State) -> tuple[Any, State, dict[str, Share]]:
        """Refuse, as :meth:`step` does.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(f"{self.name} has no step of its own; unroll it over a sequence")
