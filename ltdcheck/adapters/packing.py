"""Problems, outputs and clipping calls as a header of plain data and arrays by name, and back; every digit is kept.

Arrays are called ``x``, ``dy``, ``state.0``, ``dstate.0``, ``params.NAME``, behind a prefix where there are several
problems.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ltdcheck.implementation import ClippingAnswer, Outputs
from ltdcheck.problem import Array, ClippingCall, Problem

Header = dict[str, Any]
Arrays = dict[str, Array]


def pack_problem(problem: Problem, prefix: str = "") -> tuple[Header, Arrays]:
    """Exact: arrays travel as the float64 that they are."""
    header = {
        "precision": problem.precision,
        "views": dict(problem.views),
        "label": problem.label,
        "state": _count(problem.state),
        "dstate": len(problem.dstate),
        "params": list(problem.params),
        "lengths": problem.lengths,
    }
    arrays = {"x": problem.x, "dy": problem.dy}
    arrays |= _numbered("state", problem.state or ()) | _numbered("dstate", problem.dstate)
    arrays |= _of("params", problem.params)
    return header, {prefix + name: np.asarray(array, float) for name, array in arrays.items()}


def unpack_problem(header: Header, arrays: Mapping[str, Array], prefix: str = "") -> Problem:
    """The inverse of :func:`pack_problem`."""
    return Problem(
        params={name: arrays[f"{prefix}params.{name}"] for name in header["params"]},
        x=arrays[prefix + "x"],
        state=_several(arrays, prefix + "state", header["state"]),
        dy=arrays[prefix + "dy"],
        dstate=_several(arrays, prefix + "dstate", header["dstate"]) or (),
        precision=header["precision"],
        views=header["views"],
        label=header["label"],
        lengths=None if header["lengths"] is None else tuple(header["lengths"]),
    )


def pack_outputs(outputs: Outputs, prefix: str = "") -> tuple[Header, Arrays]:
    """Arrays in the dtype in which the target gave them."""
    header = {
        "state": len(outputs.state),
        "dx": outputs.dx is not None,
        "dstate": _count(outputs.dstate),
        "dparams": None if outputs.dparams is None else list(outputs.dparams),
        "facts": {name: list(told) for name, told in outputs.facts.items()},
        "masks": [len(masks) for masks in outputs.masks],
    }
    arrays = {"y": outputs.y, **_numbered("state", outputs.state), **_numbered("dstate", outputs.dstate or ())}
    arrays |= _of("dparams", outputs.dparams or {})
    for k, masks in enumerate(outputs.masks):
        arrays |= _numbered(f"masks.{k}", masks)
    if outputs.dx is not None:
        arrays["dx"] = outputs.dx
    return header, {prefix + name: array for name, array in arrays.items()}


def unpack_outputs(header: Header, arrays: Mapping[str, Array], prefix: str = "") -> Outputs:
    """The inverse of :func:`pack_outputs`."""
    names = header["dparams"]
    return Outputs(
        y=arrays[prefix + "y"],
        state=_several(arrays, prefix + "state", header["state"]) or (),
        dx=arrays[prefix + "dx"] if header["dx"] else None,
        dstate=_several(arrays, prefix + "dstate", header["dstate"]),
        dparams=None if names is None else {name: arrays[f"{prefix}dparams.{name}"] for name in names},
        facts=header["facts"],
        masks=[_several(arrays, f"{prefix}masks.{k}", count) or () for k, count in enumerate(header["masks"])],
    )


def pack_call(call: ClippingCall) -> tuple[Header, Arrays]:
    """The threshold travels as hexadecimal digits, which JSON keeps for inf and nan too."""
    header = {
        "threshold": float(call.threshold).hex(),
        "precision": call.precision,
        "container": call.container,
        "label": call.label,
        "groups": list(call.groups),
    }
    return header, _of("groups", {name: np.asarray(group, float) for name, group in call.groups.items()})


def unpack_call(header: Header, arrays: Mapping[str, Array]) -> ClippingCall:
    """The inverse of :func:`pack_call`."""
    groups = {name: arrays[f"groups.{name}"] for name in header["groups"]}
    threshold = float.fromhex(header["threshold"])
    return ClippingCall(groups, threshold, header["precision"], header["container"], header["label"])


def pack_answer(answer: ClippingAnswer) -> tuple[Header, Arrays]:
    """Arrays in the dtype in which the function left them."""
    header = {
        "groups": list(answer.groups),
        "returned": None if answer.returned is None else float(answer.returned).hex(),
        "raised": answer.raised,
        "in_place": answer.in_place,
        "inputs_after": None if answer.inputs_after is None else list(answer.inputs_after),
    }
    return header, _of("groups", answer.groups) | _of("after", answer.inputs_after or {})


def unpack_answer(header: Header, arrays: Mapping[str, Array]) -> ClippingAnswer:
    """The inverse of :func:`pack_answer`."""
    after = header["inputs_after"]
    return ClippingAnswer(
        groups={name: arrays[f"groups.{name}"] for name in header["groups"]},
        returned=None if header["returned"] is None else float.fromhex(header["returned"]),
        raised=header["raised"],
        in_place=header["in_place"],
        inputs_after=None if after is None else {name: arrays[f"after.{name}"] for name in after},
    )


def _count(arrays: Sequence[Array] | None) -> int | None:
    return None if arrays is None else len(arrays)


def _numbered(what: str, arrays: Iterable[Array]) -> Arrays:
    return {f"{what}.{k}": array for k, array in enumerate(arrays)}


def _of(what: str, arrays: Mapping[str, Array]) -> Arrays:
    return {f"{what}.{name}": array for name, array in arrays.items()}


def _several(arrays: Mapping[str, Array], what: str, count: int | None) -> tuple[Array, ...] | None:
    return None if count is None else tuple(arrays[f"{what}.{k}"] for k in range(count))
