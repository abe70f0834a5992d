"""Keywords after a target's name, ``torch.nn:LSTM(num_layers=2)``: what its constructor is told besides its sizes."""

from __future__ import annotations

import ast
import re
from functools import partial
from typing import Any

from ltdcheck.errors import TargetUnusableError


def parted(spec: str) -> tuple[str, dict[str, Any]]:
    """The spec without its parentheses, and the keywords in them, whose values are Python's literals.

    Raises
    ------
    TargetUnusableError
        When something else stands in the parentheses.
    """
    called = re.search(r":[\w.]+(\(.*\))$", spec, re.DOTALL)
    if called is None:
        return spec, {}
    try:
        call = ast.parse("f" + called[1], mode="eval").body
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Name)
        keywords = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg}
        plain = not call.args and len(keywords) == len(call.keywords)
    except (AssertionError, SyntaxError, ValueError):
        plain = False
    if not plain:
        why = f"{called[1]} are no keywords with plain values."
        raise TargetUnusableError(spec, why, "Write them as in torch.nn:LSTM(num_layers=2), or name a factory.")
    return spec[: called.start(1)], keywords


def told(obj: Any, keywords: dict[str, Any]) -> Any:
    """A class or factory that is told these keywords whenever it is called; without any, as it is."""
    return partial(obj, **keywords) if keywords else obj


def bare(obj: Any) -> Any:
    """The class or factory without what it is told."""
    while isinstance(obj, partial):
        obj = obj.func
    return obj
