"""What a class is told besides its sizes may stand behind its name."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.keywords import bare, parted
from ltdcheck.adapters.loading import load
from ltdcheck.errors import TargetUnusableError


def test_keywords_are_told_to_what_is_named() -> None:
    """With plain values, those of text with a colon and parentheses in it too; the sizes are still to be given."""
    made = load("torch.nn:LSTM(num_layers=2, bidirectional=True)")
    assert made.func is torch.nn.LSTM
    assert made(2, 3).bidirectional
    assert parted("a.b:C(name=':(x)', sizes=[1, -2])") == ("a.b:C", {"name": ":(x)", "sizes": [1, -2]})


def test_what_stands_in_no_parentheses_is_left_alone() -> None:
    """A name, an empty call, and a folder with parentheses."""
    assert load("torch.nn:LSTM()") is torch.nn.LSTM
    assert parted("my (old)/nets.py:LSTM") == ("my (old)/nets.py:LSTM", {})


@pytest.mark.parametrize("inside", ["2", "n=open", "**{'n': 2}", "n=", "n=1)(m=2"])
def test_other_calls_are_refused(inside: str) -> None:
    """Values by place, names, calls: nothing that stands there is executed."""
    with pytest.raises(TargetUnusableError, match="no keywords with plain values"):
        load(f"torch.nn:LSTM({inside})")


def test_a_target_that_was_told_is_adapted_as_its_class() -> None:
    """Two layers of torch, whose constructor is called with the sizes by place."""
    implementation = adapt(load("torch.nn:GRU(num_layers=2)"), "the target")
    assert len(implementation.parameters(2, 3)) == 8


def test_the_class_is_found_below_all_that_it_is_told() -> None:
    """Once, twice, or not at all."""
    assert bare(partial(partial(dict, a=1), b=2)) is bare(dict) is dict
