"""Every target of tests/targets gets the verdict that it deserves, at the quick profile and in this process."""

from pathlib import Path

import pytest
from targets.catalogue import CLAIMED, CLAIMED_FAULTY, DECLARED, FAULTY, RIGHT, Target

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.loading import load
from ltdcheck.properties.law import properties
from ltdcheck.result import Result, verdict_of
from ltdcheck.runner import examiners, subjects
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.session import Session

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of targets: no errors in a process of their own


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def verdicts(row: Target, declared: str = "") -> list[Result]:
    """Every property of one target."""
    target = subjects.Target(row.spec, cell=row.cell if row.claimed else None, declared=declared)
    opened = subjects.identified(subjects.Opened(target, adapt(load(row.spec), row.spec)))
    session = Session(opened, examiners.Options(profile=profile_named("quick")))
    plan = properties("cell")
    results = [session.check(prop, plan, 0) for prop in plan]
    assert not [r.reason for r in results if r.status == "errored"]
    return results


def named(rows: list[Target], ordinary: int = 1) -> list[object]:
    """Parameters with short ids; one row in ``ordinary`` is asked in the ordinary tests, the others for quality."""
    marks = [[] if k % ordinary == 0 else [pytest.mark.quality] for k in range(len(rows))]
    return [pytest.param(row, id=row.spec.rpartition("/")[2], marks=m) for row, m in zip(rows, marks, strict=True)]


@pytest.mark.parametrize("row", named([*RIGHT, *CLAIMED], ordinary=11))
def test_a_right_implementation_conforms(row: Target) -> None:
    """Whatever its layout, it is identified, and no property fails or stays undecided."""
    results = verdicts(row)
    assert verdict_of(results) == "conforms", [(r.property, r.finding) for r in results if r.finding]
    assert results[0].cell == row.cell


@pytest.mark.parametrize("row", named(FAULTY, ordinary=20))
def test_a_faulty_implementation_does_not(row: Target) -> None:
    """There is a finding with a place and two different numbers; the first has a problem that is small."""
    findings = [r.finding for r in verdicts(row) if r.finding]
    assert findings
    for finding in findings:
        assert str(finding.where)
        assert finding.got != finding.expected
    if findings[0].problem is not None:
        assert findings[0].problem["sizes"]["T"] <= 5
        assert findings[0].problem["sizes"]["H"] <= 6


@pytest.mark.parametrize("row", named(CLAIMED_FAULTY, ordinary=5))
def test_a_fault_of_a_claimed_family_is_named(row: Target) -> None:
    """The best diagnosis of the first finding is what the row says."""
    first = next(r.finding for r in verdicts(row) if r.finding)
    assert str(first.where)
    assert first.diagnosis[0].fault.partition(".")[0] == row.fault


@pytest.mark.parametrize("row", named(DECLARED, ordinary=11))
def test_another_convention_is_no_fault(row: Target) -> None:
    """What is wrong only against a declaration conforms where nothing was declared."""
    results = verdicts(row)
    assert verdict_of(results) == "conforms", [(r.property, r.finding) for r in results if r.finding]


def test_the_fault_is_named_first() -> None:
    """For a sample of faults, one a family and place, the best diagnosis is the fault that was planted."""
    wanted = ("bias_doubled", "bptt_carry_missing", "bptt_truncated", "state_dead", "gradient_replaced", "future_leak")
    rows = [row for row in FAULTY if row.spec.endswith(wanted) and "/numpy_" in row.spec][::12]
    assert rows
    missed = []
    for row in rows:
        first = next(r.finding for r in verdicts(row) if r.finding)
        if not (first.diagnosis and first.diagnosis[0].fault.partition(".")[0] == row.fault):
            missed.append((row.spec, first.diagnosis))
    assert not missed


def test_specs_are_relative_to_the_checkout() -> None:
    """The tables and the working directory agree."""
    assert Path.cwd() == ROOT
    assert all(Path(row.spec.partition(":")[0]).exists() for row in (*RIGHT, *FAULTY, *DECLARED))
