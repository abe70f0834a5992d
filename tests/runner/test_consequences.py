"""One root cause is one finding; what follows from it is listed with the reason why it is not judged."""

from pathlib import Path

import pytest

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.loading import load
from ltdcheck.properties.law import properties
from ltdcheck.result import Result
from ltdcheck.runner import examiners, subjects
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.session import Session

ROOT = Path(__file__).parents[2]

# the target; the law that finds it; a law that would find it again, and a part of the reason why it is not judged
ONCE = [
    ("numpy_lstm.py:LSTM_state_given_ignored", "values.forward_agrees", "effects.every_state", "does this too"),
    ("numpy_gru.py:GRU_future_leak", "values.forward_agrees", "sequence.causal", "future-leak, found in values"),
    ("numpy_gru.py:GRU_state_leaks_between_calls", "calls.repeatable", "values.forward_agrees", "a new instance is"),
]


def results(spec: str) -> dict[str, Result]:
    """Every law, in this process, at the quick profile."""
    target = subjects.Target(str(ROOT / "tests/targets" / spec))
    opened = subjects.identified(subjects.Opened(target, adapt(load(target.spec), spec)))
    session = Session(opened, examiners.Options(profile=profile_named("quick")))
    plan = properties("cell")
    return {prop.id: session.check(prop, plan, 0) for prop in plan}


@pytest.mark.parametrize(("spec", "finds", "follows", "why"), ONCE, ids=[row[0] for row in ONCE])
def test_a_cause_is_found_once(spec: str, finds: str, follows: str, why: str) -> None:
    """One law fails, and says what it needs; the other says by what it is explained."""
    found = results(spec)
    assert [id for id, result in found.items() if result.status == "failed"] == [finds]
    finding = found[finds].finding
    assert finding is not None
    assert "not matter" in finding.matters
    assert found[follows].status == "not_applicable"
    assert why in found[follows].reason
