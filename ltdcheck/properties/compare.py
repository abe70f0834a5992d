"""Entry-by-entry comparison against bounds: the one place where a number is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ltdcheck.estimate import Estimate
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.law import Disagreement, Evidence
from ltdcheck.properties.subject import Subject


def compare(
    subject: Subject, problem: Problem, got: Mapping[str, Array], wanted: Mapping[str, Estimate], message: str = ""
) -> Evidence:
    """Hold every block of ``got`` against ``wanted``; the worst entry is the disagreement.

    A block that is missing, of another shape, or not finite where it should be, disagrees as a whole. A block that
    rounding hides, and an entry without a bound, are left out; where that is all of them, nothing is decided.
    """
    compared, worst, left_out = 0, 0.0, 0
    detectable: dict[str, float] = {}
    found: Disagreement | None = None
    for name, estimate in wanted.items():
        if name not in got:
            where = subject.place(name, (0,) * estimate.value.ndim, problem)
            return Evidence(disagreement=Disagreement(where, "nothing", "an array", 0.0, f"{name} did not come"))
        array = np.asarray(got[name])
        if array.shape != estimate.value.shape:
            where = subject.place(name, (0,) * estimate.value.ndim, problem)
            text = f"{name} has shape {array.shape} where {estimate.value.shape} is right"
            return Evidence(disagreement=Disagreement(where, str(array.shape), str(estimate.value.shape), 0.0, text))
        if not array.size:
            continue
        if estimate.status != "ok":
            left_out += 1
            continue
        ratio = ratios(array, estimate)
        compared += int(np.count_nonzero(np.isfinite(estimate.error)))
        if seen := resolution(estimate):
            detectable[name] = seen
        index = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
        if ratio[index] > worst:
            worst = float(ratio[index])
            if worst > 1:
                found = _disagreement(subject, problem, name, tuple(map(int, index)), array, estimate, message)
    return Evidence(
        compared,
        worst,
        max(detectable.values(), default=None),
        found,
        undecided="" if compared or not left_out else hidden(wanted, problem),
        left_out=left_out,
        blocks=detectable,
    )


def hidden(estimates: Mapping[str, Estimate], problem: Problem) -> str:
    """Why nothing can be decided about these blocks; "" where something can."""
    if not estimates or any(e.status == "ok" for e in estimates.values()):
        return ""
    name, estimate = next(iter(estimates.items()))
    return f"{name} is beyond {problem.precision}: {estimate.reason}"


def ratios(got: Array, estimate: Estimate) -> NDArray[np.float64]:
    """Error over bound, entry by entry; infinite where it must be exact and is not, or where it is not a number.

    Where the estimate is not finite the range of the precision has ended: any number is wrong, and nothing else is.
    Where the bound is infinite everything is right.
    """
    exact = np.asarray(estimate.value)
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(got.astype(exact.dtype, copy=False) - exact).astype(np.float64)
    bound = np.asarray(estimate.error, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(error == 0, 0.0, error / bound)
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    ended = ~np.isfinite(exact)
    ratio[ended] = np.where(np.isfinite(got[ended]), np.inf, 0.0)
    ratio[np.isinf(bound)] = 0.0
    return ratio


def resolution(estimate: Estimate) -> float:
    """The relative error that is seen in a typical entry of this block: the median of its bounds over its values.

    Entries that are 0, or not told from 0 by their bound, have no relative error. Of a comparison it is that of the
    worst block, of a property that of its best example: ``detectable`` in a record, and ``blocks`` one by one.
    """
    value, error = (np.asarray(a, dtype=np.float64) for a in (np.abs(estimate.value), estimate.error))
    seen = (value > error) & np.isfinite(value)
    return float(np.median(error[seen] / value[seen])) if np.any(seen) else 0.0


def doubled(estimates: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """The bounds for the distance of two right answers."""
    return {n: replace(e, error=2 * e.error) for n, e in estimates.items()}


def against(got: Mapping[str, Array], wanted: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """The target's own answer ``got`` as what another of its answers is held against, with twice the bound."""
    return {
        n: replace(
            e, value=np.asarray(got[n], dtype=np.asarray(e.value).dtype), error=2 * e.error, oracle="the target itself"
        )
        for n, e in wanted.items()
        if n in got
    }


def alike(
    subject: Subject,
    problem: Problem,
    first: Mapping[str, Array],
    second: Mapping[str, Array],
    wanted: Callable[[], Mapping[str, Estimate]],
    message: str = "",
) -> Evidence:
    """Two answers of one target are the same, within twice the bound of ``wanted()``.

    Bounds are asked for where the answers differ at all.
    """
    if first.keys() == second.keys():
        pairs = [(np.asarray(first[name]), np.asarray(second[name])) for name in first]
        if all(np.array_equal(a, b, equal_nan=True) for a, b in pairs):
            return Evidence(compared=sum(a.size for a, _ in pairs))
    return compare(subject, problem, second, against(first, wanted()), message)


def merged(*evidence: Evidence) -> Evidence:
    """Several comparisons as one; the first disagreement stays, and one that could not be made where none was."""
    detectable = [e.detectable for e in evidence if e.detectable is not None]
    compared = sum(e.compared for e in evidence)
    return Evidence(
        compared=compared,
        worst=max((e.worst for e in evidence), default=0.0),
        detectable=max(detectable, default=None),
        disagreement=next((e.disagreement for e in evidence if e.disagreement), None),
        undecided="" if compared else next((e.undecided for e in evidence if e.undecided), ""),
        not_applicable=next((e.not_applicable for e in evidence if e.not_applicable), ""),
        notes=tuple(note for e in evidence for note in e.notes),
        left_out=sum(e.left_out for e in evidence),
        blocks={name: seen for e in evidence for name, seen in e.blocks.items()},
    )


def digits(value: float, bound: float) -> str:
    """A number in as many digits as its bound supports."""
    if not np.isfinite(value) or value == 0:
        return repr(float(value))
    if bound <= 0 or not np.isfinite(bound):
        return repr(float(value))
    count = int(np.clip(np.ceil(np.log10(abs(value) / bound)) + 1, 2, 17))
    return f"{value:.{count}g}"


def _disagreement(
    subject: Subject, problem: Problem, name: str, index: tuple[int, ...], got: Array, estimate: Estimate, message: str
) -> Disagreement:
    bound = float(estimate.error[index])
    return Disagreement(
        subject.place(name, index, problem),
        digits(float(got[index]), bound),
        digits(float(estimate.value[index]), bound),
        bound,
        message,
    )
