"""The script that shows, without ltdcheck, what stateful layers of keras do not do."""

from __future__ import annotations

from pathlib import Path

import pytest
from witnesses.test_keras_float64 import printed

SCRIPT = Path(__file__).with_name("keras_stateful.py")


@pytest.mark.quality
@pytest.mark.parametrize(
    ("backend", "gradient", "goes_on"),
    [("jax", "fine", False), ("torch", "RuntimeError", True), ("tensorflow", "fine", True)],
)
def test_stateful_layers_forget_on_jax_and_have_no_gradient_on_torch(
    *, backend: str, gradient: str, goes_on: bool
) -> None:
    """And on no backend are those of several cells reset, or those of two directions asked for their states."""
    told = dict(line.split() for line in printed(SCRIPT, backend).splitlines())
    assert (told["predict"] == "fine" or float(told["predict"]) < 1e-5) == goes_on
    assert told["gradient"] == gradient
    assert (told["reset_state"], told["bidirectional"]) == ("AttributeError", "TypeError")
