"""Test vectors: the reference agrees with its own in both precisions, planted faults do not, and the files say so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner

from ltdcheck.cli import main
from ltdcheck.errors import UnknownNameError
from ltdcheck.faults.clipping import KINDS, Clipping
from ltdcheck.faults.fault import Fault, fault_named, faults
from ltdcheck.faults.ragged import Ragged
from ltdcheck.problem import PRECISIONS
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.variants import variants
from ltdcheck.vectors.cells import MORE, SEQUENCES, cell_vectors, sequences_of
from ltdcheck.vectors.check_vectors import Question, failures, load
from ltdcheck.vectors.revealing import Clip, Target, flag, read
from ltdcheck.vectors.write import SCHEMA_FILE, cell_file, rule_file, subjects, write

ORDINARY = ("elman", "lstm", "gru", "clockwork", "liquid_state")  # the others are asked for quality

# what only one vector or sequence is there for, by its label or size
ONLY = {
    "state-leaks-between-calls": "no state after another call",
    "tape-changed-by-backward": "two backward passes",
    "answer-cached.but-input": "other input, and back",
    "answer-cached.but-weights": "other weights, and back",
    "answer-cached.but-state": "other state, and back",
    "answer-cached.but-cotangents": "other cotangents, and back",
    "answer-cached.rows-sorted": "rows in another order, and back",
    "buffer-of-first": "more rows after fewer",
    "buffer-of-longest.state": "shorter after longer, and back",
    "zero-length-row": "rows of different lengths, one without steps",
    "output-in-padding": "rows of different lengths",
    "equal-lengths-apart": "lengths that are all T",
    "strides-ignored.dstate": "usual, loss on all, strided dstate",
    "strides-ignored.transposed": "usual, loss on all, transposed x, transposed dy",
}


def test_the_file_of_a_cell_is_as_its_schema_says(tmp_path: Path) -> None:
    """And every fault of the catalogue that concerns the cell is revealed."""
    path, data = write("liquid_state", tmp_path)
    jsonschema.validate(json.loads(path.read_text()), json.loads(SCHEMA_FILE.read_text()))
    assert load(path) == json.loads(json.dumps(data))
    assert data["unrevealed"] == []
    revealed = {id for asked in (*data["vectors"], *data["sequences"]) for id in asked["reveals"]}
    assert revealed == {fault.id for fault in faults("liquid_state")}


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_of_a_rule_is_as_its_schema_says(kind: str) -> None:
    """And every fault is revealed, and the reference is not accused of one, in either precision."""
    data = rule_file(kind)
    jsonschema.validate(data, json.loads(SCHEMA_FILE.read_text()))
    assert data["unrevealed"] == []
    for precision in PRECISIONS:
        found, compared = failures(data, lambda rule, p: Clip(Clipping(rule), p), precision)
        assert found == []
        assert compared > 1000


@pytest.mark.parametrize(
    "name", [c if c in ORDINARY else pytest.param(c, marks=pytest.mark.quality) for c in CELLS], ids=list(CELLS)
)
def test_no_variant_fails_its_own_vectors(name: str) -> None:
    """In neither precision; and every variant that differs in one field has some."""
    vectors = cell_vectors(name)
    cells = {v.asked["variant"]: v.cell for v in vectors}
    for precision in PRECISIONS:
        data = {
            "cell": name,
            "vectors": [v.asked for v in vectors],
            "sequences": sequences_of(name, [v.asked for v in vectors]),
        }
        found, compared = failures(data, lambda _cell, variant, _I, _H, p: Target(Ragged(cells[variant]), p), precision)
        assert found == []
        assert compared > 1000
    assert len(cells) > 1 or len(variants(name)) == 1


@pytest.mark.parametrize("id", ONLY)
def test_what_each_special_vector_is_there_for(id: str) -> None:
    """Its label says what is done, and the fault is revealed by it."""
    vectors, sequences = flagged("elman", id)
    labels = [asked["label"] for asked in (*vectors, *sequences) if id in asked["reveals"]]
    assert ONLY[id] in labels


def flagged(name: str, id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Vectors and sequences with the flags of one fault."""
    found = [v for v in cell_vectors(name) if not v.asked["variant"]]
    vectors = [{**v.asked, "reveals": []} for v in found]
    sequences = sequences_of(name, vectors)
    cells = {v.asked["id"]: v.cell for v in found} | {s["id"]: found[0].cell for s in sequences}
    assert flag(vectors, sequences, cells, only=[fault_named(id)]) == []
    return vectors, sequences


ROWS: dict[str, Fault] = {}
for _fault in faults("gru"):
    ROWS.setdefault(_fault.row, _fault)


@pytest.mark.parametrize("row", list(ROWS)[::8])
def test_faults_of_a_gru_are_revealed(row: str) -> None:
    """One in eight rows of the catalogue; all faults of all cells are asked for quality."""
    vectors, sequences = flagged("gru", ROWS[row].id)
    assert any(ROWS[row].id in asked["reveals"] for asked in (*vectors, *sequences))


@pytest.mark.quality
@pytest.mark.parametrize("name", CELLS)
def test_every_fault_is_revealed(name: str) -> None:
    """Of every cell."""
    assert cell_file(name)["unrevealed"] == []


