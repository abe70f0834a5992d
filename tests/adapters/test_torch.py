"""The torch adapter: six modules of torch agree with the reference, and what a module does wrong is told as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from adapters.cases import B, H, I, T, arrays, identical, problem_for
from torch import nn

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.state import Leading
from ltdcheck.errors import TargetAnswer, TargetRaised, TargetUnusableError
from ltdcheck.estimate import Estimate
from ltdcheck.oracles.rounding import expected
from ltdcheck.problem import PRECISIONS, Array, Params
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import GRU, LSTM, Elman

IFOG = (0, 1, 3, 2)  # the reference's rows i f o g among torch's i f g o


class Tanh(nn.Module):
    """A right layer, to be spoilt."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.U = nn.Parameter(torch.randn(hidden_size, input_size))
        self.W = nn.Parameter(torch.randn(hidden_size, hidden_size))

    def forward(self, x: Any, state: Any = None) -> Any:
        h, ys = x.new_zeros(x.shape[1], len(self.W)) if state is None else state, []
        for x_t in x:
            h = torch.tanh(x_t @ self.U.T + h @ self.W.T)
            ys.append(h)
        return (torch.stack(ys) if ys else x.new_zeros(0, *h.shape)), h


def rows(array: Array, order: tuple[int, ...]) -> Array:
    """Its parts in another order."""
    parts = np.split(array, len(order))
    return np.concatenate([parts[k] for k in order])


def to_reference(cell: Cell, given: Params) -> Params:
    """torch's four arrays as the reference's."""
    U, W, b_ih, b_hh = given.values()
    if isinstance(cell, LSTM):
        return {"U": rows(U, IFOG), "W": rows(W, IFOG), "b": rows(b_ih + b_hh, IFOG)}
    if isinstance(cell, GRU):  # torch's z is the reference's u; the candidate's hidden bias stays inside the reset
        return {"U": U, "W": W, "b": np.concatenate([(b_ih + b_hh)[: 2 * H], b_ih[2 * H :]]), "bh": b_hh[2 * H :]}
    return {"U": U, "W": W, "b": b_ih + b_hh}


def gradients_to_reference(cell: Cell, given: Params) -> list[tuple[str, Array]]:
    """Gradients of torch's arrays, each with the name of the reference's that it must equal; two biases share one."""
    U, W, b_ih, b_hh = given.values()
    if isinstance(cell, GRU):
        return [("U", U), ("W", W), ("b", b_ih), ("bh", b_hh[2 * H :]), ("b_ru", b_hh[: 2 * H])]
    blocks = [("U", U), ("W", W), ("b", b_ih), ("b", b_hh)]
    return [(name, rows(g, IFOG) if isinstance(cell, LSTM) else g) for name, g in blocks]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("make", "cell"),
    [
        (nn.LSTM, LSTM()),
        (nn.LSTMCell, LSTM()),
        (nn.GRU, GRU(reset="after")),
        (nn.GRUCell, GRU(reset="after")),
        (nn.RNN, Elman()),
        (nn.RNNCell, Elman()),
        (lambda i, h: nn.LSTM(i, h, batch_first=True), LSTM()),
        (nn.LSTM(I, H), LSTM()),
    ],
    ids=["LSTM", "LSTMCell", "GRU", "GRUCell", "RNN", "RNNCell", "batch_first", "instance"],
)
def test_torchs_own_modules_agree_with_the_reference(make: Any, cell: Cell, precision: str) -> None:
    """Outputs, states and every gradient are the reference's, to the rounding that the precision allows."""
    it = adapt(make, "it")
    assert tuple(it.precisions) == PRECISIONS
    problem = problem_for(it, precision=precision)
    truth = expected(cell, problem.with_(params=to_reference(cell, problem.params)))
    out = it.run(problem)
    assert out.facts == {}
    assert out.dparams is not None
    truth_b = truth.gradients["b"]
    due = {**truth.outputs, **truth.gradients, "b_ru": Estimate(truth_b.value[: 2 * H], truth_b.error[: 2 * H])}
    outputs = zip(truth.outputs, [out.y, *out.state], strict=True)
    states = zip([f"{s}_0" for s in cell.states], out.dstate or (), strict=True)
    assert not truth.hidden
    for name, array in [*outputs, ("x", out.dx), *states, *gradients_to_reference(cell, out.dparams)]:
        assert array is not None
        assert array.dtype == precision
        assert array.shape == due[name].value.shape
        assert np.all(np.abs(array - due[name].value) <= due[name].error), name


def learned(make: Any) -> Any:
    """The form that is found."""
    return adapt(make, "it").form  # type: ignore[attr-defined]


