"""What another law says better is not said again; what it does not say is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from properties.subjects import Change, Changed

from ltdcheck.diagnosis.row_order import Reordered
from ltdcheck.errors import TargetRaised
from ltdcheck.faults.fault import Network, fault_named
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Problem
from ltdcheck.properties.law import property_named
from ltdcheck.reference.cells import Elman
from ltdcheck.result import UNKNOWN, Result
from ltdcheck.runner import examiners, subjects
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.session import Session

FORWARD, BACKWARD = "values.forward_agrees", "gradients.backward_agrees"
AGAIN, NO_STEPS = "calls.repeatable", "sequence.zero_steps"
STATE, STRIDES, MUTATED = "effects.every_state", "calls.memory_order", "calls.arguments_stay"


def results(change: Change | Network, *ids: str) -> dict[str, Result]:
    """What becomes of these laws, of an Elman network whose answers are changed, or of another network."""
    network = change if isinstance(change, Network) else Changed(Elman(), change)
    opened = subjects.identified(subjects.Opened(subjects.Target("it", cell="elman"), network))  # type: ignore[arg-type]
    session = Session(opened, examiners.Options(profile=replace(profile_named("quick"), examples=0)))
    plan = [property_named(id) for id in ids]
    return {prop.id: session.check(prop, plan) for prop in plan}


def deaf_to_five_steps(out: Outputs, problem: Problem) -> Outputs:
    """Zeros for a sequence of five steps."""
    zeros: Any = np.zeros_like
    return out if len(problem.x) != 5 else replace(out, y=zeros(out.y), state=tuple(map(zeros, out.state)))


def test_what_is_wrong_there_has_no_effect_there() -> None:
    """A wrong answer to five steps is one finding, which says that it needs five steps and no more."""
    found = results(deaf_to_five_steps, FORWARD, STATE)
    assert found[FORWARD].status == "failed"
    assert found[FORWARD].finding is not None
    assert found[FORWARD].finding.matters.startswith("T = 5")
    assert found[STATE].status == "not_applicable"
    assert f"what is wrong in {FORWARD} is wrong on this problem too" in found[STATE].reason


def wrong_if_strided(out: Outputs, problem: Problem) -> Outputs:
    """NaN where x is strided."""
    return replace(out, y=np.full_like(out.y, np.nan)) if problem.views.get("x") == "strided" else out


def test_what_strides_do_is_said_by_their_law() -> None:
    """Contiguous arrays are answered rightly; and a NaN that comes each time is no noise."""
    found = results(wrong_if_strided, FORWARD, STRIDES)
    assert found[FORWARD].status == "not_applicable"
    assert f"{STRIDES} finds what others do" in found[FORWARD].reason
    assert found[STRIDES].status == "failed"
    assert found[STRIDES].finding is not None
    assert "nondeterministic" not in [d.fault for d in found[STRIDES].finding.diagnosis]


def two_causes(out: Outputs, problem: Problem) -> Outputs:
    """A gradient with a factor that no fault has, and a state that is changed in place."""
    grown = None if out.dx is None else out.dx * 1.37
    return replace(out, dx=grown, facts={"mutated": ["state[0]"]})


def test_two_unknown_causes_are_two_findings() -> None:
    """That no fault of the catalogue explains either does not make them one."""
    found = results(two_causes, BACKWARD, MUTATED)
    assert {id: result.status for id, result in found.items()} == {BACKWARD: "failed", MUTATED: "failed"}
    assert found[MUTATED].finding is not None
    assert not found[MUTATED].finding.diagnosis


def failed(found: dict[str, Result]) -> dict[str, str]:
    """What each finding is put down to first."""
    return {id: r.finding.diagnosis[0].fault for id, r in found.items() if r.finding is not None}


class Noise:
    """The first step of the input's gradient is memory that nobody wrote."""

    def __init__(self) -> None:
        self.dice = np.random.default_rng(3)

    def __call__(self, out: Outputs, problem: Problem) -> Outputs:
        """Another one each time."""
        if out.dx is None:
            return out
        dx = out.dx.copy()
        dx[:1] = self.dice.standard_normal(dx[:1].shape)
        return replace(out, dx=dx)


def test_noise_in_a_gradient_is_found_once() -> None:
    """What compares two answers looks at the other gradients from there on, and says so."""
    found = results(Noise(), BACKWARD, AGAIN, "calls.instances_agree")
    assert failed(found) == {BACKWARD: "nondeterministic"}
    finding = found[BACKWARD].finding
    assert finding is not None
    assert finding.diagnosis[0].sentence == "The same call gives another answer each time: dx in steps 1 to 1 of 5"
    assert found[AGAIN].status == "passed"
    assert found[AGAIN].notes == (f"judged without dx, which is another one each time: {BACKWARD} finds it",)


class AddingUp(Changed):
    """Noise, and gradients of parameters that are added to those of the call before."""

    def __init__(self) -> None:
        super().__init__(Elman(), Noise())
        fault = fault_named("gradient-leaks-between-calls").plant(Elman())
        assert fault is not None
        self.adding = fault

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """Both."""
        return self.change(self.adding.run(problem, backward=backward, fresh=fresh), problem)


def test_noise_hides_nothing_that_earlier_calls_leave() -> None:
    """Each is a finding, and is named."""
    found = failed(results(AddingUp(), FORWARD, BACKWARD, AGAIN, "calls.instances_agree"))
    assert found == {BACKWARD: "nondeterministic", AGAIN: "gradient-leaks-between-calls"}