def test_numbers_hide_nothing() -> None:
    """Weights are short decimals, neither constant nor symmetric, and the first vectors saturate nothing."""
    first = cell_vectors("lstm")[0].asked
    for data in first["params"].values():
        assert all(len(repr(abs(v))) <= 7 for v in data["values"])
        values = np.reshape(data["values"], data["shape"])
        assert len(np.unique(values)) > 3
        assert values.ndim == 1 or values.shape[0] != values.shape[1] or not np.array_equal(values, values.T)
    assert np.max(np.abs(first["outputs"]["y"]["values"])) < 0.95


def test_a_wider_bound_is_written_than_was_found() -> None:
    """Three digits, rounded upwards."""
    entry = cell_vectors("elman")[0].asked["outputs"]["y"]
    assert all(0 < b < 1e-13 for b in entry["bounds"]["float64"])
    assert all(1e-9 < b < 1e-4 for b in entry["bounds"]["float32"])


def test_sequences_name_what_there_is() -> None:
    """Each has its vectors, and each special problem its vector."""
    vectors = [v.asked for v in cell_vectors("elman")]
    ids = {v["id"] for v in vectors}
    sequences = sequences_of("elman", vectors)
    assert len(sequences) == len(SEQUENCES)
    assert all(set(s["calls"]) <= ids for s in sequences)
    assert len(vectors) > len(MORE)


def test_what_changes_its_arguments_is_told() -> None:
    """Which of them."""
    data = read(cell_vectors("elman")[0].asked)
    question = Question(data, "float64")
    answer = question.ask(Target(fault_named("argument-mutated.x").plant(CELLS["elman"]())))  # type: ignore[arg-type]
    assert question.wrong(answer)[0] == ["x is changed by the call"]


RIGHT = """
import numpy as np

class Elman:
    def run(self, p, x, state, dy, dstate, backwards):
        T, B, _ = x.shape
        H = len(p["W"])
        hs = [np.zeros((B, H), x.dtype) if state is None else state[0]]
        for t in range(T):
            hs.append(np.tanh(x[t] @ p["U"].T + hs[-1] @ p["W"].T + p["b"]))
        g = {name: np.zeros_like(value) for name, value in p.items()}
        dx, dh = np.zeros((T, B, x.shape[2]), x.dtype), dstate[0].copy()
        for t in reversed(range(T)):
            da = (dy[t] + dh) * SLOPE
            g["U"] += da.T @ x[t]
            g["W"] += da.T @ hs[t]
            g["b"] += da.sum(axis=0)
            dx[t], dh = da @ p["U"], da @ p["W"]
        y = np.stack(hs[1:]) if T else np.zeros((0, B, H), x.dtype)
        return {"y": y, "h_T": hs[-1].copy()}, {**g, "x": dx, "h_0": dh}

def make(cell, variant, I, H, precision):
    return Elman()
"""


def test_the_program_to_copy_runs_alone(tmp_path: Path) -> None:
    """It needs no ltdcheck: right code agrees, and code with a wrong slope is told where."""
    path, data = write("elman", tmp_path, only=[])
    data["vectors"] = [v for v in data["vectors"] if not v["variant"]]
    path.write_text(json.dumps(data))
    (tmp_path / "right.py").write_text(RIGHT.replace("SLOPE", "(1 - hs[t + 1] ** 2)"))
    (tmp_path / "wrong.py").write_text(RIGHT.replace("SLOPE", "(1 - hs[t] ** 2)"))
    for precision in PRECISIONS:
        done = held(tmp_path, "right.py:make", "--precision", precision)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "agree" in done.stdout
    done = held(tmp_path, "wrong.py:make")
    assert done.returncode == 1
    assert "elman.1 (usual, loss on all): the gradient of " in done.stdout


def held(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program on the file of Elman networks."""
    command = [sys.executable, "-I", "-S", "check_vectors.py", "elman.json", *arguments]
    code = f"import sys; sys.path[:0] = {[p for p in sys.path if 'site-packages' in p]!r}; sys.argv = {command[3:]!r}; "
    code += "import runpy; runpy.run_path('check_vectors.py', run_name='__main__')"
    return subprocess.run([sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True, check=False)


def test_names_are_refused() -> None:
    """With what there is."""
    with pytest.raises(UnknownNameError, match="clip-norm"):
        subjects(["lstn"])
    done = CliRunner().invoke(main, ["vectors", "lstn"])
    assert done.exit_code == 2
    assert "lstm" in done.output


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """It says which schema it has."""
    (tmp_path / "a.json").write_text('{"schema": "other/1"}')
    with pytest.raises(ValueError, match="other/1"):
        load(tmp_path / "a.json")


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    """One line a file, and the status is 0 where everything is revealed."""
    done = CliRunner().invoke(main, ["vectors", "clip-value", "--out", str(tmp_path)])
    assert done.exit_code == 0
    assert "clip-value.json: 25 vectors and sequences reveal 13 of 13 faults" in done.output.replace("\n", "")
    assert {p.name for p in tmp_path.iterdir()} == {"clip-value.json", "check_vectors.py", "vectors.schema.json"}
