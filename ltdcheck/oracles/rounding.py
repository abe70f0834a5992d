"""The expected outputs and gradients of a problem, each with the error that the target's precision allows.

The reference runs once on numbers that carry their own rounding (:mod:`ltdcheck.reference.numbers.perturbed`): more
precisely than the target for the value, and K times with random rounding for its spread. The bound of an entry is
``FACTOR`` times its spread, the root mean square of its K deviations.

Why a spread is the right size: to first order the error of an entry is the sum of all roundings before it, each times
the derivative of the entry by it. Running the whole computation with random roundings draws from that very sum, with
the signs, the cancellation and the conditioning of this problem; no rounding is bounded apart from the others, so the
bound neither explodes with the number of steps nor misses a network in which an error grows. A right implementation
is one more draw, whose roundings are no larger than the model's.

``FACTOR``, 64, is not a tolerance on the answer but the confidence of a statistical statement: right implementations
stay below about 20 spreads (``tox -e quality`` measures it), and an error of one part in 1e12 in one entry is still
seen in float64. What a target cannot answer in its precision is judged by :mod:`ltdcheck.oracles.judging`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ltdcheck.estimate import Estimate
from ltdcheck.oracles.judging import judged, within_range
from ltdcheck.problem import HALF_PRECISIONS, Array, Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp
from ltdcheck.reference.numbers.perturbed import REACH, SAMPLES, Perturbed, Rounding

FACTOR = REACH
# of half precisions, whose digits leave no room for a bound of 64 spreads: it is 17 spreads of this many samples
HALF_SAMPLES = 96
# entries of outputs and parameters from which half the samples must do. A bound made of K samples is exceeded as a
# t-distribution with K degrees of freedom is: beyond 64 times a spread of half the model's, about 2e-11 of the entries
# of a right answer at K = 6
LARGE = 1 << 13

# where long double is no longer than double, the value's own error is as large as the target's
_OWN = 2.0 if np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps else 1.0


@dataclass(frozen=True, eq=False)
class Expected:
    """What a right implementation returns: outputs ``y``, ``h_T``, ``c_T``; gradients ``x``, ``h_0``, ``U``, .."""

    outputs: Mapping[str, Estimate]
    gradients: Mapping[str, Estimate]
    arrived: Mapping[str, Array]  # "h": (T, B, H), the cotangent that arrives at every step's state

    @property
    def hidden(self) -> tuple[str, ...]:
        """The blocks in which rounding hides everything: they are left out of every comparison."""
        return tuple(name for name, e in {**self.outputs, **self.gradients}.items() if e.status != "ok")

    @property
    def beyond_precision(self) -> bool:
        """Rounding hides every block: nothing of the problem can be decided in its precision."""
        return bool(self.hidden) and len(self.hidden) == len(self.outputs) + len(self.gradients)


def samples_of(precision: str) -> int:
    """K, of problems that are not large."""
    return HALF_SAMPLES if precision in HALF_PRECISIONS else SAMPLES


def expected(cell: Cell, problem: Problem, *, samples: int = 0, backward: bool = True) -> Expected:
    """Value and bound of every output and gradient entry of ``problem``, for a target of its precision.

    A cell that is not differentiable has outputs alone.
    """
    entries = problem.dy.size + sum(value.size for value in problem.params.values())
    samples = samples or samples_of(problem.precision)
    rounding = Rounding(problem.precision, samples if entries < LARGE else samples // 2)
    params = {name: np.asarray(value, dtype=rounding.exact) for name, value in problem.params.items()}
    state = tuple(rounding.lift(s) for s in problem.given_state)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        y, final, tape = unroll(cell, params, rounding.lift(problem.x), state, lengths=problem.lengths)
        outputs = _estimates(
            {"y": y, **{f"{s}_T": v for s, v in zip(cell.states, final, strict=True)}}, problem.precision
        )
        if not (backward and cell.differentiable):
            return Expected(outputs, {}, {})
        dstate = tuple(rounding.lift(d) for d in problem.dstate)
        g = unroll_vjp(cell, params, tape, rounding.lift(problem.dy), dstate)
        gradients = {"x": g.x, **{f"{s}_0": v for s, v in zip(cell.states, g.state, strict=True)}, **g.params}
        arrived = {
            s: np.array([np.asarray(step[k].value, dtype=np.float64) for step in g.arrived])
            for k, s in enumerate(cell.states)
        }
        # after an output without a bound, whose overflow may have become a NaN and that a 0, an overflow need not show
        certain = all(e.status == "ok" and bool(np.all(np.isfinite(e.error))) for e in outputs.values())
        estimates = _estimates(gradients, problem.precision, certain=certain)
        return Expected(outputs, estimates, arrived)


def _estimates(
    blocks: Mapping[str, Perturbed | Array], precision: str, *, certain: bool = False
) -> dict[str, Estimate]:
    return {name: _estimate(block, precision, certain=certain) for name, block in blocks.items()}


def _estimate(block: Perturbed | Array, precision: str, *, certain: bool) -> Estimate:
    if not isinstance(block, Perturbed):  # a parameter that no step used: its gradient is exactly zero
        return Estimate(block, np.zeros(block.shape), oracle="rounding")
    bound = block.rounding.reach * _OWN * block.spread()
    value, error = within_range(block.value, bound, precision, certain=certain)
    return judged(value, error, precision)
