"""Hold an implementation against test vectors of ltdcheck. One file, for Python with NumPy: copy it.

    python check_vectors.py lstm.json my_lstm.py:make

``make(cell, variant, input_size, hidden_size, precision)`` returns a new instance: an object with

    run(params, x, state, dy, dstate, backwards) -> (outputs, gradients)

params are arrays by the names in the file; x is (T, B, I); state and dstate are tuples of arrays (B, H), or state is
None where none is given; dy is (T, B, H). An instance with ``takes_lengths = True`` is also asked about rows of
different lengths: ``run(.., lengths=[4, 5, 2])``, one a row; after a row's end it answers zeros or its last output, and
the final state is that at each row's end. ``backwards`` says how many backward passes to make through the one forward
pass: 1, rarely 2, of which the last counts. The loss is sum(dy * y) + sum(dstate * final state). ``outputs`` are arrays
by name (y, h_T, ..) and ``gradients`` by the name of what they belong to (x, h_0, U, ..); gradients that an
implementation has not got are left away or None. For clipping rules, ``make(rule, precision)`` returns a function
``clip(grads, threshold)`` that answers a list of arrays, new ones or the given ones, or that list and the norm before;
its attribute ``containers`` may say that it takes generators too: ("list", "generator").

An entry is right when it differs from the value by no more than its bound. Exit status: 0 all agree, 1 some do not.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA = "ltdcheck-vectors/1"

Found = tuple[list[str], int]  # sentences about what is wrong, and how many entries were compared


def load(path: str | Path) -> dict[str, Any]:
    """The file's content.

    Raises
    ------
    ValueError
        When it is no file of vectors, or one of another version.
    """
    data: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    found = data.get("schema") if isinstance(data, dict) else None
    if found != SCHEMA:
        raise ValueError(f"{path} has the schema {found!r}; this program reads {SCHEMA}.")
    return data


def array(data: dict[str, Any], precision: str) -> Any:
    """An array as it stands in a file: ``{"shape": [..], "values": [..]}`` in C order."""
    return np.array(data["values"], dtype=float).astype(precision).reshape(data["shape"])  # "inf" and "nan" are strings


def laid_out(values: Any, how: str | None) -> Any:
    """The same values in other memory: with gaps, in another order, or with stride 0 along the first axis."""
    if how == "strided":
        gaps = np.full((*values.shape, 2), np.nan, values.dtype)
        gaps[..., 0] = values
        return gaps[..., 0]
    if how == "transposed":
        return values.swapaxes(0, 1).copy().swapaxes(0, 1)
    if how == "expanded":
        return np.broadcast_to(values[:1].copy(), values.shape)
    return values


class Question:
    """The arguments of one vector, made anew for every call."""

    def __init__(self, vector: dict[str, Any], precision: str) -> None:
        views = vector.get("views", {})
        self.vector, self.precision = vector, precision
        self.params = {name: array(value, precision) for name, value in vector["params"].items()}
        self.x = laid_out(array(vector["x"], precision), views.get("x"))
        self.dy = laid_out(array(vector["dy"], precision), views.get("dy"))
        given = vector["state"]
        how = views.get("state")
        self.state = None if given is None else tuple(laid_out(array(s, precision), how) for s in given)
        self.dstate = tuple(laid_out(array(s, precision), views.get("dstate")) for s in vector["dstate"])
        self._before = [a.copy() for _, a in self._arrays()]

    def ask(self, target: Any, backwards: int = 1) -> Any:
        """What the target answers."""
        arguments = (self.params, self.x, self.state, self.dy, self.dstate, backwards)
        lengths = self.vector["lengths"]
        return target.run(*arguments) if lengths is None else target.run(*arguments, lengths=list(lengths))

    def _arrays(self) -> Iterator[tuple[str, Any]]:
        yield from self.params.items()
        yield "x", self.x
        yield "dy", self.dy
        yield from ((f"state[{k}]", s) for k, s in enumerate(self.state or ()))
        yield from ((f"dstate[{k}]", s) for k, s in enumerate(self.dstate))

    def _goes_on(self, y: Any) -> list[str]:
        """At most one sentence: a row whose outputs are neither zeros nor its last one after its end."""
        for b, n in enumerate(self.vector["lengths"]):
            if y[n:, b].any() and not (n and np.array_equal(y[n:, b], np.broadcast_to(y[n - 1, b], y[n:, b].shape))):
                return [f"y[{n}:, {b}] is neither zeros nor y[{n - 1}, {b}], after the end of the row"]
        return []

    def wrong(self, answer: Any) -> Found:
        """Sentences, one for each array that is wrong; and how many entries were compared."""
        outputs, gradients = answer
        found: list[str] = []
        compared = 0
        for name, expected in self.vector["outputs"].items():
            found += differs(name, outputs.get(name), expected, self.precision)
            compared += len(expected["values"])
        for name, expected in self.vector["gradients"].items():
            if gradients is None or gradients.get(name) is None:
                continue
            found += differs(f"the gradient of {name}", gradients[name], expected, self.precision)
            compared += len(expected["values"])
        if self.vector["lengths"] is not None and not found:
            found += self._goes_on(np.asarray(outputs["y"]))
        changed = [n for (n, a), b in zip(self._arrays(), self._before, strict=True) if not np.array_equal(a, b)]
        return found + [f"{name} is changed by the call" for name in changed], compared


def differs(name: str, got: Any, expected: dict[str, Any], precision: str) -> list[str]:
    """At most one sentence: where the array is furthest outside its bounds."""
    if got is None:
        return [f"{name} is missing"]
    got = np.asarray(got)
    if list(got.shape) != expected["shape"]:
        return [f"{name} has shape {got.shape}, not {tuple(expected['shape'])}"]
    if got.dtype != precision:
        return [f"{name} is {got.dtype}, not {precision}"]
    value = np.array(expected["values"], dtype=float).reshape(got.shape)
    bound = np.array(expected["bounds"][precision], dtype=float).reshape(got.shape)
    with np.errstate(invalid="ignore"):
        error = np.where(got == value, 0.0, np.abs(got.astype(float) - value))
        outside = ~(error <= bound)  # a NaN is outside
    if not outside.any():
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        units = np.where(outside, np.nan_to_num(error / bound, nan=np.inf, posinf=np.inf), 0.0)
    at = np.unravel_index(np.argmax(units), got.shape)
    place = f"{name}[{', '.join(str(int(k)) for k in at)}]" if got.ndim else name
    return [f"{place} is {got[at]!s} where {value[at]!s} +- {bound[at]:.2g} is right"]


def failures(
    data: dict[str, Any], make: Callable[..., Any], precision: str = "float64"
) -> tuple[list[tuple[str, str]], int]:
    """``(id, sentence)`` of everything that is wrong, and how many entries were compared."""
    found: list[tuple[str, str]] = []
    compared = 0
    if "rule" in data:
        vectors = {vector["id"]: vector for vector in data["vectors"]}
        for vector in data["vectors"]:
            sentences, entries = clipped(vector, make(data["rule"], precision), precision)
            found += [(vector["id"], sentence) for sentence in sentences]
            compared += entries
        for run in data["sequences"]:
            sentences, entries = clipped_in_turn(run, vectors, make(data["rule"], precision), precision)
            found += [(run["id"], sentence) for sentence in sentences]
            compared += entries
        return found, compared
    vectors = {vector["id"]: vector for vector in data["vectors"]}
    for vector in data["vectors"]:
        sentences, entries = single(vector, made(make, data["cell"], vector, precision), precision)
        found += [(vector["id"], sentence) for sentence in sentences]
        compared += entries
    for run in data["sequences"]:
        target = made(make, data["cell"], vectors[run["calls"][0]], precision)
        sentences, entries = in_turn(run, vectors, target, precision)
        found += [(run["id"], sentence) for sentence in sentences]
        compared += entries
    return found, compared


def made(make: Callable[..., Any], cell: str, vector: dict[str, Any], precision: str) -> Any:
    """A new instance for a vector."""
    return make(cell, vector["variant"], vector["sizes"]["I"], vector["sizes"]["H"], precision)


def single(vector: dict[str, Any], target: Any, precision: str) -> Found:
    """One call of a new instance; nothing where the precision does not hold the numbers, or it takes no lengths."""
    if precision not in vector["precisions"]:
        return [], 0
    if vector["lengths"] is not None and not getattr(target, "takes_lengths", False):
        return [], 0
    question = Question(vector, precision)
    return question.wrong(question.ask(target))


def in_turn(run: dict[str, Any], vectors: dict[str, Any], target: Any, precision: str) -> Found:
    """Several calls of one instance, whose answers are compared after the last."""
    questions = [Question(vectors[id], precision) for id in run["calls"]]
    answers = [question.ask(target, run["backwards"]) for question in questions]
    found: list[str] = []
    compared = 0
    for k, (question, answer) in enumerate(zip(questions, answers, strict=True)):
        sentences, entries = question.wrong(answer)
        found += [f"call {k + 1}, {question.vector['id']}: {sentence}" for sentence in sentences]
        compared += entries
    return found, compared


def clipped(vector: dict[str, Any], clip: Callable[..., Any], precision: str) -> Found:
    """One call of a clipping rule; nothing where it does not take its gradients in the vector's container."""
    if vector["container"] not in getattr(clip, "containers", ("list",)):
        return [], 0
    grads = [array(g, precision) for g in vector["grads"]]
    before = [g.copy() for g in grads]
    try:
        answer = clip(iter(grads) if vector["container"] == "generator" else grads, float(vector["threshold"]))
    except Exception as error:  # noqa: BLE001  (whatever it raises is its answer)
        return ([] if vector["raises"] else [f"it raises {type(error).__name__}: {error}"]), 1
    if vector["raises"]:
        return ["it answers where it must raise"], 1
    after, norm = answer if isinstance(answer, tuple) else (answer, None)
    if len(after) != len(vector["clipped"]):
        return [f"it answers {len(after)} arrays, not {len(vector['clipped'])}"], 1
    found: list[str] = []
    compared = 0
    for k, (got, expected) in enumerate(zip(after, vector["clipped"], strict=True)):
        found += differs(f"array {k}", got, expected, precision)
        compared += len(expected["values"])
        if not np.shares_memory(got, grads[k]) and not np.array_equal(grads[k], before[k], equal_nan=True):
            found.append(f"array {k} is new, and the one that was given is changed too")
    if norm is not None and "norm" in vector:
        found += differs("the norm", np.asarray(norm, precision), vector["norm"], precision)
        compared += 1
    return found, compared


