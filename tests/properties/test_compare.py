"""Where a number is judged: errors in units of bounds, and what is said of the worst."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties.subjects import of

from ltdcheck.estimate import Estimate
from ltdcheck.faults.fault import Network
from ltdcheck.properties.compare import against, compare, digits, doubled, merged, ratios, resolution
from ltdcheck.properties.law import Disagreement, Evidence
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.result import Place
from ltdcheck.strategies.problems import Recipe, build

SUBJECT = of(Network(Elman()))
PROBLEM = build(Elman(), Recipe(T=2, B=1, H=2))
Y = np.array([[[1.0, -2.0]], [[0.5, 0.0]]])  # (T, B, H)


def wanted(error: float = 1e-3) -> dict[str, Estimate]:
    """An output with the same bound everywhere."""
    return {"y": Estimate(Y, np.full(Y.shape, error))}


@pytest.mark.parametrize(
    ("got", "value", "error", "ratio"),
    [
        (1.5, 1.0, 0.25, 2.0),
        (1.0, 1.0, 0.0, 0.0),
        (1.0, 1.0 + 1e-15, 0.0, np.inf),
        (np.nan, 1.0, 1e9, np.inf),
        (np.inf, 1.0, 1e9, np.inf),
        (-np.inf, 1.0, np.inf, 0.0),
        (np.nan, 0.0, np.inf, 0.0),
        (np.inf, -np.inf, 0.0, 0.0),
        (np.nan, np.inf, 0.0, 0.0),
        (1.7e308, np.inf, 0.0, np.inf),
        (1e-200, np.longdouble("1e-390"), 1e-306, 1e106),
        (0.0, np.longdouble("1e-390"), 1e-306, 0.0),
        (0.0, 1e-12, 1e-26, 1e14),
    ],
)
def test_an_error_is_measured_in_bounds(got: float, value: float, error: float, ratio: float) -> None:
    """What must be exact is exact or infinitely far, and so is what is not a number but where a bound or value ends."""
    seen = ratios(np.array([got]), Estimate(np.array([value]), np.array([error])))
    assert seen[0] == pytest.approx(ratio)


def test_an_answer_in_single_precision_is_compared_in_the_precision_of_the_truth() -> None:
    """The difference is taken in long double, where it is exact."""
    value = np.array([1 + np.longdouble(2) ** -60])
    seen = ratios(np.array([1.0], dtype=np.float32), Estimate(value, np.array([2.0**-60])))
    assert seen.dtype == np.float64
    assert seen[0] == 1


@given(st.floats(-3, 3), st.floats(1e-6, 1), st.tuples(st.integers(0, 1), st.just(0), st.integers(0, 1)))
def test_the_worst_entry_decides(off: float, bound: float, index: tuple[int, int, int]) -> None:
    """It fails beyond its own bound and not before, and the finding is about it."""
    got = Y.copy()
    got[index] += off * bound
    seen = compare(SUBJECT, PROBLEM, {"y": got}, wanted(bound), "why")
    assert seen.compared == 4
    assert seen.worst == pytest.approx(abs(off), rel=1e-6, abs=1e-6)
    if abs(off) > 1 + 1e-6:
        assert seen.disagreement is not None
        assert seen.disagreement.where == Place("y", index, step=index[0] + 1, unit=index[2])
        assert seen.disagreement.bound == bound
        assert seen.disagreement.message == "why"
    elif abs(off) < 1 - 1e-6:
        assert seen.ok


def test_a_block_that_did_not_come_disagrees() -> None:
    """And one of another shape, as a whole."""
    missing = compare(SUBJECT, PROBLEM, {}, wanted()).disagreement
    assert missing is not None
    assert missing.message == "y did not come"
    other = compare(SUBJECT, PROBLEM, {"y": Y[:1]}, wanted()).disagreement
    assert other is not None
    assert other.message == "y has shape (1, 1, 2) where (2, 1, 2) is right"


def test_an_empty_block_counts_nothing() -> None:
    """So that a comparison of nothing cannot pass for one."""
    empty = np.zeros((0, 1, 2))
    assert compare(SUBJECT, PROBLEM, {"y": empty}, {"y": Estimate(empty, empty)}) == Evidence()


def test_what_would_be_seen_is_the_worst_blocks_typical_entry() -> None:
    """The median of bound over value, of entries that are not 0; the largest of all blocks."""
    assert resolution(wanted(1e-3)["y"]) == 1e-3  # the middle of 1e-3, 5e-4, 2e-3, of which it is 1e-3/1
    assert resolution(Estimate(np.zeros(3), np.ones(3))) == 0
    blocks = {**wanted(1e-3), "h_T": Estimate(np.ones((1, 2)), np.full((1, 2), 0.25))}
    seen = compare(SUBJECT, PROBLEM, {"y": Y, "h_T": np.ones((1, 2))}, blocks)
    assert seen.detectable == 0.25
    assert seen.blocks == {"y": 1e-3, "h_T": 0.25}


def test_what_cannot_be_told_from_zero_has_no_relative_error() -> None:
    """Beside numbers that have: a block whose early entries have vanished is measured where it has not."""
    assert resolution(Estimate(np.array([1.0, 1e-12, 1e-310]), np.array([1e-14, 1e-26, 1e-306]))) == np.median(
        [1e-14 / 1.0, 1e-26 / 1e-12]
    )
    assert resolution(Estimate(np.array([1e-310, np.inf]), np.array([1e-306, 0.0]))) == 0


def test_a_hidden_block_is_left_out_and_counted() -> None:
    """The other blocks are compared; where there is none nothing is decided, and the reason says so."""
    lost = Estimate(Y, 3 * np.abs(Y), "unreliable", reason="why")
    both = compare(SUBJECT, PROBLEM, {"y": Y + 9, "h_T": np.ones((1, 2))}, {"y": lost, **end()})
    assert (both.compared, both.left_out, both.undecided, both.ok) == (2, 1, "", True)
    wrong = compare(SUBJECT, PROBLEM, {"y": Y, "h_T": np.zeros((1, 2))}, {"y": lost, **end()})
    assert wrong.disagreement is not None
    alone = compare(SUBJECT, PROBLEM, {"y": Y + 9}, {"y": lost})
    assert (alone.compared, alone.left_out, alone.undecided) == (0, 1, "y is beyond float64: why")


def test_an_entry_without_a_bound_is_not_counted() -> None:
    """Anything may stand there; beside it errors are seen as ever."""
    half = {"h_T": Estimate(np.ones((1, 2)), np.array([[np.inf, 1e-3]]))}
    assert compare(SUBJECT, PROBLEM, {"h_T": np.array([[np.nan, 1.0]])}, half).compared == 1
    assert not compare(SUBJECT, PROBLEM, {"h_T": np.array([[np.nan, 1.1]])}, half).ok


def end() -> dict[str, Estimate]:
    """A final state with a narrow bound."""
    return {"h_T": Estimate(np.ones((1, 2)), np.full((1, 2), 1e-3))}


def test_two_answers_may_be_two_bounds_apart() -> None:
    """Each may be one bound away from the truth, on either side."""
    pair = against({"y": Y}, wanted(1e-3))
    assert compare(SUBJECT, PROBLEM, {"y": Y + 1.9e-3}, pair).ok
    assert not compare(SUBJECT, PROBLEM, {"y": Y + 2.1e-3}, pair).ok
    assert doubled(wanted(1e-3))["y"].error[0, 0, 0] == 2e-3
    assert against({}, wanted()) == {}


def test_merged_evidence_keeps_the_first_disagreement_and_all_counts() -> None:
    """The largest figures, every note, and a reason wherever there is one."""
    one, other = (Disagreement(Place(name), "1", "2", 0.0) for name in ("a", "b"))
    seen = merged(
        Evidence(3, 0.5, 1e-3, notes=("x",), left_out=2, blocks={"a": 1e-3}),
        Evidence(4, 2.0, 1e-2, one, left_out=1, blocks={"b": 1e-2}),
        Evidence(5, 3.0, None, other, not_applicable="n", notes=("y",)),
    )
    assert seen == Evidence(12, 3.0, 1e-2, one, "", "n", ("x", "y"), 3, {"a": 1e-3, "b": 1e-2})
    assert merged() == Evidence()


def test_a_comparison_that_could_not_be_made_does_not_hide_one_that_was() -> None:
    """Outputs are judged where rounding hides every gradient."""
    unknown = Evidence(undecided="u", left_out=4)
    assert merged(Evidence(3), unknown) == Evidence(3, left_out=4)
    assert merged(unknown, unknown).undecided == "u"


@pytest.mark.parametrize(
    ("value", "bound", "text"),
    [
        (0.123456789, 1e-4, "0.12346"),
        (1 / 3, 1e-8, "0.333333333"),
        (1 / 3, 1e-30, "0.33333333333333331"),
        (1e-12, 1e-3, "1e-12"),
        (1.25e-12, 1e-3, "1.2e-12"),
        (-2.0, 0.0, "-2.0"),
        (0.0, 1.0, "0.0"),
        (float("nan"), 1.0, "nan"),
    ],
)
def test_a_number_has_as_many_digits_as_its_bound_supports(value: float, bound: float, text: str) -> None:
    """One more than is certain, and at least two."""
    assert digits(value, bound) == text
