"""Layouts as plain data, for the process of a test suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells import cell_named
from ltdcheck.reference.layered_layout import LayeredLayout
from ltdcheck.reference.layout import ArrayLayout, Layout
from ltdcheck.reference.networks.facing import facing
from ltdcheck.reference.networks.layered import Layered


def layout_to_json(layout: Layout) -> dict[str, Any]:
    """Plain data."""
    arrays = {name: asdict(array) for name, array in layout.arrays.items()}
    told = {"arrays": arrays, "swapped_state": layout.swapped_state, "direction": layout.direction}
    if not isinstance(layout, LayeredLayout):
        return {**told, "cell": _cell_to_json(layout.cell)}
    network = layout.network
    layers = [[_cell_to_json(getattr(cell, "cell", cell)) for cell in layer] for layer in network.layers]
    cells = [layout_to_json(part) for part in layout.cells]
    return {**told, "layers": layers, "merge": network.merge, "cells": cells, "state_order": list(layout.state_order)}


def layout_from_json(data: Mapping[str, Any]) -> Layout:
    """The inverse of :func:`layout_to_json`."""
    arrays = {name: ArrayLayout(**{k: _tuples(v) for k, v in a.items()}) for name, a in data["arrays"].items()}
    told: dict[str, Any] = {
        "arrays": arrays,
        "swapped_state": data["swapped_state"],
        "direction": data["direction"],
    }
    if "layers" not in data:
        return Layout(_cell_from_json(data["cell"]), **told)
    cells = tuple(map(layout_from_json, data["cells"]))
    directions = iter(cell.direction for cell in cells)
    layers = tuple(tuple(facing(_cell_from_json(c), next(directions)) for c in layer) for layer in data["layers"])
    network = Layered(layers, data["merge"])
    return LayeredLayout(network, **told, cells=cells, state_order=tuple(data["state_order"]))


def _cell_to_json(cell: Cell) -> dict[str, Any]:
    return {"name": cell.name, "fields": {f.name: getattr(cell, f.name) for f in fields(cell)}}


def _cell_from_json(data: Mapping[str, Any]) -> Cell:
    kind: Any = cell_named(data["name"])
    cell: Cell = kind(**{name: _tuples(value) for name, value in data["fields"].items()})
    return cell


def _tuples(value: Any) -> Any:
    """JSON's lists, as the tuples that they were."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
