"""flax: every cell and layer of linen and nnx is found out and right; their options are forms of one network."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import pytest
from adapters.cases import B, H, T, problem_for
from adapters.conforming import farthest_with_lengths, subject_of, words_if_right
from flax import nnx

from ltdcheck.adapters import jax_versions
from ltdcheck.adapters.adapting import adapt
from ltdcheck.errors import TargetUnusableError
from ltdcheck.problem import PRECISIONS


def ahead(i: int, h: int) -> nnx.RNN:
    """A layer of nnx."""
    return nnx.RNN(nnx.GRUCell(i, h, rngs=nnx.Rngs(0)), time_major=True)


CELLS = [
    (nn.LSTMCell, "lstm(biases=1, state=(c, h))"),
    pytest.param(nn.OptimizedLSTMCell, "lstm(biases=1, state=(c, h))", marks=pytest.mark.quality),
    pytest.param(nn.GRUCell, "gru(reset=after, biases=1+n)", marks=pytest.mark.quality),  # as in ``reverse`` below
    (nn.SimpleCell, "elman(biases=1)"),
    pytest.param(nnx.LSTMCell, "lstm(biases=1, state=(c, h))", marks=pytest.mark.quality),
    pytest.param(nnx.OptimizedLSTMCell, "lstm(order=i f g o, biases=1, state=(c, h))", marks=pytest.mark.quality),
    pytest.param(nnx.GRUCell, "gru(reset=after, order=r u n, biases=1)", marks=pytest.mark.quality),  # as in ``ahead``
    (lambda i, h: nn.RNN(nn.GRUCell(h), reverse=True), "gru(reset=after, biases=1+n, direction=go_backwards)"),
    (
        lambda i, h: nn.Bidirectional(*(nn.RNN(nn.SimpleCell(h)) for _ in "12")),
        "bidirectional(elman(biases=1), merge=concatenate)",
    ),
    (ahead, "gru(reset=after, order=r u n, biases=1)"),
]


IDS = [
    "LSTM",
    "OptimizedLSTM",
    "GRU",
    "Simple",
    "nnx.LSTM",
    "nnx.OptimizedLSTM",
    "nnx.GRU",
    "reverse",
    "Bidirectional",
    "nnx.RNN",
]


@pytest.mark.parametrize(("make", "words"), CELLS, ids=IDS)
def test_what_flax_has_is_found_out_and_right(make: Any, words: str) -> None:
    """Cells of both, layers with the time first or last, in both directions, with the right variant."""
    assert words_if_right(make) == words


@pytest.mark.parametrize(
    "make",
    [
        lambda i, h: nn.RNN(nn.SimpleCell(h)),
        lambda i, h: nn.RNN(nn.SimpleCell(h), reverse=True),
        lambda i, h: nn.Bidirectional(*(nn.RNN(nn.SimpleCell(h), time_major=True) for _ in "12"), time_major=True),
        pytest.param(ahead, marks=pytest.mark.quality),
    ],
    ids=["RNN", "reverse", "Bidirectional", "nnx.RNN"],
)
def test_rows_end_where_seq_lengths_say(make: Any) -> None:
    """Outputs until then, carries and gradients are right; a row of no steps is not, as the witness shows."""
    subject = subject_of(make)
    assert subject.implementation.takes_lengths
    assert farthest_with_lengths(subject, (3, 4, 1, 2)) < 1
    assert farthest_with_lengths(subject, (3, 4, 0, 2)) > 1e6


def test_cells_take_no_lengths() -> None:
    """They are asked one step at a time."""
    assert not adapt(nn.GRUCell, "it").takes_lengths


def test_layers_return_their_state_whether_told_to_or_not() -> None:
    """Batch first is flax's default; a state comes out where ``return_carry`` is left at False."""
    for make, first in (
        (lambda i, h: nn.RNN(nn.LSTMCell(h)), True),
        (lambda i, h: nn.RNN(nn.LSTMCell(h), time_major=True, return_carry=True), False),
    ):
        it = adapt(make, "it")
        assert (it.form.kind, it.form.batch_first, it.states) == ("layer", first, 2)  # type: ignore[attr-defined]


def test_instances_have_the_hidden_size_that_they_have() -> None:
    """One of linen takes what is given; one of nnx has its parameters, and is left as it was."""
    assert adapt(nn.GRUCell(7), "it").fixed_sizes == (4, 7)
    instance = nnx.GRUCell(3, 7, rngs=nnx.Rngs(0))
    before = instance.dense_h.kernel[...].copy()
    it = adapt(instance, "it")
    assert it.fixed_sizes == (3, 7)
    it.run(problem_for(it, sizes=(3, 7)))
    assert bool((instance.dense_h.kernel[...] == before).all())


def test_a_users_module_is_called_with_x_and_a_state() -> None:
    """Its layer is made inside the call, and starts in single precision whatever x is: flax refuses doubles."""

    class Mine(nn.Module):
        hidden_size: int

        @nn.compact
        def __call__(self, x: Any, state: Any = None) -> Any:
            layer = nn.RNN(nn.SimpleCell(self.hidden_size), time_major=True, return_carry=True)
            carry, y = layer(x, initial_carry=state)
            return y, carry

    it = adapt(Mine, "it")
    assert tuple(it.precisions) == ("float32",)
    assert "carry" in it.refused["float64"]  # type: ignore[attr-defined]
    assert it.run(problem_for(it, precision="float32")).y.shape == (T, B, H)


def test_the_simple_cell_of_nnx_computes_in_single_precision() -> None:
    """Its ``dtype`` is float32 where its documentation says None, which every other cell has."""
    for cell, due in ((nnx.SimpleCell, ["y: float32", "state[0]: float32"]), (nnx.GRUCell, [])):
        it = adapt(cell, "it")
        told = {p: it.run(problem_for(it, precision=p)).facts.get("dtype", []) for p in PRECISIONS}
        assert told == {"float64": due, "float32": []}


def test_flax_that_is_too_old_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the version that is needed, and what installs it."""
    monkeypatch.setitem(jax_versions.OLDEST, "flax", (99, 1))
    with pytest.raises(TargetUnusableError, match=r"flax .* is too old: 99\.1 or newer.*'ltdcheck\[flax\]'"):
        adapt(nn.LSTMCell, "it")
