"""The keras adapter: layers and cells agree with the reference, on the backend that the process has."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from adapters.cases import identical, problem_for
from adapters.conforming import farthest_with_lengths, subject_of

from ltdcheck.adapters.adapting import adapt
from ltdcheck.diagnosis.probe import SIZES
from ltdcheck.errors import TargetRaised, TargetUnusableError
from ltdcheck.oracles.rounding import expected
from ltdcheck.problem import Array, Params
from ltdcheck.properties.law import property_named
from ltdcheck.properties.ragged import REPEATS, WAITS, ZEROS
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import GRU, LSTM, Elman
from ltdcheck.strategies.problems import Recipe, build

layers = keras.layers
IFOG = (0, 1, 3, 2)  # the reference's rows i f o g among keras' i f g o


def rows(array: Array, order: tuple[int, ...]) -> Array:
    """The parts of the last axis in another order, as rows."""
    parts = np.split(array, len(order), axis=-1)
    return np.concatenate([parts[k] for k in order], axis=-1).T


def to_reference(cell: Cell, given: Params) -> Params:
    """keras' three arrays as the reference's."""
    order = IFOG if isinstance(cell, LSTM) else (1, 0, 2) if isinstance(cell, GRU) else (0,)
    bias = given["bias"]
    if bias.ndim == 1:
        return {"U": rows(given["kernel"], order), "W": rows(given["recurrent_kernel"], order), "b": rows(bias, order)}
    inner = np.split(bias[1], 3)
    b = bias[0] + np.concatenate([*inner[:2], 0 * inner[2]])
    return {
        "U": rows(given["kernel"], order),
        "W": rows(given["recurrent_kernel"], order),
        "b": rows(b, order),
        "bh": inner[2],
    }


@pytest.mark.parametrize(
    ("make", "cell"),
    [
        (lambda _i, h: layers.LSTM(h, dtype="float32"), LSTM()),
        (lambda _i, h: layers.LSTM(h, dtype="float32", unroll=True), LSTM()),
        (lambda _i, h: layers.GRU(h, dtype="float32"), GRU(reset="after")),
        (lambda _i, h: layers.GRU(h, dtype="float32", reset_after=False), GRU(reset="before")),
        (lambda _i, h: layers.SimpleRNN(h, dtype="float32"), Elman()),
        (lambda _i, h: layers.RNN(layers.LSTMCell(h, dtype="float32"), dtype="float32"), LSTM()),
        (lambda _i, h: layers.LSTMCell(h, dtype="float32"), LSTM()),
        (lambda _i, h: layers.GRUCell(h, dtype="float32"), GRU(reset="after")),
        (lambda _i, h: layers.SimpleRNNCell(h, dtype="float32"), Elman()),
        (layers.LSTM(6), LSTM()),
    ],
    ids=["LSTM", "unrolled", "GRU", "before", "SimpleRNN", "RNN", "LSTMCell", "GRUCell", "SimpleRNNCell", "instance"],
)
def test_keras_own_layers_agree_with_the_reference(make: Any, cell: Cell) -> None:
    """Outputs, states and the gradients of x and the state are the reference's, within its bound, at every call."""
    it = adapt(make, "it")
    assert tuple(it.precisions) == ("float32",)
    problem = problem_for(it, precision="float32")
    truth = expected(cell, problem.with_(params=to_reference(cell, problem.params)))
    due = {**truth.outputs, **truth.gradients}
    outs = [it.run(problem) for _ in range(11)]  # on TensorFlow those after the eighth are a graph
    for out in outs:
        assert out.facts == {}
        got = {**dict(zip(truth.outputs, [out.y, *out.state], strict=True)), "x": out.dx}
        got |= dict(zip([f"{s}_0" for s in cell.states], out.dstate or (), strict=True))
        for name, array in got.items():
            assert array is not None
            assert np.all(np.abs(array - due[name].value) <= due[name].error), name
    assert identical(outs[0], it.run(problem, fresh=True))
    assert identical(outs[-2], outs[-1])


@keras.saving.register_keras_serializable()
class Person(layers.SimpleRNNCell):
    """A cell of keras', with a line of its own."""

    def call(self, *args: Any, **options: Any) -> Any:
        """As keras does."""
        return super().call(*args, **options)


def test_a_defect_in_the_lines_of_a_layer_is_told() -> None:
    """Not that it has no weights: it raised before it made them."""

    class Broken(layers.Layer):
        def call(self, x: Any, state: Any = None) -> Any:
            raise ValueError("three gates for four")

    with pytest.raises(TargetRaised, match="three gates for four"):
        adapt(lambda _i, h: Broken(), "it")


