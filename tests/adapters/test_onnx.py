"""ONNX's operators and models from files are asked as layers, and are identified with all their conventions."""

from __future__ import annotations

import copy
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx as onnx_package
import onnxruntime
import pytest
from adapters.onnx_files import (
    H,
    I,
    info,
    last_state,
    operator,
    rows_first,
    save,
    two_layers,
    two_nodes,
    weights,
    with_function,
    with_lengths,
)
from click.testing import CliRunner
from onnx import TensorProto, helper
from witnesses.onnx_models import by_runtime, feeds

import ltdcheck
from ltdcheck.adapters import onnx
from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.loading import load
from ltdcheck.adapters.onnx_runtime import Run
from ltdcheck.cli import main
from ltdcheck.diagnosis.identification import Identification
from ltdcheck.diagnosis.layers import recognise
from ltdcheck.errors import TargetRaised, TargetUnusableError
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.strategies.problems import Recipe, build


def identified(target: Any) -> Identification:
    """What a target is taken for."""
    return recognise(adapt(target, "it"), "it")


# -- operators -------------------------------------------------------------------------------------------------------

AS = {
    "RNN": (onnx.RNN, "elman biases=2"),
    "RNN relu": (partial(onnx.RNN, activations=["Relu"]), "elman nonlinearity=relu, biases=2"),
    "GRU": (onnx.GRU, "gru order=u r n, biases=2"),
    "GRU after": (partial(onnx.GRU, linear_before_reset=1), "gru reset=after, order=u r n, biases=2"),
    "LSTM": (onnx.LSTM, "lstm order=i o f g, biases=2"),
    "no biases": (partial(onnx.LSTM, biases=False), "lstm order=i o f g, biases=0"),
    "peepholes": (partial(onnx.LSTM, peepholes=True), "lstm peepholes=current, order=i o f g, biases=2"),
    "reverse": (partial(onnx.LSTM, direction="reverse"), "lstm order=i o f g, biases=2, direction=backward"),
    "relu reverse": (
        partial(onnx.RNN, activations=["Relu"], direction="reverse"),
        "elman nonlinearity=relu, biases=2, direction=backward",
    ),
    "hard sigmoid": (
        partial(onnx.LSTM, activations=["HardSigmoid", "Softsign", "Tanh"]),
        "lstm candidate=softsign, gate_nonlinearity=hard sigmoid 0.2, order=i o f g, biases=2",
    ),
    "coupled": (
        partial(onnx.LSTM, input_forget=1, peepholes=True),
        "greff change=coupled forget and input gate, order=i o g, biases=2",
    ),
    "clip": (partial(onnx.RNN, clip=0.3), "elman clip=0.3, biases=2"),
    "clip, peepholes": (
        partial(onnx.LSTM, clip=1.5, peepholes=True),
        "lstm peepholes=current, clip=1.5, order=i o f g, biases=2",
    ),
    "clip, both ways": (
        partial(onnx.GRU, clip=5.0, direction="bidirectional"),
        "bidirectional gru(clip=5.0, order=u r n, biases=2), merge=concatenate",
    ),
    "lengths": (partial(onnx.LSTM, sequence_lens=True, opset=22), "lstm order=i o f g, biases=2"),
    "both ways": (
        partial(onnx.GRU, direction="bidirectional"),
        "bidirectional gru(order=u r n, biases=2), merge=concatenate",
    ),
}


@pytest.mark.parametrize(("target", "words"), AS.values(), ids=AS)
def test_an_operator_is_identified(target: Any, words: str) -> None:
    """Gate order, both biases in one array, peepholes, and the array of two directions are found out."""
    found = identified(target)
    assert found.exact
    assert f"{found.cell.name} {found.words}" == words


def test_arrays_are_told_by_direction() -> None:
    """B holds the biases of the input and then those of the state; P the peepholes of i, o and f."""
    lines = identified(partial(onnx.LSTM, peepholes=True)).layout.describe()
    assert "B[0] (2*4H,): b_i b_o b_f b_g, b_i b_o b_f b_g" in lines
    assert "P[0] (3H,): p_i p_o p_f" in lines
    both = identified(partial(onnx.RNN, direction="bidirectional")).layout.describe()
    assert [line for line in both if "W[" in line] == ["ahead: W[0] (H, I): U", "back: W[1] (H, I): U"]


