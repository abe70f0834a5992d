"""Programs: what they declare and answer, how each way to go wrong is told, and that the examples are right."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from adapters.cases import identical, problem_for
from adapters.programs import elman, gru_js, lstm_c, program
from sampled import one_in

from ltdcheck.adapters.program import Program
from ltdcheck.adapters.program_process import Process
from ltdcheck.adapters.program_question import forward_of
from ltdcheck.adapters.program_session import Command
from ltdcheck.adapters.program_text import array_of, number, spelled
from ltdcheck.adapters.program_trials import TRIALS
from ltdcheck.errors import (
    TargetAnswer,
    TargetCrashed,
    TargetFailure,
    TargetFlooded,
    TargetHung,
    TargetRaised,
    TargetUnusableError,
)
from ltdcheck.problem import Problem
from ltdcheck.properties.law import properties, property_named
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp
from ltdcheck.runner.examiners import Options
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.session import Session
from ltdcheck.runner.subjects import Opened, Target, identified

SCHEMA = json.loads((files("ltdcheck.adapters") / "program.schema.json").read_text())
PAGE = (files("ltdcheck.adapters") / "program.md").read_text()
EPS = float(np.finfo(float).eps)
ORDINARY = [0.0, -0.0, 1.0, -2.5, 0.1, 1 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308]


# -- numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["decimal", "hexadecimal"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_every_number_survives_json(form: str, precision: str) -> None:
    """Bits are the same after a way through JSON, and JSON has no bare NaN or Infinity."""
    with np.errstate(over="ignore"):
        array = np.array([*ORDINARY, np.inf, -np.inf, np.nan]).astype(precision)
    text = json.dumps(spelled(array, form), allow_nan=False)
    back = array_of(json.loads(text), array.shape, precision, "it")
    assert back.dtype == precision
    assert back.tobytes() == array.tobytes()
    jsonschema.validate(json.loads(text), {"$ref": "#/$defs/array", "$defs": SCHEMA["$defs"]})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        *[("0x1.8p+1", 3.0), ("-0X.8P1", None), ("1e-3", 1e-3), ("10", 10.0), ("-Infinity", -np.inf), ("inf", np.inf)],
        *[(" 1", None), ("1_0", None), ("", None), ("0x", None), (True, None), (None, None), ([1], None)],
        (10**400, np.inf),
    ],
)
def test_what_is_a_number(written: object, read: float | None) -> None:
    """Numbers, decimal and hexadecimal strings; nothing else, and the sentence shows it."""
    if read is None:
        with pytest.raises(TargetAnswer, match="where a number must be"):
            number(written)
    else:
        assert number(written) == read


# -- a right program -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def right() -> Program:
    """The program without a fault."""
    return program(elman())


def test_it_is_what_it_declares(right: Program) -> None:
    """Name, precisions, states, and shapes at any sizes."""
    assert (right.framework, right.framework_version) == ("program", "elman.py 1")
    assert (right.speaks, right.claims) == ("ltdcheck-program/1", "elman")
    assert (right.precisions, right.states, right.has_backward) == (("float64", "float32"), 1, True)
    assert right.parameters(2, 3) == {"W": (3, 2), "U": (3, 3), "b": (3,)}
    assert right.parameters(4, 1) == {"W": (1, 4), "U": (1, 1), "b": (1,)}


@pytest.mark.parametrize(
    ("cell", "claims", "told"), [(None, "elman", None), ("gru", "gru", "gru"), ("lstm", "elman", None)]
)
def test_it_is_asked_to_be_a_cell_that_it_offers(cell: str | None, claims: str, told: str | None) -> None:
    """The one that a person named, or none, and then it is its first."""
    it = Program(Command.of(elman("two-cells"), cell=cell, limit=20), "it")
    assert (it.claims, it.framework_version) == (claims, f"elman.py 1, as {told}")


@pytest.mark.parametrize("given", [True, False])
def test_it_answers_as_the_reference(right: Program, given: bool) -> None:  # noqa: FBT001
    """Outputs and gradients, with a state and without; its sums are taken in another order."""
    problem = problem_for(right)
    problem = problem if given else problem.with_(state=None)
    out = right.run(problem)
    papers = {"W": "U", "U": "W", "b": "b"}  # where W is recurrent
    params = {papers[name]: value for name, value in problem.params.items()}
    y, state, tape = unroll(Elman(), params, problem.x, problem.given_state)
    due = unroll_vjp(Elman(), params, tape, problem.dy, problem.dstate)
    assert out.dparams is not None
    assert out.facts == {}
    pairs = {"y": (out.y, y), "dx": (out.dx, due.x), "h": (out.state[0], state[0])}
    pairs |= {name: (gradient, due.params[papers[name]]) for name, gradient in out.dparams.items()}
    if given:
        assert out.dstate is not None
        pairs["dh"] = (out.dstate[0], due.state[0])
    for name, (got, right_one) in pairs.items():  # sums of at most 15 products of numbers below 10, in another order
        np.testing.assert_allclose(got, right_one, rtol=0, atol=15 * 100 * EPS, err_msg=name)


def test_a_fresh_instance_is_another_process() -> None:
    """What a program keeps in spite of ``start`` is seen: a new process does not have it."""
    it = program(elman("remembers"))
    problem = problem_for(it)
    first, again = it.run(problem), it.run(problem)
    assert not identical(first, again)
    assert identical(first, it.run(problem, fresh=True))
    assert not identical(again, it.run(problem))


def test_a_second_backward_pass_is_of_the_same_forward_pass(right: Program) -> None:
    """Two of them, with one ``forward``."""
    problem = problem_for(right)
    assert identical(right.run(problem), right.run_back_again(problem))


# -- what goes wrong before anything is known ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("exec:", "names no command"),
        ("exec:'lstm", "cannot be split into words: No closing quotation"),
        ("exec:no-such-program-here x", "no program 'no-such-program-here' on the PATH"),
        ("exec:./no/such/program", "no program './no/such/program' at this path"),
    ],
)
def test_a_command_that_is_none(spec: str, says: str) -> None:
    """It is refused when the target is loaded, with the reason."""
    with pytest.raises(TargetUnusableError, match=re.escape(says)):
        Command.of(spec)


def test_a_file_that_cannot_be_executed(tmp_path: Path) -> None:
    """One of another mode, and one of the right mode that is no program."""
    file = tmp_path / "program"
    file.write_bytes(b"\x7fELF nothing")
    file.chmod(0o644)
    with pytest.raises(TargetUnusableError, match=re.escape(f"no program {str(file)!r} at this path")):
        program(f"exec:{file}")
    file.chmod(0o755)
    with pytest.raises(TargetUnusableError, match="does not start"):
        program(f"exec:{file}")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("greets", "answered 'start' with a line that is not JSON"),
        ("silent", "gave no answer to 'start' within 0.5 s"),
        ("starts-dead", "exit status 127 while it answered 'start'; the last it printed: libnet.so: cannot open"),
        ("undeclared", "answered 'start' without 'precisions', which is a list of one or both of float64, float32"),
        ("list", "answered 'start' with [{"),
        ("other-id", "answered 'start', whose id is 1, with the id 7"),
    ],
)
def test_a_program_that_does_not_start(fault: str, says: str) -> None:
    """It cannot be used, and the sentence names the message and what came."""
    with pytest.raises(TargetUnusableError, match=re.escape(says)):
        program(elman(fault), limit=0.5 if fault == "silent" else 20)


# -- what goes wrong in a call -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "failure", "says"),
    [
        ("dies", TargetCrashed, "ended with exit status 3 while it answered 'forward'; the last it printed: no memory"),
        ("crashes", TargetCrashed, "died of SIGSEGV while it answered 'forward'"),
        ("sleeps", TargetHung, "gave no answer to 'forward' within 0.5 s; the last it printed: asleep"),
        ("floods", TargetFlooded, "wrote a line of more than 1048576 bytes"),
        ("floods-errors", TargetFlooded, "printed more than 1048576 bytes"),
        ("logs", TargetAnswer, "answered 'forward' with a line that is not JSON"),
        ("repeats", TargetAnswer, "wrote more than one line as its answer to 'forward': '{"),
        ("refuses", TargetRaised, "raised an error: ValueError: not today (its answer to 'forward')"),
    ],
)
def test_a_call_that_fails_is_a_failure_of_the_target(
    fault: str, failure: type[TargetFailure], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its kind and sentence say what happened, and to which message; the next call has a new process."""
    for module in ("program_printed", "program_process"):
        monkeypatch.setattr(f"ltdcheck.adapters.{module}.LONGEST", 1 << 20)
    it = program(elman(fault))
    it.command = it._session.command = Command.of(elman(fault), limit=0.5 if fault == "sleeps" else 20)
    it._session.process.limit = it.command.limit
    problem = problem_for(it)
    for _ in range(2):
        with pytest.raises(failure, match=re.escape(says)):
            it.run(problem)


