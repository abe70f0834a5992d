"""The layers and directions of a target: which arrays and which parts of the state belong together, what reads what.

At a random point every array, and every part of the initial state, is changed in turn, and it is seen which parts of
the final state change. What a cell's arrays change is the cell's own state and that of every layer above it, so that
arrays of one cell change the same parts, and each cell's own part is what it changes and no cell above it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ltdcheck.diagnosis.probe import SIZES
from ltdcheck.errors import TargetUnusableError
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import Params, Problem

T, B = 3, 2
FEW = 2  # arrays that the state of a cell has, at most, for its layers to be told apart

Reached = frozenset[int]  # parts of the final state, by their places; of the output sequence the halves FIRST and LAST
FIRST, LAST = -1, -2


@dataclass(frozen=True)
class Place:
    """The arrays and the parts of the state of one cell; ``reached`` is all that its arrays change."""

    arrays: tuple[str, ...]
    states: tuple[int, ...]
    reached: Reached


def question(target: Implementation, params: Params, x: np.ndarray, states: Sequence[np.ndarray]) -> Problem:
    """A forward question: the cotangents are zero."""
    _, H = target.fixed_sizes or SIZES
    zeros = tuple(np.zeros_like(s) for s in states)
    dy = np.zeros((*x.shape[:2], target.output_width(H)))
    given = tuple(states) if target.takes_state else None
    return Problem(params, x, given, dy, zeros, target.precisions[0])


def structure(target: Implementation, name: str) -> list[list[Place]]:
    """The cells of each layer, the first layer first.

    Raises
    ------
    TargetUnusableError
        When the arrays cannot be shared out among cells.
    TargetFailure
        When it does not answer.
    """
    places = _places(target, name)
    layers = _by_reach(places)
    if layers is not None and all(place.reached & {FIRST, LAST} for place in layers[-1]):
        return [*layers[:-1], sorted(layers[-1], key=lambda place: FIRST not in place.reached)]
    # what should be wired is not: the order in which the target names its arrays decides, and the laws tell the rest
    directions = target.width
    if len(places) % directions:
        why = f"its arrays are those of {len(places)} cells, which are no layers of {directions} directions."
        raise TargetUnusableError(name, why, "Check its layers on their own.")
    return [places[k : k + directions] for k in range(0, len(places), directions)]


def _places(target: Implementation, name: str) -> list[Place]:
    """The cells, in the order in which the target names their arrays."""
    reach = reached(target)
    groups: dict[Reached, list[str]] = {}
    before: Reached = frozenset()
    for array, parts in reach.items():
        before = _of_state(parts) or before  # an array without effect belongs to its neighbour
        groups.setdefault(before, []).append(array)
    places = []
    for parts, arrays in groups.items():
        above = frozenset[int]().union(*(other for other in groups if other < parts))
        own = tuple(sorted(parts - above))
        whole = frozenset[int]().union(*(reach[a] for a in arrays))
        if not own or len(own) > FEW:
            says = f"{', '.join(arrays)} change {len(own)} parts of the final state that no other array changes"
            fix = "Give every cell its own arrays, and return its state; or check its layers on their own."
            raise TargetUnusableError(name, f"{says}: they belong to no single cell.", fix)
        places.append(Place(tuple(arrays), own, whole))
    return places


def _by_reach(places: Iterable[Place]) -> list[list[Place]] | None:
    """Layers of cells that change the same parts above them; None where that is no stack."""
    layers: dict[Reached, list[Place]] = {}
    for place in places:
        layers.setdefault(_of_state(place.reached) - set(place.states), []).append(place)
    ordered = sorted(layers.items(), key=lambda item: len(item[0]))
    seen: Reached = frozenset()
    for above, layer in ordered:
        if above != seen or len(layer) > 2:
            return None
        seen = seen.union(*(place.states for place in layer))
    return [layer for _, layer in reversed(ordered)]


def reached(target: Implementation) -> dict[str, Reached]:
    """For each array, what changes when all its entries do."""
    I, H = target.fixed_sizes or SIZES
    rng = np.random.default_rng(11)

    def grains(*shape: int) -> np.ndarray:
        return np.asarray(np.round(rng.standard_normal(shape) * 64) / 256)

    params = {name: grains(*shape) for name, shape in target.parameters(I, H).items()}
    x, states = grains(T, B, I), [grains(B, width) for width in target.widths(H)]
    before = target.run(question(target, params, x, states), backward=False, fresh=True)
    found = {}
    for name, value in params.items():
        changed = {**params, name: value + grains(*value.shape)}
        found[name] = _changed(before, target.run(question(target, changed, x, states), backward=False, fresh=True))
    return found


def _of_state(parts: Reached) -> Reached:
    return parts - {FIRST, LAST}


def _changed(before: Outputs, after: Outputs) -> Reached:
    half = before.y.shape[2] // 2
    seen = [(out.y[..., half:], out.y[..., :half], *out.state) for out in (before, after)]
    return frozenset(k + LAST for k, (a, b) in enumerate(zip(*seen, strict=True)) if not np.array_equal(a, b))