def test_the_answers_are_those_of_the_runtime() -> None:
    """The same arrays, put into a model that was written apart, give the same numbers to the last bit."""
    cell = GRU("after")
    problem = build(cell, Recipe(T=5, B=3, I=4, H=6, precision="float32"))
    given = feeds([cell], [problem])
    it = adapt(partial(onnx.GRU, linear_before_reset=1), "it")
    params = {f"{name}[0]": given[name][0] for name in ("W", "R", "B")}
    out = it.run(problem.with_(params=params), backward=False)
    Y, Y_h = by_runtime([cell], given)
    assert np.array_equal(out.y, Y[:, 0])
    assert np.array_equal(out.state[0], Y_h[0])
    assert out.y.dtype == np.float32
    assert not it.has_backward


def test_lengths_reach_the_operator() -> None:
    """With sequence_lens rows may be of different lengths, which the runtime is given; without, they may not."""
    cell = GRU()
    problem = build(cell, Recipe(T=5, B=3, I=4, H=6, precision="float32"))
    given = feeds([cell], [problem], [2, 5, 3])
    it = adapt(partial(onnx.GRU, sequence_lens=True), "it")
    params = {f"{name}[0]": given[name][0] for name in ("W", "R", "B")}
    out = it.run(problem.with_(params=params, lengths=(2, 5, 3)), backward=False)
    Y, Y_h = by_runtime([cell], given)
    assert np.array_equal(out.y, Y[:, 0])
    assert np.array_equal(out.state[0], Y_h[0])
    assert not np.any(out.y[2:, 0])
    assert [it.takes_lengths, adapt(onnx.GRU, "it").takes_lengths] == [True, False]


def test_a_coupled_gate_has_no_parameters_of_its_own() -> None:
    """With input_forget=1, f = 1 - i: without its rows the operator still computes c' = (1 - i)*c + i*g."""
    model = onnx.LSTM(2, 3, input_forget=1, peepholes=True)
    shapes = {name: value.shape for name, value in model.params.items()}
    assert shapes == {"W[0]": (9, 2), "R[0]": (9, 3), "B[0]": (18,), "P[0]": (6,)}
    rng = np.random.default_rng(0)
    for name, value in model.params.items():
        model.params[name] = rng.standard_normal(value.shape)
    x, h, c = (rng.standard_normal(shape).astype(np.float32) for shape in ((1, 4, 2), (1, 4, 3), (1, 4, 3)))
    _, (_, got) = model.forward(x, (h, c))
    W, R, B, P = (model.params[f"{name}[0]"] for name in "WRBP")
    a = x[0] @ W.T + h[0] @ R.T + B[:9] + B[9:]
    i, g = 1 / (1 + np.exp(-a[:, :3] - P[:3] * c[0])), np.tanh(a[:, 6:])
    # some forty roundings of numbers of order 1 to 4, each 2**-24 of its number
    assert np.max(np.abs(got[0] - ((1 - i) * c[0] + i * g))) < 40 * 4 * 2**-24


@pytest.mark.parametrize("reads_clipped", [False, True])
def test_what_clip_holds(*, reads_clipped: bool) -> None:
    """Gates and candidate read what is held, peepholes included; h' = o*tanh(c') reads c' as it is.

    The operator's text has clip "applied to the input of activations", of which c' is one.
    """
    v = 0.5
    model = onnx.LSTM(2, 3, clip=v, peepholes=True)
    rng = np.random.default_rng(1)
    for name, value in model.params.items():
        model.params[name] = rng.standard_normal(value.shape)
    x, h, c = (2 * rng.standard_normal(shape).astype(np.float32) for shape in ((1, 4, 2), (1, 4, 3), (1, 4, 3)))
    _, (got_h, got_c) = model.forward(x, (h, c))
    W, R, B, P = (model.params[f"{name}[0]"] for name in "WRBP")
    i, o, f, g = np.split(x[0] @ W.T + h[0] @ R.T + B[:12] + B[12:], 4, axis=1)
    i, f = (1 / (1 + np.exp(-np.clip(a + p * c[0], -v, v))) for a, p in ((i, P[:3]), (f, P[6:])))
    new = f * c[0] + i * np.tanh(np.clip(g, -v, v))
    read = np.clip(new, -v, v) if reads_clipped else new
    out = np.tanh(read) / (1 + np.exp(-np.clip(o + P[3:6] * new, -v, v)))
    # some forty roundings of numbers of order 1 to 4, each 2**-24 of its number
    assert np.max(np.abs(got_c[0] - new)) < 40 * 4 * 2**-24
    assert (np.max(np.abs(got_h[0] - out)) < 40 * 4 * 2**-24) is not reads_clipped


