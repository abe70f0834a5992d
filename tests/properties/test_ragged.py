"""Rows of different lengths: the reference keeps every law, and targets are asked as they take them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from adapters.cases import grains
from quality.planted import asked, canonical, kills
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

import ltdcheck
from ltdcheck.adapters.adapting import adapt
from ltdcheck.errors import TargetRaised
from ltdcheck.faults.fault import fault_named
from ltdcheck.faults.ragged import Ragged
from ltdcheck.faults.wired import wired_faults
from ltdcheck.oracles.ball import prove
from ltdcheck.problem import Problem
from ltdcheck.properties.law import properties, property_named
from ltdcheck.properties.ragged import FORGETS, REPEATS, WAITS, ZEROS
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cells import CELLS, GRU, LSTM, Elman
from ltdcheck.reference.networks.layered import stack
from ltdcheck.reference.networks.unroll import unroll
from ltdcheck.strategies.problems import Recipe, build

LAWS = [law for law in properties("cell") if law.id.startswith("ragged.")]


@pytest.mark.parametrize("cell", [Elman(), LSTM(), GRU(), stack(GRU(), 1, both_ways=True)], ids=lambda c: c.name)
def test_the_reference_keeps_every_law(cell: Any) -> None:
    """And something is compared."""
    it = Subject(Ragged(cell), canonical(cell))
    for law in LAWS:
        tally = asked(law, it)
        assert tally.failing is None, (law.id, tally.disagreement)
        assert tally.compared > 50


def test_a_target_that_takes_no_lengths_is_not_asked() -> None:
    """It says so."""
    it = Subject(fault_named("state-dead").plant(Elman()) or Ragged(Elman()), canonical(Elman()))
    for law in LAWS:
        tally = asked(law, it)
        assert not tally.compared
        assert "takes no lengths" in tally.not_applicable


def test_a_direction_that_starts_in_the_padding_is_found() -> None:
    """Of a bidirectional layer."""
    cell = stack(Elman(), 1, both_ways=True)
    fault = next(f for f in wired_faults(cell) if f.id == "reverse-flips-padding")
    network = fault.plant(cell)
    assert network is not None
    network.takes_lengths = True  # type: ignore[misc]
    assert kills(property_named("ragged.agrees"), Subject(network, canonical(cell)))


class Repeats(Ragged):
    """Right, by the other convention: a row's last output is repeated."""

    def forward(self, params: Any, x: Any, state: Any) -> Any:
        y, final = super().forward(params, x, state)
        if self.lengths is not None:
            for b, n in enumerate(self.lengths):
                y[n:, b] = y[n - 1, b] if n else 0
        return y, final