def test_a_cell_that_broadcasts_over_a_sequence_is_a_cell() -> None:
    """Given (T, B, I), it returns two arrays (T, B, H), which look like (y, state) and are (h, c)."""

    class Broadcasting(Tanh):
        def forward(self, x: Any, state: Any = None) -> Any:
            h, c = (x.new_zeros(len(self.W)),) * 2 if state is None else state
            c = c + torch.tanh(x @ self.U.T + h @ self.W.T)
            return torch.tanh(c), c

    assert Broadcasting(I, H)(torch.zeros(T, B, I))[1].shape == (T, B, H)
    assert (learned(Broadcasting).kind, learned(Broadcasting).state) == ("cell", (tuple, (Leading(), Leading())))


def test_forms_of_calling_are_told_apart() -> None:
    """Batch first, one layer axis or none, a state that is required, a cell that also returns its output."""

    class NeedsState(Tanh):
        def forward(self, x: Any, state: Any) -> Any:
            h, c = state
            h = torch.tanh(x @ self.U.T + h @ self.W.T)
            return h, c + h

    class Emits(Tanh):
        def forward(self, x: Any, state: Any = None) -> Any:
            y, h = super().forward(x[None], state)
            return y[0], h

    class WithoutState(Tanh):
        def forward(self, x: Any) -> Any:
            return super().forward(x)

    assert learned(lambda i, h: nn.GRU(i, h, batch_first=True)).batch_first
    assert learned(nn.GRU).state == Leading((1,))
    assert learned(Tanh).state == Leading()
    assert (learned(NeedsState).kind, learned(NeedsState).needs_state) == ("cell", True)
    assert (learned(Emits).kind, learned(Emits).emits) == ("cell", True)
    assert not adapt(WithoutState, "it").takes_state
    without = problem_for(adapt(NeedsState, "it"), state=None)
    zeros = without.with_(state=(np.zeros((B, H)),) * 2)
    assert np.array_equal(adapt(NeedsState, "it").run(without).y, adapt(NeedsState, "it").run(zeros).y)


def test_layers_and_directions_are_axes_of_the_state_and_of_the_output() -> None:
    """Three layers both ways: six arrays in one, an output 2H wide; an instance tells its sizes as one layer does."""
    deep = learned(lambda i, h: nn.LSTM(i, h, num_layers=3, bidirectional=True))
    assert (deep.kind, deep.state, deep.width) == ("layer", (tuple, (Leading((6,)), Leading((6,)))), 2)
    assert learned(lambda i, h: nn.GRU(i, h, num_layers=2, batch_first=True)).batch_first
    it = adapt(nn.GRU(3, 2, bidirectional=True), "it")
    assert (it.fixed_sizes, it.states, it.width) == ((3, 2), 2, 2)


def test_a_write_into_a_state_of_several_layers_is_a_fact() -> None:
    """The arrays of all layers travel as one; the part that was written into is named."""

    class Writes(nn.GRU):
        def __init__(self, i: int, h: int) -> None:
            super().__init__(i, h, num_layers=2)

        def forward(self, x: Any, state: Any = None) -> Any:
            y, final = super().forward(x, None if state is None else state.clone())
            if state is not None:
                state[1].mul_(2)
            return y, final

    it = adapt(Writes, "it")
    assert it.run(problem_for(it)).facts["mutated"] == ["state[1]"]


def test_constructors_are_called_by_name_where_they_have_the_names() -> None:
    """A constructor with the sizes in the other order, or as keywords only, is called right."""

    class OtherOrder(Tanh):
        def __init__(self, hidden_size: int, input_size: int) -> None:
            super().__init__(input_size, hidden_size)

    class Keywords(Tanh):
        def __init__(self, *, input_size: int, hidden_size: int) -> None:
            super().__init__(input_size, hidden_size)

    for kind in (OtherOrder, Keywords):
        assert adapt(kind, "it").parameters(I, H) == {"U": (H, I), "W": (H, H)}


