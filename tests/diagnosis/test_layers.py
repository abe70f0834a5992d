"""Targets of several layers and directions are found out and held against their reference; wrong wiring is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from targets import layers_numpy, layers_torch

from ltdcheck.adapters.adapting import adapt
from ltdcheck.diagnosis.diagnose import diagnose
from ltdcheck.diagnosis.families import UNFIT, require_family
from ltdcheck.diagnosis.identification import Identification
from ltdcheck.diagnosis.layers import recognise
from ltdcheck.errors import TargetUnusableError, UnknownNameError, UsageError
from ltdcheck.faults.fault import Network
from ltdcheck.faults.wired import wired_faults
from ltdcheck.implementation import Implementation
from ltdcheck.mutation.layout_json import layout_from_json, layout_to_json
from ltdcheck.properties.law import property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cells import LSTM, Elman
from ltdcheck.reference.direction import Direction
from ltdcheck.reference.networks.facing import facing
from ltdcheck.reference.networks.layered import Layered, stack
from ltdcheck.strategies.problems import Recipe, build

TORCH = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "elman": torch.nn.RNN}
WORDS = {"lstm": "lstm(order=i f g o, biases=2)", "gru": "gru(reset=after, order=r u n, biases=2)"}
WORDS["elman"] = "elman(biases=2)"
LAWS = ("values.forward_agrees", "gradients.present", "gradients.backward_agrees", "layout.consistent")


@cache
def opened(make: Callable[..., Any]) -> tuple[Implementation, Identification]:
    """The target in this process, and what it is taken for."""
    target = adapt(make, "it")
    return target, recognise(target, "it")


def made(kind: str, layers: int, ways: int) -> Callable[[int, int], Any]:
    """A factory of one of torch's modules."""
    return lambda i, h: TORCH[kind](i, h, num_layers=layers, bidirectional=ways == 2)


@pytest.mark.parametrize("kind", TORCH)
@pytest.mark.parametrize(("layers", "ways"), [(2, 1), (1, 2), (3, 2)])
def test_torchs_modules_are_found_out_and_hold(kind: str, layers: int, ways: int) -> None:
    """The cells, the number of layers and directions, and every output and gradient within its bound."""
    target = adapt(made(kind, layers, ways), "it")
    found = recognise(target, "it")
    both = f"{WORDS[kind]}, merge=concatenate"
    one = both if layers == 1 else f"bidirectional({both})" if ways == 2 else WORDS[kind]
    assert found.cell.name == ("stacked" if layers > 1 else "bidirectional")
    assert found.words == (one if layers == 1 else f"{one}, layers={layers}")
    assert found.distance < 1e-12
    lines = found.layout.describe()
    assert len(lines) == 4 * layers * ways
    assert lines[0].startswith(f"{found.cell.units[0].name}: weight_ih_l0 (")  # type: ignore[attr-defined]
    subject = Subject(target, found.layout)
    for law in LAWS:
        evidence = property_named(law).check(subject, build(subject.cell, Recipe(precision="float64")))
        assert evidence.ok
        assert evidence.compared


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (layers_torch.LSTMThenGRU, f"1: {WORDS['lstm']}, 2: {WORDS['gru']}"),
        (layers_torch.SumOfBothWays, "elman(biases=1), merge=sum"),
        (layers_torch.Joined, "elman(biases=1), merge=concatenate"),
        (layers_torch.JoinedBackFirst, "elman(biases=1), merge=concatenate back first"),
        (layers_numpy.Stack, "elman(biases=1), layers=2"),
        (layers_numpy.Both, "elman(biases=1), merge=average"),
    ],
)
def test_own_modules_are_found_out_and_hold(make: Any, words: str) -> None:
    """Two modules in a row, hand-written directions, states as nested tuples, lists, and a leading axis."""
    target, found = opened(make)
    assert found.words == words
    assert found.exact
    subject = Subject(target, found.layout)
    for law in LAWS:
        for given_state in (True, False):
            evidence = property_named(law).check(subject, build(subject.cell, Recipe(given_state=given_state)))
            assert evidence.ok, (law, evidence.disagreement)


