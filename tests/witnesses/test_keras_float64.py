"""The script that shows, without ltdcheck, what keras does in float64."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("keras_float64.py")
MASKED = Path(__file__).with_name("keras_masked_float64.py")
CLIPPING = SCRIPT.with_name("keras_clipping_float64.py")
SINGLE = 2.0**-32  # far above what rounding in float64 makes of a dozen products, and below that of float32


@pytest.mark.quality
@pytest.mark.parametrize(("backend", "digits"), [("tensorflow", "float64"), ("torch", "float32"), ("jax", "float32")])
def test_float64_has_the_digits_of_float32_on_two_backends(backend: str, digits: str) -> None:
    """One step of a cell in float64 is off by the rounding of float32 on torch and jax."""
    assert (float(printed(SCRIPT, backend)) > SINGLE) == (digits == "float32")


@pytest.mark.quality
@pytest.mark.parametrize(("backend", "digits"), [("tensorflow", "float64"), ("torch", "float32")])
def test_a_mask_costs_digits_on_torch(backend: str, digits: str) -> None:
    """Where it hides nothing, LSTM and GRU are off by the rounding of float32 on torch, and not on TensorFlow."""
    lines = dict(line.split() for line in printed(MASKED, backend).splitlines())
    assert set(lines) == {"LSTM", "GRU"}
    assert {float(off) > SINGLE for off in lines.values()} == {digits == "float32"}


@pytest.mark.quality
@pytest.mark.parametrize(("backend", "digits"), [("tensorflow", "float64"), ("torch", "float32")])
def test_gradients_are_clipped_in_single_precision_on_torch(backend: str, digits: str) -> None:
    """By each of the three options, and by none on TensorFlow."""
    lines = dict(line.split() for line in printed(CLIPPING, backend).splitlines())
    assert set(lines) == {"clipnorm", "global_clipnorm", "clipvalue"}
    assert {float(off) > SINGLE for off in lines.values()} == {digits == "float32"}


@pytest.mark.quality
def test_a_simple_rnn_refuses_float64_on_jax() -> None:
    """In float32 it answers, and in float64 it raises."""
    assert printed(SCRIPT.with_name("keras_simple_rnn_jax.py"), "jax").split() == ["float32", "TypeError"]


def printed(script: Path, backend: str) -> str:
    """What the script prints on this backend of the version of keras that was looked at."""
    if version("keras") != "3.15.1":
        pytest.skip(f"keras {version('keras')} was not looked at: run {script.name}, and check the layers again")
    environment = {**os.environ, "KERAS_BACKEND": backend}
    return subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=True).stdout
