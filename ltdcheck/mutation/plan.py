"""What the process of a test suite is told: where the class stands, its calls, its layout, and the fault."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from ltdcheck.adapters.form import Form
from ltdcheck.adapters.state import Leading, Template
from ltdcheck.errors import TargetUnusableError
from ltdcheck.reference.cells import cell_named
from ltdcheck.reference.layout import ArrayLayout, Layout


@dataclass(frozen=True)
class Seat:
    """Where the target is defined: the file, the dotted name in it; a class, an instance, or a maker of instances."""

    file: str
    name: str
    kind: Literal["class", "factory", "instance"]
    framework: str


@dataclass(frozen=True)
class Plan:
    """``fault`` is an id, or "" for the reference as it is; ``reached`` is a file that the first call makes."""

    seat: Seat
    form: Form
    layout: Layout
    fault: str = ""
    reached: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        cell = self.layout.cell
        return {
            "seat": asdict(self.seat),
            "form": form_to_json(self.form),
            "cell": {"name": cell.name, "fields": {f.name: getattr(cell, f.name) for f in fields(cell)}},
            "arrays": {name: asdict(array) for name, array in self.layout.arrays.items()},
            "swapped_state": self.layout.swapped_state,
            "fault": self.fault,
            "reached": self.reached,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """The inverse of :meth:`to_json`."""
        kind: Any = cell_named(data["cell"]["name"])
        cell = kind(**{name: _tuples(value) for name, value in data["cell"]["fields"].items()})
        arrays = {name: ArrayLayout(**{k: _tuples(v) for k, v in a.items()}) for name, a in data["arrays"].items()}
        layout = Layout(cell, arrays, data["swapped_state"])
        return cls(Seat(**data["seat"]), form_from_json(data["form"]), layout, data["fault"], data["reached"])


def require_servable(layout: Layout, target: str) -> None:
    """Refuse what the reference cannot stand in for.

    Raises
    ------
    TargetUnusableError
        When the target is several cells, or was not recognised exactly.
    """
    if layout.parts:
        why = "it is a network of several layers or directions, and faults are planted in one cell."
        raise TargetUnusableError(target, why, "Name a factory (input_size, hidden_size) that makes one layer.")
    if layout.direction != "forward":
        why = "it reads its sequence from the end, and what stands in for it reads from the beginning."
        raise TargetUnusableError(target, why, "Name a factory (input_size, hidden_size) that makes one that does.")
    if layout.doubt:
        raise TargetUnusableError(target, f"{layout.doubt}.", "Run 'ltdcheck check' on it first: it must be right.")


def form_to_json(form: Form) -> dict[str, Any]:
    """Plain data."""
    return {**{f.name: getattr(form, f.name) for f in fields(form)}, "state": _template_to_json(form.state)}


def form_from_json(data: Mapping[str, Any]) -> Form:
    """The inverse of :func:`form_to_json`."""
    return Form(**{**data, "state": _template_from_json(data["state"])})


def _template_to_json(template: Template) -> dict[str, Any]:
    if isinstance(template, Leading):
        return {"axes": list(template.axes)}
    kind, parts = template
    return {"kind": [kind.__module__, kind.__qualname__], "parts": [_template_to_json(part) for part in parts]}


def _template_from_json(data: Mapping[str, Any]) -> Template:
    if "axes" in data:
        return Leading(tuple(data["axes"]))
    module, name = data["kind"]
    kind: Any = importlib.import_module(module)
    for part in name.split("."):
        kind = getattr(kind, part)
    return kind, tuple(_template_from_json(part) for part in data["parts"])


def _tuples(value: Any) -> Any:
    """JSON's lists, as the tuples that they were."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
