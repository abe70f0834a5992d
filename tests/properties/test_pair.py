"""Two implementations against each other: weights by either layout, the sum of both bounds, and unlike functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from properties.subjects import Change, Changed, entry_off, nothing
from quality.planted import canonical

from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import Problem
from ltdcheck.properties.law import Evidence, property_named
from ltdcheck.properties.pair import Pair, Side
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import GRU, LSTM
from ltdcheck.reference.layout import ArrayLayout, Layout
from ltdcheck.strategies.problems import Recipe, build

LAWS = ("pair.same_function", "pair.forward_agrees", "pair.gradients_agree")


class Arranged(Implementation):
    """A network whose arrays lie as a layout says."""

    def __init__(self, network: Network, layout: Layout) -> None:
        self.network, self.layout = network, layout
        self.states = network.states

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Of the layout."""
        return {name: index.shape for name, index in self.layout.indices(input_size, hidden_size).items()}

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """The network's answer, its gradients spread over the arrays."""
        I, H = problem.sizes["I"], problem.sizes["H"]
        own = problem.with_(params=self.layout.from_target(problem.params, I, H))
        out = self.network.run(own, backward=backward, fresh=fresh)
        if out.dparams is None:
            return out
        return replace(out, dparams=self.layout.scatter(out.dparams, I, H))


def keras_like() -> Layout:
    """An LSTM as (s, 4H) matrices in the order i f o g, with two biases that add up."""
    gates = "ifog"
    return Layout(
        LSTM(),
        {
            "kernel": ArrayLayout("s (g u)", ("x",), (tuple(f"U_{g}" for g in gates),)),
            "recurrent": ArrayLayout("s (g u)", ("h",), (tuple(f"W_{g}" for g in gates),)),
            "bias": ArrayLayout("(g u)", ("1",), (tuple(f"b_{g}" for g in gates),)),
            "second_bias": ArrayLayout("(g u)", ("1",), (tuple(f"b_{g}" for g in gates),)),
        },
    )


def pair(first: Subject, second: Subject) -> Pair:
    """As A and B."""
    return Pair(Side("A", first), Side("B", second))


def plain(cell: Cell, change: Change = nothing) -> Subject:
    """In the reference's own arrays."""
    return Subject(Changed(cell, change), canonical(cell))


def arranged(change: Change = nothing) -> Subject:
    """In the other arrays."""
    layout = keras_like()
    return Subject(Arranged(Changed(LSTM(), change), layout), layout)


def ask(id: str, both: Pair, recipe: Recipe | None = None) -> Evidence:
    """One law on one problem."""
    return property_named(id).check(both, build(both.cell, recipe or Recipe()))


@pytest.mark.parametrize("id", LAWS)
def test_two_layouts_of_one_function_agree(id: str) -> None:
    """Every entry of both is compared, whichever is named first."""
    for both in (pair(plain(LSTM()), arranged()), pair(arranged(), plain(LSTM()))):
        seen = ask(id, both)
        assert seen.ok
        if id == "pair.gradients_agree":
            T, B, I, H = 5, 3, 4, 6
            own = 4 * H * (I + H + 1)
            assert seen.compared == T * B * I + 2 * B * H + 2 * own + 4 * H


def off(name: str, index: tuple[int, ...]) -> Change:
    """One entry of a parameter's gradient off by 1e-9 of itself."""

    def change(out: Outputs, problem: Problem) -> Outputs:
        if out.dparams is None:
            return out
        grad = out.dparams[name].copy()
        grad[index] *= 1 + 1e-9
        return replace(out, dparams={**out.dparams, name: grad})

    return change


def test_an_entry_of_a_gradient_is_named_in_both_ways() -> None:
    """By the papers' name, and in the array of the one that is asked."""
    seen = ask("pair.gradients_agree", pair(plain(LSTM()), arranged(off("W", (1, 2))))).disagreement
    assert seen is not None
    assert str(seen.where) == "dW_i[1, 2] (recurrent[2, 1])"
    assert seen.message == "B answers otherwise than A"


def test_the_second_of_two_biases_is_compared_too() -> None:
    """What is wrong in one of two arrays that add up is found, in either place of the pair."""

    class SecondOff(Arranged):
        def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
            """The first of two biases has another gradient."""
            out = super().run(problem, backward=backward, fresh=fresh)
            return replace(out, dparams={**(out.dparams or {}), "bias": (out.dparams or {})["bias"] * 1.5})

    wrong = Subject(SecondOff(Network(LSTM()), keras_like()), keras_like())
    for both in (pair(plain(LSTM()), wrong), pair(wrong, plain(LSTM()))):
        assert not ask("pair.gradients_agree", both).ok


def test_an_output_that_is_off_is_found() -> None:
    """By one part in 1e11."""
    both = pair(plain(LSTM()), plain(LSTM(), entry_off("y", (2, 0, 1), 1e-11)))
    seen = ask("pair.forward_agrees", both).disagreement
    assert seen is not None
    assert (seen.where.block, seen.where.step) == ("y", 3)


def test_variants_are_told_in_a_sentence() -> None:
    """The fields that differ, and nothing else."""
    both = pair(plain(GRU(reset="before")), plain(GRU(reset="after")))
    assert both.differs == "A is gru(reset=before), B is gru(reset=after): not the same function"
    seen = ask("pair.same_function", both)
    assert seen.disagreement is not None
    assert seen.disagreement.message == both.differs
    assert "A is lstm(" in pair(plain(LSTM()), plain(GRU())).differs


class In(Network):
    """Answers in one precision alone."""

    def __init__(self, cell: Cell, precisions: Sequence[str]) -> None:
        super().__init__(cell)
        self.precisions = precisions

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """Rounded to it."""
        out, kind = super().run(problem, backward=backward, fresh=fresh), np.dtype(problem.precision)
        return replace(out, y=out.y.astype(kind), state=tuple(s.astype(kind) for s in out.state))


def test_two_precisions_are_held_to_the_sum_of_their_bounds() -> None:
    """A float64 and a float32 network agree, and differ where one is off by more than single precision is."""
    double, single = (Subject(In(LSTM(), [p]), canonical(LSTM())) for p in ("float64", "float32"))
    both = pair(double, single)
    assert list(both.precisions) == ["float32"]
    seen = ask("pair.forward_agrees", both, Recipe(precision="float32"))
    assert seen.ok
    assert 0 < seen.worst <= 1
    wrong = plain(LSTM(), entry_off("y", (2, 0, 1), 1e-3))
    wrong.implementation.precisions = ["float32"]
    assert not ask("pair.forward_agrees", pair(double, wrong), Recipe(precision="float32")).ok
