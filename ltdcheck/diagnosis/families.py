"""What a target can be said to be with ``--cell``: a cell, a network that is asked as cells are, or a clipping rule."""

from __future__ import annotations

from ltdcheck.errors import UnknownNameError, UsageError
from ltdcheck.reference.cells import APART, CELLS, cell_named
from ltdcheck.reference.systems import systems

LAYERED = ("stacked", "bidirectional")  # what a target of several layers and directions can be said to be
CLIPPING = ("clip-norm", "clip-value")
OTHER = "other"  # a cell that has no reference: None is taken, for "find out"

_GRADIENTS = "it is a way to take gradients, and no network. A target's own backward pass is checked with its cell."
_MEMORY = "its state holds a memory beside its cell's, and no question tells the arrays of its heads apart."

# what is no function (x, state) -> (y, state) of its own, or has arrays that no question tells apart: why, what to do
UNFIT = {
    "identity-rnn": "it is an elman with given initial weights. Say --cell elman --as nonlinearity=relu.",
    "generative": "it feeds its own samples back: its outputs are draws. Check its cell: --cell elman, lstm, ..",
    "conditional": "its context goes in beside x. Check its cell on x and context joined: --cell elman, lstm, ..",
    "encoder-decoder": "it answers a sequence of another length. Check encoder and decoder on their own.",
    "grid": "its x has two axes of steps, (R, C, B, I), and a target has one.",
    "tree": "its x comes with a tree, and a target is given a sequence.",
    "deep": "the arrays of its MLPs are not told apart by questions. Check its cell on its own.",
    "deep-transition": "the arrays of its MLP are not told apart by questions. Check its cell on its own.",
    **dict.fromkeys(("memory-network", "hard-read", "reinforce"), _MEMORY),
    **dict.fromkeys(("bptt", "immediate-derivatives", "temporal-contributions"), _GRADIENTS),
    "grouped": "which group reads which is not told apart by questions. Check one group as a cell.",
}
FROM_PYTHON = "From Python, hold its gradient against its own forward pass with ltdcheck.check_gradient."


def require_family(name: str) -> None:
    """Refuse what a target cannot be said to be.

    Raises
    ------
    UnknownNameError
        When nothing has this name.
    UsageError
        When it is a system that a target cannot be, with the reason and with what can be done.
    """
    accepted = (*CELLS, "unroll", *LAYERED, *CLIPPING, OTHER)
    if name in accepted:
        return
    if name in APART:
        cell_named(name)  # which says why it cannot be
    if name not in {system.name for system in systems()}:
        raise UnknownNameError("cell", name, sorted(accepted))
    why = UNFIT.get(name, "it is no function (x, state) -> (y, state) of a sequence.")
    raise UsageError(f"--cell {name} cannot be checked: {why} {FROM_PYTHON}")