class Waits(Ragged):
    """Right: the direction that reads backwards answers its initial state until its row begins."""

    half = 1

    def forward(self, params: Any, x: Any, state: Any) -> Any:
        y, final = super().forward(params, x, state)
        parts = np.split(y, y.shape[2] // state[0].shape[1], axis=2)
        for b, n in enumerate(self.lengths or ()):
            parts[self.half][n:, b] = state[-1][b]
        return np.concatenate(parts, axis=2), final


class WaitsAhead(Waits):
    """Wrong: so does a layer that reads forwards, which has read the row by then."""

    half = 0


class Forgets(Ragged):
    """Right, by another convention: a row of no steps ends in zeros."""

    def answer(self, params: Any, x: Any, state: Any, dy: Any, dstate: Any, *, backward: bool) -> Any:
        if self.lengths is not None:
            some = (np.array(self.lengths) > 0)[:, None]
            state, dstate = tuple(s * some for s in state), tuple(d * some for d in dstate)
        return super().answer(params, x, state, dy, dstate, backward=backward)


def test_a_row_of_no_steps_may_end_in_zeros() -> None:
    """That is said, and its gradient is zero then."""
    tally = asked(property_named("ragged.agrees"), Subject(Forgets(LSTM()), canonical(LSTM())))
    assert tally.failing is None, tally.disagreement
    assert list(tally.notes) == [FORGETS]


def test_both_conventions_after_the_end_are_right_and_said() -> None:
    """Zeros, or the last output again."""
    law = property_named("ragged.after_the_end")
    for network, note in ((Ragged(Elman()), ZEROS), (Repeats(Elman()), REPEATS)):
        tally = asked(law, Subject(network, canonical(Elman())))
        assert tally.failing is None
        assert list(tally.notes) == [note]


def test_each_direction_has_its_own_convention_after_the_end() -> None:
    """The one that reads backwards may answer the state in which it waits; one that reads forwards may not."""
    law, cell = property_named("ragged.after_the_end"), stack(Elman(), 1, both_ways=True)
    tally = asked(law, Subject(Waits(cell), canonical(cell)))
    assert tally.failing is None, tally.disagreement
    assert {ZEROS, WAITS} <= set(tally.notes)
    assert kills(law, Subject(WaitsAhead(Elman()), canonical(Elman())))


def ragged_problem(it: Any, lengths: tuple[int, ...], T: int = 5) -> Problem:
    """With cotangents inside the rows."""
    rng = np.random.default_rng(3)
    B, I, H = len(lengths), 4, 6
    params = {name: grains(rng, *shape) / 2 for name, shape in it.parameters(I, H).items()}
    state, dstate = (tuple(grains(rng, B, H) for _ in range(it.states)) for _ in range(2))
    inside = np.arange(T)[:, None, None] < np.array(lengths)[None, :, None]
    return Problem(params, grains(rng, T, B, I), state, grains(rng, T, B, H) * inside, dstate, lengths=lengths)


class Padded(torch.nn.Module):
    """Takes an argument ``lengths``, which may be 0."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.cell = torch.nn.RNNCell(input_size, hidden_size)

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> Any:
        h = x.new_zeros(x.shape[1], self.cell.hidden_size) if state is None else state
        ys = []
        for t, x_t in enumerate(x):
            new = self.cell(x_t, h)
            runs = torch.ones(x.shape[1], 1, dtype=bool) if lengths is None else (t < lengths)[:, None]
            h = torch.where(runs, new, h)
            ys.append(torch.where(runs, new, torch.zeros(())))
        return (torch.stack(ys) if ys else x.new_zeros(0, *h.shape)), h


@pytest.mark.parametrize(
    ("make", "lengths"),
    [(torch.nn.RNN, (5, 1, 3)), (lambda i, h: torch.nn.RNN(i, h, batch_first=True), (2, 5, 4)), (Padded, (4, 5, 0))],
    ids=["packed", "packed, batch first", "argument"],
)
def test_torch_layers_are_asked_as_they_take_lengths(make: Any, lengths: tuple[int, ...]) -> None:
    """Outputs are padded with zeros, and the final state is that of each row's end."""
    it = adapt(make, "it")
    assert it.takes_lengths
    problem = ragged_problem(it, lengths)
    out = it.run(problem)
    U, W, b, c = (a for a in problem.params.values())
    params = {"U": U, "W": W, "b": b + c}
    y, (h,), _ = unroll(Elman(), params, problem.x, problem.given_state, lengths=lengths)
    assert np.allclose(out.y, y, rtol=1e-14, atol=1e-15)  # not derived: which pass is asked is what is tested here
    assert np.allclose(out.state[0], h, rtol=1e-14, atol=1e-15)
    assert out.dx is not None
    assert not out.dx[np.arange(5)[:, None] >= np.array(lengths)].any()


@pytest.mark.parametrize("cell", [LSTM(), stack(Elman(), 1, both_ways=True)], ids=lambda c: c.name)
def test_the_adjoint_of_ragged_rows_is_proved(cell: Any) -> None:
    """Entry by entry, on balls."""
    problem = build(cell, Recipe(T=3, B=2, I=2, H=2)).with_(lengths=(1, 3))
    assert prove(cell, problem).ok


def test_a_row_of_no_steps_is_what_torch_refuses() -> None:
    """As an exception of the target."""
    it = adapt(torch.nn.LSTM, "it")
    with pytest.raises(TargetRaised, match="greater than 0"):
        it.run(ragged_problem(it, (5, 0, 3)))


def test_a_cell_takes_no_lengths() -> None:
    """Nor does a layer that knows of none."""
    assert not adapt(torch.nn.LSTMCell, "it").takes_lengths

    class Plain(Padded):
        def forward(self, x: Any, state: Any = None) -> Any:
            return super().forward(x, state)

    assert not adapt(Plain, "it").takes_lengths


class EndsInPadding(torch.nn.Module):
    """Its final state is the output of the last padded step."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.rnn = torch.nn.RNN(input_size, hidden_size)

    def forward(self, x: Any, state: Any = None) -> Any:
        if not isinstance(x, PackedSequence):
            return self.rnn(x, state)
        padded, _ = pad_packed_sequence(x)
        return self.rnn(x, state)[0], self.rnn(padded, state)[1]


def test_a_final_state_of_the_padding_is_named() -> None:
    """In a torch module, by the fault of the catalogue."""
    report = ltdcheck.check(EndsInPadding, profile="quick", properties=["ragged.agrees"])
    (finding,) = report.findings
    assert finding.diagnosis[0].fault == "final-state-at-padding"
    assert "lengths" in finding.message


class Masked:
    """An Elman network in NumPy that takes lengths, and keeps every row's last output."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        rng = np.random.default_rng(0)
        H = hidden_size
        self.params = {"U": rng.normal(size=(H, input_size)), "W": rng.normal(size=(H, H)), "b": rng.normal(size=H)}

    def forward(self, x: Any, state: Any = None, lengths: Any = None) -> Any:
        p, (T, B, _) = self.params, x.shape
        h = np.zeros((B, len(p["b"])), x.dtype) if state is None else state
        ys = []
        for t in range(T):
            runs = np.ones((B, 1), bool) if lengths is None else (t < lengths)[:, None]
            h = np.where(runs, np.tanh(x[t] @ p["U"].T + h @ p["W"].T + p["b"]), h)
            ys.append(h)
        return (np.stack(ys) if ys else np.zeros((0, *h.shape), x.dtype)), h.copy()


def test_a_numpy_class_with_lengths() -> None:
    """It answers a row without steps with its initial state, whose repetition is right too."""
    report = ltdcheck.check(Masked, profile="quick", properties=[law.id for law in LAWS])
    assert report.ok, str(report)
    assert REPEATS in str(report).replace("\n", " ")


def test_lengths_travel_with_a_problem() -> None:
    """To a record and back."""
    it = Ragged(CELLS["elman"]())
    problem = ragged_problem(it, (5, 0, 3))
    again = Problem.from_json(problem.to_json())
    assert again.lengths == (5, 0, 3)
    assert "lengths" not in problem.with_(lengths=None).to_json()
