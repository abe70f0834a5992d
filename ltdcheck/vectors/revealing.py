"""Which faults of the catalogue a vector reveals: each is planted and asked, and what is found wrong is its flag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ltdcheck.errors import TargetFailure
from ltdcheck.faults.clipping import clipping_faults
from ltdcheck.faults.fault import Fault, Network, faults
from ltdcheck.implementation import ClippingRule, Outputs
from ltdcheck.problem import PRECISIONS, Array, ClippingCall, Params, Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.vectors.check_vectors import clipped, clipped_in_turn, in_turn, single

Json = dict[str, Any]
Answer = tuple[dict[str, Array], dict[str, Array] | None]
Arrays = tuple[Array, ...]
Told = Callable[[int, int], None]  # how many faults have been planted, of how many


class Target:
    """A network as ``check_vectors`` asks for one; what it changes in copies of its arguments, it changes in them."""

    def __init__(self, network: Network, precision: str = "float64") -> None:
        self.network, self.precision, self.takes_lengths = network, precision, network.takes_lengths

    def run(
        self,
        params: Params,
        x: Array,
        state: Arrays | None,
        dy: Array,
        dstate: Arrays,
        backwards: int,
        lengths: Sequence[int] | None = None,
    ) -> Answer:
        """One forward pass and so many backward passes, of which the last counts."""
        named = {"x": x, "dy": dy, "dstate": dstate[0], **({"state": state[0]} if state else {})}
        views = {name: how for name, array in named.items() if (how := _view(array))}
        ends = None if lengths is None else tuple(lengths)
        problem = Problem(params, x, state, dy, dstate, self.precision, views, lengths=ends)
        out = self.network.run(problem) if backwards == 1 else self.network.run_back_again(problem)
        given = {**params, "x": x, "dy": dy}
        given |= {f"state[{k}]": s for k, s in enumerate(state or ())}
        given |= {f"dstate[{k}]": d for k, d in enumerate(dstate)}
        for name in out.facts.get("mutated", ()):
            if name in given:  # a state that is not given is nobody's to change
                given[name] += 1
        return self._answer(out)

    def _answer(self, out: Outputs) -> Answer:
        cell = self.network.cell
        outputs = {"y": out.y, **{f"{s}_T": v for s, v in zip(cell.states, out.state, strict=True)}}
        if out.dx is None:
            return outputs, None
        missing = out.facts.get("missing", ())
        of_state = {f"{s}_0": v for s, v in zip(cell.states, out.dstate or (), strict=False)}
        gradients = {"x": out.dx, **of_state, **(out.dparams or {})}
        return outputs, {name: np.zeros_like(g) if name in missing else g for name, g in gradients.items()}


def _view(array: Array) -> str:
    if array.size and 0 in array.strides:
        return "expanded"
    if array.flags.c_contiguous:
        return ""
    return "strided" if array.strides[-1] > array.itemsize else "transposed"


def flag(
    vectors: Sequence[Json],
    sequences: Sequence[Json],
    cells: Mapping[str, Cell],
    only: Sequence[Fault] | None = None,
    told: Told = lambda _done, _all: None,
) -> list[str]:
    """Write the ids of the faults of one family, or of some, into what reveals them; what nothing reveals is returned.

    ``cells`` holds the variant of everything that is asked by its id.
    """
    by_id: dict[str, Json] = {vector["id"]: read(vector) for vector in vectors}
    planted = faults(next(iter(cells.values())).name) if only is None else only
    hidden = []
    for k, fault in enumerate(planted):
        seen = False
        for asked in (*vectors, *sequences):
            network = fault.plant(cells[asked["id"]])
            if network is not None and _wrong(by_id.get(asked["id"], asked), by_id, Target(network)):
                asked["reveals"].append(fault.id)
                seen = True
        if not seen:
            hidden.append(fault.id)
        told(k + 1, len(planted))
    return hidden


def read(data: Any) -> Any:
    """The same with its numbers in arrays: they are asked for many times."""
    if isinstance(data, dict):
        numbers = ("values", *PRECISIONS)
        return {key: np.array(v, dtype=float) if key in numbers else read(v) for key, v in data.items()}
    return [read(part) for part in data] if isinstance(data, list) else data


def _wrong(asked: Json, by_id: dict[str, Json], target: Target) -> bool:
    try:
        with np.errstate(all="ignore"):
            found, _ = (
                in_turn(asked, by_id, target, "float64") if "calls" in asked else single(asked, target, "float64")
            )
    except (TargetFailure, ValueError):  # it refuses, or its shapes do not fit
        return True
    return bool(found)


def flag_clipping(
    vectors: Sequence[Json], sequences: Sequence[Json], rule: str, told: Told = lambda _done, _all: None
) -> list[str]:
    """The same for a rule of clipping."""
    by_id = {vector["id"]: vector for vector in vectors}
    hidden = []
    planted = [fault for fault in clipping_faults() if rule in fault.cells]
    for k, fault in enumerate(planted):
        seen = [v for v in vectors if clipped(v, Clip(fault.plant(rule)), "float64")[0]]
        seen += [s for s in sequences if clipped_in_turn(s, by_id, Clip(fault.plant(rule)), "float64")[0]]
        for asked in seen:
            asked["reveals"].append(fault.id)
        if not seen:
            hidden.append(fault.id)
        told(k + 1, len(planted))
    return hidden


class Clip:
    """A rule as ``check_vectors`` calls one."""

    def __init__(self, rule: ClippingRule, precision: str = "float64") -> None:
        self.rule, self.precision, self.containers = rule, precision, rule.containers

    def __call__(self, grads: Iterable[Array], threshold: float) -> tuple[list[Array], float | None]:
        """The arrays and the norm; what the rule does to the given arrays is done to them.

        Raises
        ------
        ValueError
            When the rule raises.
        """
        container = "list" if isinstance(grads, list) else "generator"
        given = {f"g{k}": g for k, g in enumerate(grads)}
        answer = self.rule.clip(ClippingCall(given, threshold, self.precision, container))
        if answer.raised is not None:
            raise ValueError(answer.raised)
        for name, value in (answer.inputs_after or {}).items():
            given[name][...] = value
        return list(answer.groups.values()), answer.returned
