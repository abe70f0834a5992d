"""Trials in which the lines themselves matter: what a program cannot answer, and one message in several spellings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ltdcheck.adapters.program_declaration import Declaration
from ltdcheck.adapters.program_question import Question
from ltdcheck.adapters.program_session import Session
from ltdcheck.adapters.program_text import Message, shown

Step = tuple[str, str, str, int]  # the message, what came, what is right, how many entries these are


def refuses_and_lives(session: Session, declared: Declaration) -> Iterator[Step]:
    """What cannot be answered, and then what can."""
    it = Question(session, declared)
    yield from _refused(session, "'forward' before 'start'", '{"id": 71, "message": "forward"}', 71)
    yield from _refused(session, "a line that is not JSON", '{"id": 1, "message": "for', None)
    yield from _refused(session, "a line with no object", "[1, 2]", None)
    yield from _refused(session, "an unknown message", '{"id": 72, "message": "ltdcheck-unknown"}', 72)
    yield from _refused(session, "a message without 'message'", '{"id": 73}', 73)
    it.start()
    backward = {"id": 74, "message": "backward", **it.backward(2, 3)}
    if declared.backward:
        yield from _refused(session, "'backward' before 'forward'", json.dumps(backward), 74)
    forward = {"id": 75, "message": "forward", **it.forward(2, 3)}
    for name in ("params", "x"):
        left = json.dumps({k: v for k, v in forward.items() if k != name})
        yield from _refused(session, f"'forward' without {name!r}", left, 75)
    short = {**forward["x"], "values": forward["x"]["values"][1:]}
    yield from _refused(session, "'forward' with a value missing in x", json.dumps({**forward, "x": short}), 75)
    it.state_of(session.ask("forward", **it.forward(2, 3)), 3)
    yield "'forward' after all these", "an answer", "an answer", 1


def _refused(session: Session, what: str, line: str, number: int | None) -> Iterator[Step]:
    answer = session.say(line, what, number)
    told = answer.get("error")
    right = isinstance(told, str) and bool(told)
    yield what, 'an "error"' if right else shown(answer), 'an "error"', 1


def reads_json(session: Session, declared: Declaration) -> Iterator[Step]:
    """The same message in other words: members in another order, one more, other spaces."""
    it = Question(session, declared)
    it.start()
    plain = session.ask("forward", **it.forward(2, 3))
    message = {"id": 81, "message": "forward", **it.forward(2, 3)}
    turned = {name: _turned(value) for name, value in reversed(message.items())}
    comment = {"comment": {"a": ['x": [', {"\\": '"}'}, None, True, -1e5]}}
    lines = {
        "'forward' with its members in another order": json.dumps(turned),
        "'forward' without spaces": json.dumps(message, separators=(",", ":")),
        "'forward' with more spaces": json.dumps(message, separators=(" ,\t", " :  ")) + "  ",
        "'forward' with a member that it does not know": json.dumps({**comment, **message}),
    }
    for where, line in lines.items():
        answer = session.say(line, where, 81)
        yield where, *((shown(answer), "the same answer", 1) if "error" in answer else alike(plain, answer))


def _turned(value: Any) -> Any:
    return {name: _turned(v) for name, v in reversed(value.items())} if isinstance(value, dict) else value


def alike(before: Message, after: Message) -> tuple[str, str, int]:
    """Two answers to one message, as the last part of a step."""
    same = {**before, "id": 0} == {**after, "id": 0}
    return ("the same answer" if same else "another answer"), "the same answer", 1
