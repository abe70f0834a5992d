"""What an arrangement that contradicts itself, or its declaration, would be if it were meant as it was declared."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from ltdcheck.diagnosis.apart import Apart, residual
from ltdcheck.diagnosis.search import asked_of, candidates, limit_of, named
from ltdcheck.faults.fault import Network, faults
from ltdcheck.problem import Problem
from ltdcheck.properties.law import Property
from ltdcheck.properties.subject import Subject
from ltdcheck.reference import declared
from ltdcheck.reference.layout import ArrayLayout, Layout
from ltdcheck.result import Diagnosis
from ltdcheck.strategies.problems import Recipe, build


def arranged(subject: Subject, problem: Problem, law: Property) -> list[Diagnosis]:
    """The faults that make of the declared variant and order what the target is; or what the law itself names.

    Raises
    ------
    TargetFailure
        When the target does not answer.
    """
    if subject.declared and law.id == "layout.as_declared":
        layout = _declared(subject.layout, subject.declared)
        found = [] if layout is None else _held(Subject(subject.implementation, layout), problem.precision)
        if found:
            return found
    seen = law.check(subject, problem).disagreement
    row, _, words = ("" if seen is None else seen.message).partition(": ")
    known = any(fault.row == row for fault in faults(subject.cell.name))
    return [Diagnosis(row, words, 0.0)] if known else []


def _held(subject: Subject, precision: str) -> list[Diagnosis]:
    """The search, with the target held against what was declared."""
    I, H = subject.implementation.fixed_sizes or (4, 6)
    usual = Recipe(I=I, H=H, seed=4711, precision=precision)
    recipes = [usual, replace(usual, regime="saturated")]  # a declared clip, or none, shows there alone
    asked = [asked_of(subject, build(subject.cell, recipe)) for recipe in recipes]
    right, limit = residual(subject, Network(subject.cell), asked), limit_of(precision)
    return named(candidates(subject, asked, right, limit)) if Apart(limit) < right else []


def _declared(layout: Layout, words: str) -> Layout | None:
    """The layout with the fields and the order that were declared; None where its arrays do not fit them."""
    stated = declared.stated(words)
    changed: dict[str, Any] = {f.name: declared.read(stated[f.name]) for f in fields(layout.cell) if f.name in stated}
    try:
        cell: Any = replace(layout.cell, **changed)
    except ValueError:  # a number that the cell does not allow
        return None
    order = stated.get("order", "").split()
    arrays = {name: _reordered(array, order) for name, array in layout.arrays.items()}
    known = {block.name for block in cell.blocks(6)}
    if any(role not in known for array in arrays.values() for roles in array.roles for role in roles if role):
        return None
    direction: Any = stated.get("direction", layout.direction)
    return replace(layout, cell=cell, arrays=arrays, direction=direction)


def _reordered(array: ArrayLayout, order: list[str]) -> ArrayLayout:
    """The array with the blocks of these gates, in this order, where it holds as many."""
    if array.gates != len(order):
        return array
    roles = tuple(
        tuple(f"{role.rpartition('_')[0]}_{gate}" if role else "" for role, gate in zip(of, order, strict=True))
        for of in array.roles
    )
    return replace(array, roles=roles)