def test_which_cell_reads_backwards_is_seen_and_not_read_off_the_order() -> None:
    """Arrays and states come back first there; an instance of I = H leaves no shape to go by."""
    _, found = opened(layers_torch.SumOfBothWays)
    assert found.layout.places == (1, 0)
    assert list(found.layout.parts[0].arrays) == ["ahead.U", "ahead.W", "ahead.b"]
    square = recognise(adapt(torch.nn.LSTM(4, 4, num_layers=2), "it"), "it")
    assert (square.words, square.exact) == (f"{WORDS['lstm']}, layers=2", True)


def test_an_entry_is_named_by_its_layer_and_direction() -> None:
    """In the papers' names, with the gradient's d before the block."""
    target = adapt(made("lstm", 2, 2), "it")
    subject = Subject(target, recognise(target, "it").layout)
    problem = build(subject.cell, Recipe())
    place = subject.place("weight_hh_l1_reverse", (6, 2), problem)
    assert (place.block, place.index) == ("layer2.back.dW_f", (0, 2))
    assert subject.place("layer1.ahead.c_0", (0, 1), problem).block == "layer1.ahead.dc_0"


def test_laws_of_time_do_not_speak_of_a_network_that_reads_backwards() -> None:
    """They hold for a stack that reads forwards."""
    problem = {"precision": "float64"}
    for make, speaks in ((layers_numpy.Both, False), (layers_numpy.Stack, True)):
        target, found = opened(make)
        subject = Subject(target, found.layout)
        for law in ("sequence.causal", "sequence.pieces_equal_whole"):
            evidence = property_named(law).check(subject, build(subject.cell, Recipe(**problem)))  # type: ignore[arg-type]
            assert evidence.ok
            assert bool(evidence.compared) == speaks
            assert ("backwards" in evidence.not_applicable) != speaks


@pytest.mark.parametrize(
    ("make", "fault", "law"),
    [
        (layers_torch.Joined_direction_not_reversed, "direction-not-reversed", "values.forward_agrees"),
        (layers_torch.Joined_reverse_final_at_wrong_end, "reverse-final-at-wrong-end", "values.forward_agrees"),
        (layers_torch.fed_input, "layer-fed-input", "values.forward_agrees"),
        (layers_torch.LSTMThenGRU_layer_gradient_missing, "layer-gradient-missing", "gradients.backward_agrees"),
        (layers_torch.TwoCells, "gate-unbounded.f", "values.forward_agrees"),
    ],
)
def test_wrong_wiring_is_seen_and_named(make: Any, fault: str, law: str) -> None:
    """The law fails on the first problem of every check, and the fault that explains it is the likeliest."""
    target, found = opened(make)
    subject = Subject(target, found.layout)
    sizes = target.fixed_sizes or (4, 6)
    problem = build(subject.cell, Recipe(I=sizes[0], H=sizes[1]))
    evidence = property_named(law).check(subject, problem)
    assert not evidence.ok
    best, *_ = diagnose(subject, problem)
    assert best.fault == fault
    assert best.residual < 1e-12


def test_a_gradient_that_is_left_out_is_named_by_its_layer() -> None:
    """NumPy's backward pass fills grads for all arrays but one."""
    target, found = opened(layers_numpy.Stack_gradient_missing)
    subject = Subject(target, found.layout)
    problem = build(subject.cell, Recipe())
    evidence = property_named("gradients.present").check(subject, problem)
    assert evidence.disagreement is not None
    assert evidence.disagreement.where.target_block == "W0"
    evidence = property_named("gradients.backward_agrees").check(subject, problem)
    assert evidence.disagreement is not None
    assert evidence.disagreement.where.block == "layer1.dW"