def test_a_gradient_that_does_not_come_is_named() -> None:
    """It is a fact, and zeros stand in its place."""
    out = program(elman("no-gradient")).run(problem_for(program(elman())))
    assert out.facts == {"missing": ["b"]}
    assert out.dparams is not None
    assert not out.dparams["b"].any()


def test_no_process_remains() -> None:
    """A program ends with the object that asked it, whatever it is doing."""
    process = Process(Command.of(elman("silent")).words, "it", 0.2)
    process.begin()
    pid = process._popen.pid
    os.kill(pid, 0)
    with pytest.raises(TargetHung):
        process.ask(b"{}\n", "'start'")
    del process
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_program_that_does_not_read_meets_the_limit() -> None:
    """More than a pipe holds is written to one that sleeps."""
    process = Process(Command.of(elman("silent")).words, "it", 0.3)
    process.begin()
    began = time.monotonic()
    with pytest.raises(TargetHung):
        process.ask(b"x" * (1 << 22) + b"\n", "'start'")
    assert time.monotonic() - began < 5


# -- the laws of the protocol --------------------------------------------------------------------------------

BREAKS = {
    "loses-minus-zero": ("numbers_survive", "0.0", "-0.0"),
    "six-digits": ("numbers_survive", "2.22507e-308", "2.2250738585072014e-308"),
    "bare-nan": ("numbers_survive", 'Infinity is no JSON; write "Infinity"', "an answer"),
    "short-lines": ("numbers_survive", "'forward'", "an answer"),  # one error or several for the parts of a line
    "no-empty-sequence": ("sizes_of_zero", "there must be a step", "an answer"),
    "dies-when-asked": ("refuses_and_lives", "ended with exit status 1", "an answer"),
    "remembers": ("starts_again", "another answer", "the same answer"),
    "order": ("reads_json", "no message", "the same answer"),
    "stays": ("ends", "it still runs", "exit status 0"),
}
BROKEN = sorted({f"protocol.{law}" for law, _, _ in BREAKS.values()})  # the laws that some fault breaks


