"""Every system of the source documents by its row, S01 to S49: its names, and where in the reference it is.

A row may have several names, and a name several rows. What a system is stands in the docstring of its page, the module.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ltdcheck.reference.average_norm import AverageNorm
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.iterated_map import IteratedMap
from ltdcheck.reference.cells.jordan import Forced, coins
from ltdcheck.reference.cells.ntm import NTM
from ltdcheck.reference.clipping import clip_by_norm, clip_by_value, random_step, refuse, skip
from ltdcheck.reference.curvature import gauss_newton_product, hessian_product, structural_product
from ltdcheck.reference.hessian_free import HessianFree
from ltdcheck.reference.hidden_clipping import clip_hidden
from ltdcheck.reference.information_flow import information_flow
from ltdcheck.reference.initializers import identity, of_pmb, orthogonal, sparse, with_forget_bias, with_spectral_radius
from ltdcheck.reference.losses import Classifier
from ltdcheck.reference.memory.hard_read import hard_read, reinforce
from ltdcheck.reference.memory.network import MemoryNetwork
from ltdcheck.reference.networks import NETWORKS
from ltdcheck.reference.networks.composition import Affine, Bilinear, Recurrent
from ltdcheck.reference.networks.sampling import sample
from ltdcheck.reference.networks.trees import given_tree
from ltdcheck.reference.networks.truncated import contributions, immediate
from ltdcheck.reference.optimizers import Optimizer, careful
from ltdcheck.reference.penalties import l1, l2
from ltdcheck.reference.readout import recursive, ridge
from ltdcheck.reference.reservoir import reservoir


@dataclass(frozen=True)
class System:
    """One name of one row."""

    row: str  # "" for a cell that none of them describes
    name: str
    subject: Callable[..., Any]  # the class or function of the reference

    @property
    def module(self) -> str:
        """Where it is."""
        return self.subject.__module__

    @property
    def page(self) -> str:
        """Equation, shapes and source, from the module."""
        return inspect.cleandoc(sys.modules[self.module].__doc__ or "")

    @property
    def own(self) -> str:
        """What the class or function says of itself."""
        return inspect.getdoc(self.subject) or ""

    @property
    def what(self) -> str:
        """One line: of the page for the first name of a row that the page begins with, else of what has the name."""
        title = self.page.partition("\n")[0]
        if not self.row:
            return title
        first = self.name == next(iter(ROWS[self.row]))
        return title if first and self.row in title else self.own.partition("\n")[0]

    @property
    def choices(self) -> dict[str, tuple[Any, ...]]:
        """The variants as data: every field or argument that is a choice, with its values."""
        hints = get_type_hints(self.subject)
        return {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}


ROWS: dict[str, dict[str, Callable[..., Any]]] = {
    "S01": {"elman": Elman},
    "S02": {"preactivation": CELLS["preactivation"]},
    "S03": {"jordan": CELLS["jordan"], "teacher-forcing": Forced, "scheduled-sampling": coins},
    "S04": {"identity-rnn": Elman},
    "S05": {"leaky": CELLS["leaky"]},
    "S06": {"continuous": CELLS["continuous"]},
    "S07": {"delay": CELLS["delay"]},
    "S08": {"clockwork": CELLS["clockwork"], "leaky": CELLS["leaky"]},
    "S09": {"lstm": CELLS["lstm"]},
    "S10": {"lstm": CELLS["lstm"]},
    "S11": {"greff": CELLS["greff"]},
    "S12": {"forget-bias": with_forget_bias, "lstm": CELLS["lstm"]},
    "S13": {"gru": CELLS["gru"]},
    "S14": {"gru": CELLS["gru"]},
    "S15": {"shared_gates": CELLS["shared_gates"]},
    "S16": {
        "echo_state": CELLS["echo_state"],
        "reservoir": reservoir,
        "ridge": ridge,
        "recursive-least-squares": recursive,
    },
    "S17": {"liquid_state": CELLS["liquid_state"]},
    "S18": {IteratedMap.name: IteratedMap},
    "S20": {"unroll": NETWORKS["unroll"], "classifier": Classifier},
    "S21": {"classifier": Classifier},
    "S22": {"generative": NETWORKS["generative"], "sample": sample},
    "S23": {"conditional": NETWORKS["conditional"]},
    "S24": {"bidirectional": NETWORKS["bidirectional"]},
    "S25": {"grid": NETWORKS["grid"]},
    "S26": {"encoder-decoder": NETWORKS["encoder-decoder"]},
    "S27": {name: NETWORKS[name] for name in ("stacked", "deep", "deep-transition", "grouped")},
    "S28": {
        "tree": NETWORKS["tree"],
        "affine": Affine,
        "bilinear": Bilinear,
        "recurrent": Recurrent,
        "given-tree": given_tree,
    },
    "S29": {NTM.name: NTM, MemoryNetwork.name: MemoryNetwork},
    "S30": {"hard-read": hard_read, "reinforce": reinforce},
    "S31": {"bptt": NETWORKS["bptt"], "immediate-derivatives": immediate, "temporal-contributions": contributions},
    "S40": {"clip-norm": clip_by_norm},
    "S41": {"clip-value": clip_by_value},
    "S42": {"clip-hidden": clip_hidden},
    "S43": {"random-step": random_step, "refuse": refuse, "skip": skip},
    "S44": {"average-norm": AverageNorm},
    "S45": {"information-flow": information_flow},
    "S46": {"sgd": Optimizer, "momentum": Optimizer, "nesterov": Optimizer, "careful": careful},
    "S47": {
        "hessian-free": HessianFree,
        "gauss-newton": gauss_newton_product,
        "hessian": hessian_product,
        "structural": structural_product,
    },
    "S48": {
        "spectral-radius": with_spectral_radius,
        "identity": identity,
        "orthogonal": orthogonal,
        "sparse": sparse,
        "forget-bias": with_forget_bias,
        "pmb": of_pmb,
    },
    "S49": {"l1": l1, "l2": l2},
}


def systems(first: str = "S01", last: str = "S49") -> Iterator[System]:
    """Those of some rows, row by row."""
    for row, named in ROWS.items():
        if first <= row <= last:
            yield from (System(row, name, subject) for name, subject in named.items())


def cells() -> Iterator[System]:
    """The cells, row by row, and after them those that no row describes."""
    found = [s for s in systems("S01", "S18") if inspect.isclass(s.subject) and issubclass(s.subject, Cell)]
    yield from found
    names = {s.name for s in found}
    yield from (System("", name, cell) for name, cell in CELLS.items() if name not in names)


def systems_named(id: str) -> list[System]:
    """The systems of a row or of a name, none if there is neither; those of one name are one and the same."""
    return [s for s in systems() if id in (s.row, s.name)] or [s for s in cells() if id == s.name]