class Threads:
    """Sums in another order each time, which is a unit in the last digit; and dW is twice as large as it should be."""

    def __init__(self) -> None:
        self.dice = np.random.default_rng(4)

    def __call__(self, out: Outputs, problem: Problem) -> Outputs:
        """Another one each time."""
        if out.dparams is None:
            return out
        summed = {
            n: np.nextafter(g, self.dice.choice([-9, 9], g.shape).astype(g.dtype)) for n, g in out.dparams.items()
        }
        return replace(out, dparams={**summed, "W": 2 * summed["W"]})


def test_rounding_that_is_another_one_each_time_is_no_noise() -> None:
    """A wrong gradient is named for what is wrong with it, and the others are looked at."""
    found = results(Threads(), BACKWARD, AGAIN, "calls.instances_agree")
    assert list(failed(found)) == [BACKWARD]
    assert failed(found)[BACKWARD] != "nondeterministic"
    assert not found[AGAIN].notes


def scaled(out: Outputs, problem: Problem) -> Outputs:
    """Every gradient is too large by one part in ten thousand."""
    if out.dx is None or out.dparams is None or out.dstate is None:
        return out
    params = {name: g * g.dtype.type(1.0001) for name, g in out.dparams.items()}
    return replace(out, dx=out.dx * 1.0001, dstate=tuple(s * 1.0001 for s in out.dstate), dparams=params)


def scaled_and_stuck(out: Outputs, problem: Problem) -> Outputs:
    """And no gradient comes back through no steps."""
    out = scaled(out, problem)
    return out if len(problem.x) or out.dstate is None else replace(out, dstate=(np.zeros_like(out.dstate[0]),))


def test_a_factor_is_found_once() -> None:
    """No steps show it again."""
    found = results(scaled, BACKWARD, NO_STEPS)
    assert failed(found) == {BACKWARD: UNKNOWN}
    assert f"what is measured in {BACKWARD} does this too" in found[NO_STEPS].reason


def test_a_factor_hides_no_other_fault() -> None:
    """What no steps show beside it is a finding of its own, and not put down to the factor."""
    found = results(scaled_and_stuck, BACKWARD, NO_STEPS)
    assert failed(found) == {BACKWARD: UNKNOWN, NO_STEPS: UNKNOWN}
    assert found[NO_STEPS].finding is not None
    assert found[NO_STEPS].finding.diagnosis[0].sentence == f"what {BACKWARD} finds does not explain all of this"


class DoubledAndMutating(Network):
    """The bias is added twice, and the input is changed in place."""

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """Both."""
        doubled = fault_named("bias-doubled").plant(Elman())
        assert doubled is not None
        return replace(doubled.run(problem, backward=backward, fresh=fresh), facts={"mutated": ["x"]})


def test_a_named_fault_hides_no_other() -> None:
    """The doubled bias explains every number, and not that the input is changed."""
    found = failed(results(DoubledAndMutating(Elman()), FORWARD, MUTATED, STATE))
    assert found == {FORWARD: "bias-doubled", MUTATED: UNKNOWN}


def test_another_order_of_rows_is_found_once() -> None:
    """Each row alone is an Elman network's, and no steps return the rows in that order too."""
    found = results(Reordered(Elman(), [1], "in reverse"), FORWARD, NO_STEPS, "batch.rows_are_independent")
    assert failed(found) == {FORWARD: UNKNOWN}
    assert found[FORWARD].finding is not None
    assert found[FORWARD].finding.diagnosis[0].sentence == "the rows of h_0 are read in reverse"
    assert "what is measured in" in found[NO_STEPS].reason


class ReorderedAndEmpty(Reordered):
    """And no steps return a state of zeros."""

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """Both."""
        out = super().run(problem, backward=backward, fresh=fresh)
        return out if len(problem.x) else replace(out, state=(np.zeros_like(out.state[0]),))


def test_another_order_of_rows_hides_no_other_fault() -> None:
    """Of one row alone no steps are wrong as well, which is a fault of its own."""
    found = failed(results(ReorderedAndEmpty(Elman(), [1], "in reverse"), FORWARD, NO_STEPS))
    assert found == {FORWARD: UNKNOWN, NO_STEPS: "empty-sequence-wrong"}


def too_many(out: Outputs, problem: Problem) -> Outputs:
    """Refuses, and says for how many steps and rows."""
    T, B = problem.x.shape[:2]
    raise TargetRaised("RuntimeError", f"{T} steps of {B} rows are at version 6", "")


def test_a_refusal_that_speaks_of_other_sizes_is_the_same() -> None:
    """Laws ask problems of other sizes: that one call raises is one finding."""
    network = Changed(Elman(), too_many)
    opened = subjects.identified(subjects.Opened(subjects.Target("it", cell="elman"), Network(Elman())))  # type: ignore[arg-type]
    opened = replace(opened, implementation=network)
    session = Session(opened, examiners.Options(profile=replace(profile_named("quick"), examples=0)))
    plan = [property_named(id) for id in (FORWARD, AGAIN, "batch.rows_are_independent")]
    first, *others = [session.check(prop, plan) for prop in plan]
    assert first.status == "failed"
    assert all(it.status == "not_applicable" and f"it fails as in {FORWARD}" in it.reason for it in others)
