"""Laws of programs: how one keeps the protocol in which it is asked, whatever network it is.

Each is asked once, of a new process; the messages and their right answers are those of ``ltdcheck explain protocol``.
"""

from __future__ import annotations

from ltdcheck.properties.law import Disagreement, Evidence, law
from ltdcheck.properties.subject import Subject
from ltdcheck.result import Place


@law("protocol.sizes_of_zero", about="program")
def sizes_of_zero(subject: Subject, _case: object) -> Evidence:
    """No steps and no rows are answered: empty arrays of the right shapes, the state, and gradients of 0."""
    return _tried(subject, "sizes_of_zero")


@law("protocol.numbers_survive", about="program")
def numbers_survive(subject: Subject, _case: object) -> Evidence:
    """Every number arrives and comes back as it was: -0, denormals, the largest, infinities, NaN; and long lines do.

    Seen at T = 0, where the final state is the initial one.
    """
    return _tried(subject, "numbers_survive")


@law("protocol.refuses_and_lives", about="program")
def refuses_and_lives(subject: Subject, _case: object) -> Evidence:
    """What cannot be answered is answered with an error, and the program goes on.

    It is asked what is no JSON, an unknown message, ``forward`` before ``start``, ``backward`` before ``forward``, and
    what lacks a member.
    """
    return _tried(subject, "refuses_and_lives")


@law("protocol.starts_again", about="program")
def starts_again(subject: Subject, _case: object) -> Evidence:
    """After another ``start``, also one of other sizes, ``start`` and ``forward`` are answered as at first."""
    return _tried(subject, "starts_again")


@law("protocol.reads_json", about="program")
def reads_json(subject: Subject, _case: object) -> Evidence:
    """Order of members, spaces, and members that a program does not know change no answer."""
    return _tried(subject, "reads_json")


@law("protocol.ends", about="program")
def ends(subject: Subject, _case: object) -> Evidence:
    """``stop`` is answered, and ends the program with exit status 0; the end of its input ends it too."""
    return _tried(subject, "ends")


def _tried(subject: Subject, trial: str) -> Evidence:
    seen = subject.implementation.attempt(trial)
    if not seen.where:
        return Evidence(compared=seen.compared)
    text = f"{seen.where} is answered otherwise than the protocol says"
    return Evidence(seen.compared, disagreement=Disagreement(Place(seen.where), seen.got, seen.expected, 0.0, text))
