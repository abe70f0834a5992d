"""A target in a worker process answers what it answers here; a target that fails is told, and the next call works."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from adapters.cases import H, I, identical, problem_for
from targets.harness import ROOT

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.clipping import adapt_clipping
from ltdcheck.adapters.loading import load
from ltdcheck.errors import TargetAnswer, TargetCrashed, TargetHung, TargetRaised, TargetUnusableError
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import ClippingCall, Problem
from ltdcheck.runner.isolated import Isolated, IsolatedClipping, checked, open_isolated, reference

MISBEHAVING = f"{ROOT}/tests/targets/misbehaving.py"


class Local(torch.nn.RNN):
    """A class that only this file knows."""


class Shapeless(Implementation):
    """An implementation whose answers have the shapes that ``spoil`` gives them."""

    def __init__(self, **spoil: Any) -> None:
        self.spoil = spoil

    def parameters(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        return {"W": (hidden_size, hidden_size)}

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        fields = {
            "y": problem.dy,
            "state": problem.dstate,
            "dx": problem.x,
            "dstate": problem.dstate,
            "dparams": problem.params,
        }
        return Outputs(**{**fields, **{name: change(fields[name]) for name, change in self.spoil.items()}})


@pytest.fixture(scope="module")
def lstm() -> Iterator[Isolated]:
    """torch's own."""
    with open_isolated({"spec": "torch.nn:LSTM"}) as it:
        assert isinstance(it, Isolated)
        yield it


def test_it_says_what_it_is(lstm: Isolated) -> None:
    """Name, state, precisions, framework and version come over."""
    assert (lstm.name, lstm.states, lstm.precisions) == ("torch.nn:LSTM", 2, ("float64", "float32"))
    assert (lstm.has_backward, lstm.takes_state, lstm.fixed_sizes) == (True, True, None)
    assert (lstm.told["framework"], lstm.told["framework_version"]) == ("torch", torch.__version__)
    assert lstm.told["kind"] == "layer"
    assert lstm.parameters(I, H) == adapt(torch.nn.LSTM, "it").parameters(I, H)


def test_it_answers_to_the_last_bit(lstm: Isolated) -> None:
    """In both precisions, with and without backward pass and state, strided, and in turn."""
    here = adapt(torch.nn.LSTM, "it")
    plain = problem_for(here)
    problems = [
        plain,
        plain.with_(precision="float32"),
        plain.with_(state=None),
        plain.with_(views={"x": "strided"}),
        plain.with_(x=np.full_like(plain.x, np.inf)),
    ]
    for problem in problems:
        there = lstm.run(problem)
        assert identical(there, here.run(problem))
        assert there.facts == here.run(problem).facts
        assert identical(lstm.run(problem, backward=False, fresh=True), here.run(problem, backward=False))
    for one, other in zip(lstm.run_in_turn(problems), here.run_in_turn(problems), strict=True):
        assert identical(one, other)


def test_what_it_raises_is_told_and_the_next_call_works(lstm: Isolated) -> None:
    """torch refuses an empty sequence; the worker goes on."""
    with pytest.raises(TargetRaised, match="RuntimeError"):
        lstm.run(problem_for(lstm, T=0))
    lstm.run(problem_for(lstm))


def test_live_objects_travel() -> None:
    """A class of a test file, and an instance; what a fresh interpreter finds goes by reference."""
    assert reference(torch.nn.LSTM) == "torch.nn.modules.rnn:LSTM"
    assert reference(torch.nn.RNN(I, H)) is None
    assert reference(lambda i, h: None) is None
    for live in (Local, functools.partial(torch.nn.RNN, nonlinearity="relu")(I, H)):
        with open_isolated({"name": "mine"}, live) as it:
            assert isinstance(it, Isolated)
            assert it.name == "mine"
            assert identical(it.run(problem_for(it)), adapt(live, "it").run(problem_for(it)))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ({"y": lambda y: y[:-1]}, r"y must have shape \(5, 3, 6\), got \(4, 3, 6\)"),
        ({"y": lambda y: y.astype(int)}, "y must hold real numbers, got int64"),
        ({"state": lambda s: s * 2}, "the final state must have 1 arrays, got 2"),
        ({"dx": lambda dx: dx[..., :1]}, "dx must have shape"),
        ({"dstate": lambda d: (d[0][None],)}, "the gradient of the initial state must have shape"),
        ({"dparams": lambda g: {}}, r"gives gradients of the parameters \[\], not of \['W'\]"),
        ({"dparams": lambda g: {"W": g["W"][0]}}, "the gradient of W must have shape"),
    ],
)
def test_answers_are_checked_on_this_side(spoil: dict[str, Any], words: str) -> None:
    """An implementation that does not check itself is checked: each array's shape and kind, and the names."""
    problem = problem_for(Shapeless())
    right = Shapeless().run(problem)
    assert checked(right, problem, Shapeless()) is right
    with pytest.raises(TargetAnswer, match=words):
        checked(Shapeless(**spoil).run(problem), problem, Shapeless())