def clipped_in_turn(run: dict[str, Any], vectors: dict[str, Any], clip: Callable[..., Any], precision: str) -> Found:
    """Several calls of one rule."""
    found: list[str] = []
    compared = 0
    for k, id in enumerate(run["calls"]):
        sentences, entries = clipped(vectors[id], clip, precision)
        found += [f"call {k + 1}, {id}: {sentence}" for sentence in sentences]
        compared += entries
    return found, compared


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors", help="a file of vectors")
    parser.add_argument("target", help="path/to/file.py:make")
    parser.add_argument("--precision", default="float64", choices=["float64", "float32"])
    options = parser.parse_args()
    path, _, name = options.target.rpartition(":")
    sys.path.insert(0, str(Path(path).resolve().parent))
    described = importlib.util.spec_from_file_location(Path(path).stem, path)
    if described is None or described.loader is None or not name:
        parser.error(f"{options.target!r} names no attribute of a Python file: write path/to/file.py:make")
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    data = load(options.vectors)
    found, compared = failures(data, getattr(module, name), options.precision)
    labels = {v["id"]: v["label"] for v in [*data["vectors"], *data["sequences"]]}
    for id, sentence in found:
        print(f"{id} ({labels[id]}): {sentence}")
    failed = len({id for id, _ in found})
    print(f"{len(labels) - failed} of {len(labels)} agree; {compared} entries compared.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
