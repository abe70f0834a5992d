"""Cells that no catalogue lists: right ones conform, and what is wrong with one is found without a reference."""

from pathlib import Path

import pytest

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.loading import load
from ltdcheck.errors import TargetUnusableError
from ltdcheck.implementation import Implementation
from ltdcheck.properties import sequences
from ltdcheck.properties.law import properties
from ltdcheck.result import Result, verdict_of
from ltdcheck.runner import examiners, subjects
from ltdcheck.runner.profiles import Profile
from ltdcheck.runner.session import NO_REFERENCE, Session

ROOT = Path(__file__).parents[2]
NUMPY, TORCH = (f"tests/targets/other_{framework}.py" for framework in ("numpy", "torch"))
FIXED_ONLY = Profile("fixed", examples=0, longest=0, shrinks=0, large=False)
SPEAK_OF_EQUATIONS = {p.id for p in properties("cell") if p.reference}


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def opened(spec: str, cell: str | None = None, obj: object = None) -> subjects.Opened:
    """In this process."""
    implementation: Implementation = adapt(load(spec) if obj is None else obj, spec)
    return subjects.identified(subjects.Opened(subjects.Target(spec, cell=cell), implementation))  # type: ignore[arg-type]


def results(target: subjects.Opened, profile: Profile = FIXED_ONLY) -> list[Result]:
    """Every property of one target on the problems that always run."""
    session = Session(target, examiners.Options(profile=profile))
    plan = properties("cell")
    found = [session.check(prop, plan) for prop in plan]
    assert not [r.reason for r in found if r.status == "errored"]
    return found


RIGHT = [f"{NUMPY}:SineRNN", f"{TORCH}:AttentionRNN"]
SLOW = [f"{TORCH}:MinimalGatedUnit", f"{TORCH}:ResidualRNN", f"{TORCH}:TwoSpeeds"]


@pytest.mark.parametrize("spec", [*RIGHT, *(pytest.param(spec, marks=pytest.mark.quality) for spec in SLOW)])
def test_a_right_cell_that_is_not_listed_conforms(spec: str) -> None:
    """It is held to the laws that need no reference, and the others say that they were not asked.

    An attention over earlier outputs is not in the state that is returned: that is said, and is no fault.
    """
    target = opened(spec, "other")
    assert target.cell == "other"
    assert target.variant == "no reference: nothing is said about its equations"
    found = results(target)
    assert verdict_of(found) == "conforms", [(r.property, r.finding) for r in found if r.finding]
    asked = {r.property for r in found if r.status == "passed"}
    assert not asked & SPEAK_OF_EQUATIONS
    others = {p.id for p in properties("cell")} - asked - SPEAK_OF_EQUATIONS
    assert {id.partition(".")[0] for id in others} <= {"ragged"}  # it takes no lengths
    assert {r.reason for r in found if r.property in SPEAK_OF_EQUATIONS} == {NO_REFERENCE}
    assert any(sequences.MORE_THAN_STATE in r.notes for r in found) == spec.endswith("AttentionRNN")


FAULTS = {
    "carry_dropped": "gradients.adjoint_identity",
    "gradient_scaled": "gradients.adjoint_identity",
    "future_leak": "sequence.causal",
    "state_kept": "calls.repeatable",
    "rows_coupled": "batch.rows_are_independent",
    "input_mutated": "calls.arguments_stay",
    "restless": "calls.instances_agree",
}


@pytest.mark.parametrize(("fault", "law"), FAULTS.items())
def test_what_is_wrong_is_found_once_and_without_a_reference(fault: str, law: str) -> None:
    """One law fails; what follows from it is not reported again."""
    found = results(opened(f"{NUMPY}:SineRNN_{fault}", "other"))
    assert [r.property for r in found if r.finding] == [law]


def test_a_wrong_gradient_is_shown_at_its_entry() -> None:
    """The finding is on the smallest problem, with the derivative of the target's own forward pass and its error."""
    shrinking = Profile("shrinking", examples=0, longest=0, shrinks=40, large=False)
    target = opened(f"{NUMPY}:SineRNN_carry_dropped", "other")
    (finding,) = [r.finding for r in results(target, shrinking) if r.finding]
    assert str(finding.where) == "dx[2, 0, 0], step 3"
    assert finding.problem is not None
    assert finding.problem["sizes"] == {"T": 4, "B": 1, "I": 1, "H": 1}
    assert finding.oracle == examiners.BY_DIFFERENCES
    assert abs(float(finding.got) - float(finding.expected)) > 1e6 * finding.bound


def test_what_may_be_a_wrong_network_is_left_open() -> None:
    """Arrays of an Elman network's shapes, another function and no claim: whether it is right is not decided."""
    target = opened(f"{NUMPY}:SineRNN")
    assert (target.cell, target.unsettled) == ("other", True)
    found = results(target)
    (undecided,) = [r for r in found if r.status == "undecided"]
    assert undecided.property == "values.forward_agrees"
    assert "--cell elman" in undecided.reason
    assert "--cell other" in undecided.reason
    assert verdict_of(found) == "undecided"


def test_a_claim_is_a_claim() -> None:
    """What says that it is an Elman network is held against the nearest, and fails; another family is refused."""
    claimed = opened(f"{NUMPY}:SineRNN", "elman")
    assert (claimed.cell, claimed.other) == ("elman", "")
    first = Session(claimed, examiners.Options(profile=FIXED_ONLY)).check(properties("cell")[0], [])
    assert first.status == "failed"
    with pytest.raises(TargetUnusableError, match="which is no lstm"):
        opened(f"{NUMPY}:SineRNN", "lstm")


@pytest.mark.quality
def test_a_known_cell_can_be_declared_to_be_another() -> None:
    """``--cell other`` holds an LSTM to the laws that need no reference."""
    target = opened("torch.nn:LSTM", "other")
    assert target.layout.startswith("it is said to be a cell without a reference; ")
    assert verdict_of(results(target)) == "conforms"