def test_every_law_has_a_fault_that_breaks_it() -> None:
    """No trial passes everything, and each is a law."""
    assert [f"protocol.{trial}" for trial in sorted(TRIALS)] == BROKEN == sorted(p.id for p in properties("program"))


@pytest.mark.parametrize("trial", TRIALS)
def test_the_right_program_keeps_the_protocol(right: Program, trial: str) -> None:
    """Something was compared, and nothing differs."""
    seen = right.attempt(trial)
    assert seen.compared
    assert seen.where == "", seen


@pytest.mark.parametrize("fault", BREAKS)
def test_a_fault_of_the_protocol_is_named(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message, what came, and what is right."""
    monkeypatch.setattr("ltdcheck.adapters.program_trials.STOPPING", 0.3)
    trial, got, expected = BREAKS[fault]
    seen = program(elman(fault)).attempt(trial)
    assert seen.where
    assert got in seen.got
    assert expected in seen.expected


# -- the page and the schema ---------------------------------------------------------------------------------


def exchange() -> list[tuple[str, str]]:
    """The example of the page: what is written, and what is answered."""
    lines = re.findall(r"^([<>]) (.*)$", PAGE, re.MULTILINE)
    assert [mark for mark, _ in lines] == [">", "<"] * (len(lines) // 2)
    return [(sent, due) for (_, sent), (_, due) in zip(lines[::2], lines[1::2], strict=True)]


def test_the_example_of_the_page_is_answered_so() -> None:
    """Every line of it is of the schema, and a program of our own gives the same answers, but for its names."""
    process = Process(Command.of(elman()).words, "it", 20)
    told = {"W": "w", "U": "u"}
    for sent, due in exchange():
        process.begin()
        line = re.sub('"([wu])"', lambda m: f'"{m[1].upper()}"', sent)
        answer = json.loads(process.ask(line.encode() + b"\n", sent))
        wanted = json.loads(due)
        for line_of in (json.loads(sent), wanted, answer):
            if line_of.get("message") != "dance":
                jsonschema.validate(line_of, SCHEMA)
        if "error" in wanted:
            assert answer.keys() == wanted.keys()
            continue
        for group in ("parameters", "dparams"):
            if group in answer:
                answer[group] = {told.get(n, n): v for n, v in answer[group].items()}
        own = {"name": "", "precisions": []} if "name" in wanted else {}  # it has another name, and one precision more
        assert {**answer, **own} == {**wanted, **own}


def test_the_page_names_every_member_of_the_declaration() -> None:
    """And the schema has the same ones."""
    members = SCHEMA["$defs"]["declaration"]["properties"].keys() - {"id", "message"}
    table = {name for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE) for name in re.findall("`(.*?)`", row)}
    assert table == members


@pytest.mark.parametrize("make", [lstm_c, gru_js])
def test_every_line_of_the_examples_is_of_the_schema(
    make: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours and theirs, in a run and in the trials that send what is right."""
    lines: list[bytes] = []
    ask = Process.ask

    def listening(process: Process, line: bytes, what: str) -> bytes:
        answer = ask(process, line, what)
        lines.extend([line, answer])
        return answer

    monkeypatch.setattr(Process, "ask", listening)
    it = program(make(tmp_path))
    problem = problem_for(it)
    it.run(problem)
    it.run(problem.with_(state=None))
    for trial in ("sizes_of_zero", "ends"):
        assert it.attempt(trial).where == ""
    assert len(lines) > 30
    for line in lines:
        jsonschema.validate(json.loads(line), SCHEMA)


# -- the examples --------------------------------------------------------------------------------------------

ASKED = ("values.forward_agrees", "gradients.backward_agrees")


def found(it: Program, *ids: str) -> dict[str, Any]:
    """The findings of some laws, by their ids."""
    opened = identified(Opened(Target("it"), it))  # type: ignore[arg-type]
    session = Session(opened, Options(profile_named("quick"), properties=ids))
    plan = [property_named(id) for id in ids]
    return {law.id: result.finding for law in plan if (result := session.check(law, plan)).status != "passed"}


# lines of the examples that are others, forward and backward alike
FAULTY: dict[str, tuple[Callable[..., str], list[tuple[str, str]]]] = {
    "lstm-output-from-candidate": (
        lstm_c,
        [
            ("o * tanh(c_new[k]);", "o * tanh(g);"),
            ("s = tanh(c_new[k]);", "s = tanh(g);"),
            ("double dc_k = dc[r * H + k] + dh_k * o * (1 - s * s);", "double dc_k = dc[r * H + k];"),
            ("dc_k * i * (1 - g * g);", "(dc_k * i + dh_k * o * (1 - s * s)) * (1 - g * g);"),
        ],
    ),
    "lstm-sum-for-product": (
        lstm_c,
        [
            ("c_new[k] = f * c_old[k] + i * g;", "c_new[k] = f * c_old[k] + i + g;"),
            ("dc_k * g * i * (1 - i);", "dc_k * i * (1 - i);"),
            ("dc_k * i * (1 - g * g);", "dc_k * (1 - g * g);"),
        ],
    ),
    "bptt-carry-partial.lstm-keep": (lstm_c, [("dc[r * H + k] = dc_k * f;", "dc[r * H + k] = 0;")]),
    "gru-reset-unused": (
        gru_js,
        [
            ("affine(p.W_n, x, p.U_n, rh, p.b_n)", "affine(p.W_n, x, p.U_n, h, p.b_n)"),
            ("p.U_n, rh, dp.W_n, dp.U_n, dp.b_n, dx, drh);", "p.U_n, h, dp.W_n, dp.U_n, dp.b_n, dx, dh);"),
        ],
    ),
    "bptt-carry-partial.gru-r": (gru_js, [("dp.U_r, dp.b_r, dx, dh);", "dp.U_r, dp.b_r, dx, zeros(H));")]),
    "bptt-carry-missing.initial": (gru_js, [("  return dh;\n", "  return zeros(H);\n")]),
}


LATER = ("lstm-sum-for-product", "bptt-carry-missing.initial")  # as long as the others, and much like them


@pytest.mark.parametrize("fault", [pytest.param(f, marks=[pytest.mark.quality] if f in LATER else []) for f in FAULTY])
def test_a_fault_in_a_copy_of_an_example_is_named(fault: str, tmp_path: Path) -> None:
    """One line is another one, and the diagnosis says which fault that is."""
    make, changes = FAULTY[fault]
    (finding,) = [f for f in found(program(make(tmp_path, *changes)), *ASKED).values() if f is not None]
    assert finding.diagnosis[0].fault == fault


RAGGED = ("ragged.agrees", "ragged.padding_has_no_effect", "ragged.after_the_end", "ragged.full_lengths_change_nothing")
NO_END = {
    lstm_c: [("if (t >= length[r]) {", "if (0) {"), ("if (t >= length[r]) continue;", "")],
    gru_js: [("steps.length < ends[k]", "true")],
}


@pytest.mark.parametrize("make", one_in(2, [lstm_c, gru_js], lambda make: make.__name__))
def test_an_example_takes_rows_of_different_lengths(make: Callable[..., str], tmp_path: Path) -> None:
    """Their laws hold; a copy that does not end its rows is found out."""
    assert found(program(make(tmp_path)), *RAGGED) == {}
    wrong = found(program(make(tmp_path, *NO_END[make])), "ragged.agrees")["ragged.agrees"]
    assert (wrong.where.block, wrong.message) == ("h_T", "lengths 0, 2")


def test_lengths_are_for_programs_that_take_them(tmp_path: Path) -> None:
    """They come with no other message; and a program that refuses a length beyond T goes on."""
    problem = problem_for(program(lstm_c(tmp_path)))
    assert "lengths" not in forward_of(problem, "decimal")
    assert forward_of(problem.with_(lengths=(2, 0, 1)), "decimal")["lengths"] == [2, 0, 1]
    assert not program(elman()).takes_lengths
    for make in (lstm_c, gru_js):
        it = program(make(tmp_path))
        with pytest.raises(TargetRaised, match="lengths"):
            it.run(problem_for(it).with_(lengths=(99,) * problem.sizes["B"]))
        assert len(it.run(problem_for(it)).y)


@pytest.mark.parametrize("make", [lstm_c, gru_js])
def test_an_example_keeps_the_protocol(make: Callable[..., str], tmp_path: Path) -> None:
    """Every law of it, and values and gradients."""
    it = program(make(tmp_path))
    assert found(it, *ASKED, *(f"protocol.{trial}" for trial in TRIALS)) == {}
    assert isinstance(problem_for(it), Problem)
