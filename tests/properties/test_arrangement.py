"""The arrangement of parameters: any is right, two in one target are not, and what is declared must be so."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from quality.planted import canonical

from ltdcheck.errors import UsageError
from ltdcheck.faults.fault import Network
from ltdcheck.properties.law import Evidence, property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import GRU, LSTM
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.cells.leaky import Leaky
from ltdcheck.reference.declared import agree, stated
from ltdcheck.reference.layout import ArrayLayout, Layout
from ltdcheck.reference.variants import variants
from ltdcheck.strategies.problems import Recipe, build

Arrays = Mapping[str, ArrayLayout]

IFGO, IFOG = "ifgo", "ifog"


def fused(kind: str, source: str, gates: str, arrangement: str = "(g u) s", *, inner: bool = False) -> ArrayLayout:
    """One source's blocks of these gates."""
    return ArrayLayout(arrangement, (source,), (tuple(f"{kind}_{g}" for g in gates),), inner)


def one(block: str, source: str, arrangement: str = "u s") -> ArrayLayout:
    """One block."""
    return ArrayLayout(arrangement, (source,), ((block,),))


TORCH = {"ih": fused("U", "x", IFGO), "hh": fused("W", "h", IFGO), "bias": fused("b", "1", IFGO, "(g u)")}


def ask(id: str, cell: Cell, arrays: Arrays, declared: str = "") -> Evidence:
    """A property about the layout alone: the target is not called."""
    subject = Subject(Network(cell), Layout(cell, arrays), declared)
    return property_named(id).check(subject, build(cell, Recipe()))


def inconsistent(cell: Cell, arrays: Arrays) -> str:
    """What ``layout.consistent`` says, or ""."""
    seen = ask("layout.consistent", cell, arrays)
    assert seen.compared == len(arrays)
    return seen.disagreement.message if seen.disagreement else ""


@pytest.mark.parametrize(
    "cell", [c for f in ("elman", "lstm", "gru") for c in variants(f)], ids=lambda c: f"{c.name} {c.variant}"
)
def test_the_reference_is_consistent(cell: Cell) -> None:
    """In every variant."""
    assert inconsistent(cell, canonical(cell).arrays) == ""


@pytest.mark.parametrize("gates", [IFGO, IFOG, "ogfi"])
@pytest.mark.parametrize("arrangement", ["(g u) s", "s (g u)", "u g s"])
def test_any_order_and_orientation_is_right(gates: str, arrangement: str) -> None:
    """As long as all arrays have it; a bias has no orientation."""
    bias = fused("b", "1", gates, "(g u)")
    arrays = {"ih": fused("U", "x", gates, arrangement), "hh": fused("W", "h", gates, arrangement), "bias": bias}
    assert inconsistent(LSTM(), arrays) == ""


def test_two_orders_are_a_fault() -> None:
    """The finding names both arrays and both orders."""
    said = inconsistent(LSTM(), {**TORCH, "hh": fused("W", "h", IFOG)})
    assert said == "gate-order: hh holds its gates in the order i f o g, ih in the order i f g o"


def test_peepholes_have_an_order_of_their_own() -> None:
    """They are diagonal: i f o beside i f g o is what people write."""
    peephole = fused("p", "1", "ifo", "(g u)")
    assert inconsistent(LSTM(peepholes="current"), {**TORCH, "p": peephole}) == ""


def test_recurrent_weights_the_other_way_round_are_a_fault() -> None:
    """As whole arrays, and as blocks of an array that is used the right way round."""
    elman = {"U": one("U", "x"), "W": one("W", "h", "s u"), "b": one("b", "1", "u")}
    assert inconsistent(Elman(), elman) == "recurrent-transposed: U is used as W @ v, W as v @ W"
    turned = {**TORCH, "hh": fused("W", "h", IFGO, inner=True)}
    assert "its recurrent blocks the other" in inconsistent(LSTM(), turned)


NAMED = {g: {"W": one(f"W_{g}", "h"), "U": one(f"U_{g}", "x"), "b": one(f"b_{g}", "1", "u")} for g in "ifog"}
STYLES = ["{kind}_{gate}", "{kind}{gate}", "{word}.{kind}"]
WORDS = {"i": "input", "f": "forget", "o": "output", "g": "cand"}


def spelt(style: str, as_: Mapping[str, str] | None = None) -> dict[str, ArrayLayout]:
    """All blocks of an LSTM on their own, each named after its gate, or after another's."""
    names = as_ or {}
    return {
        style.format(kind=kind, gate=names.get(g, g), word=WORDS[names.get(g, g)]): array
        for g, arrays in NAMED.items()
        for kind, array in arrays.items()
    }


@pytest.mark.parametrize("style", STYLES)
def test_arrays_named_after_gates_are_those_gates(style: str) -> None:
    """And a name that belongs to another gate is a fault, in the spellings that people use."""
    assert inconsistent(LSTM(), spelt(style)) == ""
    said = inconsistent(LSTM(), spelt(style, {"i": "f", "f": "i"}))
    assert said.startswith("gate-order: ")
    assert "is named after gate f and acts as gate i" in said


def test_names_that_do_not_tell_all_gates_apart_claim_nothing() -> None:
    """Numbers, or letters of which some mean something else."""
    arrays = {f"w{k}": array for k, array in enumerate(spelt(STYLES[0]).values())}
    assert inconsistent(LSTM(), arrays) == ""
    partly = {("W_f" if name == "W_i" else name.replace("_", "")): a for name, a in spelt(STYLES[0]).items()}
    assert inconsistent(LSTM(), {k: v for k, v in partly.items() if not k.endswith(("g", "o"))}) == ""


