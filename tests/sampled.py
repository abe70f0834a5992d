"""Tables of which the ordinary tests ask a sample, and ``tox -e quality`` the rest too."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def one_in(count: int, rows: Iterable[Any], name: Callable[[Any], str] = str) -> list[Any]:
    """Parameters: the first of every ``count`` rows is of the ordinary tests, the others are of quality.

    A row that is a tuple, and not a named one, is several parameters.
    """
    listed = list(rows)
    several = [row if type(row) is tuple else (row,) for row in listed]
    marks = [[] if k % count == 0 else [pytest.mark.quality] for k in range(len(listed))]
    return [pytest.param(*row, id=name(one), marks=m) for one, row, m in zip(listed, several, marks, strict=True)]
