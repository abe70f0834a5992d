"""Everything that has a name, in prose: what ``list`` and ``explain`` print, read from the code and its docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from itertools import groupby

from ltdcheck.adapters.listing import adapters
from ltdcheck.errors import UnknownNameError
from ltdcheck.faults.clipped_inside import clippings_inside
from ltdcheck.faults.clipping import ClippingFault, clipping_faults
from ltdcheck.faults.fault import Fault, faults
from ltdcheck.faults.memory import memory_faults
from ltdcheck.faults.reservoir import ReservoirFault, reservoir_faults
from ltdcheck.faults.systems.fault import SystemFault, system_faults
from ltdcheck.faults.wired import wirings
from ltdcheck.oracles import judging, rounding
from ltdcheck.oracles.rounding import samples_of
from ltdcheck.properties import own_rounding
from ltdcheck.properties.compare import resolution
from ltdcheck.properties.law import properties
from ltdcheck.reference.cells import CELLS
from ltdcheck.reference.numbers import formats, perturbed
from ltdcheck.reference.numbers.formats import FORMATS
from ltdcheck.reference.numbers.perturbed.rounding import reach
from ltdcheck.reference.systems import ROWS, System, cells, systems, systems_named
from ltdcheck.reference.variants import variants

AnyFault = Fault | ClippingFault | ReservoirFault | SystemFault


def listed(kind: str) -> Iterator[tuple[str, str]]:
    """Names of one kind, each with a title."""
    if kind == "systems":
        yield from ((f"{s.row} {s.name}", f"{_title(s)} [{s.module}]") for s in systems())
    elif kind == "cells":
        yield from _once(cells())
    elif kind == "networks":
        yield from _once(systems("S20", "S31"))
    elif kind == "properties":
        yield from ((p.id, p.title) for p in properties())
    elif kind == "faults":
        yield from ((f.id, f.sentence) for f in _every_fault())
    elif kind == "adapters":
        yield from ((name, f"{title} [{found}]" if found else title) for name, title, found in adapters())
    else:
        yield from ((name, v.variant or "the default") for name in CELLS for v in variants(name))


def explained(id: str) -> str:
    """A system by its row or name, a property, a fault, the ``bounds`` of comparisons, or the ``protocol`` of programs.

    Raises
    ------
    UnknownNameError
        When nothing has this name.
    """
    if id in ("bound", "bounds"):
        return _bounds()
    if id == "protocol":
        return (files("ltdcheck.adapters") / "program.md").read_text(encoding="utf-8").rstrip()
    if found := systems_named(id):
        pages = groupby(found, key=lambda s: s.page)
        return "\n\n".join(part for page, same in pages for part in (page, *map(_explained, _by_name(same))))
    laws = {p.id: p for p in properties()}
    if id in laws:
        return f"{id}\n\n{inspect.cleandoc(laws[id].statement)}"
    known_faults = {f.id: f for f in _every_fault()}
    if id in known_faults:
        f = known_faults[id]
        return f"{id}\n\n{f.sentence}\n\neffect   {f.effect}\ntrigger  {f.trigger}\nsource   {f.source}"
    names = dict.fromkeys(s.name for s in (*systems(), *cells()))
    known = sorted([*names, *ROWS, *laws, *known_faults, "bounds", "protocol"])
    raise UnknownNameError("system, property or fault", id, known)


def _bounds() -> str:
    """How exactly numbers are compared: the model, its sizes, and where it ends, from where each is computed."""
    rows = [
        f"{name:8}  u = {form.unit:.1e}  from {form.smallest:.1e} to {form.largest:.1e}  "
        f"bound: {reach(samples_of(name)):.0f} spreads of {samples_of(name)} runs"
        for name, form in FORMATS.items()
    ]
    parts = (
        ("Bounds", rounding.__doc__),
        ("What is counted, per operation and step", perturbed.__doc__),
        ("Formats", formats.__doc__),
        ("Sizes", "\n".join(rows)),
        ("How many spreads", reach.__doc__),
        ("Where a precision ends", judging.__doc__),
        ("What is detectable", resolution.__doc__),
        ("Without a reference", own_rounding.__doc__),
    )
    return "\n\n".join(f"{title}\n{'-' * len(title)}\n{_prose(text)}" for title, text in parts)


def _prose(text: str | None) -> str:
    """A docstring without the names of roles: ``:func:`x``` reads ```x```."""
    return re.sub(r":[a-z]+:`", "`", inspect.cleandoc(text or ""))


def _explained(same: list[System]) -> str:
    """One name under its page: its rows, where it is, what it says of itself, its variants, its faults."""
    system = same[0]
    rows = f" ({', '.join(s.row for s in same)})" if system.row else ""
    where = f"{system.name}{rows} is {system.module}.{system.subject.__name__}"
    own = "" if system.name in CELLS else system.own
    parts = (where, own, _lines("Variants", _variants(system)), _lines("Faults", _faults(system.name)))
    return "\n\n".join(part for part in parts if part)


def _by_name(found: Iterable[System]) -> list[list[System]]:
    """The rows of each name."""
    names: dict[str, list[System]] = {}
    for system in found:
        names.setdefault(system.name, []).append(system)
    return [*names.values()]


def _variants(system: System) -> list[str]:
    if system.name in CELLS:
        return [v.variant or "the default" for v in variants(system.name)]
    return [f"{name}: {', '.join(map(str, values))}" for name, values in system.choices.items()]


def _faults(name: str) -> list[str]:
    return [f"{f.id}: {f.sentence}" for f in _every_fault() if name in f.cells]


def _every_fault() -> list[AnyFault]:
    found: list[AnyFault] = [
        *faults(),
        *wirings(),
        *clippings_inside(),
        *clipping_faults(),
        *reservoir_faults(),
        *memory_faults(),
        *system_faults(),
    ]
    return [*{fault.id: fault for fault in reversed(found)}.values()][::-1]  # some are of cells and of systems


def _once(named: Iterable[System]) -> Iterator[tuple[str, str]]:
    """Each name with its title, at its first row; a cell's with its source."""
    for s, *_ in _by_name(named):
        yield s.name, f"{_title(s)} [{CELLS[s.name].source}]" if s.name in CELLS else _title(s)


def _title(system: System) -> str:
    return system.what.rstrip(".:")


def _lines(head: str, lines: list[str]) -> str:
    return "\n  ".join([f"{head}:", *lines]) if lines else ""
