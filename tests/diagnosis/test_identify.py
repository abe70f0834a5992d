"""What is identified of right targets is what their authors say: family, variant, and where every parameter lies."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
from targets.catalogue import CLAIMED, RIGHT
from targets.catalogue import Target as Row
from targets.harness import ROOT

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.loading import load
from ltdcheck.diagnosis.identification import Identification
from ltdcheck.diagnosis.identify import identify
from ltdcheck.errors import TargetUnusableError
from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.law import property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import CELLS, GRU, LSTM
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.leaky import Leaky
from ltdcheck.reference.layout import ArrayLayout, Layout
from ltdcheck.reference.variants import variants
from ltdcheck.strategies.problems import Recipe, build

NAMES = [row.spec.removeprefix("tests/targets/") for row in RIGHT]
each_target = pytest.mark.parametrize("row", RIGHT, ids=NAMES)


@cache
def target(spec: str) -> Implementation:
    """As a check adapts it, in this process."""
    return adapt(load(str(ROOT / spec)), spec)


@cache
def found(spec: str) -> Identification:
    """What it is taken for."""
    return identify(target(spec), spec)


def matrices(layout: Layout) -> list[ArrayLayout]:
    """The arrays that hold weights of x or h."""
    return [a for a in layout.arrays.values() if set(a.sources) & {"x", "h"}]


@each_target
def test_family_and_variant(row: Row) -> None:
    """Every word of the variant is a field of the reference that was found, and it reproduces the target."""
    it = found(row.spec)
    assert it.cell.name == row.cell
    fields = {name: str(value) for name, value in vars(it.cell).items()}
    assert dict(word.split("=") for word in row.variant).items() <= fields.items()
    assert it.exact
    assert not it.fault
    assert it.distance < 1e-12
    assert 1e-3 < it.next < np.inf  # no other variant comes near


@each_target
def test_layout_words(row: Row) -> None:
    """Gate order, number of biases, and order of the state, as the line says that a report prints."""
    said = dict(re.findall(r"(\w+)=([^,]+)", it_words := found(row.spec).layout.words()))
    words = dict(word.split("=") for word in row.layout if "=" in word)
    if "order" in words:
        gates = words["order"].replace("z", "u")  # the reference calls the update gate u
        assert said["order"] == gates
    assert said["biases"] == words["biases"]
    assert ("state=(c, h)" in it_words) == (words.get("state") == "c h")


@each_target
def test_arrangement(row: Row) -> None:
    """Fused or apart, inputs or hidden state first, gates of a unit side by side, multiplied from which side."""
    layout = found(row.spec).layout
    weights = matrices(layout)
    gates = {"lstm": 4, "gru": 3, "elman": 1}[row.cell]
    assert all(not a.inner for a in weights)
    for word, holds in {
        "transposed": lambda a: _axis(a, "s") < _axis(a, "u"),
        "gate axis": lambda a: "g" in re.findall(r"\([^)]*\)|\w", a.arrangement),
        "interleaved": lambda a: _axis(a, "u") < _axis(a, "g"),
        "x first": lambda a: a.sources.index("x") < a.sources.index("h") if len(a.sources) > 1 else False,
        "h first": lambda a: a.sources.index("h") < a.sources.index("x") if len(a.sources) > 1 else False,
        "bias in weight": lambda a: "1" in a.sources,
    }.items():
        seen = {holds(a) for a in weights}
        assert seen == {word in row.layout}, (word, layout.describe())
    if "per gate" in row.layout or "separate" in row.layout:
        assert {a.gates for a in weights} == {1}
    elif "fused" in row.layout:
        assert {a.gates for a in weights} == {gates}


def _axis(layout: ArrayLayout, axis: str) -> int:
    """Where an axis stands; in front where the arrangement has none."""
    axes = re.findall(r"\w", layout.arrangement)
    return axes.index(axis) if axis in axes else -1


@each_target
def test_every_entry_is_something(row: Row) -> None:
    """No part of any array is without effect, and every weight of the reference is held once."""
    it = found(row.spec)
    roles = [r for a in it.layout.arrays.values() for names in a.roles for r in names]
    assert "" not in roles
    held = [r for r in roles if r.startswith(("U", "W"))]
    assert sorted(held) == sorted(b.name for b in it.cell.blocks(2) if b.array in ("U", "W"))
    inside_reset = "reset=after" in row.variant and {"biases=2", "biases=1+n"} & {*row.layout}
    assert ("bh_n" in roles) == bool(inside_reset)


@pytest.mark.parametrize(
    "cell", [c for f in ("elman", "lstm", "gru") for c in variants(f)], ids=lambda c: f"{c.name} {c.variant}"
)
def test_the_reference_is_itself(cell: Elman | LSTM | GRU) -> None:
    """Every variant, in its own arrays, with nothing claimed."""
    it = identify(Network(cell), "it")
    assert it.exact
    assert it.cell == cell
    assert {name: a.roles for name, a in it.layout.arrays.items() if len(a.sources) == 1} == {
        name: (tuple(b.name for b in cell.blocks(5) if b.array == name),) for name in cell.shapes(7, 5)
    }


@pytest.mark.parametrize("row", CLAIMED, ids=lambda row: row.spec.rpartition("/")[2])
def test_a_claimed_family_is_identified(row: Row) -> None:
    """Variant and layout, with numbers that no list holds, are what the author wrote; every entry is something."""
    it = identify(target(row.spec), row.spec, row.cell)
    assert (it.cell.name, it.cell.variant, it.layout.words()) == (row.cell, *row.variant, *row.layout)
    assert it.exact
    assert it.distance < 1e-12
    roles = {r for a in it.layout.arrays.values() for names in a.roles for r in names}
    assert {b.name for b in it.cell.blocks(5)} == roles


def changed(cell: Cell) -> int:
    """How many fields differ from their defaults."""
    return sum(getattr(cell, f.name) != f.default for f in fields(cell))


EVERY = [cell for family in CELLS for cell in variants(family) if changed(cell) < 2]


@pytest.mark.parametrize("cell", EVERY, ids=lambda c: f"{c.name} {c.variant}")
def test_every_change_of_a_reference_is_identified(cell: Cell) -> None:
    """In its own arrays; only a variant that computes the same at every weight may stand in for it."""
    it = identify(Network(cell), "it", cell.name)
    assert it.exact
    assert it.cell == cell or it.distance == it.next == 0.0


def test_a_claim_is_kept_or_refused() -> None:
    """A family that fits is taken; one that cannot is refused with what was found instead."""
    assert identify(Network(GRU()), "it", "gru").cell.name == "gru"
    with pytest.raises(TargetUnusableError, match="which is no lstm"):
        identify(Network(GRU()), "it", "lstm")


class Arctangent:
    """An Elman network with a nonlinearity that is no variant."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        shapes = {"U": (hidden_size, input_size), "W": (hidden_size, hidden_size), "b": (hidden_size,)}
        self.params = {name: np.ones(shape) / 8 for name, shape in shapes.items()}

    def forward(self, x: np.ndarray, state: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Forward alone."""
        h = np.zeros((x.shape[1], len(self.params["b"])), x.dtype) if state is None else state
        y = np.zeros((*x.shape[:2], h.shape[1]), x.dtype)
        for t in range(len(x)):
            a = x[t] @ self.params["U"].T + h @ self.params["W"].T + self.params["b"]
            y[t] = h = np.arctan(a)
        return y, h.copy()


def test_where_no_variant_fits_nothing_is_said_of_the_layout() -> None:
    """The finding tells that another convention is possible; what is declared is not held against a guess."""
    it = identify(adapt(Arctangent, "it"), "it")
    assert not it.explained
    subject = Subject(adapt(Arctangent, "it"), it.layout, "order=i f g o")
    problem = build(it.cell, Recipe())
    seen = property_named("values.forward_agrees").check(subject, problem).disagreement
    assert seen is not None
    assert "no variant of elman, alone or with a known fault" in seen.message
    for law in ("layout.consistent", "layout.as_declared"):
        assert "no variant of elman" in property_named(law).check(subject, problem).not_applicable


def test_roles_that_nothing_tells_are_no_finding() -> None:
    """A recurrence from gates to gates that is never used: which of its parts is which cannot be seen."""
    spec = "tests/targets/numpy_greff.py:GateRecurrence_unused"
    it = identify(target(spec), spec, "greff")
    assert it.fault == "gate-recurrence-unused"
    assert it.layout.unseen == {"R"}
    seen = property_named("layout.consistent").check(Subject(target(spec), it.layout), build(it.cell, Recipe()))
    assert seen.ok
    assert seen.compared == len(it.layout.arrays) - 1


def test_shapes_that_fit_nothing_are_refused_with_the_shapes() -> None:
    """A network without recurrent weights, say."""

    class Odd(Network):
        def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
            return {"A": (input_size + 3, hidden_size + 11)}

    with pytest.raises(TargetUnusableError, match=r"A \(10, 16\)"):
        identify(Odd(Elman()), "odd")


@pytest.mark.parametrize("cell", [Elman("relu"), GRU("after"), LSTM(), Leaky(tau=3.5)], ids=lambda c: c.name)
def test_an_entry_that_is_never_set_hides_nothing(cell: Cell) -> None:
    """It changes when a question is asked again, says nothing of the target, and is left out."""
    restless = _Restless(cell)
    problem = build(cell, Recipe())
    assert restless.run(problem).y[-1, -1, -1] != restless.run(problem).y[-1, -1, -1]
    it = identify(restless, "it", cell.name)
    assert it.exact
    assert it.cell == cell
    assert it.distance < 1e-12


class _Restless(Network):
    """The last output holds the number of the call."""

    calls = 0

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """Right but for one entry."""
        self.calls += 1
        out = super().run(problem, backward=backward, fresh=fresh)
        y = out.y.copy()
        y[-1, -1, -1] = self.calls
        return replace(out, y=y)


class GatedTwice:
    """A GRU with a gate for every two units whose new part goes through the update gate once more."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        I, H, G = input_size, hidden_size, -(-hidden_size // 2)
        shapes = {"U": (H, I), "W": (H, H), "b": (H,), "Ug": (2 * G, I), "Wg": (2 * G, H), "bg": (2 * G,)}
        rng = np.random.default_rng(1)
        self.params = {name: rng.standard_normal(shape) for name, shape in shapes.items()}

    def forward(self, x: Array, state: Array | None = None) -> tuple[Array, Array]:
        p = self.params
        h = np.zeros((x.shape[1], len(p["b"])), x.dtype) if state is None else state
        y = np.zeros((*x.shape[:2], h.shape[1]), x.dtype)
        for t in range(len(x)):
            gates = 1 / (1 + np.exp(-(x[t] @ p["Ug"].T + h @ p["Wg"].T + p["bg"])))
            r, u = (np.repeat(g, 2, axis=1)[:, : h.shape[1]] for g in np.split(gates, 2, axis=1))
            n = np.tanh(x[t] @ p["U"].T + (r * h) @ p["W"].T + p["b"])
            y[t] = h = u * h + (1 - u) * n * u
        return y, h.copy()


def test_a_claimed_cell_of_unknown_behaviour_is_held_against_the_nearest_variant() -> None:
    """Wrong in a way that nobody knows, with arrays that can be read in two ways: it has a layout, and the doubt."""
    found = identify(adapt(GatedTwice, "GatedTwice"), "GatedTwice", "shared_gates")
    assert not found.explained
    assert "held against the nearest variant" in found.layout.doubt
