"""ONNX Runtime's answers to a sequence of no steps, which a check of its operators reports."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from witnesses.onnxruntime_no_steps import answers

SCRIPT = Path(__file__).with_name("onnxruntime_no_steps.py")


def test_rnn_and_lstm_answer_zeros_for_the_initial_state() -> None:
    """Y_h is not initial_h; and of an LSTM, Y_c is not initial_c."""
    assert not np.any(answers("RNN", 0)["Y_h"])
    lstm = answers("LSTM", 0)
    assert not np.any(lstm["Y_h"])
    assert not np.array_equal(lstm["Y_c"], np.full((1, 2, 3), 0.5))


def test_gru_ends_the_process() -> None:
    """The process dies of SIGABRT, so that no caller can catch it."""
    done = subprocess.run([sys.executable, str(SCRIPT), "GRU"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGABRT
    assert done.stdout == ""


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_given_lengths_all_answer_zeros(kind: str) -> None:
    """And GRU does not end the process then."""
    for final in answers(kind, 0, lengths=True).values():
        assert final.shape == (1, 2, 3)
        assert not np.any(final)
