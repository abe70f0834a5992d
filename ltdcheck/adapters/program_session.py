"""A conversation with a program: numbered messages, each answered before the next is sent.

``program.md`` describes the protocol, ``program.schema.json`` the form of its messages.
"""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import dataclass
from typing import Any

from ltdcheck.adapters.program_declaration import Declaration
from ltdcheck.adapters.program_process import Process
from ltdcheck.adapters.program_text import Message, shown
from ltdcheck.errors import TargetAnswer, TargetFailure, TargetRaised, TargetUnusableError

PROTOCOL = "ltdcheck-program/1"
PREFIX = "exec:"
LIMIT = 60.0  # s, where none is given
STOPPING = 5.0  # s that a program may take to leave when it is told to

_FORM = 'Name it as exec:COMMAND, such as exec:./lstm or "exec:node lstm.js".'


@dataclass(frozen=True)
class Command:
    """What a person typed behind ``exec:``, and how the program is to be asked."""

    spec: str
    words: tuple[str, ...]
    cell: str | None = None  # the family that it is asked to be
    limit: float = LIMIT  # s for one call

    @classmethod
    def of(cls, spec: str, cell: str | None = None, limit: float = LIMIT) -> Command:
        """Split as a shell does, without one.

        Raises
        ------
        TargetUnusableError
            When it is no command, or there is no such program.
        """
        try:
            words = tuple(shlex.split(spec.removeprefix(PREFIX)))
        except ValueError as error:
            raise TargetUnusableError(spec, f"its command cannot be split into words: {error}.", _FORM) from error
        if not words:
            raise TargetUnusableError(spec, "it names no command.", _FORM)
        if shutil.which(words[0]) is None:
            where = "at this path" if "/" in words[0] else "on the PATH"
            fix = "Check the path, which is relative to the current folder, and that it may be executed."
            raise TargetUnusableError(spec, f"there is no program {words[0]!r} {where}.", fix)
        return cls(spec, words, cell, limit)


class Session:
    """One run of the program. What it answers is read here as far as JSON and the number of the message.

    Every method that asks raises a :class:`~ltdcheck.errors.TargetFailure` when the program does not answer as it must;
    after such a failure, other than an error that it told, the process is at an end.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self.process = Process(command.words, command.spec, command.limit)
        self.process.begin()
        self.sizes: tuple[int, int] | None = None
        self.declared: Declaration | None = None
        self.asked = ""  # the last message, in words
        self._number = 0

    def start(self, input_size: int, hidden_size: int) -> Declaration:
        """A new network of these sizes, and what the program says of it."""
        self.sizes = None
        told = {"protocol": PROTOCOL, "cell": self.command.cell, "input_size": input_size, "hidden_size": hidden_size}
        try:
            self.declared = Declaration.of(self.ask("start", **told))
        except TargetAnswer:
            self.close()
            raise
        self.sizes = (input_size, hidden_size)
        return self.declared

    def ask(self, message: str, **members: Any) -> Message:
        """One message and its answer.

        Raises
        ------
        TargetRaised
            When the program answers with an error.
        """
        self._number += 1
        line = json.dumps({"id": self._number, "message": message, **members}, allow_nan=False)
        answer = self.say(line, f"{message!r}", self._number)
        if "error" in answer:
            raise TargetRaised("an error", f"{shown(answer['error'])} (its answer to {message!r})")
        return answer

    def say(self, line: str, what: str, number: int | None) -> Message:
        """One line of any kind and its answer, which may be an error; ``number`` is the id that it must carry."""
        self.asked = what
        try:
            return _read(self.process.ask(line.encode() + b"\n", what), what, number)
        except TargetFailure:
            self.close()
            raise

    def close(self) -> None:
        """Kill the process."""
        self.process.end()

    @property
    def alive(self) -> bool:
        """It has not been closed."""
        return self.process.end.alive


def _read(line: bytes, what: str, number: int | None) -> Message:
    """The object on a line of output."""
    try:
        answer = json.loads(line.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        text = shown(line.decode("utf-8", "replace"))
        raise TargetAnswer(f"answered {what} with a line that is not JSON ({error}): {text}") from None
    if not isinstance(answer, dict):
        raise TargetAnswer(f"answered {what} with {shown(answer)}, which is no JSON object")
    if "id" not in answer or answer["id"] != number or isinstance(answer["id"], bool):
        raise TargetAnswer(f"answered {what}, whose id is {number}, with the id {shown(answer.get('id'))}")
    return answer


def _refuse_constant(name: str) -> float:
    raise ValueError(f'{name} is no JSON; write "{name}"')
