"""Messages that have one right answer, whatever network a program is: what the laws of ``protocol`` ask of it.

With T = 0 the final state is the initial one, and y and all gradients are empty or 0: what comes back then is known.
A trial returns at the first answer that is another one, and names the message.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ltdcheck.adapters.program_declaration import Declaration
from ltdcheck.adapters.program_lines import Step, alike, reads_json, refuses_and_lives
from ltdcheck.adapters.program_question import Question, small
from ltdcheck.adapters.program_session import STOPPING, Session
from ltdcheck.adapters.program_text import Message, array_of, shown
from ltdcheck.errors import TargetAnswer, TargetCrashed, TargetRaised
from ltdcheck.implementation import Trial

Steps = Callable[[Session, Declaration], Iterator[Step]]

BIG = 4096  # rows, for a line of some hundred kilobytes
# of every sort; 0.1 and 1/3 fill all digits, and 5e-324 is the least
NUMBERS = (-0.0, 5e-324, -1e-310, 2.2250738585072014e-308, 0.1, 1 / 3, -1e16, 1e308, np.inf, -np.inf, np.nan, 1.0)
# in single precision: the least, the least normal and the largest
SINGLE = (-0.0, 2.0**-149, -(2.0**-130), 2.0**-126, 0.1, 1 / 3, (2 - 2.0**-23) * 2.0**127, np.inf, -np.inf, np.nan)


def numbers_survive(session: Session, declared: Declaration) -> Iterator[Step]:
    """A state of numbers of every sort, through no steps; then a state of many rows."""
    it = Question(session, declared)
    it.start()
    for precision in declared.precisions:
        sorts = np.array(SINGLE if precision == "float32" else NUMBERS).astype(precision)
        given = [np.resize(np.roll(sorts, k), (len(sorts), it.H)) for k in range(declared.states)]
        answer = session.ask("forward", **it.forward(0, len(sorts), given, precision))
        for k, (due, got) in enumerate(zip(given, it.state_of(answer, len(sorts), precision), strict=True)):
            for index in np.ndindex(due.shape):
                place = f"the state[{k}][{', '.join(map(str, index))}] of a {precision} 'forward' of no steps"
                yield place, repr(float(got[index])), repr(float(due[index])), 1
    many = [small((BIG, it.H)) for _ in range(declared.states)]
    same = np.array_equal(it.state_of(session.ask("forward", **it.forward(0, BIG, many)), BIG), many)
    size = f"a 'forward' of no steps and {BIG} rows"
    yield size, "its state" if same else "another state", "its state", BIG * it.H


def starts_again(session: Session, declared: Declaration) -> Iterator[Step]:
    """The same answer after other networks."""
    it = Question(session, declared)
    first, before = it.start(), it.session.ask("forward", **it.forward(2, 3))
    if declared.fixed_sizes is None:
        it.start(more=2)
    again, after = it.start(), it.session.ask("forward", **it.forward(2, 3))
    yield "'start' after others", shown(repr(again)) if again != first else "as before", "as before", 1
    yield "'forward' after 'start' again", *alike(before, after)


def sizes_of_zero(session: Session, declared: Declaration) -> Iterator[Step]:
    """No steps, no rows, both, or rows of length 0: arrays of the right shapes, the state, and gradients of 0."""
    it = Question(session, declared)
    params = it.start().parameters
    none: list[tuple[int, int, Message]] = [(0, 2, {}), (2, 0, {}), (0, 0, {})]
    for T, B, more in [*none, *([(2, 2, {"lengths": [0, 0]})] if declared.lengths else [])]:
        where = f"'forward' with T={T}, B={B}{' and lengths of 0' if more else ''}"
        answer = session.ask("forward", **it.forward(T, B), **more)
        array_of(answer.get("y"), (T, B, it.H * declared.width), it.precision, "y")
        same = all(np.array_equal(s, small((B, it.H))) for s in it.state_of(answer, B))
        yield where, "its state" if same else "another state", "its state", 1
        if not declared.backward:
            continue
        pulled = session.ask("backward", **it.backward(T, B))
        array_of(pulled.get("dx"), (T, B, it.I), it.precision, "dx")
        told: Any = pulled.get("dparams") or {}
        zero = not any(array_of(told[n], s, it.precision, n).any() for n, s in params.items() if n in told)
        what = where.replace("forward", "backward")
        yield what, "gradients of 0" if zero else "other gradients", "gradients of 0", len(params)


def ends(session: Session, declared: Declaration) -> Iterator[Step]:
    """``stop`` is answered and ends it with 0; the end of its input ends it as well."""
    it = Question(session, declared)
    it.start()
    session.ask("stop")
    soon = f"exit status 0 within {STOPPING:g} s"
    code = session.process.leave(time.monotonic() + STOPPING, closing=False)
    yield "'stop'", "it still runs" if code is None else soon if code == 0 else f"exit status {code}", soon, 1
    other = Session(session.command)
    try:
        other.start(it.I, it.H)
        left = other.process.leave(time.monotonic() + STOPPING) is not None
        yield "the end of its input", "an end" if left else f"it still runs after {STOPPING:g} s", "an end", 1
    finally:
        other.close()


def _told(steps: Steps) -> Callable[[Session, Declaration], Trial]:
    """Up to the first step that is not right: an answer that cannot be read is one, and so is a death."""

    def trial(session: Session, declared: Declaration) -> Trial:
        compared, last = 0, ""
        try:
            for where, got, due, count in steps(session, declared):
                compared, last = compared + count, where
                if got != due:
                    return Trial(compared, where, got, due)
        except (TargetAnswer, TargetCrashed, TargetRaised) as failure:
            where = f"{session.asked}, after {last}" if last else session.asked
            return Trial(compared + 1, where, f"it {failure}", "an answer")
        return Trial(compared)

    return trial


TRIALS: Mapping[str, Callable[[Session, Declaration], Trial]] = {
    steps.__name__: _told(steps)
    for steps in (sizes_of_zero, numbers_survive, refuses_and_lives, starts_again, reads_json, ends)
}
