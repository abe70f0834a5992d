"""Two answers of a target are held within the reference's rounding only where the target is the reference."""

from __future__ import annotations

from targets.catalogue import CLAIMED_FAULTY
from targets.harness import ROOT

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.loading import load
from ltdcheck.properties.law import property_named
from ltdcheck.result import Finding, Place
from ltdcheck.runner import examiners, subjects
from ltdcheck.runner.consequences import bounding
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.session import Session

SINGLE, PIECES = "precision.single_agrees_with_double", "sequence.pieces_equal_whole"
FORWARD, BACKWARD = "values.forward_agrees", "gradients.backward_agrees"


def session(name: str) -> Session:
    """Of a faulty copy, in this process."""
    row = next(row for row in CLAIMED_FAULTY if row.spec.endswith(name))
    implementation = adapt(load(str(ROOT / row.spec)), row.spec)
    opened = subjects.identified(subjects.Opened(subjects.Target(row.spec, cell=row.cell), implementation))
    return Session(opened, examiners.Options(profile=profile_named("quick")))


def test_after_a_wrong_gradient_the_rounding_of_gradients_is_not_known() -> None:
    """Asked alone, the law fails: entries that should be exactly zero are not, and round."""
    alone = session("gradient_unmasked").check(property_named(SINGLE), [])
    assert alone.status == "failed"
    after = session("gradient_unmasked")
    assert after.check(property_named(BACKWARD), []).status == "failed"
    result = after.check(property_named(SINGLE), [])
    assert result.status == "not_applicable"
    assert f"a target that fails {BACKWARD}" in result.reason


def test_what_the_bound_of_a_finding_rests_on() -> None:
    """Outputs on the forward pass alone; a wrong type on nothing."""

    def of(law: str, block: str, expected: str = "0.5") -> set[str]:
        return bounding(property_named(law), Finding(Place(block), "0.25", expected, 1e-9))

    assert of(SINGLE, "dU") == {FORWARD, BACKWARD}
    assert of(SINGLE, "h_T") == of(PIECES, "y") == {FORWARD}
    assert of(SINGLE, "y", "float32") == of("calls.repeatable", "y") == set()
