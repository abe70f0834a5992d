"""The form of a target, learned by calling it in one way after the other until what it answers fits one."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from ltdcheck.adapters.fitting import Answer, form_of, is_sequence
from ltdcheck.adapters.form import ACCEPTED, B, Call, Form, H, I, T, Widths
from ltdcheck.adapters.state import Leading, Template, build, is_array, leaves, outline
from ltdcheck.errors import TargetAnswer, TargetRaised, TargetUnusableError


def learn(call: Call, make: Callable[..., Any], target: str, inputs: int = I, hidden: int | None = H) -> Form:
    """Try the ways of calling; ``make(*shape)`` is an array of the framework, ``hidden=None`` takes what comes.

    Raises
    ------
    TargetRaised
        When it raised, however it was called.
    TargetAnswer
        When it answered as a layer does, but without a state.
    TargetUnusableError
        When what it answered fits neither a layer nor a cell.
    """
    raised: list[str] = []
    answered: list[Answer] = []
    first: Exception | None = None
    for kind, shape in (("layer", (T, B, inputs)), ("cell", (B, inputs))):
        for state in _first_states(call, make, kind, hidden):
            try:
                answer = call.function(make(*shape), *state)
            except Exception as error:  # noqa: BLE001  (a stranger's code, called in the wrong way on purpose)
                first = first or error
                raised.append(f"{error} (x of shape {shape})")
                continue
            answered.append((shape, answer, state))
            _refuse_no_state(answer)
            if form := form_of(call, make, answered[-1], Widths(hidden)):
                return form
    for answer in answered:
        if form := form_of(call, make, answer, Widths(hidden, projected=True)):
            return form
    if first is not None and not answered:
        told = "".join(traceback.format_exception(first))
        raise TargetRaised(type(first).__name__, "; ".join(dict.fromkeys(raised)), told)
    raise _unusable(target, call, answered, hidden, raised)


def _refuse_no_state(answer: Any) -> None:
    """A sequence of outputs beside something that holds no arrays is the answer of a layer, and a wrong one."""
    if is_sequence(answer):
        odd = [leaf for leaf in leaves(answer[1]) if not is_array(leaf)]
        if odd:
            raise TargetAnswer(f"returned (y, state) with {outline(odd[0])} where an array of the state must be")


def _first_states(call: Call, make: Callable[..., Any], kind: str, hidden: int | None) -> list[tuple[Any, ...]]:
    """No state; or, where one is needed, guesses: pairs first, since an array of two rows also unpacks as a pair."""
    if not call.needs_state:
        return [()]
    alone, one = Leading(), Leading((1,))
    pair = (tuple, (alone, alone))
    templates: list[Template] = [pair, alone] if kind == "cell" else [(tuple, (one, one)), pair, one, alone]
    return [
        (build(template, [make(batch, hidden), make(batch, hidden)]),)
        for batch in ((B,) if kind == "cell" else (B, T))
        for template in templates
        if hidden is not None
    ]


def _unusable(
    target: str, call: Call, answered: list[Answer], hidden: int | None, raised: list[str]
) -> TargetUnusableError:
    """Why nothing fits, from the shapes that came."""
    says = "; ".join(f"given x of shape {shape} it returned {outline(answer)}" for shape, answer, _ in answered)
    if not answered:
        says = "it cannot be called without a state, and no state that was tried suits it"
    arrays = [leaf for _, answer, _ in answered[:1] for leaf in leaves(answer) if is_array(leaf)]
    if arrays and arrays[0].ndim == 3 and hidden and arrays[0].shape[-1] != hidden:
        hint = (
            f"An output that is neither H = {hidden} nor 2H wide, nor projected as a part of the state is, "
            "is not supported: readouts, layers of different sizes."
        )
    elif not call.takes_state:
        hint = "It does not take a state."
    else:
        hint = ""
    return TargetUnusableError(target, f"{says}, which is neither a layer nor a cell.", f"{hint} {ACCEPTED}".strip())
