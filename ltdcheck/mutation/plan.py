"""What the process of a test suite is told: where the class stands, its calls, its layout, and the fault."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from ltdcheck.adapters.form import Form
from ltdcheck.adapters.state import Leading, Template
from ltdcheck.errors import TargetUnusableError
from ltdcheck.mutation.layout_json import layout_from_json, layout_to_json
from ltdcheck.reference.layout import Layout

# by the adapter of a target: the module of ``ltdcheck.adapters``, and the class in it, that takes its passes' place
PASSES = {
    "numpy": ("stand_in_numpy", "NumpyPasses"),
    "torch": ("stand_in_torch", "TorchPasses"),
    "jax": ("stand_in_jax", "JaxPasses"),
    "equinox": ("stand_in_modules", "EquinoxPasses"),
    "flax_linen": ("stand_in_modules", "LinenPasses"),
    "flax_nnx": ("stand_in_modules", "NnxPasses"),
}
PURE = ("jax", "equinox", "flax_linen", "flax_nnx")  # of which a call changes nothing and leaves nothing behind


@dataclass(frozen=True)
class Seat:
    """Where the target is defined: the file, the dotted name in it; a class, an instance, or a maker of instances.

    ``framework`` is one of ``PASSES``.
    """

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
        return {
            "seat": asdict(self.seat),
            "form": form_to_json(self.form),
            "layout": layout_to_json(self.layout),
            "fault": self.fault,
            "reached": self.reached,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """The inverse of :meth:`to_json`."""
        layout = layout_from_json(data["layout"])
        return cls(Seat(**data["seat"]), form_from_json(data["form"]), layout, data["fault"], data["reached"])


def require_servable(layout: Layout, target: str) -> None:
    """Refuse what the reference cannot stand in for.

    Raises
    ------
    TargetUnusableError
        When the target was not recognised exactly.
    """
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
        return {"leading": {**asdict(template), "axes": list(template.axes)}}
    kind, parts = template
    return {"kind": [kind.__module__, kind.__qualname__], "parts": [_template_to_json(part) for part in parts]}


def _template_from_json(data: Mapping[str, Any]) -> Template:
    if "leading" in data:
        return Leading(**{**data["leading"], "axes": tuple(data["leading"]["axes"])})
    module, name = data["kind"]
    kind: Any = importlib.import_module(module)
    for part in name.split("."):
        kind = getattr(kind, part)
    return kind, tuple(_template_from_json(part) for part in data["parts"])