def test_an_implementation_of_somebody_is_checked_too() -> None:
    """What is no array does not travel, and what has another shape is refused when it arrives."""
    shapes = Shapeless(y=lambda y: y[:-1] if y[0, 0, 0] > 0 else y.tolist())
    with open_isolated({"name": "mine"}, shapes) as it:
        assert isinstance(it, Isolated)
        for sign, words in ((1, "y must have shape"), (-1, "'y' of type list")):
            problem = problem_for(it)
            with pytest.raises(TargetAnswer, match=words):
                it.run(problem.with_(dy=sign * np.abs(problem.dy) + sign))


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("HangsInForward", TargetHung),
        ("HangsInNativeCode", TargetHung),
        ("ExitsHard", TargetCrashed),
        ("Exits", TargetCrashed),
        ("Segfaults", TargetCrashed),
        ("RaisesMarkup", TargetRaised),
        ("NoneForState", TargetAnswer),
        ("HangsInConstructor", TargetUnusableError),
        ("RaisesInConstructor", TargetUnusableError),
    ],
)
def test_failing_while_it_is_tried_out_is_told_apart(name: str, failure: type[Exception]) -> None:
    """A target that fails in a call has a finding; one whose constructor fails cannot be used."""
    with pytest.raises(failure):
        open_isolated({"spec": f"{MISBEHAVING}:{name}"}, timeout=1.0)


@pytest.mark.parametrize(("name", "failure"), [("HangsInBackward", TargetHung), ("Aborts", TargetCrashed)])
def test_a_new_process_answers_after_a_death(name: str, failure: type[Exception]) -> None:
    """What dies in the backward pass can still be asked for its forward pass."""
    with open_isolated({"spec": f"{MISBEHAVING}:{name}"}, timeout=1.0) as it:
        assert isinstance(it, Isolated)
        problem = problem_for(it)
        with pytest.raises(failure):
            it.run(problem)
        assert it.run(problem, backward=False).dx is None


def test_a_target_that_cannot_be_loaded_is_refused(tmp_path: Path) -> None:
    """The refusal of the worker process is the refusal here, and an import that leaves the interpreter is one too."""
    with pytest.raises(TargetUnusableError, match="Did you mean Elman"):
        open_isolated({"spec": f"{MISBEHAVING}:Ellman"})
    (tmp_path / "lt_gone.py").write_text("import os\nos._exit(3)")
    with pytest.raises(TargetUnusableError, match="importing or making it"):
        open_isolated({"spec": f"{tmp_path}/lt_gone.py:Net"})


@pytest.mark.parametrize(
    ("spec", "cell", "kind"),
    [
        ("torch.nn.utils:clip_grad_norm_", None, "clip-norm"),
        ("torch.nn.utils:clip_grad_value_", None, "clip-value"),
        (f"{ROOT}/tests/targets/clipping/right.py:clip_list", "clip-norm", "clip-norm"),
        (f"{ROOT}/tests/targets/clipping/right.py:clip_values", "clip-value", "clip-value"),
    ],
)
def test_clipping_functions_are_rules(spec: str, cell: str | None, kind: str) -> None:
    """Those of torch are known, others are declared; inf and nan arrive as they are."""
    calls = [ClippingCall({"a": np.array([3.0, v]), "b": np.array([[0.5]])}, 2.5) for v in (4.0, np.inf, np.nan)]
    here = adapt_clipping(load(spec), "here", kind)
    with open_isolated({"spec": spec, "cell": cell}) as rule:
        assert isinstance(rule, IsolatedClipping)
        assert (rule.kind, rule.form, rule.containers) == (kind, here.form, here.containers)
        for call in [*calls, calls[0].with_(threshold=np.inf)]:
            one, other = rule.clip(call), here.clip(call)
            assert (one.raised, one.in_place) == (other.raised, other.in_place)
            assert repr(one.returned) == repr(other.returned)  # nan is not equal to itself
            for name, group in other.groups.items():
                np.testing.assert_array_equal(one.groups[name], group)
