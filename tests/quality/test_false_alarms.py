"""No right implementation is found wrong: torch's modules on random problems from contracting to chaotic.

``tox -e quality`` asks 10 000 problems of every module in each precision, and leaves what it measured in the folder
LTDCHECK_MEASURED, of which ``python -m quality.report`` makes reports/false-alarms.md.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from quality.draws import CHAOTIC, USUAL, Range
from quality.measure import MODULES, Measured, measure, save
from quality.report import ALARMS

from ltdcheck.problem import PRECISIONS

FEW, CHUNK, CHUNKS = 30, 1000, 10

# The relative error that is seen in a typical entry; these figures may only get smaller.
DETECTABLE = {"float64": 1e-13, "float32": 5e-5}

everywhere = pytest.mark.parametrize(
    ("module", "precision"), [(module, precision) for module in MODULES for precision in PRECISIONS]
)


def judged(module: str, precision: str, seeds: range, within: Range, name: str) -> Measured:
    """What is measured, after it is saved; an alarm fails with the seeds that it shows at."""
    seen = measure(module, precision, seeds, within)
    if folder := os.environ.get("LTDCHECK_MEASURED"):
        key = {"within": name, "module": module, "precision": precision, "from": str(seeds.start)}
        save(Path(folder) / ALARMS, key, seen)
    assert seen.alarms == []
    assert seen.problems == len(seeds)
    return seen


@everywhere
def test_torch_is_right_on_a_few_problems(module: str, precision: str) -> None:
    """No entry of any output or gradient is beyond its bound, and the bounds are as narrow as they have been."""
    seen = judged(module, precision, range(FEW), USUAL, "few")
    assert seen.beyond <= FEW / 5
    assert seen.compared > 100 * (FEW - seen.beyond)
    assert np.median(seen.typical) <= DETECTABLE[precision]


@pytest.mark.quality
@pytest.mark.parametrize("chunk", range(CHUNKS))
@everywhere
def test_torch_is_right_on_ten_thousand_problems(module: str, precision: str, chunk: int) -> None:
    """A thousand of them at a time."""
    seen = judged(module, precision, range(chunk * CHUNK, (chunk + 1) * CHUNK), USUAL, "usual")
    assert np.median(seen.typical) <= DETECTABLE[precision]


@pytest.mark.quality
@everywhere
def test_torch_is_right_where_weights_are_large(module: str, precision: str) -> None:
    """From 4 to 64 times the usual size: many problems are beyond the precision, and the others are judged rightly."""
    judged(module, precision, range(CHUNK), CHAOTIC, "large")
