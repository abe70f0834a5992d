"""What differs, measured from the answers, where no fault of the catalogue explains it: where, since when, how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.diagnosis.apart import distance
from ltdcheck.diagnosis.hearing import Exchange
from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Outputs
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.subject import Subject
from ltdcheck.result import UNKNOWN, Diagnosis

WRONG = "the outputs are wrong"  # everywhere, and by no factor

Floats = NDArray[np.float64]
Blocks = dict[str, Floats]


def described(subject: Subject, asked: Sequence[Exchange], limit: float) -> list[Diagnosis]:
    """One sentence on the last of these answers that is wrong; nothing where none is."""
    for exchange in reversed(asked):
        (problem,), (theirs,) = exchange.problems, exchange.answers
        ours = Network(subject.cell).run(problem, backward=exchange.backward)
        wanted = {} if ours.dx is None else _gradients(subject, ours, problem)
        if words := _between(subject, ours, theirs, wanted, problem, limit):
            return [Diagnosis(UNKNOWN, words, 0.0)]
    return []


def other_answer(subject: Subject, first: Outputs, second: Outputs, problem: Problem, limit: float) -> str:
    """How the second of two answers of the target to one problem differs from the first; "" where it does not."""
    wanted = {} if first.dx is None else _gradients(subject, first, problem, own=True)
    return _between(subject, first, second, wanted, problem, limit)


def _between(subject: Subject, ours: Outputs, theirs: Outputs, wanted: Blocks, problem: Problem, limit: float) -> str:
    """Of the outputs first; of the gradients, of which ``wanted`` are right, where those are the same."""
    words = _forward(subject, ours, theirs, limit)
    if not words and wanted and theirs.dx is not None:
        words = _backward(subject, wanted, theirs, problem, limit)
    return "; ".join(words)


def _forward(subject: Subject, ours: Outputs, theirs: Outputs, limit: float) -> list[str]:
    """Of the outputs, or of the final state where they are right."""
    y = _as_floats(ours.y), _as_floats(theirs.y)
    if distance(*y) > limit:
        return [f"the outputs are {'; '.join(_way(*y, limit))}"]
    states = {
        f"{name}_T": (_as_floats(a), _as_floats(b))
        for name, a, b in zip(subject.cell.states, ours.state, theirs.state, strict=True)
    }
    return [
        f"the outputs are right, the final {name} is {'; '.join(_way(a, b, limit))}"
        for name, (a, b) in states.items()
        if distance(a, b) > limit
    ]


def _backward(subject: Subject, wanted: Blocks, theirs: Outputs, problem: Problem, limit: float) -> list[str]:
    """Of the gradients, those of which the same can be said together; and which are right."""
    got = _gradients(subject, theirs, problem, own=True)
    ways: dict[str, list[str]] = {}
    right = []
    for name, value in wanted.items():
        if distance(value, got[name]) <= limit:
            right.append(name)
        else:
            ways.setdefault("; ".join(_way(value, got[name], limit, problem.sizes, dx=name == "dx")), []).append(name)
    if not ways:
        return []
    words = [f"{_listed(names)} {'is' if len(names) == 1 else 'are'} {way}" for way, names in ways.items()]
    lag = _lag(np.abs(wanted["dx"] - got["dx"]) > limit * np.max(np.abs(wanted["dx"]))) if "dx" in wanted else 0
    if 0 < lag < len(theirs.y):
        words.append("what a step hands back to the one before it is wrong")
    return ["the outputs are right", *words, f"right: {_listed(right)}" if right else "no gradient is right"]


def _way(
    wanted: Floats, got: Floats, limit: float, sizes: Mapping[str, int] | None = None, *, dx: bool = False
) -> Iterator[str]:
    """How a block differs: a factor, a sign, a transpose, and the steps, rows and units where it does."""
    if wanted.shape != got.shape or not np.all(np.isfinite(got)):
        yield "not finite" if wanted.shape == got.shape else f"of shape {got.shape}, not {wanted.shape}"
        return
    scale = max(float(np.max(np.abs(wanted))), float(np.max(np.abs(got))))
    wrong = np.abs(got - wanted) > limit * scale
    if not got[wrong].any():
        lag = _lag(wrong) if dx else 0
        far = f": nothing comes back over more than {lag - 1} steps" if lag else ""
        yield "zero" if wrong.all() else f"zero {where(wrong, dx=dx)}{far}"
        return
    ratio = float(np.vdot(wanted, got) / np.vdot(wanted, wanted)) if wanted.any() else 0.0
    if np.max(np.abs(got - ratio * wanted)) <= limit * scale:
        yield f"{_factor(ratio, sizes or {}, limit)} times what it should be"
        return
    square = wanted.ndim == 2 and wanted.shape[0] == wanted.shape[1]
    if square and np.max(np.abs(got - wanted.T)) <= limit * scale:
        yield "the transpose of what it should be"
        return
    part = wanted[wrong]
    if wrong.sum() > 1 and not wrong.all():
        ratio = float(np.vdot(part, got[wrong]) / np.vdot(part, part)) if part.any() else 0.0
        if np.max(np.abs(got[wrong] - ratio * part)) <= limit * scale:
            yield f"{_factor(ratio, sizes or {}, limit)} times what it should be {where(wrong, dx=dx)}"
            return
    yield "wrong" if wrong.all() else f"wrong {where(wrong, dx=dx)}"


def _factor(ratio: float, sizes: Mapping[str, int], limit: float) -> str:
    """The number, as a size of the problem where it is one."""
    named: dict[str, float] = {"-1": -1.0, "2": 2.0, "1/2": 0.5}
    for name in ("B", "T", "H"):
        if sizes.get(name, 1) > 1:
            n = float(sizes[name])
            named |= {name: n, f"1/{name}": 1 / n, f"sqrt({name})": n**0.5}
    if {"T", "B"} <= sizes.keys():
        n = float(sizes["T"] * sizes["B"])
        named |= {"T*B": n, "1/(T*B)": 1 / n}
    for name, value in named.items():
        if abs(ratio - value) <= limit * max(1.0, abs(value)) * 4:
            return name if value in (-1.0, 2.0, 0.5) else f"{name} = {ratio:.6g}"
    return f"{ratio:.6g}"


def where(wrong: NDArray[np.bool_], *, dx: bool = False) -> str:
    """The steps, rows or units to which what is wrong is confined; of a sequence the steps first."""
    if wrong.ndim == 3:
        T = len(wrong)
        steps = np.flatnonzero(wrong.any(axis=(1, 2)))
        if len(steps) < T:
            if dx and np.array_equal(steps, np.arange(len(steps))):
                return f"in steps 1 to {len(steps)} of {T}"
            if np.array_equal(steps, np.arange(steps[0], T)):
                return f"from step {steps[0] + 1} of {T} on"
            return f"in step {', '.join(str(s + 1) for s in steps)} of {T}"
    axes = {3: ("row", "unit"), 2: ("row", "column"), 1: ("entry",)}.get(wrong.ndim, ())
    for axis, name in zip(range(wrong.ndim - len(axes), wrong.ndim), axes, strict=True):
        others = tuple(k for k in range(wrong.ndim) if k != axis)
        at = np.flatnonzero(wrong.any(axis=others))
        if len(at) < wrong.shape[axis]:
            return f"in {name} {', '.join(map(str, at))} of {wrong.shape[axis]}, counted from 0"
    return f"in {int(wrong.sum())} of {wrong.size} entries"


def _lag(wrong: Any) -> int:
    """How many last steps of a sequence are right, where all before them are wrong; else 0."""
    steps = wrong.any(axis=(1, 2))
    right = len(steps) - int(steps.sum())
    return right if steps[: len(steps) - right].all() else 0


def _gradients(subject: Subject, out: Outputs, problem: Problem, *, own: bool = False) -> Blocks:
    """By the papers' names, without those that the target lacks; ``own``: its parameters are in the target's arrays."""
    I, H = problem.sizes["I"], problem.sizes["H"]
    shapes, layout = subject.cell.shapes(I, H), subject.layout
    assert out.dx is not None
    found: Blocks = {"dx": _as_floats(out.dx)}
    if problem.state is not None:
        found |= {f"d{n}_0": _as_floats(d) for n, d in zip(subject.cell.states, out.dstate or (), strict=False)}
    found = {name: block for name, block in found.items() if name.removeprefix("d") not in subject.without}
    count = sum(int(np.prod(shape)) for shape in shapes.values())
    theta, held = np.zeros(count + 1), np.zeros(count + 1, dtype=bool)
    params: Mapping[str, Any] = out.dparams or {}
    if not own:
        full = [_as_floats(np.zeros(s) if params.get(n) is None else params[n]).reshape(-1) for n, s in shapes.items()]
        theta[:-1] = np.concatenate(full)
    for name, index in layout.indices(I, H).items():
        held[index] = name not in subject.without
        if own:
            theta[index] = params[name]  # several that add up to one have the same gradient
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    parts = {
        n: (theta[e - np.prod(s) : e].reshape(s), held[e - np.prod(s)])
        for (n, s), e in zip(shapes.items(), ends, strict=True)
    }
    for block in subject.cell.blocks(H):
        array, has = parts[block.array]
        if has:
            found[f"d{block.name}"] = np.asarray(block.of(array))
    return found


def _as_floats(array: Array) -> Floats:
    return np.asarray(array, dtype=np.float64)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
