"""torch's LSTM with projections: outputs narrower than the cell, in layers and directions, and a user's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ltdcheck.adapters.adapting import adapt
from ltdcheck.diagnosis.layers import recognise
from ltdcheck.diagnosis.measure import rounding
from ltdcheck.diagnosis.probe import far
from ltdcheck.errors import TargetAnswer
from ltdcheck.faults.fault import fault_named
from ltdcheck.oracles.rounding import expected
from ltdcheck.problem import Problem
from ltdcheck.properties.law import property_named
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cells import LSTM
from ltdcheck.runner.isolated import checked
from ltdcheck.strategies.problems import Recipe, build

# torch says once in a process that another of its programs computes this
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

LAWS = (
    "values.forward_agrees",
    "gradients.backward_agrees",
    "gradients.adjoint_identity",
    "sequence.pieces_equal_whole",
)


def lstm(**options: Any) -> Callable[[int, int], nn.Module]:
    """A factory of torch's own layer."""
    return lambda i, h: nn.LSTM(i, h, **options)


class Own(nn.Module):
    """A right projected LSTM, cell first in its state and the projection's weights (H, P); to be spoilt."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.P = 2
        self.A = nn.Parameter(torch.randn(4 * hidden_size, input_size + self.P))
        self.R = nn.Parameter(torch.randn(hidden_size, self.P))

    def out(self, m: Any) -> Any:
        """The output of a step."""
        return m @ self.R

    def back(self, m: Any) -> Any:
        """What the next step reads."""
        return self.out(m)

    def forward(self, x: Any, state: Any = None) -> Any:
        B, H = x.shape[1], len(self.R)
        c, y = (x.new_zeros(B, H), x.new_zeros(B, self.P)) if state is None else state
        h, ys = y, []
        for x_t in x:
            i, f, o, g = (torch.cat([x_t, h], 1) @ self.A.T).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            m = o.sigmoid() * c.tanh()
            y, h = self.out(m), self.back(m)
            ys.append(y)
        return (torch.stack(ys) if ys else x.new_zeros(0, B, self.P)), (c, y)


class Unprojected(Own):
    """It projects nothing."""

    def out(self, m: Any) -> Any:
        return m[:, : self.P]


class FedBack(Own):
    """Its next step reads what is not projected."""

    def back(self, m: Any) -> Any:
        return m[:, : self.P]


RIGHT = {
    "one layer": (lstm(proj_size=2), "projection=2, order=i f g o, biases=2"),
    "one column": (lstm(proj_size=1, batch_first=True), "projection=1, order=i f g o, biases=2"),
    "no biases": (lstm(proj_size=3, bias=False), "projection=3, order=i f g o, biases=0"),
    "layers": (lstm(proj_size=2, num_layers=2), "lstm(projection=2, order=i f g o, biases=2), layers=2"),
    "directions": (
        lstm(proj_size=2, num_layers=2, bidirectional=True),
        "bidirectional(lstm(projection=2, order=i f g o, biases=2), merge=concatenate), layers=2",
    ),
    "an instance": (nn.LSTM(3, 7, proj_size=4), "projection=4, order=i f g o, biases=2"),
    "one's own": (Own, "projection=2, order=i f o g, biases=0, state=(c, h)"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_projected_layer_is_recognised_and_agrees(name: str) -> None:
    """In every arrangement: outputs, final states of both widths, and all gradients, those of W_hr too.

    Of pieces of a sequence nothing is asked where a direction begins at its end.
    """
    make, words = RIGHT[name]
    target = adapt(make, "it")
    found = recognise(target, "it")
    assert (found.words, found.exact) == (words, True)
    subject, (I, H) = Subject(target, found.layout), target.fixed_sizes or (4, 6)
    for given in (True, False):
        problem = build(subject.cell, Recipe(I=I, H=H, seed=3, given_state=given))
        for law in LAWS:
            evidence = property_named(law).check(subject, problem)
            assert evidence.ok, (law, evidence)
            asked = law != "sequence.pieces_equal_whole" or name != "directions"
            assert ((evidence.compared > 0), (evidence.not_applicable == "")) == (asked, asked)


def test_the_projection_is_h_of_torchs_documentation() -> None:
    """torch's answer is h_t = W_hr (o * tanh(c)) with W_hh of P columns, in ten lines of NumPy."""
    layer, rng = nn.LSTM(3, 5, proj_size=2).double(), np.random.default_rng(0)
    p = {name: value.detach().numpy() for name, value in layer.named_parameters()}
    x, h, c = rng.standard_normal((4, 2, 3)), np.zeros((2, 2)), np.zeros((2, 5))
    y, _ = layer(torch.from_numpy(x))
    error = _error(p, x)
    for t in range(4):
        a = x[t] @ p["weight_ih_l0"].T + p["bias_ih_l0"] + h @ p["weight_hh_l0"].T + p["bias_hh_l0"]
        i, f, g, o = np.split(a, 4, axis=1)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = (np.tanh(c) / (1 + np.exp(-o))) @ p["weight_hr_l0"].T
        assert np.all(np.abs(y[t].detach().numpy() - h) <= error[t])