def test_no_state_is_a_state_of_zeros() -> None:
    """Without a state the model has no such input, and answers as it does to zeros."""
    model = onnx.LSTM(4, 6)
    x = np.linspace(-1, 1, 40, dtype=np.float32).reshape(5, 2, 4)
    zeros = (np.zeros((1, 2, 6), np.float32),) * 2
    assert np.array_equal(model.forward(x)[0], model.forward(x, zeros)[0])
    ones = (np.ones((1, 2, 6), np.float32),) * 2
    assert not np.array_equal(model.forward(x)[0], model.forward(x, ones)[0])


def test_rows_first_on_another_runtime() -> None:
    """layout=1 is batch first; ONNX's own evaluator computes it, in double precision too."""
    it = adapt(partial(onnx.LSTM, layout=1, runtime=onnx.evaluator), "it")
    assert it.precisions == ("float64", "float32")
    assert it.form.batch_first  # type: ignore[attr-defined]
    found = recognise(it, "it")
    assert found.exact
    assert found.words == "order=i o f g, biases=2"


def test_what_the_runtime_does_not_offer_is_what_it_raises() -> None:
    """ONNX Runtime has single precision only, and no layout=1: it says so itself."""
    it = adapt(onnx.GRU, "it")
    assert it.precisions == ("float32",)
    assert "does not support double" in it.refused["float64"]  # type: ignore[attr-defined]
    with pytest.raises(TargetRaised, match="layout == 1"):
        adapt(partial(onnx.GRU, layout=1), "it")


def test_a_copy_of_a_model_runs() -> None:
    """What is running is left behind: an instance can be copied after it was called."""
    model = onnx.RNN(4, 6)
    x = np.ones((2, 1, 4), np.float32)
    y, _ = model.forward(x)
    assert np.array_equal(copy.deepcopy(model).forward(x)[0], y)


def test_a_wrong_kernel_is_found_out() -> None:
    """A runtime that does not read the initial state is known by that fault."""

    def kernel(model: bytes) -> Run:
        run = onnx.runtime()(model)
        return lambda feeds: run({n: a * (0 if n == "initial_h" else 1) for n, a in feeds.items()})

    assert identified(partial(onnx.RNN, runtime=kernel)).fault.startswith("state-given-ignored")


# -- models from files -----------------------------------------------------------------------------------------------


def test_a_file_with_an_operator(tmp_path: Path) -> None:
    """Its initializers are parameters with its own numbers, its sizes are fixed, and its states can be given."""
    model = load(operator(tmp_path / "model.onnx"))
    assert np.array_equal(model.params["R[0]"], weights("LSTM")["R"][0])
    it = adapt(model, "it")
    assert (it.fixed_sizes, it.precisions, it.states, it.takes_state) == ((I, H), ("float32",), 2, True)
    found = recognise(it, "it")
    assert found.exact
    assert found.words == "order=i o f g, biases=2"


def test_a_file_answers_as_it_is(tmp_path: Path) -> None:
    """With its own numbers the model that was cut answers as the file does in ONNX Runtime."""
    path = operator(tmp_path / "model.onnx", direction="bidirectional")
    x = np.linspace(-1, 1, 60, dtype=np.float32).reshape(5, 3, I)
    Y, Y_h, Y_c = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"X": x})
    y, (h, c) = load(path).forward(x)
    assert np.array_equal(y, Y.transpose(0, 2, 1, 3).reshape(5, 3, 2 * H))
    assert np.array_equal(h, Y_h)
    assert np.array_equal(c, Y_c)


def test_a_file_with_a_coupled_gate(tmp_path: Path) -> None:
    """Rows that its operator does not read are no parameters, and the others are the file's."""
    model = load(operator(tmp_path / "model.onnx", input_forget=1))
    held = weights("LSTM")["B"][0]
    assert model.params["W[0]"].shape == (3 * H, I)
    assert np.array_equal(model.params["B[0]"], np.delete(held.reshape(8, H), (2, 6), 0).reshape(-1))


