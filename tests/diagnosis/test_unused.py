"""An array that changes nothing, beside others that hold all there is, is no part of the cell, and is told as such."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sampled import one_in

from ltdcheck.diagnosis.diagnose import diagnose
from ltdcheck.diagnosis.identify import identify
from ltdcheck.diagnosis.idle import idle
from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Problem
from ltdcheck.properties.law import property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cells import GRU, LSTM
from ltdcheck.strategies.problems import Recipe, build


class WithOneMore(Network):
    """A vector that is as long as a bias, is a parameter, and is not read."""

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Those of the cell, and it."""
        return {**super().parameters(input_size, hidden_size), "unused": (hidden_size,)}

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """No gradient comes for it."""
        own = {name: value for name, value in problem.params.items() if name != "unused"}
        out = super().run(problem.with_(params=own), backward=backward, fresh=fresh)
        if out.dparams is None:
            return out
        dparams = {**out.dparams, "unused": np.zeros_like(problem.params["unused"], problem.precision)}
        return replace(out, dparams=dparams, facts={**out.facts, "missing": ["unused"]})


@pytest.mark.parametrize("cell", one_in(2, [GRU(), LSTM()], lambda cell: cell.name))
def test_it_has_no_role(cell: LSTM | GRU) -> None:
    """The answers are right; what fails is that it should have an effect; and no digits are lost."""
    target = WithOneMore(cell)
    layout = identify(target, "it").layout
    assert layout.arrays["unused"].roles == (("",),)
    subject, problem = Subject(target, layout), build(cell, Recipe())
    assert property_named("values.forward_agrees").check(subject, problem).ok
    law = property_named("effects.every_parameter")
    seen = law.check(subject, problem)
    assert seen.disagreement is not None
    assert seen.disagreement.message == "part of unused (1) has no effect on any output"
    assert "precision-lost" not in [d.fault for d in diagnose(subject, problem, law)]


class Peepless(WithOneMore):
    """As many as an LSTM has peepholes, none of them read."""

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Those of the cell, and three vectors in one."""
        return {**super().parameters(input_size, hidden_size), "unused": (3 * hidden_size,)}


def test_what_as_many_entries_would_be_is_named() -> None:
    """The variant that would read them, and the fault by which it does not."""
    target = Peepless(LSTM())
    subject = Subject(target, identify(target, "it").layout)
    seen = diagnose(subject, build(LSTM(), Recipe()), property_named("effects.every_parameter"))
    assert seen[0].fault == "peephole-unused"


def test_of_other_numbers_of_entries_nothing_is_said() -> None:
    """No variant of an LSTM has one vector more."""
    target = WithOneMore(LSTM())
    assert idle(Subject(target, identify(target, "it").layout)) == []
