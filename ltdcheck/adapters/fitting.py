"""Which form an answer fits: of a layer or of a cell, once more calls have borne it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ltdcheck.adapters.form import ROWS, B, Call, Form, T, Widths
from ltdcheck.adapters.state import Misfit, Template, build, count, is_array, is_pair, joins, narrow_of, template_of

Answer = tuple[tuple[int, ...], Any, tuple[Any, ...]]  # the shape of x, what came, and the state that was given


def form_of(call: Call, make: Callable[..., Any], answered: Answer, widths: Widths) -> Form | None:
    """The form of which this is an answer; None where there is none, or another call does not bear it out."""
    shape, answer, state = answered
    if len(shape) == 3:
        form = _layer(call, make, answer, shape, state, widths)
    else:
        form = _cell(call, make, answer, shape, widths)
    return form if form is not None and (not state or _same(form, state[0], widths)) else None


def is_sequence(answer: Any) -> bool:
    """It is a pair whose first part is y, of three axes, as a layer answers."""
    return is_pair(answer) and is_array(answer[0]) and answer[0].ndim == 3


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
    if not is_sequence(answer):
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
    if is_pair(answer):
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
    if not is_pair(answer):
        raise Misfit
    return answer[1]