def halved(a: Any) -> Any:
    """An activation that is not keras'."""
    return keras.ops.tanh(a) / 2


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow traces what it runs eagerly")
@pytest.mark.parametrize(
    ("make", "traced"),
    [
        (layers.SimpleRNN, True),
        (lambda h: layers.RNN([layers.SimpleRNNCell(h), layers.SimpleRNNCell(h)]), True),
        (lambda h: layers.Bidirectional(layers.SimpleRNN(h), merge_mode="sum"), True),
        (lambda h: layers.RNN(Person(h)), False),
        (lambda h: layers.RNN([layers.SimpleRNNCell(h), Person(h)]), False),
        (lambda h: layers.Bidirectional(layers.RNN(Person(h)), merge_mode="sum"), False),
        (lambda h: layers.SimpleRNN(h, activation=halved), False),
        (layers.SimpleRNNCell, False),
    ],
    ids=["SimpleRNN", "RNN", "Bidirectional", "Person", "one of two", "both ways", "an activation", "SimpleRNNCell"],
)
def test_lines_that_are_not_keras_own_run_at_every_call(
    *, make: Any, traced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may keep something; those of keras' layers are traced, and do not run after that."""
    ran, own = [], layers.SimpleRNNCell.call
    it = adapt(lambda _i, h: make(h), "it")
    problem = problem_for(it, precision="float32")
    monkeypatch.setattr(layers.SimpleRNNCell, "call", lambda *args, **named: ran.append(1) or own(*args, **named))
    lines = []
    for _ in range(11):
        it.run(problem)
        lines.append(len(ran))
        ran.clear()
    assert lines[0] >= problem.sizes["T"]
    assert set(lines[-2:]) == ({0} if traced else {lines[0]})


@pytest.mark.parametrize(("merge", "width"), [("concat", 2), (None, 2), ("sum", 1), ("mul", 1), ("ave", 1)])
def test_two_directions_have_one_state(merge: str | None, width: int) -> None:
    """However the outputs are merged, the state holds that of the layer ahead and then that of the layer back."""
    it = adapt(lambda _i, h: layers.Bidirectional(layers.LSTM(h), merge_mode=merge), "it")
    assert (it.width, it.states) == (width, 4)
    names = list(it.parameters(4, 6))
    assert {name.partition("/")[0] for name in names} == {"forward_lstm", "backward_lstm"}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _i, h: layers.LSTM(h, dtype="float32"), {REPEATS}),
        (lambda _i, h: layers.GRU(h, dtype="float32", zero_output_for_mask=True), {ZEROS}),
        (lambda _i, h: layers.SimpleRNN(h, dtype="float32", go_backwards=True), {ZEROS, WAITS}),
        (
            lambda _i, h: layers.Bidirectional(layers.SimpleRNN(h, dtype="float32"), dtype="float32"),
            {REPEATS, ZEROS, WAITS},
        ),
    ],
    ids=["LSTM", "zero_output_for_mask", "go_backwards", "Bidirectional"],
)
def test_rows_end_where_the_mask_does(make: Any, words: set[str]) -> None:
    """Outputs, states and gradients are right, a row of no steps included; what comes after the end is said.

    What a layer answers before it reads its row backwards differs with the backend: zeros or the initial state.
    """
    subject = subject_of(make)
    assert subject.implementation.takes_lengths
    assert farthest_with_lengths(subject, (3, 4, 0, 2)) < 1
    problem = build(subject.cell, Recipe(4, 4, *SIZES, precision="float32"))
    after = property_named("ragged.after_the_end").check(subject, problem)
    assert after.disagreement is None
    assert after.compared
    assert set(after.notes) <= words
    assert after.notes


def test_a_class_is_made_in_both_precisions() -> None:
    """What keras has as its default precision is as it was afterwards."""
    it = adapt(layers.LSTM, "it")
    assert tuple(it.precisions) == ("float64", "float32")
    assert it.run(problem_for(it)).y.dtype == np.float64
    assert keras.config.floatx() == "float32"


def test_a_policy_of_two_dtypes_is_refused() -> None:
    """A layer that computes in another dtype than it holds has no one precision."""
    with pytest.raises(TargetUnusableError, match="mixed_float16"):
        adapt(layers.LSTM(5, dtype="mixed_float16"), "it")


def test_a_layer_without_weights_is_refused() -> None:
    """There is nothing to check a gradient of."""
    with pytest.raises(TargetUnusableError, match="no weights"):
        adapt(layers.Activation("tanh"), "it")
