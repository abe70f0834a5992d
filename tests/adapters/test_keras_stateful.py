"""Stateful layers of keras: functions of what they are given, which go on from call to call where nothing is given."""

from __future__ import annotations

from functools import cache
from typing import Any

import keras
import pytest
from adapters.cases import identical, problem_for

from ltdcheck.adapters.adapting import adapt
from ltdcheck.diagnosis.layers import recognise
from ltdcheck.diagnosis.probe import SIZES
from ltdcheck.errors import TargetRaised
from ltdcheck.properties.law import Evidence, property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.runner.isolated import Isolated, open_isolated
from ltdcheck.strategies.problems import Recipe, build

layers, BACKEND = keras.layers, keras.backend.backend()
GOES_ON = "sequence.goes_on"
COMPILES = {"jax": ("called", "compiled"), "tensorflow": ("called", "compiled"), "torch": ("called",)}[BACKEND]
IN_LOOPS: dict[str, Any] = {"stateful": True, "dtype": "float32", "use_cudnn": False}  # see the test of torch below


def lstm(_i: int, h: int) -> Any:
    """keras' own."""
    return layers.LSTM(h, **IN_LOOPS)


def backwards(_i: int, h: int) -> Any:
    """The next call reads what comes before."""
    return layers.GRU(h, go_backwards=True, **IN_LOOPS)


class Forgetful(layers.LSTM):
    """It forgets as soon as it has answered."""

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None) -> Any:
        """As keras does, and then as if nothing had been."""
        answer = super().call(sequences, initial_state, mask)
        self.reset_state()
        return answer


class Halved(layers.LSTM):
    """Of its two states it keeps one."""

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None) -> Any:
        """As keras does, but for c."""
        answer = super().call(sequences, initial_state, mask)
        self.states[1].assign(keras.ops.zeros_like(self.states[1].value))
        return answer


class Stubborn(layers.LSTM):
    """It is not to be reset."""

    def reset_state(self) -> None:
        """Not at all."""


def forgetful(_i: int, h: int) -> Any:
    """:class:`Forgetful`."""
    return Forgetful(h, **IN_LOOPS)


def halved(_i: int, h: int) -> Any:
    """:class:`Halved`."""
    return Halved(h, **IN_LOOPS)


def stubborn(_i: int, h: int) -> Any:
    """:class:`Stubborn`."""
    return Stubborn(h, **IN_LOOPS)


@cache
def found(make: Any) -> tuple[str, Subject]:
    """The target, and what it was recognised as, in words."""
    it = adapt(make, "it")
    told = recognise(it, "it")
    return told.words, Subject(it, told.layout)


def asked(make: Any, law: str, way: str = "", *, given: bool = True) -> Evidence:
    """A law on a problem; of the ways of calling one after the other, only this one."""
    _, it = found(make)
    it.implementation.remembers = (way,) if way else COMPILES
    sizes = it.implementation.fixed_sizes or SIZES
    return property_named(law).check(it, build(it.cell, Recipe(5, 3, *sizes, precision="float32", given_state=given)))


INSTANCE = layers.SimpleRNN(6, stateful=True)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lstm, "order=i f g o, biases=1"),
        (backwards, "reset=after, order=u r n, biases=2, direction=go_backwards"),
        (INSTANCE, "biases=1"),
    ],
    ids=["LSTM", "go_backwards", "an instance"],
)
def test_stateful_layers_are_functions_of_what_they_are_given(make: Any, words: str) -> None:
    """From a state or from zeros, for any number of rows, whatever was asked before; and called, they go on."""
    told, it = found(make)
    assert told == words
    assert tuple(it.implementation.remembers) in (COMPILES, ("called",))
    for law in ("values.forward_agrees", "gradients.backward_agrees", GOES_ON):
        for given in (True, False):
            seen = asked(make, law, "called", given=given)
            assert seen.ok, (law, seen)
            assert seen.compared
    for law in ("calls.repeatable", "calls.earlier_shapes") if make is lstm else ():
        assert asked(make, law, given=False).ok


def test_what_keeps_its_state_says_so() -> None:
    """And runs at every call: on TensorFlow it is no graph."""
    it, other = adapt(lstm, "it"), adapt(lambda _i, h: layers.LSTM(h, dtype="float32"), "it")
    assert (it.remembers, other.remembers) == (COMPILES, ())
    assert it.compiles == ("" if BACKEND == "tensorflow" else other.compiles)


@pytest.mark.skipif("compiled" not in COMPILES, reason="torch runs what it is told, and compiles nothing")
def test_compiled_on_jax_they_forget() -> None:
    """A layer's states are not among its variables there, so that what is compiled does not give them back."""
    seen = asked(lstm, GOES_ON, "compiled", given=False).disagreement
    assert (seen is not None) == (BACKEND == "jax")
    if seen is not None:
        assert seen.message == "compiled without a state for the steps after step 3"
        assert asked(lstm, GOES_ON, given=False).disagreement == seen


@pytest.mark.parametrize("make", [forgetful, halved])
def test_layers_that_keep_less_are_found(make: Any) -> None:
    """By the law about what is kept and by no other, since each call alone is right."""
    seen = asked(make, GOES_ON, "called").disagreement
    assert seen is not None
    assert seen.message == "called without a state for the steps after step 3"
    for law in ("values.forward_agrees", "gradients.backward_agrees", "sequence.pieces_equal_whole"):
        assert asked(make, law, given=False).ok


@pytest.mark.skipif(BACKEND == "jax", reason="a scope of keras on jax begins from the values outside of it")
def test_a_layer_that_is_not_reset_is_found() -> None:
    """A call without a state then depends on those before it."""
    _, it = found(lstm)
    stays = Subject(adapt(stubborn, "it"), it.layout)
    problem = build(it.cell, Recipe(5, 3, *SIZES, precision="float32", given_state=False))
    assert property_named("calls.repeatable").check(stays, problem).disagreement is not None


@pytest.mark.skipif(BACKEND != "torch", reason="keras is right on the other backends")
def test_there_is_no_gradient_from_kept_states_on_torch() -> None:
    """What keras writes the final state into is what torch wants to differentiate through (keras#23462)."""
    it = adapt(lambda _i, h: layers.LSTM(h, stateful=True, dtype="float32"), "it")
    problem = problem_for(it, precision="float32")
    assert it.run(problem).dx is not None
    with pytest.raises(TargetRaised, match="modified by an inplace operation"):
        it.run(problem.with_(state=None))


def test_both_calls_travel() -> None:
    """A worker process answers what the layer answers here."""
    with open_isolated({"name": "mine"}, INSTANCE) as there:
        assert isinstance(there, Isolated)
        here = adapt(INSTANCE, "it")
        assert there.remembers == here.remembers == COMPILES
        problem = problem_for(here, precision="float32")
        rest = problem.with_(state=None)
        for way in COMPILES:
            pairs = zip(there.run_on([problem, rest], way), here.run_on([problem, rest], way), strict=True)
            assert all(identical(one, other) for one, other in pairs)