@pytest.mark.parametrize(
    ("ways", "found_as"),
    [
        (("forward", "go_backwards"), ("forward", "go_backwards")),
        (("backward", "forward"), ("backward", "forward")),
        (("go_backwards", "forward"), ("backward", "go_backwards")),
    ],
)
def test_every_layer_has_its_direction(
    ways: tuple[Direction, Direction], found_as: tuple[Direction, Direction]
) -> None:
    """What one layer turns round and the next does not is told as both that read backwards, which is the same."""
    target = Network(Layered(tuple((facing(Elman(), way),) for way in ways)))
    found = recognise(target, "it")
    assert found.exact
    assert tuple(part.direction for part in found.layout.parts) == found_as
    assert layout_from_json(json.loads(json.dumps(layout_to_json(found.layout)))) == found.layout
    problem = build(found.cell, Recipe())
    subject = Subject(target, found.layout)
    for law in ("values.forward_agrees", "gradients.backward_agrees"):
        assert property_named(law).check(subject, problem).ok
    assert property_named("sequence.causal").check(subject, problem).not_applicable


def test_a_fault_in_a_layer_that_reads_backwards_is_named() -> None:
    """With the layer that has it."""
    network = Layered(((facing(Elman(), "backward"),), (Elman(),)))
    fault = next(f for f in wired_faults(network) if f.id == "candidate-double-activation")
    target = fault.plant(network)
    assert target is not None
    found = recognise(target, "it")
    assert [part.direction for part in found.layout.parts] == ["backward", "forward"]
    subject = Subject(target, found.layout)
    (first, *_) = diagnose(subject, build(found.cell, Recipe()))
    assert first.fault == "candidate-double-activation"
    assert first.sentence.startswith("In layer1: ")


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")  # said once a process
def test_what_is_claimed_is_held() -> None:
    """A stack is not bidirectional, LSTMs are no GRUs, and one cell, projected or not, is not stacked."""
    target = adapt(made("lstm", 2, 1), "it")
    assert recognise(target, "it", "stacked").words == recognise(target, "it", "lstm").words
    with pytest.raises(TargetUnusableError, match=r"acts as stacked\(lstm"):
        recognise(target, "it", "bidirectional")
    with pytest.raises(TargetUnusableError, match="which is no gru"):
        recognise(target, "it", "gru")
    with pytest.raises(TargetUnusableError, match="it is one cell, and not stacked"):
        recognise(adapt(torch.nn.GRU, "it"), "it", "stacked")
    with pytest.raises(TargetUnusableError, match="it is one cell, and not stacked"):
        recognise(adapt(layers_torch.Projected, "it"), "it", "stacked")


def test_networks_that_are_no_targets_are_refused_with_a_reason() -> None:
    """And what no system is called is not known."""
    for name, why in UNFIT.items():
        with pytest.raises(UsageError, match="cannot be checked: ") as caught:
            require_family(name)
        assert why in str(caught.value)
    with pytest.raises(UnknownNameError, match="stacked"):
        require_family("stackd")


def test_words_of_different_cells() -> None:
    """Every layer is said where layers differ, and both directions where they do."""
    from ltdcheck.reference.layered_layout import LayeredLayout
    from ltdcheck.reference.layout import ArrayLayout, Layout

    def canonical(cell: Any, array: str) -> Layout:
        return Layout(cell, {array: ArrayLayout("u s", ("x",), (("U",),))})

    network = Layered(((LSTM(), Elman()),))
    parts = (canonical(LSTM(), "a"), canonical(Elman(), "b"))
    layout = LayeredLayout(network, {}, cells=parts, state_order=(0, 1, 2))
    assert layout.words() == "ahead=lstm(biases=0), back=elman(biases=0), merge=concatenate"
    deep = LayeredLayout(stack(Elman(), 2), {}, cells=(parts[1],) * 2, state_order=(0, 1))
    assert deep.words() == "elman(biases=0), layers=2"
