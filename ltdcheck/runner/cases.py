"""On which problems a property of cells is asked, and on how many drawn ones any property."""

from __future__ import annotations

from collections.abc import Sequence

from ltdcheck.properties.law import Property
from ltdcheck.reference.cell import Cell
from ltdcheck.runner.profiles import Profile
from ltdcheck.strategies.problems import Recipe, configurations, few, in_turn, long

# in every configuration
BROAD = (
    "values.forward_agrees",
    "gradients.backward_agrees",
    "gradients.present",
    "pair.forward_agrees",
    "pair.gradients_agree",
)
LONG = ("lags.long_memory",)  # on long problems alone
AHEAD = "values.forward_agrees"  # asks each problem as it is, as the long ones are: so that they can be asked at once


def fixed_cases(
    prop: Property,
    cell: Cell,
    precisions: Sequence[str],
    sizes: tuple[int, int] | None = None,
    compiles: str = "",
) -> list[Recipe]:
    """What a check always asks of a property."""
    if prop.id in LONG:
        return long(cell, precisions, sizes, compiles)
    chosen = (configurations if prop.id in BROAD else few)(cell, precisions, sizes, compiles)
    return in_turn(chosen, precisions) if prop.questions > 1 else chosen


def drawn_cases(prop: Property, profile: Profile) -> int:
    """How many cases are drawn for a property."""
    return -(-profile.examples // prop.questions)
