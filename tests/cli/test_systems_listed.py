"""Every row of the source documents is in what ``list`` prints, and explains itself, on the command line."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from ltdcheck.cli import main
from ltdcheck.diagnosis.families import CLIPPING, LAYERED
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.cells.elman import Elman
from ltdcheck.reference.systems import systems

# What each row of the source documents is about: words that its explanation must hold.
ROWS = {
    "S01": ("tanh, sigmoid, relu, identity", "h' = phi"),
    "S02": ("pre-activation", "Pascanu"),
    "S03": ("Jordan", "teacher forcing", "scheduled sampling"),
    "S04": ("identity RNN", "relu"),
    "S05": ("tau", "averaging", "summing", "learned"),
    "S06": ("Euler", "phi_of=state"),
    "S07": ("lag d",),
    "S08": ("Clockwork", "periods", "leaky groups"),
    "S09": ("f*c + i*g", "candidate=sigmoid"),
    "S10": ("peepholes=current", "peepholes=previous"),
    "S11": (
        *("no input gate", "no forget gate", "no output gate", "no input activation", "no output activation"),
        *("coupled input and forget gate", "coupled forget and input gate", "no peepholes", "full gate recurrence"),
    ),
    "S12": ("forget_offset", "forget gate's bias"),
    "S13": ("reset", "update=replaces"),
    "S14": ("reset=after",),
    "S15": ("groups of units", "product"),
    "S16": ("spectral radius", "ridge regression", "recursive least squares", "connections", "leak"),
    "S17": ("integrate-and-fire", "Not differentiable"),
    "S18": ("tanh", "logistic", "quadratic"),
    "S20": ("dy (T, B, H)", "softmax"),
    "S21": ("at: every, last",),
    "S22": ("symbol", "bernoulli", "length", "drawn"),
    "S23": ("extra bias", "initial state", "sequence"),
    "S24": ("reverse", "lengths"),
    "S25": ("four passes", "lines", "corners"),
    "S26": ("lengths n and m may differ", "initial", "bias", "both", "reverse"),
    "S27": ("Stacked", "MLP", "skip connection"),
    "S28": ("affine", "bilinear", "tree"),
    "S29": ("Neural Turing machine", "erase", "Memory network", "softmax"),
    "S30": ("REINFORCE", "drawn"),
    "S31": ("truncated", "immediate partial derivative", "temporal contributions"),
    "S40": ("norm over all groups", "GBC 10.48"),
    "S41": ("max(-v, min(v, g_i))",),
    "S42": ("every hidden state", "Graves 2013"),
    "S43": ("random-step", "Inf and NaN", "skip", "refuse"),
    "S44": ("running average", "half"),
    "S45": ("Omega", "exact", "cheap"),
    "S46": ("momentum", "Nesterov", "15 connections"),
    "S47": ("Gauss-Newton", "damping", "structural", "conjugate gradients"),
    "S48": ("radius", "identity", "orthogonal", "15 inputs", "b_f = 1", "smart tanh"),
    "S49": ("L1", "L2"),
}


FAMILIES = (*CELLS, *LAYERED, *CLIPPING, "unroll")


def call(*arguments: str) -> str:
    """What a command prints, when it succeeds."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_every_row_is_listed() -> None:
    """Sections A to C of the source documents, S01 to S18, S20 to S31 and S40 to S49: none is missing, none is more."""
    lines = call("list", "systems").splitlines()
    assert all(re.fullmatch(r"S\d\d [\w-]+ +\S.* \[ltdcheck\.reference\.[\w.]+\]", line) for line in lines)
    assert list(dict.fromkeys(line[:3] for line in lines)) == list(ROWS)
    assert list(ROWS) == [f"S{k:02d}" for k in (*range(1, 19), *range(20, 32), *range(40, 50))]


@pytest.mark.parametrize("row", ROWS)
def test_every_row_explains_itself(row: str) -> None:
    """Its page names the row and its source, and holds what the row is about: variants as data among them."""
    text = call("explain", row)
    assert re.search(rf"\b{row}\b", text.partition("Variants:")[0])
    assert re.search(r"Source: |\(\d{4}\)|GBC", text)
    assert [words for words in ROWS[row] if words.lower() not in " ".join(text.split()).lower()] == []


@pytest.mark.parametrize("name", sorted({s.name for s in systems()}))
def test_every_name_explains_itself(name: str) -> None:
    """Where it is, and its page, once."""
    text = call("explain", name)
    (system, *_) = (s for s in systems() if s.name == name)
    assert f"is {system.module}.{system.subject.__name__}" in text
    assert text.count(system.page) == 1


def test_cells_and_networks_are_listed_by_their_rows() -> None:
    """Sections A and B: every row has a name under ``list cells`` or ``list networks``, each name once."""
    for kind, first, last in (("cells", "S01", "S18"), ("networks", "S20", "S31")):
        names = [line.split()[0] for line in call("list", kind).splitlines()]
        assert len(set(names)) == len(names)
        rows = {s.row for s in systems() if s.name in names}
        assert {row for row in ROWS if first <= row <= last} <= rows


def test_a_cell_that_no_row_describes_is_listed_and_explains_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file and its line among the cells are all that it takes."""
    monkeypatch.setitem(CELLS, "elman2", Elman)
    (line,) = (line for line in call("list", "cells").splitlines() if line.startswith("elman2 "))
    assert "Elman (vanilla) RNN" in line
    assert f"[{Elman.source}]" in line
    assert "elman2 is ltdcheck.reference.cells.elman.Elman" in call("explain", "elman2")
    assert "h' = phi(b + W@h + U@x)" in call("explain", "elman2")


def test_what_is_one_thing_has_one_name_and_what_has_one_name_is_one_thing() -> None:
    """A name stands for the same class or function in every row."""
    subjects: dict[str, set[object]] = {}
    for s in systems():
        subjects.setdefault(s.name, set()).add(s.subject)
    assert {name for name, found in subjects.items() if len(found) > 1} == set()


def test_the_first_line_of_a_row_names_it() -> None:
    """The page of a row's first name tells the row's number: a system that moved is missed here."""
    for row in ROWS:
        first = next(s for s in systems() if s.row == row)
        assert re.search(rf"\b{row}\b", first.page), row


@pytest.mark.parametrize("name", sorted({s.name for s in systems()}))
def test_every_name_is_a_family_for_check_or_is_refused_with_a_reason(name: str) -> None:
    """What is listed is never answered with "there is no such cell"."""
    told = CliRunner().invoke(main, ["check", "nowhere.py:It", "--cell", name]).output
    assert told.startswith("Error: ")
    assert "There is no cell" not in told
    assert (
        name in FAMILIES or f"{name} cannot be checked: " in told or f"{name} is no cell that a target can be: " in told
    )


@pytest.mark.parametrize(
    ("id", "fault"),
    [
        ("lstm", "lstm-sum-for-product"),
        ("clip-norm", "clip-per-tensor"),
        ("ntm", "address-not-circular"),
        ("echo_state", "radius-no-effect"),
        ("bidirectional", "direction-not-reversed"),
        ("nesterov", "nesterov-not-ahead"),
    ],
)
def test_every_table_of_faults_is_read(id: str, fault: str) -> None:
    """Those of cells, clipping, memories, reservoirs and whole systems, with what they are planted in and alone."""
    assert f"  {fault}: " in call("explain", id)
    assert call("explain", fault).startswith(f"{fault}\n")
    assert fault in call("list", "faults")
