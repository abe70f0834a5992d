"""One concrete case: what goes into a forward and a backward pass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Params = dict[str, Array]

PRECISIONS = ("float64", "float32")
HALF_PRECISIONS = ("float16", "bfloat16")  # for targets that declare them


@dataclass(frozen=True, eq=False)
class Problem:
    """Sizes, parameters, inputs, initial state and cotangents; arrays are time-major float64.

    Every number is exactly representable in ``precision``, so that the target is asked the same question as the
    reference. ``views`` names how an array is handed over: ``{"x": "strided"}``, ``{"dy": "expanded"}``.
    """

    params: Params  # by name, in the coordinates of the implementation that is asked
    x: Array  # (T, B, I)
    state: tuple[Array, ...] | None  # each (B, H), or narrower where projected; None: the caller gives no state
    dy: Array  # (T, B, H) cotangent of the output sequence, or as wide as that is
    dstate: tuple[Array, ...]  # as the state, cotangents of the final state
    precision: str = "float64"
    views: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    lengths: tuple[int, ...] | None = None  # one a row, from 0 to T; None: every row has T steps

    def __post_init__(self) -> None:
        """Keep parameters without axes as arrays: NumPy makes numbers of them."""
        if not all(isinstance(value, np.ndarray) for value in self.params.values()):
            object.__setattr__(self, "params", {name: np.asarray(value) for name, value in self.params.items()})

    @property
    def sizes(self) -> dict[str, int]:
        """``T``, ``B``, ``I`` and ``H``, which is the width of the widest array of the state."""
        T, B, I = self.x.shape
        H = max(array.shape[-1] for array in self.dstate or (self.dy,))
        return {"T": T, "B": B, "I": I, "H": H}

    @property
    def entries(self) -> int:
        """Numbers in all of its arrays."""
        arrays = (self.x, self.dy, *self.given_state, *self.dstate, *self.params.values())
        return sum(array.size for array in arrays)

    @property
    def given_state(self) -> tuple[Array, ...]:
        """The initial state with "none given" spelled out as zeros."""
        if self.state is not None:
            return self.state
        return tuple(np.zeros_like(d) for d in self.dstate)

    def with_(self, **changes: Any) -> Problem:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Plain data; floats keep every digit, so that the problem replays exactly."""
        return {
            "sizes": self.sizes,
            "output": self.dy.shape[2],
            "widths": [d.shape[-1] for d in self.dstate],
            "precision": self.precision,
            "label": self.label,
            "views": dict(self.views),
            **({} if self.lengths is None else {"lengths": list(self.lengths)}),
            "params": {name: value.tolist() for name, value in self.params.items()},
            "x": self.x.tolist(),
            "state": None if self.state is None else [s.tolist() for s in self.state],
            "dy": self.dy.tolist(),
            "dstate": [d.tolist() for d in self.dstate],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Problem:
        """The inverse of :meth:`to_json`.

        Raises
        ------
        KeyError
            When a field is missing.
        """
        T, B, I, H = (data["sizes"][k] for k in "TBIH")
        widths = data.get("widths", [H] * len(data["dstate"]))
        return cls(
            params={name: np.array(value, dtype=float) for name, value in data["params"].items()},
            x=np.array(data["x"], dtype=float).reshape(T, B, I),
            state=None
            if data["state"] is None
            else tuple(np.array(s, dtype=float).reshape(B, w) for s, w in zip(data["state"], widths, strict=True)),
            dy=np.array(data["dy"], dtype=float).reshape(T, B, data.get("output", H)),
            dstate=tuple(np.array(d, dtype=float).reshape(B, w) for d, w in zip(data["dstate"], widths, strict=True)),
            precision=data["precision"],
            views=dict(data["views"]),
            label=data["label"],
            lengths=tuple(data["lengths"]) if "lengths" in data else None,
        )


@dataclass(frozen=True, eq=False)
class ClippingCall:
    """One call of a clipping function: named gradient arrays of any shape, and the threshold v.

    Every finite number is exactly representable in ``precision``. ``container`` says how the arrays are handed over:
    ``list``, ``dict``, ``generator``, or empty for the form that the function prefers.
    """

    groups: dict[str, Array]  # any shapes, size 0 included
    threshold: float
    precision: str = "float64"
    container: str = ""
    label: str = ""

    @property
    def size(self) -> int:
        """N, the number of entries of all groups."""
        return sum(group.size for group in self.groups.values())

    def with_(self, **changes: Any) -> ClippingCall:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Plain data; floats keep every digit, and inf and nan are strings, which JSON has no numbers for."""
        return {
            "groups": {
                name: {"shape": list(group.shape), "values": [_plain(value) for value in group.ravel().tolist()]}
                for name, group in self.groups.items()
            },
            "threshold": _plain(self.threshold),
            "precision": self.precision,
            "container": self.container,
            "label": self.label,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ClippingCall:
        """The inverse of :meth:`to_json`.

        Raises
        ------
        KeyError
            When a field is missing.
        """
        groups = {
            name: np.array([float(value) for value in group["values"]], dtype=float).reshape(group["shape"])
            for name, group in data["groups"].items()
        }
        return cls(groups, float(data["threshold"]), data["precision"], data["container"], data["label"])


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
