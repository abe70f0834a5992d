"""What another law says better is not said again; what it does not say is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from properties.subjects import Change, Changed

from ltdcheck.implementation import Outputs
from ltdcheck.problem import Problem
from ltdcheck.properties.law import property_named
from ltdcheck.reference.cells import Elman
from ltdcheck.result import Result
from ltdcheck.runner import examiners, subjects
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.session import Session

FORWARD, BACKWARD = "values.forward_agrees", "gradients.backward_agrees"
STATE, STRIDES, MUTATED = "effects.every_state", "calls.memory_order", "calls.arguments_stay"


def results(change: Change, *ids: str) -> dict[str, Result]:
    """What becomes of these laws, of an Elman network whose answers are changed."""
    target = subjects.Target("it", cell="elman")
    opened = subjects.identified(subjects.Opened(target, Changed(Elman(), change)))  # type: ignore[arg-type]
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
