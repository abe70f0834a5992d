"""Laws of rows of different lengths: a row ends where its length says, and what lies beyond is padding.

Every law makes lengths for the problem that it is given: one row has all steps, one has none, the others lie between,
and none is in its place by size. A target that refuses a row without steps is asked about one step instead.

After a row's end a target may answer zeros or its last output, and zeros for the final state of a row without steps,
whose initial state is handed on elsewhere: ONNX leaves that open. A direction that reads backwards passes over the
padding first, and may answer to it with the state in which it waits for its row. It is said, and no fault. Cotangents
after the end are zero.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ltdcheck.errors import TargetRaised
from ltdcheck.estimate import Estimate
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.compare import against, compare, merged
from ltdcheck.properties.law import Disagreement, Evidence, law
from ltdcheck.properties.subject import Subject
from ltdcheck.properties.values import beyond

NOT_RAGGED = "it takes no lengths: every row has as many steps as the batch"
ZEROS = "after a row's end it answers zeros"
FORGETS = "the final state of a row of no steps is zeros, where others hand on its initial state"
REPEATS = "after a row's end it answers the row's last output again"
WAITS = "after a row's end, before it reads the row backwards, it answers the row's initial state"
MERGED = "its two directions are merged into one output, which does not tell what each answers after a row's end"


@law("ragged.agrees")
def agrees(subject: Subject, problem: Problem) -> Evidence:
    """Rows that end early: outputs until then, the states at their ends, and every gradient, are the reference's."""
    problem = subject.within(problem)
    if why := _unfit(subject, problem) or subject.unreferenced:
        return Evidence(not_applicable=why)
    ragged, out, notes = _answered(subject, problem)
    if limit := beyond(subject, ragged):
        return limit
    if _forgets(ragged, out):
        ragged, notes = _without_states(ragged), (*notes, FORGETS)
    expect = subject.expect(ragged)
    wanted = {**expect.outputs, "y": _until_the_end(expect.outputs["y"], ragged)}
    forward = compare(subject, ragged, subject.outputs(out), wanted, _said(ragged))
    if forward.disagreement or not subject.has_backward:
        return replace(forward, notes=notes)
    backward = compare(subject, ragged, subject.gradients(out), subject.expected_gradients(ragged), _said(ragged))
    return replace(merged(forward, backward), notes=notes)


@law("ragged.padding_has_no_effect")
def padding_has_no_effect(subject: Subject, problem: Problem) -> Evidence:
    """What stands in x after a row's end changes no answer; where a NaN there does, that is said."""
    problem = subject.within(problem)
    if why := _unfit(subject, problem):
        return Evidence(not_applicable=why)
    ragged, first, _ = _answered(subject, problem)
    if limit := beyond(subject, ragged):
        return limit
    padding = ~_running(ragged)
    expect = subject.expect(ragged)
    found = []
    for filled, what in ((1e3, "1000"), (np.nan, "NaN")):
        x = ragged.x.copy()
        x[padding] = filled
        finite = bool(np.isfinite(filled))  # 0 * NaN is NaN in a masked product: of the gradient nothing is asked
        again = subject.run_again(ragged.with_(x=x), backward=subject.has_backward and finite)
        text = f"with {what} in x after the ends of rows ({_said(ragged)})"
        y = _until_the_end(expect.outputs["y"], ragged)
        wanted = against(subject.outputs(first), {**expect.outputs, "y": y})
        found.append(compare(subject, ragged, subject.outputs(again), wanted, text))
        if subject.has_backward and found[-1].ok and finite:
            gradients = against(subject.gradients(first), subject.expected_gradients(ragged))
            found.append(compare(subject, ragged, subject.gradients(again), gradients, text))
        elif not finite and not found[-1].ok:
            found[-1] = Evidence(found[-1].compared, notes=("NaN in the padding spreads: it masks by a product",))
    return merged(*found)


@law("ragged.after_the_end")
def after_the_end(subject: Subject, problem: Problem) -> Evidence:
    """After a row's end each direction answers zeros, the row's last output again, or the state in which it waits."""
    problem = subject.within(problem)
    if why := _unfit(subject, problem):
        return Evidence(not_applicable=why)
    ragged, out, _ = _answered(subject, problem)
    padding = ~_running(ragged)
    if not padding.any():
        return Evidence(not_applicable="no row ends early")
    apart = subject.cell.both_ways and out.y.shape[2] == 2 * min(subject.cell.widths(ragged.sizes["H"]))
    compared, directions = int(padding.sum()), 2 if apart else 1
    notes: list[str] = []
    for k, y in enumerate(np.split(out.y, directions, axis=2)):
        told = _after(y, ragged, backwards=subject.cell.both_ways or subject.layout.direction != "forward")
        if told is not None:
            notes += [told] * (told != "" and told not in notes)
        elif subject.cell.both_ways and directions == 1:
            return Evidence(not_applicable=MERGED)
        else:
            return Evidence(compared, np.inf, disagreement=_neither(subject, ragged, out.y, k * y.shape[2]))
    return Evidence(compared, notes=tuple(notes))


