"""Networks that are right by the conventions of the frameworks are identified by name, and hold to every equation."""

from __future__ import annotations

import inspect
from functools import cache

import numpy as np
import pytest
from targets import conventions

from ltdcheck.adapters.adapting import adapt
from ltdcheck.diagnosis.direction import Turned, direction_of
from ltdcheck.diagnosis.identification import Identification
from ltdcheck.diagnosis.identify import identify
from ltdcheck.diagnosis.probe import Probe
from ltdcheck.errors import UsageError
from ltdcheck.faults.fault import Network, fault_named
from ltdcheck.properties.law import property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cells import CELLS, LSTM
from ltdcheck.reference.variants import RARE
from ltdcheck.runner.subjects import Target
from ltdcheck.strategies.problems import Recipe, build

# class: family, variant in words, layout as it can be declared
TABLE: dict[str, tuple[str, str, str]] = {
    "LSTM": ("lstm", "", "order=i f g o, biases=2"),
    "KerasLSTM": ("lstm", "", "order=i f c o, biases=1, state=h c"),
    "KerasHardLSTM": ("lstm", "gate_nonlinearity=hard sigmoid 0.2", "order=i f c o, biases=1"),
    "KerasReluLSTM": ("lstm", "candidate=relu, output=relu", "order=i f c o"),
    "SoftsignLSTM": (
        "lstm",
        "candidate=softsign, gate_nonlinearity=hard sigmoid 1/6, output=softsign",
        "order=i f c o",
    ),
    "LinearOutputLSTM": ("lstm", "output=identity", "order=i f c o"),
    "GoBackwardsLSTM": ("lstm", "", "order=i f c o, direction=go_backwards"),
    "TensorFlow1LSTM": ("lstm", "forget_offset=1.0", "order=i j f o, biases=1, state=c h"),
    "HiddenFirstLSTM": ("lstm", "forget_offset=1.0", "order=i j f o, biases=1, state=c h"),
    "HaikuLSTM": ("lstm", "forget_offset=1.0", "order=i g f o, biases=1, state=h c"),
    "OpenVINOLSTM": ("lstm", "", "order=f i c o, biases=1"),
    "CoreMLLSTM": ("lstm", "", "order=i f o z, biases=1"),
    "ONNXLSTM": ("lstm", "peepholes=current", "order=i o f c, biases=2"),
    "ONNXReverseLSTM": ("lstm", "peepholes=current", "order=i o f c, biases=2, direction=backward"),
    "FlaxLSTM": ("lstm", "", "biases=1, state=c h"),
    "CoupledLSTM": ("greff", "change=coupled forget and input gate", "order=i o g, biases=1"),
    "GRU": ("gru", "reset=after", "order=r z n, biases=2"),
    "KerasGRU": ("gru", "reset=after", "order=z r h, biases=2"),
    "KerasBeforeGRU": ("gru", "gate_nonlinearity=hard sigmoid 0.2", "order=z r h, biases=1"),
    "ReluGRU": ("gru", "reset=after, candidate=relu", "order=z r h, biases=2"),
    "ONNXGRU": ("gru", "", "order=z r h, biases=2"),
    "ONNXLinearGRU": ("gru", "reset=after, gate_nonlinearity=hard sigmoid 0.2", "order=z r h, biases=2"),
    "HaikuGRU": ("gru", "update=replaces", "order=z r n, biases=1"),
    "FlaxGRU": ("gru", "reset=after", "biases=1+n"),
    "EquinoxGRU": ("gru", "reset=after", "order=r z n, biases=1+n"),
    "OneDNNGRU": ("gru", "", "order=u r o, biases=1"),
    "HaikuRNN": ("elman", "nonlinearity=relu", "biases=2"),
    "SoftsignRNN": ("elman", "nonlinearity=softsign", "biases=2"),
    "ONNXRNN": ("elman", "", "biases=2"),
}
each_row = pytest.mark.parametrize("name", TABLE)


@cache
def found(name: str) -> Identification:
    """What the network of a row is taken for, with nothing claimed."""
    return identify(adapt(getattr(conventions, name), name), name)