def test_a_graph_around_an_operator(tmp_path: Path) -> None:
    """Rows first, a weight that is computed from a constant, one output: the constant is the parameter."""
    it = adapt(load(rows_first(tmp_path / "model.onnx")), "it")
    assert set(it.parameters(I, H)) == {"W[0]", "R.R_turned[0]", "B[0]"}
    assert it.form.batch_first  # type: ignore[attr-defined]
    found = recognise(it, "it")
    assert found.exact
    assert found.cell == GRU("after")
    assert "R.R_turned[0] (H, 3H): W_u W_r W_n" in found.layout.describe()


FILES = {
    "function": (with_function, "gru order=u r n, biases=2"),
    "last state": (last_state, "lstm order=i o f g, biases=2"),
    "lengths": (with_lengths, "gru order=u r n, biases=2"),
    "two nodes": (two_nodes, "bidirectional gru(order=u r n, biases=2), merge=concatenate"),
}


@pytest.mark.parametrize(("make", "words"), FILES.values(), ids=FILES)
def test_what_a_model_does_not_show_is_shown(make: Any, words: str, tmp_path: Path) -> None:
    """Y and the final states that are no outputs become outputs; lengths that are asked for are full."""
    found = identified(load(make(tmp_path / "model.onnx")))
    assert found.exact
    assert f"{found.cell.name} {found.words}" == words


def test_layers_with_one_state(tmp_path: Path) -> None:
    """A state that the model takes and answers is its own: h (2, B, H) of two layers, zeros where none is given."""
    model = load(two_layers(tmp_path / "model.onnx"))
    it = adapt(model, "it")
    assert it.states == 2
    assert set(it.parameters(I, H)) == {f"{layer}.{name}[0]" for layer in ("low", "high") for name in "WRB"}
    found = recognise(it, "it")
    assert found.exact
    assert found.words == "elman(biases=2), layers=2"
    x = np.ones((2, 1, I), np.float32)
    assert np.array_equal(model.forward(x)[0], model.forward(x, np.zeros((2, 1, H), np.float32))[0])


WAYS = {
    ("reverse", "forward"): "1: elman(biases=2, direction=backward), 2: elman(biases=2)",
    ("forward", "reverse"): "1: elman(biases=2), 2: elman(biases=2, direction=backward)",
    ("reverse", "reverse"): "elman(biases=2, direction=backward), layers=2",
}


@pytest.mark.parametrize("ways", WAYS, ids="-".join)
def test_every_layer_has_its_direction(ways: tuple[str, str], tmp_path: Path) -> None:
    """One node of two reads backwards, or the other, or both."""
    found = identified(load(two_layers(tmp_path / "model.onnx", low=ways[0], high=ways[1])))
    assert found.exact
    assert found.words == WAYS[ways]


def test_a_file_is_checked_as_a_target(tmp_path: Path) -> None:
    """From end to end: an RNN's laws hold but for no steps, where ONNX Runtime gives zeros for the initial state."""
    asked = {
        "values.forward_agrees": "passed",
        "effects.every_state": "passed",
        "gradients.backward_agrees": "not_applicable",
        "sequence.zero_steps": "failed",
    }
    report = ltdcheck.check(operator(tmp_path / "model.onnx", "RNN"), profile="quick", properties=list(asked))
    assert {result.property: result.status for result in report.results} == asked
    (finding,) = report.findings
    assert finding.diagnosis[0].fault == "empty-sequence-wrong"


# -- files that cannot be checked ------------------------------------------------------------------------------------


