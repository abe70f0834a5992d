"""The parameter layout that was identified does not contradict itself, its names, or what was declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ltdcheck.problem import Problem
from ltdcheck.properties.law import Disagreement, Evidence, law
from ltdcheck.properties.subject import Subject
from ltdcheck.reference import declared
from ltdcheck.reference.layout import ArrayLayout, Layout
from ltdcheck.result import Place

# what people call the gates; a name that is not here claims nothing
_SPOKEN = {"i": "i", "input": "i", "f": "f", "forget": "f", "o": "o", "output": "o", "g": "g", "c": "g", "cand": "g"}
_SPOKEN_GRU = {"r": "r", "reset": "r", "z": "u", "u": "u", "update": "u", "n": "n", "h": "n", "new": "n", "cand": "n"}


@law("layout.consistent", reference=True)
def consistent(subject: Subject, problem: Problem) -> Evidence:
    """All arrays agree on gate order and orientation, and arrays named after a gate act as that gate.

    Any order and any orientation is right; two in one implementation are a fault, and would be a wrong answer for
    whoever loads weights into it by its names.
    """
    layout = subject.layout
    if layout.doubt:
        return Evidence(not_applicable=f"its layout is not known: {layout.doubt}")
    compared = 0
    for part in map(_seen, layout.parts or (layout,)):
        compared += len(part.arrays)
        for array, text in (*_orders(part), *_orientations(part), *_names(part), *_hidden_bias(part)):
            where = Place(array, target_block=array)
            return Evidence(compared, disagreement=Disagreement(where, "another", "one", 0.0, text))
    return Evidence(compared=compared, not_applicable="" if compared else "no array has an effect")


@law("layout.as_declared", reference=True)
def as_declared(subject: Subject, problem: Problem) -> Evidence:
    """Variant and layout are what was declared with ``--as``."""
    if not subject.declared:
        return Evidence(not_applicable="nothing was declared")
    if subject.layout.doubt:
        return Evidence(not_applicable=f"variant and layout are not known: {subject.layout.doubt}")
    found, said = declared.found(subject.layout), declared.stated(subject.declared)
    for word, value in said.items():
        if not declared.agree(word, found.get(word, ""), value):
            part, got = f"{word}={value}", f"{word}={found[word]}" if word in found else f"no {word}"
            text = f"{_row(subject, word)}declared {part}, but it acts as {got}"
            return Evidence(len(said), disagreement=Disagreement(Place(word), got, part, 0.0, text))
    return Evidence(compared=len(said))


def _row(subject: Subject, word: str) -> str:
    """The fault of the catalogue that a missing bias is."""
    inside = "after" in (getattr(part.cell, "reset", "") for part in subject.layout.parts or (subject.layout,))
    held = {role for array in subject.layout.arrays.values() for roles in array.roles for role in roles}
    missing = word == "biases" and inside and "bh_n" not in held and "b_n" in held
    return "gru-hidden-bias-missing: " if missing else ""


def _seen(layout: Layout) -> Layout:
    """The arrays whose every part has an effect; the roles of the others are guesses."""
    return replace(layout, arrays={n: a for n, a in layout.arrays.items() if n not in layout.unseen})


def _orders(layout: Layout) -> Iterator[tuple[str, str]]:
    """Arrays that hold the same number of gates hold them in the same order."""
    first: dict[int, tuple[str, str]] = {}
    for name, array in layout.arrays.items():
        for roles in array.roles:
            gates = " ".join(role.rpartition("_")[2] or "?" for role in roles)
            if array.gates < 2 or "?" in gates or any(role.startswith("p_") for role in roles):
                continue
            known, order = first.setdefault(array.gates, (name, gates))
            if order != gates:
                yield name, f"gate-order: {name} holds its gates in the order {gates}, {known} in the order {order}"


def _orientations(layout: Layout) -> Iterator[tuple[str, str]]:
    """Recurrent weights are applied the same way round as input weights."""
    for name, array in layout.arrays.items():
        if array.inner:
            yield name, f"recurrent-transposed: {name} is used as a whole one way round, its recurrent blocks the other"
    sides: dict[str, tuple[str, bool]] = {}
    for name, array in layout.arrays.items():
        if array.sources in (("x",), ("h",)):
            sides[array.sources[0]] = (name, _transposed(array))
    if len(sides) == 2 and sides["x"][1] != sides["h"][1]:
        ways = {False: "as W @ v", True: "as v @ W"}
        (x, a), (h, b) = sides["x"], sides["h"]
        yield h, f"recurrent-transposed: {x} is used {ways[a]}, {h} {ways[b]}"


def _transposed(array: ArrayLayout) -> bool:
    axes = re.findall(r"\w", array.arrangement)
    return axes.index("s") < axes.index("u")


def _names(layout: Layout) -> Iterator[tuple[str, str]]:
    """An array named after a gate is that gate's."""
    if len(layout.cell.gates) < 2:
        return
    spoken = _SPOKEN if "f" in layout.cell.gates else _SPOKEN_GRU
    claims = {}
    for name, array in layout.arrays.items():
        if array.gates == 1 and array.roles[0][0] and (gate := _spoken_gate(name, spoken)):
            claims[name] = gate, array.roles[0][0].rpartition("_")[2]
    if len({gate for gate, _ in claims.values()}) < len(layout.cell.gates):
        return  # the names do not tell all gates apart: they may mean something else
    for name, (gate, role) in claims.items():
        if gate != role:
            yield name, f"gate-order: {name} is named after gate {gate} and acts as gate {role}"


def _spoken_gate(name: str, spoken: dict[str, str]) -> str:
    """The gate in a name such as ``W_f``, ``Wxi`` or ``cell.forget.weight``; "" where there is none for certain."""
    words = [w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)]
    found = {spoken[w] for w in words if w in spoken}
    if not found:
        tails = {w[-1] for w in words if re.fullmatch(r"[wubr]?[xh]?[a-z]", w)}
        found = {spoken[t] for t in tails if t in spoken}
    return found.pop() if len(found) == 1 else ""


def _hidden_bias(layout: Layout) -> Iterator[tuple[str, str]]:
    """A GRU that resets after the product, and has two biases of the candidate, has one inside the reset.

    One that has a single bias, which is outside, is another convention.
    """
    if getattr(layout.cell, "reset", "") != "after":
        return
    where: dict[str, list[str]] = {}
    for name, array in layout.arrays.items():
        for role in (r for roles in array.roles for r in roles):
            where.setdefault(role, []).append(name)
    if "bh_n" in where or "b_n" not in where:
        return
    if len(where["b_n"]) > 1:
        yield where["b_n"][1], "gru-hidden-bias-outside-reset: the candidate's hidden bias is added outside the reset"
