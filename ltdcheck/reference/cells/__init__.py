"""The cells by name, and each one's variants."""

from __future__ import annotations

from ltdcheck.errors import UnknownNameError, UsageError
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.clockwork import Clockwork
from ltdcheck.reference.cells.continuous import Continuous
from ltdcheck.reference.cells.delay import Delay
from ltdcheck.reference.cells.echo_state import EchoState
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.greff import GreffLSTM
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.jordan import Jordan
from ltdcheck.reference.cells.leaky import Leaky
from ltdcheck.reference.cells.liquid_state import LiquidState
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.cells.preactivation import Preactivation
from ltdcheck.reference.cells.shared_gates import SharedGatesGRU

CELLS: dict[str, type[Cell]] = {
    cell.name: cell
    for cell in (
        *(Elman, Preactivation, Jordan, Leaky, Continuous, Delay, Clockwork),
        *(LSTM, GreffLSTM, GRU, SharedGatesGRU),
        *(EchoState, LiquidState),
    )
}

# cells that a target cannot be, and what they need that forward(x, state) -> (y, state) has no place for
APART: dict[str, str] = {
    "iterated_map": "an iterated map has no input, and a target is called with one",
    **dict.fromkeys(
        ("jordan-forced", "teacher-forcing"),
        "its targets and coins would have to come with the input; check the network by itself as jordan",
    ),
    "ntm": "its state has arrays of several widths, and each array of a target's state is (B, H)",
}


def cell_named(name: str) -> type[Cell]:
    """Look up a cell class.

    Raises
    ------
    UnknownNameError
        When there is no cell of this name.
    UsageError
        When there is, and no target can be one.
    """
    if name in APART:
        raise UsageError(f"{name} is no cell that a target can be: {APART[name]}.")
    if name not in CELLS:
        raise UnknownNameError("cell", name, sorted(CELLS))
    return CELLS[name]
