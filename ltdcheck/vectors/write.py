"""Files of vectors, one for each cell and clipping rule, and beside them the program that holds somebody to them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ltdcheck import __version__
from ltdcheck.errors import UnknownNameError, UsageError
from ltdcheck.faults.clipping import KINDS, clipping_faults
from ltdcheck.faults.fault import Fault, faults
from ltdcheck.reference.cells import CELLS, cell_named
from ltdcheck.vectors import check_vectors
from ltdcheck.vectors.cells import cell_vectors, sequences_of
from ltdcheck.vectors.clipping import clipping_sequences, clipping_vectors
from ltdcheck.vectors.revealing import Told, flag, flag_clipping

Json = dict[str, Any]

SCHEMA_FILE = Path(__file__).with_name("vectors.schema.json")


def subjects(names: Sequence[str]) -> list[str]:
    """The cells and rules of these names; all, without names.

    Raises
    ------
    UnknownNameError
        When one is neither.
    """
    known = (*CELLS, *KINDS)
    for name in names:
        if name not in known:
            raise UnknownNameError("cell or clipping rule", name, sorted(known))
    return list(dict.fromkeys(names)) or list(known)


def write(
    name: str, folder: Path, told: Told = lambda _done, _all: None, only: Sequence[Fault] | None = None
) -> tuple[Path, Json]:
    """The file of a cell or rule, and what stands in it; with flags of these faults ``only``, for a cell.

    Raises
    ------
    UsageError
        When it cannot be written.
    """
    data = rule_file(name, told) if name in KINDS else cell_file(name, told, only)
    path = folder / f"{name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        waiting = path.with_suffix(".json.partial")
        waiting.write_text(json.dumps(data), encoding="ascii")
        waiting.replace(path)
        for beside in (SCHEMA_FILE, Path(check_vectors.__file__)):
            shutil.copyfile(beside, folder / beside.name)
    except OSError as error:
        raise UsageError(f"Vectors cannot be written to {folder}: {error.strerror}.") from error
    return path, data


def cell_file(name: str, told: Told = lambda _done, _all: None, only: Sequence[Fault] | None = None) -> Json:
    """All that is to say of a cell: equations, arrays, vectors, sequences of calls, and what each reveals."""
    vectors = [{**vector.asked, "reveals": []} for vector in cell_vectors(name)]
    cells = {vector.asked["id"]: vector.cell for vector in cell_vectors(name)}
    sequences = sequences_of(name, vectors)
    cells |= {run["id"]: cells[run["calls"][0]] for run in sequences}
    hidden = flag(vectors, sequences, cells, only, told)
    default = cell_named(name)()
    return {
        **_head(),
        "cell": name,
        "equations": (type(default).__doc__ or "").strip(),
        "states": list(default.states),
        "faults": {fault.id: fault.sentence for fault in (faults(name) if only is None else only)},
        "unrevealed": hidden,
        "vectors": vectors,
        "sequences": sequences,
    }


def rule_file(name: str, told: Told = lambda _done, _all: None) -> Json:
    """The same for a clipping rule."""
    vectors = clipping_vectors(name)
    sequences = clipping_sequences(name, vectors)
    hidden = flag_clipping(vectors, sequences, name, told)
    return {
        **_head(),
        "rule": name,
        "faults": {fault.id: fault.sentence for fault in clipping_faults() if name in fault.cells},
        "unrevealed": hidden,
        "vectors": vectors,
        "sequences": sequences,
    }


def _head() -> Json:
    return {"schema": check_vectors.SCHEMA, "ltdcheck": __version__}