def test_an_instance_has_the_sizes_that_it_has() -> None:
    """I and H are found, kept, and others are refused; the instance itself is left as it was."""
    instance = Tanh(7, 2)
    before = instance.W.detach().clone()
    it = adapt(instance, "it")
    assert it.fixed_sizes == (7, 2)
    it.run(problem_for(it, sizes=(7, 2)))
    assert torch.equal(instance.W, before)
    with pytest.raises(TargetUnusableError, match=r"\(7, 2\)"):
        it.parameters(4, 5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda i, h: nn.LSTM(i, h, proj_size=h // 2), "projected to 2 where H is 5 and to 5 where H is 11"),
        (nn.Linear, "neither a layer nor a cell"),
        (nn.Tanh, "its constructor"),
        (lambda _i, _h: nn.Tanh(), "no parameters"),
        (nn.Conv1d, "its constructor"),
        (lambda i, h: 3, "it makes a int"),
        (3, "it is a int"),
        (np.tanh, "its constructor"),
    ],
)
@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")  # said once a process
def test_what_cannot_be_checked_is_refused_with_a_reason(make: Any, words: str) -> None:
    """Projections whose width follows H, other modules, and what is no target at all."""
    with pytest.raises(TargetUnusableError) as caught:
        adapt(make, "it")
    assert words in str(caught.value)
    assert str(caught.value).startswith("it cannot be checked: ")


def test_hidden_weights_are_named() -> None:
    """Tensors and modules that no parameter list holds are found, in lists and dicts too; buffers are not meant."""

    class Hidden(Tanh):
        def __init__(self, input_size: int, hidden_size: int) -> None:
            super().__init__(input_size, hidden_size)
            self.inner = nn.Identity()
            self.inner.alone = torch.ones(2)
            self.listed = [nn.Parameter(torch.ones(2))]
            self.modules_by_name = {"a": [nn.Linear(2, 2)]}
            self.register_buffer("steps", torch.ones(1))
            self.also_U = self.U

    assert adapt(Hidden, "it").unregistered == ["inner.alone", "listed", "modules_by_name"]  # type: ignore[attr-defined]
    assert adapt(nn.LSTM, "it").unregistered == []  # type: ignore[attr-defined]


def spoilt(forward: Callable[[Any, Any, Any], Any]) -> Any:
    """The right layer with another forward pass."""
    return adapt(type("Spoilt", (Tanh,), {"forward": forward}), "it")


def test_detached_outputs_and_missing_gradients_are_facts() -> None:
    """An output cut off from the graph is named, and gradients that do not come are named and zero."""

    def forward(self: Any, x: Any, state: Any = None) -> Any:
        y, h = Tanh.forward(self, x, state)
        return y.detach(), self.U.sum() + 0 * h.detach()

    it = spoilt(forward)
    out = it.run(problem_for(it))
    assert out.facts == {"detached": ["y"], "missing": ["x", "state[0]", "W"]}
    assert not np.any(out.dx)
    assert not np.any(out.dparams["W"])
    assert np.all(out.dparams["U"] != 0)


def test_changed_arguments_are_facts() -> None:
    """Writing into x, the state or a parameter is seen; so is an answer in an argument's memory."""

    def forward(self: Any, x: Any, state: Any = None) -> Any:
        y, h = Tanh.forward(self, x.clone(), state)
        x.mul_(2)
        self.W.data += 1
        return y, h if state is None else state

    it = spoilt(forward)
    out = it.run(problem_for(it), backward=False)
    assert out.facts == {"mutated": ["x", "W"], "aliased": ["state[0]"]}
    assert it.run(problem_for(it)).facts["mutated"] == ["x", "W"]


def test_a_dtype_of_its_own_is_a_fact() -> None:
    """float32 from float64 arguments is named, and its gradients still come."""
    it = spoilt(lambda self, x, state=None: tuple(a.float() for a in Tanh.forward(self, x, state)))
    assert it.run(problem_for(it)).facts == {"dtype": ["y: float32", "state[0]: float32"]}
    assert it.run(problem_for(it, precision="float32")).facts == {}


def test_a_precision_that_raises_is_not_declared() -> None:
    """A module that cannot be called in float64 declares float32, and says what it raised."""
    it = spoilt(lambda self, x, state=None: Tanh.forward(self, x.float(), state))
    assert it.precisions == ("float32",)
    assert "RuntimeError" in it.refused["float64"]


def test_wrong_shapes_are_told_in_a_sentence() -> None:
    """Which answer, what it must be, and what came."""

    def last_output(self: Any, x: Any, state: Any = None) -> Any:
        y, h = Tanh.forward(self, x, state)
        return y[-1:], h

    it = spoilt(last_output)
    with pytest.raises(TargetAnswer, match=r"y must have shape \(5, 3, 6\), got an array \(1, 3, 6\)"):
        it.run(problem_for(it))
    with pytest.raises(TargetAnswer, match="NoneType"):
        spoilt(lambda self, x, state=None: (Tanh.forward(self, x, state)[0], None))


