"""What flax makes of rows that end early, which a check of its layers reports."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from witnesses.flax_no_steps import INITIAL, linen, of_nnx


@pytest.mark.parametrize("answers", [linen, of_nnx])
def test_a_row_of_no_steps_ends_where_its_padding_ends(answers: Any) -> None:
    """Its final carry is that of a run over all of its padding, and not its initial carry; NaN in padding comes out."""
    told = answers()
    assert np.array_equal(told.final, told.over_padding)
    assert not np.any(told.final == INITIAL[0])
    assert told.spreads