def _error(p: dict[str, Any], x: Any) -> Any:
    """The bound of every output, by the reference."""
    i_f_o_g = np.r_[0:10, 15:20, 10:15]
    U, W, *b = (p[f"{name}_l0"][i_f_o_g] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    params = {"U": U, "W": W, "b": sum(b), "R": p["weight_hr_l0"]}
    problem = Problem(params, x, None, np.zeros((4, 2, 2)), (np.zeros((2, 2)), np.zeros((2, 5))))
    return expected(LSTM(projection=2), problem, backward=False).outputs["y"].error


wrong_projections = pytest.mark.parametrize(
    ("make", "fault"), [(Unprojected, "projection-missing"), (FedBack, "projection-fed-back-unprojected")]
)


@wrong_projections
def test_a_wrong_projection_is_found_and_is_a_known_fault(make: type[nn.Module], fault: str) -> None:
    """Held in the layout of the right layer, it disagrees and answers as the fault does."""
    subject = Subject(adapt(make, "it"), recognise(adapt(Own, "it"), "it").layout)
    problem = subject.within(build(subject.cell, Recipe()))
    planted = fault_named(fault).plant(subject.cell)
    assert planted is not None
    expected, got = planted.run(problem, backward=False), subject.run(problem)
    for one, other in zip((expected.y, *expected.state), (got.y, *got.state), strict=True):
        assert far(one, other) < rounding("float64").tight
    assert property_named("values.forward_agrees").check(subject, problem).disagreement is not None


@pytest.mark.quality
@wrong_projections
def test_a_wrong_projection_is_named(make: type[nn.Module], fault: str) -> None:
    """Recognised by its answers alone: seconds, for all faults are tried in every reading of its arrays."""
    found = recognise(adapt(make, "it"), "it")
    assert (found.fault, found.cell.name, found.exact) == (fault, "lstm", False)
    subject = Subject(adapt(make, "it"), found.layout)
    evidence = property_named("values.forward_agrees").check(subject, build(found.cell, Recipe()))
    assert evidence.disagreement is not None


def test_sizes_with_no_room_for_the_projection_are_not_asked() -> None:
    """A problem has more units than its cell's projection has columns, and says how many it has."""
    problem = build(LSTM(projection=4), Recipe(H=1))
    assert problem.sizes["H"] == 5
    assert type(problem).from_json(problem.to_json()).to_json() == problem.to_json()
    assert [s.shape[1] for s in problem.given_state] == [4, 5]


def test_states_of_other_widths_are_refused() -> None:
    """h of H columns and c of P, where h has P and c has H, are no answer."""
    target = adapt(lstm(proj_size=2), "it")
    subject = Subject(target, recognise(target, "it").layout)
    problem = build(subject.cell, Recipe(I=3, H=4))
    out = subject.run(problem)
    assert [s.shape for s in out.state] == [(3, 2), (3, 4)]
    with pytest.raises(TargetAnswer, match=r"the final state must have shape \(3, 2\), got \(3, 4\)"):
        checked(type(out)(out.y, out.state[::-1]), problem, target)