def truncated(path: Path) -> str:
    """The first half of a model."""
    whole = Path(operator(path)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return str(path)


def empty(path: Path) -> str:
    """No bytes."""
    path.write_bytes(b"")
    return str(path)


def no_recurrence(path: Path) -> str:
    """A sum."""
    node = helper.make_node("Add", ["x", "x"], ["y"])
    return save(path, [node], [info("x", (None, None, I))], [info("y", None)], {})


def dynamic_weights(path: Path) -> str:
    """Weights that are inputs of any shape."""
    node = helper.make_node("LSTM", ["X", "W", "R"], ["Y", "Y_h", "Y_c"], hidden_size=H)
    given = [info("X", (None, None, None)), info("W", (1, None, None)), info("R", (1, None, None))]
    return save(path, [node], given, [info(n, None) for n in ("Y", "Y_h", "Y_c")], {})


def in_double(path: Path) -> str:
    """An operator in double precision, which ONNX Runtime has not."""
    node = helper.make_node("GRU", ["X", "W", "R"], ["Y", "Y_h"], hidden_size=H)
    held = {name: value.astype(np.float64) for name, value in weights("GRU").items() if name != "B"}
    given = [info("X", (None, None, I), TensorProto.DOUBLE)]
    return save(path, [node], given, [info(n, None, TensorProto.DOUBLE) for n in ("Y", "Y_h")], held)


def of_tokens(path: Path) -> str:
    """An embedding before the operator."""
    nodes = [
        helper.make_node("Gather", ["E", "tokens"], ["X"]),
        helper.make_node("GRU", ["X", "W", "R", "B"], ["Y"], hidden_size=H),
    ]
    held = {**weights("GRU"), "E": np.ones((9, I), np.float32)}
    return save(path, nodes, [info("tokens", (None, None), TensorProto.INT64)], [info("Y", None)], held)


def fixed(path: Path) -> str:
    """Steps and rows that stand in the graph."""
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["X"]),
        helper.make_node("GRU", ["X", "W", "R", "B"], ["Y"], hidden_size=H),
    ]
    held = {**weights("GRU"), "shape": np.array([5, 2, I])}
    return save(path, nodes, [info("x", (5, 2, I))], [info("Y", None)], held)


def dangling(path: Path) -> str:
    """An operator whose weights are nowhere."""
    node = helper.make_node("GRU", ["X", "W", "R"], ["Y"], hidden_size=H)
    return save(path, [node], [info("X", (None, None, I))], [info("Y", None)], {})


BAD = {
    "truncated": (truncated, "not the whole of one"),
    "empty": (empty, "its 0 bytes hold no graph"),
    "no recurrence": (no_recurrence, "no RNN, GRU or LSTM operator, outside of branches and loops: it has Add"),
    "unsupported opset": (partial(operator, opset=99), "operator set ai.onnx 99"),
    "fixed steps and rows": (fixed, "the fixed shape (5, 2, 4), and its steps and rows must be open"),
    "dynamic weights": (dynamic_weights, "W have no fixed shape: (1, 'any', 'any')"),
    "readout": (partial(rows_first, readout=3), "its output scores is 3 wide where H is 6"),
    "double": (in_double, "does not support double"),
    "layout": (partial(operator, layout=1), "layout == 1"),
    "tokens": (of_tokens, "its input tokens holds int64 numbers"),
    "dangling": (dangling, "'W' is not a graph input"),
}


@pytest.mark.parametrize(("make", "why"), BAD.values(), ids=BAD)
def test_a_file_that_cannot_be_checked_is_refused(make: Any, why: str, tmp_path: Path) -> None:
    """One paragraph says what is the matter and what to do."""
    path = make(tmp_path / "model.onnx")
    with pytest.raises(TargetUnusableError) as caught:
        load(path)
    assert why in str(caught.value)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_line_refuses_a_file(tmp_path: Path) -> None:
    """Exit status 2 and a sentence, no traceback."""
    done = CliRunner().invoke(main, ["check", truncated(tmp_path / "model.onnx")])
    assert done.exit_code == 2
    assert "not the whole of one" in done.output
    assert "Traceback" not in done.output


def test_there_is_no_such_file(tmp_path: Path) -> None:
    """A misspelt name is answered with the model that is there."""
    operator(tmp_path / "model.onnx")
    with pytest.raises(TargetUnusableError, match=r"but there is model\.onnx"):
        load(str(tmp_path / "modle.onnx"))


def test_a_missing_runtime_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where ONNX Runtime is not installed, a model and an operator are refused with the extra that installs it."""
    path = operator(tmp_path / "model.onnx")
    for name in [n for n in sys.modules if n.startswith("ltdcheck.adapters.onnx")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for spec in (path, "ltdcheck.adapters.onnx:LSTM"):
        with pytest.raises(TargetUnusableError, match=r"pip install 'ltdcheck\[onnx\]'"):
            load(spec)


@pytest.mark.parametrize("package", [onnx_package, onnxruntime], ids=lambda package: package.__name__)
def test_a_version_too_old_is_named(package: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which version is there, and which is needed, for a model and for an operator."""
    path = operator(tmp_path / "model.onnx")
    monkeypatch.setattr(package, "__version__", "1.9.2")
    for ask in (lambda: load(path), lambda: adapt(onnx.GRU, "it")):
        with pytest.raises(TargetUnusableError, match=rf"{package.__name__} 1\.9\.2 is installed, and 1\.(18|22)"):
            ask()
