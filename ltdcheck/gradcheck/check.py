"""Check the gradient of any function of arrays."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from ltdcheck.adapters.functions import Function, How, Vector, function_of, held, joined
from ltdcheck.gradcheck.agreement import agreed, small
from ltdcheck.gradcheck.blocks import Plan, examine
from ltdcheck.gradcheck.notes import DIRECTIONS
from ltdcheck.gradcheck.notes import notes as notes_of
from ltdcheck.gradcheck.numpy_function import NumPyFunction
from ltdcheck.gradcheck.proved import enclosed
from ltdcheck.gradcheck.report import BlockResult, GradientReport
from ltdcheck.gradcheck.second import derivative_of, transposed
from ltdcheck.gradcheck.slopes import COSTLIEST, Slopes
from ltdcheck.gradcheck.tested import HALF, Mode, Tested
from ltdcheck.oracles.rounding import HALF_SAMPLES
from ltdcheck.oracles.shaking import COPIES, FACTOR, root_mean_square

BUDGET = 64
PASSES = 3  # of f, about what a forward pass and two backward ones take
LONG = 10.0  # seconds, from which on a check says what it will take
LOGGER = logging.getLogger(__name__)


def check_gradient(
    f: Callable[..., Any],
    x: Any,
    gradient: Any = None,
    *,
    order: Literal[1, 2] = 1,
    hessian: Any = None,
    mode: Mode = "reverse",
    budget: int = BUDGET,
    seed: int = 0,
    prove: bool = False,
) -> GradientReport:
    """Compare a gradient of ``f`` at ``x`` with its derivative, within bounds that are derived.

    ``f`` is NumPy, torch or jax code, or a torch module, whose parameters are then checked besides its arguments.
    ``x`` is an array or a tree of tuples, lists and dicts; a tuple is several arguments, ``f(*x)``. f may return an
    array or a tree of arrays. ``gradient`` is a tree like x; for an output that is no scalar, of arrays whose shape is
    that of the output followed by that of the block of x; or a function of x that returns one; or None for the
    framework's own, ``mode`` "reverse" for its vector-Jacobian product and "forward" for its Jacobian-vector product.
    Integers and booleans beside them are constants, as indices are.

    With ``order=2``, or a ``hessian``, the derivative of the gradient is checked as well, once the gradient is right:
    ``hessian``, an array whose shape is that of x twice, or a function of x that returns one; or the framework's own. A
    gradient given as NumPy code has no derivative of its own: the oracle differentiates it, and its derivative is
    checked to be symmetric, as that of every gradient is.

    The oracle is a complex step where the code of f runs on complex numbers, else central differences with an error of
    their own. What they leave open, or contradict, is asked of dual numbers over balls, which prove the derivative: for
    NumPy code of up to 256 entries that runs on arrays of objects. With ``prove`` these are asked first.

    Where x has no more than ``budget`` entries, and f no more than 8 outputs, every entry is compared, all in one step
    (:mod:`ltdcheck.gradcheck.agreement`). Beyond, and where that leaves anything open, a block of x is compared entry
    by entry where that takes no more than its share of ``budget`` evaluations of f, else along k random directions in
    which every entry weighs the same; one wrong entry above twice the detectable size is then always seen, and an error
    of r times the detectable size is missed with probability at most r**-k (:mod:`ltdcheck.gradcheck.directions`). At a
    kink, as of ``relu`` at 0, every value between the slopes to its sides is right; of several entries that meet one,
    as in ``max(a, a)``, also along directions of all of them (:mod:`ltdcheck.gradcheck.kinks`).

    The bound of a comparison is 64 times the spread that rounding causes in the precision of x, with every operation
    off at random: of the oracle, whose spread is to first order that of a backward pass, where that suffices or the
    gradient has no code, else of the gradient's own code (:mod:`ltdcheck.gradcheck.trial`). What agrees within that of
    a single operation is right without a measurement. The verdict is undecided (``ok`` is None) where the bound hides
    the gradient.

    Raises
    ------
    ValueError
        When x holds no real floating-point numbers or ones that are not finite, when f(x) does, when shapes do not
        fit, or when there is no gradient to check.
    """
    if order not in (1, 2) or mode not in ("reverse", "forward") or budget < 1:
        raise ValueError(f"order={order}, mode={mode!r}, budget={budget}: order is 1 or 2, mode reverse or forward")
    x = held(f, x)
    function = function_of(f, x, NumPyFunction)
    _refuse_nothing(function)
    report = _checked(function, Tested(function, gradient, mode), Plan(budget, seed, prove), "gradient")
    if (order == 1 and hessian is None) or report.ok is not True:
        return report
    second = derivative_of(function, f, x, gradient)
    _refuse_nothing(second)
    symmetric = hessian is None and not (second.own and (gradient is None or second.framework != "NumPy"))
    tested = Tested(second, transposed(second) if symmetric else hessian, mode)
    what = "symmetry of the derivative of the gradient" if symmetric else "derivative of the gradient"
    again = _checked(second, tested, Plan(budget, seed, prove), what)
    return GradientReport(
        (*report.blocks, *again.blocks),
        f"gradient, and the {what}," if again.ok is not False else again.what,
        report.evaluations + again.evaluations,
        again.reason,
        (*report.notes, *again.notes),
    )


def _checked(function: Function, tested: Tested, plan: Plan, what: str) -> GradientReport:
    _refuse_not_finite(function, function.first)
    start, passes = time.perf_counter(), PASSES
    value, *_ = tested.twice
    if value is None or not np.array_equal(value, function.first):
        start, passes = time.perf_counter(), 1
        value = function.value(function.point)
    seconds = (time.perf_counter() - start) / passes
    reason = _moving(function.first, value, "f", "values")
    if not reason and (gap := tested.differs):
        reason = f"the gradient is not deterministic: two calls at the same x differ by {gap:.1e} of its largest entry"
    if reason:
        return GradientReport((), what, function.evaluations, reason)
    slopes, few = Slopes(function), small(tested, plan.budget)
    _announce(seconds, slopes, plan)
    blocks = agreed(tested, slopes) if few and not plan.prove else []
    if blocks:
        m = sum(b.size for b in function.outputs)
        return GradientReport(blocks, what, function.evaluations, "", list(notes_of(blocks, slopes, m, m)))
    blocks, notes, slopes = _examined(tested, slopes, plan, first=few or plan.prove)
    if tested.eps > HALF and any(b.undecided for b in blocks):
        again = Tested(function, tested.gradient, tested.mode, HALF_SAMPLES)
        blocks, notes = examine(again, slopes, plan)
    other = _other(function) if any(b.wrong for b in blocks) else ""
    if other:
        blocks = [replace(b, wrong=False, undecided=other) if b.wrong else b for b in blocks]
    return GradientReport(blocks, what, function.evaluations, "", notes)


def _examined(
    tested: Tested, slopes: Slopes, plan: Plan, *, first: bool
) -> tuple[list[BlockResult], list[str], Slopes]:
    """Block by block, and the oracle that told: balls, which prove, first or where others leave anything open."""
    proof = enclosed(tested.function) if first else None
    if not first:
        blocks, notes = examine(tested, slopes, plan)
        if all(not b.wrong and not b.undecided for b in blocks):
            return blocks, notes, slopes
        proof = enclosed(tested.function)
        if proof is None:
            return blocks, notes, slopes
    slopes = slopes if proof is None else Slopes(tested.function, proof=proof)
    return (*examine(tested, slopes, plan), slopes)


def _timed(function: Function) -> float:
    start = time.perf_counter()
    function.value(function.point)
    return time.perf_counter() - start


def _announce(seconds: float, slopes: Slopes, plan: Plan) -> None:
    """Say beforehand what takes long: a direction or an entry of each block, each several evaluations."""
    n, blocks = len(slopes.function.point), len(slopes.function.blocks)
    if seconds * (COPIES + max(plan.budget, DIRECTIONS * COSTLIEST * blocks)) <= LONG:
        return
    seconds = _timed(slopes.function)  # what was measured so far may be a first call, which loads and compiles
    evaluations = COPIES + min(n * slopes.cost, max(plan.budget, DIRECTIONS * slopes.cost * blocks))
    if seconds * evaluations > LONG:
        LOGGER.warning(
            "check_gradient: f takes %.2g s, and about %d evaluations will take %.0f s; more if the gradient is wrong",
            seconds,
            evaluations,
            seconds * evaluations,
        )


def _other(function: Function) -> str:
    """Why the oracles, which compute in float64, may have seen another function: its value is another one there."""
    eps = max(b.eps for b in (*function.blocks, *function.outputs))
    low, high = (function.value(function.point, raised=raised) for raised in (False, True))
    try:
        copies = [
            joined([p for _, p in function.answer(function.f, function.point, How(k, eps))]) for k in range(COPIES)
        ]
    except Exception:  # noqa: BLE001  (code that does not run on arrays that round does not show how far it may be off)
        return ""
    with np.errstate(invalid="ignore"):
        bound = FACTOR * root_mean_square(np.abs(np.stack(copies) - high)) + 2 * eps * np.abs(low)
        far = np.abs(low - high) > bound
    if not np.any(far):
        return ""
    k = int(np.argmax(far))
    return (
        f"f computes another function in float64, where the oracles look at it: {high[k]:.6g} instead of {low[k]:.6g}; "
        "it may draw other random numbers for another dtype"
    )


def _moving(first: Vector, second: Vector, what: str, which: str) -> str:
    gap = np.max(np.abs(first - second), initial=0.0)
    if not gap:
        return ""
    return (
        f"{what} is not deterministic: two calls at the same x give {which} that differ by {gap:.1e}, where the "
        f"largest is {np.max(np.abs(first)):.1e}; fix its random numbers, as by a seed inside f"
    )


def _refuse_nothing(function: Function) -> None:
    if not function.point.size:
        raise ValueError("x holds no numbers, so there is no gradient to compare")
    if not any(b.size for b in function.outputs):
        raise ValueError("f returns no numbers, so there is no gradient to compare")
    if not np.all(np.isfinite(function.point)):
        raise ValueError("x holds numbers that are not finite, where no derivative exists: give a finite point")


def _refuse_not_finite(function: Function, y: Vector) -> None:
    if not np.all(np.isfinite(y)):
        raise ValueError(f"f(x) is not finite ({y[~np.isfinite(y)][0]}), so it has no derivative: give another point")