def gru(**biases: ArrayLayout) -> dict[str, ArrayLayout]:
    """A GRU's weights, with these biases."""
    return {"ih": fused("U", "x", "run"), "hh": fused("W", "h", "run"), **biases}


def test_the_hidden_bias_of_a_gru_is_inside_the_reset() -> None:
    """Two that are both outside are a fault; two as in cuDNN, one alone that is outside, or none, are right."""
    outer = fused("b", "1", "run", "(g u)")
    inner = ArrayLayout("(g u)", ("1",), (("b_r", "b_u", "bh_n"),))
    assert inconsistent(GRU("after"), gru(bi=outer, bh=inner)) == ""
    assert inconsistent(GRU("after"), gru()) == ""
    assert inconsistent(GRU("before"), gru(b=outer)) == ""
    assert "gru-hidden-bias-outside-reset" in inconsistent(GRU("after"), gru(bi=outer, bh=outer))
    assert inconsistent(GRU("after"), gru(b=outer)) == ""


# -- declarations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("order=i f g o", ""),
        ("order=i f g o, biases=1", ""),
        (" candidate=tanh ,peepholes=none", ""),
        ("order=i f c o", ""),
        ("forget_offset=0, direction=forward, state=h c, layers=1", ""),
        ("direction=go_backwards", "declared direction=go_backwards, but it acts as direction=forward"),
        ("state=c h", "declared state=c h, but it acts as state=h c"),
        ("order=i f o g", "declared order=i f o g, but it acts as order=i f g o"),
        ("biases=2", "declared biases=2, but it acts as biases=1"),
        ("candidate=sigmoid", "declared candidate=sigmoid, but it acts as candidate=tanh"),
        ("reset=after", "declared reset=after, but it acts as no reset"),
        ("order=i f g o, biases=2", "declared biases=2, but it acts as biases=1"),
    ],
)
def test_what_is_declared_must_be_so(declared: str, message: str) -> None:
    """Every part of it; a part that a cell has not is not so."""
    seen = ask("layout.as_declared", LSTM(), TORCH, declared)
    assert (seen.disagreement.message if seen.disagreement else "") == message
    assert seen.compared == declared.count("=")


def test_numbers_of_groups_can_be_declared() -> None:
    """In brackets, whatever digits they are written with."""
    cell = Leaky(tau=(2.0, 4.0))
    arrays = canonical(cell).arrays
    assert ask("layout.as_declared", cell, arrays, "leak=averaging, tau=(2, 4.00), nonlinearity=tanh").ok
    seen = ask("layout.as_declared", cell, arrays, "tau=(2, 5)")
    assert seen.disagreement is not None
    assert seen.disagreement.message == "declared tau=(2, 5), but it acts as tau=(2.0, 4.0)"


def test_a_missing_hidden_bias_is_a_fault_where_it_is_declared() -> None:
    """A GRU that resets after the product, with one bias, is another one than was declared."""
    outer = fused("b", "1", "run", "(g u)")
    said = ask("layout.as_declared", GRU("after"), gru(b=outer), "biases=1+n").disagreement
    assert said is not None
    assert said.message.startswith("gru-hidden-bias-missing: declared biases=1+n, but it acts as biases=1")
    assert ask("layout.as_declared", GRU("after"), gru(b=outer), "biases=1").ok


def test_nothing_declared_is_nothing_to_hold_to() -> None:
    """It is not a pass."""
    seen = ask("layout.as_declared", LSTM(), TORCH)
    assert seen.not_applicable == "nothing was declared"
    assert seen.compared == 0


@pytest.mark.parametrize(
    "cell", [Elman("relu"), GRU("after", "replaces"), LSTM("sigmoid", "previous")], ids=lambda c: c.variant
)
def test_every_field_of_the_variant_can_be_declared(cell: Cell) -> None:
    """By its name and value."""
    arrays = canonical(cell).arrays
    for name, value in vars(cell).items():
        assert ask("layout.as_declared", cell, arrays, f"{name}={value}").ok
        others = [c for c in variants(cell.name) if getattr(c, name) != value]
        assert not ask("layout.as_declared", cell, arrays, f"{name}={getattr(others[0], name)}").ok


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("resett=after", "there is no word 'resett'. Known: .*reset"),
        ("reset=afterwards", "there is no value of reset 'afterwards'. Known: before, after"),
        ("direction=reverse", "Known: forward, backward, go_backwards"),
        ("order i f g o", "there is no word 'order i f g o'"),
        ("gate_nonlinearity=hard", "hard sigmoid 0.2, hard sigmoid 1/6"),
    ],
)
def test_words_that_declare_nothing_are_refused(declared: str, message: str) -> None:
    """With those that are known."""
    with pytest.raises(UsageError, match=message):
        stated(declared)


def test_gates_are_called_as_frameworks_call_them() -> None:
    """Of the GRU z r h (Keras, ONNX), u r o (oneDNN); of the LSTM i j f o (TensorFlow 1), i f o z (Core ML)."""
    for spoken, order in {"z r h": "u r n", "u r o": "u r n", "i j f o": "i g f o", "i f o z": "i f o g"}.items():
        assert agree("order", spoken, order)
    assert not agree("order", "r z h", "u r n")
