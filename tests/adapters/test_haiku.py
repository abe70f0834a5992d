"""haiku: its cores are found out and right, as classes, from factories and inside transformed functions."""

from __future__ import annotations

from typing import Any

import haiku as hk
import pytest
from adapters.cases import identical, problem_for
from adapters.conforming import words_if_right

from ltdcheck.adapters.adapting import adapt
from ltdcheck.errors import TargetUnusableError


def unrolled(_i: int, h: int) -> hk.Transformed:
    """A layer."""

    def network(x: Any, state: Any) -> Any:
        core = hk.LSTM(h)
        return hk.dynamic_unroll(core, x, core.initial_state(x.shape[1]) if state is None else state)

    return hk.transform(network)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        # as in ``unrolled``
        pytest.param(hk.LSTM, "lstm(forget_offset=1.0, order=i g f o, biases=1)", marks=pytest.mark.quality),
        (hk.GRU, "gru(update=replaces, order=u r n, biases=1)"),
        (hk.VanillaRNN, "elman(nonlinearity=relu, biases=2)"),
        (lambda i, h: hk.VanillaRNN(h, double_bias=False), "elman(nonlinearity=relu, biases=1)"),
        (unrolled, "lstm(forget_offset=1.0, order=i g f o, biases=1)"),
    ],
    ids=["LSTM", "GRU", "VanillaRNN", "factory", "dynamic_unroll"],
)
def test_what_haiku_has_is_found_out_and_right(make: Any, words: str) -> None:
    """A ReLU network, a GRU that replaces where it updates, and an LSTM that adds 1 to its forget gate."""
    assert words_if_right(make) == words


def test_a_core_starts_with_its_own_state() -> None:
    """One that is learned is a parameter, and gets a gradient."""

    class Learned(hk.VanillaRNN):
        def initial_state(self, batch_size: int | None) -> Any:
            first = hk.get_parameter("first", [self.hidden_size], init=hk.initializers.Constant(0.5))
            return super().initial_state(batch_size) + first

    it = adapt(Learned, "it")
    problem = problem_for(it, state=None)
    out = it.run(problem)
    assert out.dparams is not None
    assert out.dparams["learned.first"].any()


def test_a_first_state_that_changes_from_call_to_call_shows() -> None:
    """It is asked for once where it says the same twice, and at every call where it does not."""
    asked: list[int] = []

    class Restless(hk.VanillaRNN):
        def initial_state(self, batch_size: int | None) -> Any:
            asked.append(1)
            return super().initial_state(batch_size) + 0.5 ** len(asked)

    it, right = adapt(Restless, "it"), adapt(hk.VanillaRNN, "it")
    assert not identical(*(it.run(problem_for(it, state=None)) for _ in "12"))
    assert identical(*(right.run(problem_for(right, state=None)) for _ in "12"))


def test_what_keeps_more_than_parameters_is_refused() -> None:
    """It is said what to name instead; a factory of no core is refused as every factory is."""
    with pytest.raises(TargetUnusableError, match=r"hk\.without_state"):
        adapt(lambda i, h: hk.transform_with_state(lambda x, state: (x, state)), "it")
    with pytest.raises(TargetUnusableError, match="must be initialized inside an"):
        adapt(lambda i, h: hk.Linear(h), "it")
