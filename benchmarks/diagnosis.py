"""A check that names what is wrong with a torch LSTM, against a check that passes."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks.requirement import Requirement
from benchmarks.timing import Timing, seconds
from ltdcheck.api import check

TARGETS = Path(__file__).parents[1] / "tests/targets/torch_lstm.py"
FAULTY = (
    *("candidate_double_activation", "gate_unbounded", "bias_doubled", "recurrent_transposed", "state_dead"),
    *("state_given_ignored", "state_leaks_between_calls", "future_leak", "bptt_carry_missing", "bptt_carry_partial"),
    *("bptt_truncated", "bptt_transpose_missing", "activation_derivative_doubled", "gradient_replaced"),
    *("backward_empty", "output_from_candidate", "sum_for_product", "bias_shared", "state_pair_wrong"),
    "gradient_scaled",
)


def diagnoses() -> Iterator[Requirement]:
    """Twenty faults, each beside a check of the right class."""
    asked = [f"{TARGETS}:LSTM_{name}" for name in FAULTY]
    right = f"{TARGETS}:LSTM"
    check(right)
    pairs = [(seconds(lambda spec=spec: check(spec)), seconds(lambda: check(right))) for spec in asked]  # type: ignore[misc]
    # what is asked is about the medians, so that a passing check's time is the same for all
    passing = statistics.median(peer for _, peer in pairs)
    timing = Timing([ours for ours, _ in pairs], [passing] * len(pairs))
    yield Requirement(f"a faulty torch LSTM named, of {len(asked)}", "a passing one", timing, 2.0)