def test_what_it_raises_is_told() -> None:
    """In the probe, where it always raises, and in a run, where it sometimes does."""

    def always(self: Any, x: Any, state: Any = None) -> Any:
        raise KeyError("b")

    def when_long(self: Any, x: Any, state: Any = None) -> Any:
        if len(x) > 4:
            raise IndexError("too long")
        return Tanh.forward(self, x, state)

    with pytest.raises(TargetRaised, match="KeyError"):
        spoilt(always)
    it = spoilt(when_long)
    it.run(problem_for(it, T=4))
    with pytest.raises(TargetRaised, match="IndexError: too long"):
        it.run(problem_for(it))


def test_views_change_memory_and_nothing_else() -> None:
    """Strided and transposed inputs, a strided state, and strided or expanded cotangents give the same answers."""
    seen: list[Any] = []

    def forward(self: Any, x: Any, state: Any = None) -> Any:
        seen.append((x.is_contiguous(), state is None or state.is_contiguous()))
        return Tanh.forward(self, x, state)

    it = spoilt(forward)
    plain = problem_for(it)
    plain = plain.with_(dy=np.broadcast_to(plain.dy[:1], plain.dy.shape).copy())
    truth = it.run(plain)
    assert seen[-1] == (True, True)
    for views, contiguous in (
        ({"x": "strided", "state": "strided"}, (False, False)),
        ({"x": "transposed", "dy": "expanded"}, (False, True)),
        ({"dy": "strided", "dstate": "strided"}, (True, True)),
    ):
        again = it.run(plain.with_(views=views))
        assert seen[-1] == contiguous
        for a, b in zip(arrays(truth), arrays(again), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)  # sums in another order
        assert again.facts == {}


def test_answers_are_read_after_the_last_call() -> None:
    """A view of a buffer that the next call overwrites gives the last call's numbers, but only in turn."""

    def forward(self: Any, x: Any, state: Any = None) -> Any:
        y, h = Tanh.forward(self, x, state)
        if not hasattr(self, "kept"):
            self.kept = torch.zeros_like(y)
        self.kept.data.copy_(y.data)
        return self.kept, h

    it = spoilt(forward)
    one, two = problem_for(it), problem_for(it, x=problem_for(it).x + 1)
    alone = it.run(one)
    first, second = it.run_in_turn([one, two])
    assert not np.array_equal(first.y, alone.y)
    assert np.array_equal(first.y, second.y)


def test_a_fresh_instance_has_never_been_called() -> None:
    """A counter in the module goes on from run to run, and starts again where a fresh instance is asked for."""

    def forward(self: Any, x: Any, state: Any = None) -> Any:
        self.calls = getattr(self, "calls", 0) + 1
        y, h = Tanh.forward(self, x, state)
        return 0 * y + self.calls, h

    it = spoilt(forward)
    counts = [it.run(problem_for(it), fresh=fresh).y[0, 0, 0] for fresh in (False, False, True, False)]
    assert counts == [1, 2, 1, 3]


@pytest.mark.parametrize("make", [nn.LSTMCell, Tanh])
def test_T_is_zero(make: Any) -> None:
    """No step: no output, the state comes back, and its cotangent with it."""
    it = adapt(make, "it")
    problem = problem_for(it, T=0)
    out = it.run(problem)
    assert out.y.shape == (0, B, H)
    assert all(np.array_equal(a, b) for a, b in zip(out.state, problem.given_state, strict=True))
    assert out.dstate is not None
    assert all(np.array_equal(a, b) for a, b in zip(out.dstate, problem.dstate, strict=True))
    assert out.facts == {}


def test_T_is_zero_where_torch_raises() -> None:
    """torch's own layers do not take an empty sequence, and say so."""
    it = adapt(nn.LSTM, "it")
    with pytest.raises(TargetRaised, match="RuntimeError"):
        it.run(problem_for(it, T=0))


def test_no_state_is_a_call_without_one() -> None:
    """The target's own zeros; no gradient of a state that was not given."""
    it = adapt(nn.LSTM, "it")
    out = it.run(problem_for(it, state=None))
    zeros = it.run(problem_for(it, state=(np.zeros((B, H)),) * 2))
    assert out.dstate is None
    assert np.array_equal(out.y, zeros.y)


def test_dropout_is_off_and_the_default_dtype_is_restored() -> None:
    """Two runs agree though the module drops units in training; outside a run torch's default is what it was."""
    it = spoilt(lambda self, x, state=None: Tanh.forward(self, nn.functional.dropout(x, 0.5, self.training), state))
    before = torch.get_default_dtype()
    assert identical(it.run(problem_for(it)), it.run(problem_for(it)))
    assert torch.get_default_dtype() is before