def test_every_network_has_its_row() -> None:
    """And every rare nonlinearity of the LSTM and the GRU but those that are alike is in some row."""
    classes = dict(inspect.getmembers(conventions, inspect.isclass))
    assert set(TABLE) == set(classes) - {"Network"}
    told = " ".join(variant for _, variant, _ in TABLE.values())
    assert all(value in told for name in ("gate_nonlinearity", "nonlinearity", "output") for value in RARE[name])


@each_row
def test_it_is_identified_by_name(name: str) -> None:
    """Family and variant are those of the row, to rounding, and no other variant comes near; the report says both."""
    it = found(name)
    assert (it.cell.name, it.cell.variant) == TABLE[name][:2]
    assert it.exact
    assert it.distance < 1e-12  # a hundred steps of float64's rounding; a wrong variant is off by 1e-2
    assert 1e-3 < it.next < np.inf
    assert it.sure == (
        f"the reference so arranged is {it.distance:.2g} away, the next variant {it.next:.2g} (of the largest entry)"
    )


@each_row
def test_it_holds_to_the_equations(name: str) -> None:
    """Outputs, gradients and arrangement, in each precision, within the derived bounds."""
    it = found(name)
    subject = Subject(adapt(getattr(conventions, name), name), it.layout, ", ".join(filter(None, TABLE[name][1:])))
    for precision in ("float64", "float32"):
        problem = build(it.cell, Recipe(T=4, B=2, I=3, H=4, seed=5, precision=precision))
        for law in (
            *("values.forward_agrees", "gradients.backward_agrees"),
            *("layout.consistent", "layout.as_declared"),
        ):
            seen = property_named(law).check(subject, problem)
            assert seen.disagreement is None, (law, seen.disagreement)
            assert seen.compared, law


WRONG = {
    "LSTM": "order=i f o g",
    "KerasHardLSTM": "gate_nonlinearity=hard sigmoid 1/6",
    "GoBackwardsLSTM": "direction=backward",
    "ONNXReverseLSTM": "direction=forward",
    "TensorFlow1LSTM": "state=h c",
    "HaikuLSTM": "forget_offset=0",
    "HaikuGRU": "update=keeps",
    "KerasGRU": "reset=before",
    "ONNXLSTM": "peepholes=none",
    "CoupledLSTM": "change=coupled input and forget gate",
    "HaikuRNN": "nonlinearity=tanh",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_declaration_is_found_out(name: str) -> None:
    """The finding says what was declared, and as what it acts."""
    it = found(name)
    subject = Subject(adapt(getattr(conventions, name), name), it.layout, WRONG[name])
    seen = property_named("layout.as_declared").check(subject, build(it.cell, Recipe())).disagreement
    assert seen is not None
    assert seen.message.startswith(f"declared {WRONG[name]}, but it acts as {WRONG[name].partition('=')[0]}=")


def test_words_that_declare_nothing_are_refused_before_anything_runs() -> None:
    """A target is not even opened."""
    with pytest.raises(UsageError, match="Known: before, after"):
        Target("no.such:thing", declared="reset=later")


# -- directions ------------------------------------------------------------------------------------------------------


def test_what_forgets_its_past_is_not_taken_for_backwards() -> None:
    """Without a state that is carried the first step changes its own output alone, forward as backward."""

    class Forgetful(Network):
        def forward(self, params: object, x: object, state: object) -> object:
            y = [super(Forgetful, self).forward(params, x[t : t + 1], state) for t in range(len(x))]  # type: ignore[index,arg-type]
            return np.concatenate([a for a, _ in y]), y[-1][1]

    target = Forgetful(LSTM())
    probe = Probe(target, [LSTM()])
    assert direction_of(probe, {n: np.full(s, 0.25) for n, s in probe.inventory.items()}) == "forward"


@pytest.mark.parametrize("family", ["elman", "gru"])
def test_reversed_input_is_a_direction_and_reversed_outputs_are_a_fault(family: str) -> None:
    """No framework hands out the outputs of a forward pass from the last to the first."""
    cell = CELLS[family]()
    wrong = {id: fault_named(id).plant(cell) for id in ("input-reversed", "output-reversed")}
    assert identify(wrong["input-reversed"], "it").layout.direction == "go_backwards"
    assert identify(wrong["output-reversed"], "it").fault == "output-reversed"
    assert identify(Turned(Network(cell), "backward"), "it").layout.direction == "backward"