def _after(y: Array, problem: Problem, *, backwards: bool) -> str | None:
    """What one direction answers after the ends, in words; none where it is nothing that is known.

    No words where zeros and repeating are the same, since only a row of no steps ends early.
    """
    padding = ~_running(problem)
    zeros, repeats = not y[padding].any(), np.array_equal(y, _repeated(y, problem))
    if zeros or repeats:
        return "" if zeros and repeats else ZEROS if zeros else REPEATS
    waits = backwards and any(
        np.array_equal(y[padding], np.broadcast_to(s, y.shape)[padding]) for s in problem.given_state
    )
    return WAITS if waits else None


def _neither(subject: Subject, ragged: Problem, y: Array, left: int) -> Disagreement:
    """The first entry after an end, from unit ``left`` on, that is not zero."""
    t, b = (int(k) for k in np.argwhere(~_running(ragged) & np.any(y[..., left:] != 0, axis=2))[0])
    unit = left + int(np.flatnonzero(y[t, b, left:])[0])
    text = f"row {b} has {_lengths(ragged)[b]} steps ({_said(ragged)})"
    where = subject.place("y", (t, b, unit), ragged)
    return Disagreement(where, repr(float(y[t, b, unit])), "0, or the row's last output", 0.0, text)


@law("ragged.full_lengths_change_nothing")
def full_lengths_change_nothing(subject: Subject, problem: Problem) -> Evidence:
    """Lengths that are all T give what no lengths give."""
    problem = subject.within(problem)
    if not subject.implementation.takes_lengths:
        return Evidence(not_applicable=NOT_RAGGED)
    if limit := beyond(subject, problem):
        return limit
    T, B = problem.sizes["T"], problem.sizes["B"]
    backward = subject.has_backward
    first = subject.run(problem, backward=backward)
    second = subject.run_again(problem.with_(lengths=(T,) * B), backward=backward)
    text = "with lengths that are all T"
    wanted = against(subject.outputs(first), subject.expect(problem).outputs)
    found = compare(subject, problem, subject.outputs(second), wanted, text)
    if not backward:
        return found
    wanted = against(subject.gradients(first), subject.expected_gradients(problem))
    return merged(found, compare(subject, problem, subject.gradients(second), wanted, text))


def _unfit(subject: Subject, problem: Problem) -> str:
    if not subject.implementation.takes_lengths:
        return NOT_RAGGED
    if problem.sizes["T"] < 2 or problem.sizes["B"] < 2:
        return "it takes two rows and two steps"
    return ""


def _answered(subject: Subject, problem: Problem) -> tuple[Problem, Outputs, tuple[str, ...]]:
    """The problem with lengths, and what the target makes of it; without a row of no steps where it refuses one."""
    ragged = subject.made("with a row of no steps", problem, lambda: _with_lengths(problem, 0))
    try:
        return ragged, subject.run(ragged, backward=subject.has_backward), ()
    except TargetRaised as refusal:
        fewest = subject.made("with a row of one step", problem, lambda: _with_lengths(problem, 1))
        out = subject.run(fewest, backward=subject.has_backward)
        return fewest, out, (f"refuses a row of no steps: {refusal.exception}",)


def _with_lengths(problem: Problem, fewest: int) -> Problem:
    """``T - 1, T, fewest, T - 2, ..``: of two rows ``fewest, T``. Cotangents after the ends are zero."""
    T, B = problem.sizes["T"], problem.sizes["B"]
    between = [max(T - 1 - k, 1) for k in range(B)]
    lengths = (fewest, T) if B == 2 else (between[0], T, fewest, *between[1 : B - 2])
    ragged = problem.with_(lengths=tuple(lengths[:B]))
    return ragged.with_(dy=np.where(_running(ragged)[..., None], problem.dy, 0.0), views={})


def _forgets(problem: Problem, out: Outputs) -> bool:
    """The final states of rows without steps are zeros, and the initial states are not."""
    none = _lengths(problem) == 0
    return bool(
        none.any() and any(s[none].any() for s in problem.given_state) and not any(s[none].any() for s in out.state)
    )


def _without_states(problem: Problem) -> Problem:
    """With zeros for the states and cotangents of rows without steps: then handing on zeros is right."""
    some = (_lengths(problem) > 0)[:, None]
    state = None if problem.state is None else tuple(s * some for s in problem.state)
    return problem.with_(state=state, dstate=tuple(d * some for d in problem.dstate))


def _lengths(problem: Problem) -> NDArray[np.int_]:
    assert problem.lengths is not None
    return np.asarray(problem.lengths)


def _running(problem: Problem) -> NDArray[np.bool_]:
    """(T, B), true until each row's end."""
    return np.arange(len(problem.x))[:, None] < _lengths(problem)[None]


def _until_the_end(y: Estimate, problem: Problem) -> Estimate:
    """No bound after a row's end: what is answered there is another law's business."""
    return replace(y, error=np.where(_running(problem)[..., None], y.error, np.inf))


def _repeated(y: Array, problem: Problem) -> Array:
    """What it would be if every row repeated its last output; a row without steps has none, and stays."""
    last = np.minimum(np.arange(len(y))[:, None], np.maximum(_lengths(problem) - 1, 0)[None])
    again: Array = np.where((_lengths(problem) == 0)[None, :, None], y, y[last, np.arange(y.shape[1])[None]])
    return again


def _said(problem: Problem) -> str:
    return f"lengths {', '.join(map(str, _lengths(problem).tolist()))}"
