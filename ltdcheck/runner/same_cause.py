"""Why a failure says nothing that another law does not say better, seen from the case in which it fails."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from ltdcheck.properties.law import Property
from ltdcheck.runner.consequences import OF_ANSWERS
from ltdcheck.runner.examine import Tally

STRIDES = "calls.memory_order"  # finds that arrays which are not contiguous are read wrongly


def of_strides(
    examiner: Any,
    prop: Property,
    tally: Tally[Any],
    plan: Sequence[Property],
    examined: Callable[[Property], Tally[Any]],
) -> str:
    """What to say where contiguous arrays are answered rightly, and the law of strides fails too; or ""."""
    law = next((p for p in plan if p.id == STRIDES), None)
    if law is None or prop.id == STRIDES or tally.failure is not None or not getattr(tally.failing, "views", ()):
        return ""
    contiguous: Any = replace(tally.failing, views=())  # type: ignore[type-var]
    if examiner.status(prop, contiguous) != "passed" or examined(law).failing is None:
        return ""
    return f"not judged: contiguous arrays are answered rightly, and {STRIDES} finds what others do"


def of_answers(
    examiner: Any, prop: Property, tally: Tally[Any], plan: Sequence[Property], failed: Collection[str]
) -> str:
    """What to say of a law that looks whether something matters, where the answer itself is wrong; or ""."""
    causes = set(failed) & set(OF_ANSWERS.get(prop.id, ()))
    if tally.failing is None or tally.failure is not None:
        return ""
    for law in plan:
        if law.id in causes and examiner.status(law, tally.failing) == "failed":
            return f"not judged: what is wrong in {law.id} is wrong on this problem too"
    return ""
