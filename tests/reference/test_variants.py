"""The variants of a cell are found from its type hints."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ltdcheck.errors import UnknownNameError
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.cells.gru import GRU
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.variants import combinations, variants


@pytest.mark.parametrize(
    ("name", "count"), [("elman", 5 * 2), ("lstm", 5 * 3 * 2 * 3 * 4 * 2 * 2), ("gru", 2 * 2 * 3 * 4 * 2)]
)
def test_all_combinations_are_there_once(name: str, count: int) -> None:
    """As many as the product of the choices, no two equal, each of the class."""
    found = combinations(name)
    assert len(found) == len(set(found)) == count
    assert all(type(cell) is CELLS[name] for cell in found)


@pytest.mark.parametrize(("name", "count"), [("elman", 4 + 2), ("lstm", 2 * 3 * 2 + 10), ("gru", 2 * 2 + 6)])
def test_rare_choices_are_not_combined(name: str, count: int) -> None:
    """The variants are the combinations of the usual choices, and every rare one in the default cell alone."""
    found = variants(name)
    assert set(found) <= set(combinations(name))
    assert len(found) == len(set(found)) == count
    assert {(f, v) for c in combinations(name) for f, v in vars(c).items()} == {
        (f, v) for c in found for f, v in vars(c).items()
    }


@pytest.mark.parametrize("name", list(CELLS))
def test_the_default_comes_first(name: str) -> None:
    """The first variant is the cell without arguments."""
    assert variants(name)[0] == CELLS[name]()
    assert variants(name)[0].variant == ""


def test_numbers_are_tried_at_the_values_that_are_named() -> None:
    """A forget offset of 0 and of 1, in every combination with the other fields."""
    assert LSTM(candidate="sigmoid", peepholes="previous", forget_offset=1.0) in variants("lstm")
    assert {cell.forget_offset for cell in variants("lstm") if isinstance(cell, LSTM)} == {0.0, 1.0}
    assert GRU(reset="after", update="replaces") in variants("gru")


def test_an_unknown_cell_is_refused() -> None:
    """With the names that are known."""
    with pytest.raises(UnknownNameError, match="gru"):
        variants("grue")


def test_a_field_without_choices_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number of which nothing says what to try."""

    @dataclass(frozen=True)
    class Leaky(GRU):
        rate: float = 0.5

    monkeypatch.setitem(CELLS, "leaky gru", Leaky)
    with pytest.raises(TypeError, match="rate"):
        variants("leaky gru")
