"""Faults of the catalogue planted in implementations that were written elsewhere, and what a check says of them first.

A fault stands in one of four forms: a NumPy class or a torch module of ``tests/targets``, with its own arrays and way
to be called, whose passes are replaced; and the reference with its arrays fused and transposed, or one for each gate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from quality.planted import canonical, declaration, host
from targets.catalogue import CLAIMED, RIGHT, Target

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.loading import load
from ltdcheck.diagnosis.layers import recognise
from ltdcheck.faults.fault import Fault, Network, fault_named
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.mutation.in_layout import InLayout
from ltdcheck.mutation.serving import Serving
from ltdcheck.problem import Problem
from ltdcheck.properties.law import properties
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.layout import ArrayLayout, Layout
from ltdcheck.result import UNKNOWN, Result
from ltdcheck.runner import examiners, subjects
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.session import Session
from ltdcheck.strategies.problems import build, configurations

FORMS = ("numpy", "torch", "fused", "separate")
COMMON = ("elman", "lstm", "gru")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Told:
    """What a check said of a planted fault: ``named`` in order, of the first property that does not hold."""

    family: str
    fault: str
    form: str
    property: str
    named: list[str]
    right: bool  # the row of the fault is named first, or one with the same answers to the last bit


# -- forms -----------------------------------------------------------------------------------------------------------


def fused(cell: Cell) -> Layout:
    """Gates in the reverse order, matrices multiplied from the right, the state in the reverse order.

    Matrices from gates to gates, of which there are more than gates, stand one by one.
    """
    arrays, one_by_one = {}, separate(cell).arrays
    most = max(len(array.roles[0]) for name, array in canonical(cell).arrays.items() if name == "U")
    for name, array in canonical(cell).arrays.items():
        if len(array.roles[0]) > most:
            arrays |= {block: one_by_one[block] for block in array.roles[0]}
            continue
        gates = len(array.roles[0]) > 1
        words = ("s (g u)" if gates else "s u") if " s" in array.arrangement else array.arrangement
        roles, sources = tuple(role[::-1] for role in array.roles), (cell.source_of(name),)
        arrays[name] = ArrayLayout(words, sources, roles)
    return Layout(cell, arrays, swapped_state=len(cell.states) > 1)


def separate(cell: Cell) -> Layout:
    """One array for each block."""
    shapes = cell.shapes(2, 3)
    arrays = {
        block.name: ArrayLayout(
            "u s" if len(shapes[block.array]) > 1 else "u", (cell.source_of(block.array),), ((block.name,),)
        )
        for block in cell.blocks(6)
    }
    return Layout(cell, arrays)


def targets(family: str, form: str) -> list[Target]:
    """Right targets of the family in this form, in all their layouts; none that are called a step at a time."""
    rows = [row for row in (*RIGHT, *CLAIMED) if row.cell == family and "cell" not in row.layout]
    rows = [row for row in rows if row.spec.startswith("tests/targets/")]
    return [row for row in rows if ("torch" in row.spec) == (form == "torch")]


@cache
def layout_of(spec: str, claimed: str | None) -> tuple[Implementation, Layout]:
    """A right target, and how it is arranged."""
    implementation = adapt(load(str(ROOT / spec)), spec)
    found = recognise(implementation, spec, claimed)
    assert found.exact, spec
    return implementation, found.layout


def planted_in(row: Target, fault: Fault) -> Implementation | None:
    """A class like that of the row, answered by the reference with the fault; None where it has nothing of the kind."""
    implementation, layout = layout_of(row.spec, row.cell if row.claimed else None)
    wrong = fault.plant(layout.cell)
    if wrong is None or (wrong.takes_lengths and not implementation.takes_lengths):
        return None
    written: Any = load(str(ROOT / row.spec))
    kind: Any = type(written.__name__, (written,), {"__module__": written.__module__})
    original = type(kind.__name__, (), {k: getattr(kind, k) for k in ("forward", "backward") if hasattr(kind, k)})
    if "torch" in row.spec:
        from ltdcheck.adapters.stand_in_torch import TorchPasses as Passes
    else:
        from ltdcheck.adapters.stand_in_numpy import NumpyPasses as Passes  # type: ignore[assignment]

    def start() -> Serving:
        network = fault.plant(layout.cell)
        assert network is not None
        return Serving(InLayout(network, layout))

    form: Any = implementation.form  # type: ignore[attr-defined]
    for name, method in (
        Passes(original, form, InLayout(Network(layout.cell), layout).parameters, start).methods().items()
    ):
        setattr(kind, name, method)
    return adapt(kind, fault.id)


def hosts(fault: Fault, family: str, form: str, number: int) -> Iterator[tuple[Implementation, Layout]]:
    """The fault in this form, in one layout after the other; in a fused one where none of the form can have it.

    Layouts in which it is seen to change an answer come first: without biases one of a bias is none.
    """
    rows = targets(family, form) if form in ("numpy", "torch") else []
    rows = [rows[(number + k) % len(rows)] for k in range(len(rows))]
    unseen = []
    for row in rows:
        right, layout = layout_of(row.spec, row.cell if row.claimed else None)
        if (found := planted_in(row, fault)) is None:
            continue
        if _shows(fault, layout) or _reads_otherwise(found, right, layout):
            yield found, layout
        else:
            unseen.append((found, layout))
    yield from unseen
    cell, network = host(fault, family)
    for layout in [separate(cell), fused(cell)] if form == "separate" else [fused(cell)]:
        arranged = InLayout(network, layout)
        arranged.takes_lengths = network.takes_lengths
        yield arranged, layout


# -- what is said ----------------------------------------------------------------------------------------------------


def told(family: str, fault: Fault, number: int) -> Told:
    """The first finding's diagnosis, at the quick profile; with the large problem where that shows none.

    In separate arrays some faults are nothing but another arrangement of these: then it is planted in the next layout.
    """
    form = FORMS[number % len(FORMS)]
    for implementation, layout in hosts(fault, family, form, number):
        finding, rearranged = _first(implementation, family, fault, layout)
        if finding is not None or not rearranged:
            break
    if finding is None or finding.finding is None:
        return Told(family, fault.id, form, "", [], right=False)
    named = [d.fault for d in finding.finding.diagnosis]
    right = bool(named) and named[0] != UNKNOWN and _same(fault, named[0], layout.cell)
    return Told(family, fault.id, form, finding.property, named, right)


def _first(implementation: Implementation, family: str, fault: Fault, layout: Layout) -> tuple[Result | None, bool]:
    """The first property that does not hold, and whether the target is right with its arrays arranged otherwise.

    The target claims nothing, or its family where it must.
    """
    declared = declaration(layout) if fault.variant or fault.layout else ""
    target = subjects.Target(fault.id, cell=None if family in COMMON else family, declared=declared)
    opened = subjects.identified(subjects.Opened(target, implementation))  # type: ignore[arg-type]
    if opened.unsettled:
        opened = subjects.identified(subjects.Opened(replace(target, cell=family), implementation))  # type: ignore[arg-type]
    for large in (False, True):
        profile = replace(profile_named("quick"), large=large)
        session = Session(opened, examiners.Options(profile=profile))
        plan = properties("cell")
        for prop in plan:
            result = session.check(prop, plan, 0)
            assert result.status != "errored", result.reason
            if result.finding is not None:
                return result, False
    found = opened.identification
    return None, found is not None and found.exact and not _alike_arranged(found.layout, layout)


def _alike_arranged(one: Layout, other: Layout) -> bool:
    """Each entry of each array is the same parameter."""
    first, second = (layout.indices(4, 6) for layout in (one, other))
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def _asked(layout: Layout) -> list[Problem]:
    """The problems that a check always asks, but the large one, in the arrays of the layout."""
    cases = [build(layout.cell, recipe) for recipe in configurations(layout.cell)[:-1]]
    return [c.with_(params=layout.to_target(c.params, c.sizes["I"], c.sizes["H"])) for c in cases]


def _shows(fault: Fault, layout: Layout) -> bool:
    """Some answer is not that of the right network, by more than rounding; a fault of other calls shows none here."""
    planted = fault.plant(layout.cell)
    if planted is None:
        return False
    wrong, right = (InLayout(network, layout) for network in (planted, Network(layout.cell)))
    doubles = [case for case in _asked(layout) if case.precision == "float64"]
    return not all(_equal(wrong.run(case), right.run(case), near=1e-11) for case in doubles)


def _reads_otherwise(wrong: Implementation, right: Implementation, layout: Layout) -> bool:
    """Arrays that are not contiguous get another answer; where a state is stacked, its gradient never is one."""
    case = build(layout.cell, configurations(layout.cell)[0])
    params = layout.to_target(case.params, case.sizes["I"], case.sizes["H"])
    strided = case.with_(params=params, views=dict.fromkeys(("x", "dy", "state", "dstate"), "strided"))
    return not _equal(wrong.run(strided, fresh=True), right.run(strided, fresh=True), near=1e-11)


def _same(fault: Fault, named: str, cell: Cell) -> bool:
    """The same row, or the same answers to the last bit on the problems that a check always asks."""
    if named.partition(".")[0] == fault.row:
        return True
    networks = [fault.plant(cell), None if " + " in named else fault_named(named).plant(cell)]
    if None in networks:
        return False
    cases = [build(cell, recipe) for recipe in configurations(cell)[:-1]]
    return all(_equal(*(network.run(case) for network in networks if network)) for case in cases)


def _equal(a: Outputs, b: Outputs, near: float = 0.0) -> bool:
    """The same arrays, or ones that are as near, as a share of the largest entry."""
    first, second = (
        [o.y, *o.state, *(o.dstate or ()), *(() if o.dx is None else (o.dx,)), *(o.dparams or {}).values()]
        for o in (a, b)
    )
    return (
        a.facts.get("mutated") == b.facts.get("mutated")
        and len(first) == len(second)
        and all(_alike(one, other, near) for one, other in zip(first, second, strict=True))
    )


def _alike(a: Any, b: Any, near: float) -> bool:
    if a is None or b is None or not near:
        return (a is None and b is None) or (a is not None and b is not None and np.array_equal(a, b, equal_nan=True))
    with np.errstate(invalid="ignore"):
        off = np.max(np.abs(a - b), initial=0.0)
    return a.shape == b.shape and bool(off <= near * np.max(np.abs(b), initial=0.0))


# -- kept for the report ---------------------------------------------------------------------------------------------

DIAGNOSIS = "diagnosis"


def save(folder: Path, seen: Told) -> None:
    """One file."""
    (folder / DIAGNOSIS).mkdir(parents=True, exist_ok=True)
    (folder / DIAGNOSIS / f"{seen.family}-{seen.fault}.json").write_text(json.dumps(asdict(seen)))


def saved_one(folder: Path, family: str, fault: str) -> Told | None:
    """What was saved of a site."""
    file = folder / DIAGNOSIS / f"{family}-{fault}.json"
    return Told(**json.loads(file.read_text())) if file.exists() else None


def saved(folder: Path) -> list[Told]:
    """All of them."""
    return [Told(**json.loads(file.read_text())) for file in sorted((folder / DIAGNOSIS).glob("*.json"))]
