"""The form of a target, learned by calling it in one way after the other until what it answers fits one."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from ltdcheck.adapters.form import ACCEPTED, ROWS, B, Call, Form, H, I, T, Widths
from ltdcheck.adapters.state import (
    Leading,
    Misfit,
    Template,
    build,
    count,
    is_array,
    joins,
    leaves,
    narrow_of,
    outline,
    template_of,
)
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
    answered: list[_Answer] = []
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
            if form := _form(call, make, answered[-1], Widths(hidden)):
                return form
    for answer in answered:
        if form := _form(call, make, answer, Widths(hidden, projected=True)):
            return form
    if first is not None and not answered:
        told = "".join(traceback.format_exception(first))
        raise TargetRaised(type(first).__name__, "; ".join(dict.fromkeys(raised)), told)
    raise _unusable(target, call, answered, hidden, raised)


_Answer = tuple[
    tuple[int, ...], Any, tuple[Any, ...]
]  # the shape of x, what was answered, and the state that was given


def _form(call: Call, make: Callable[..., Any], answered: _Answer, widths: Widths) -> Form | None:
    """The form of which this is an answer."""
    shape, answer, state = answered
    if len(shape) == 3:
        form = _layer(call, make, answer, shape, state, widths)
    else:
        form = _cell(call, make, answer, shape, widths)
    return form if form is not None and (not state or _same(form, state[0], widths)) else None


def _refuse_no_state(answer: Any) -> None:
    """A sequence of outputs beside something that holds no arrays is the answer of a layer, and a wrong one."""
    if isinstance(answer, (tuple, list)) and len(answer) == 2 and is_array(answer[0]) and answer[0].ndim == 3:
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


def _same(form: Form, state: Any, widths: Widths) -> bool:
    """The state that came back is like the one that was given."""
    batch = T if form.kind == "layer" and form.batch_first else B
    try:
        return widths.template(state, batch, form.hidden) == form.state
    except Misfit:
        return False


def _layer(
    call: Call,
    make: Callable[..., Any],
    answer: Any,
    shape: tuple[int, ...],
    given: tuple[Any, ...],
    widths: Widths,
) -> Form | None:
    if not (isinstance(answer, (tuple, list)) and len(answer) == 2 and is_array(answer[0]) and answer[0].ndim == 3):
        return None
    y, state = answer
    width = widths.units(state)
    for batch in (B, T):
        try:
            template = widths.template(state, batch, width)
        except Misfit:
            continue
        wide = _directions(y, width, template)
        steps = (batch, ROWS, shape[2]) if batch == T else (ROWS, batch, shape[2])
        if not wide or (joins(template) and not _steady(call, (make(*steps), *given), template, batch, width)):
            continue
        return Form("layer", template, width, batch == T, False, call.takes_state, call.needs_state, wide)
    return None


def _directions(y: Any, width: int, template: Template) -> int:
    """How many outputs wide y is: 1, or 2 where the state has arrays for two directions; 0 where it is neither."""
    own = max(narrow_of(template)) or width
    wide: int = y.shape[2] // own if own and y.shape[2] % own == 0 else 0
    return wide if wide == 1 or (wide == 2 and count(template) % 2 == 0) else 0


def _steady(call: Call, longer: tuple[Any, ...], template: Template, batch: int, hidden: int) -> bool:
    """With more steps in x the state has as many arrays as before: its leading axes are layers and directions."""
    try:
        again = _state_of(_tried(call, *longer), emits=True)
        return template_of(again, batch, hidden, projected=any(narrow_of(template))) == template
    except Misfit:
        return False


def _cell(call: Call, make: Callable[..., Any], answer: Any, shape: tuple[int, ...], widths: Widths) -> Form | None:
    """The reading that survives a second call with the state that came out of the first.

    A reading must also survive another number of rows: a layer that takes x without a batch axis returns, for two
    layers, a state that looks like one of two rows.
    """
    if not call.takes_state:
        return None
    readings = [(answer, False)]
    if isinstance(answer, (tuple, list)) and len(answer) == 2:
        readings.append((answer[1], True))
    fits: list[Form] = []
    for state, emits in readings:
        width = widths.units(state)
        try:
            form = Form("cell", widths.template(state, B, width), width, False, emits, True, call.needs_state)
            if joins(form.state) or not _follows(form, call, make, shape[1], widths):
                continue
            fits.append(form)
            again = _state_of(_tried(call, make(*shape), state), emits=emits)
            if widths.template(again, B, width) == form.state:
                return form
        except Misfit:
            continue
    return fits[0] if fits else None


def _follows(form: Form, call: Call, make: Callable[..., Any], inputs: int, widths: Widths) -> bool:
    """With more rows in x there are more rows in the state."""
    states = [make(ROWS, width) for width in form.widths(form.hidden)]
    given = [build(form.state, states)] if call.needs_state else []
    try:
        again = _state_of(_tried(call, make(ROWS, inputs), *given), emits=form.emits)
        return widths.template(again, ROWS, form.hidden) == form.state
    except Misfit:
        return False


def _tried(call: Call, *given: Any) -> Any:
    """What it answers to another question than the first.

    Raises
    ------
    Misfit
        Whatever it raises itself: then it is not what it was taken for.
    """
    try:
        return call.function(*given)
    except Exception as error:
        raise Misfit from error


def _state_of(answer: Any, *, emits: bool) -> Any:
    """The state of ``(y, state)``, or of an answer that is the state.

    Raises
    ------
    Misfit
        When it is no such pair.
    """
    if not emits:
        return answer
    if not (isinstance(answer, (tuple, list)) and len(answer) == 2):
        raise Misfit
    return answer[1]


def _unusable(
    target: str, call: Call, answered: list[_Answer], hidden: int | None, raised: list[str]
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
