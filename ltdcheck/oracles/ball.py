"""Proof: enclosures of outputs and gradients, and of the agreement of the adjoint with the forward derivative.

:func:`enclosure` runs ``step`` and the hand-derived ``step_vjp`` in balls (:mod:`ltdcheck.reference.numbers.balls`).
The precision is doubled, from 106 bits on, until every ball's radius is below 2**-10 of the target precision's rounding
unit, or the whole ball below 2**-10 of its smallest number, or ``LIMIT`` is reached.

:func:`prove` compares the adjoint's ball of ``dL/dv`` with that of the forward derivative, from dual numbers over balls
through ``step`` alone. Both hold the truth, so two that have no number in common prove the adjoint wrong; where they
meet and their union is narrower than a unit in the last place of float64, the adjoint is right to that unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ltdcheck.errors import NotDifferentiableError, OracleDisagreementError
from ltdcheck.estimate import Estimate
from ltdcheck.oracles.pairing import Blocks, blocks, blocks_of, outputs, pairing
from ltdcheck.problem import Problem
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.dual import Dual
from ltdcheck.reference.networks.unroll import Gradients, unroll, unroll_vjp
from ltdcheck.reference.numbers.balls import Balls, lifted, precision
from ltdcheck.reference.numbers.balls.intervals import apart, interval, narrow, widths
from ltdcheck.reference.numbers.formats import FORMATS
from ltdcheck.reference.numbers.runs import Runs

NAME = "ball"
BITS = 106
LIMIT = 32 * BITS
FINER = 10  # bits below the rounding of the target's precision
EVERY = 256  # entries up to which every one has a direction of its own
RANDOM = 4  # directions in each block beyond that
SPREAD = 1 << 15  # random directions have whole numbers from -SPREAD to SPREAD - 1

Held = dict[str, Balls]
Backward = Callable[[dict[str, Any], Any, Any, Any, Any], Gradients]  # (params, x, state, dy, dstate)


@dataclass(frozen=True, eq=False)
class Enclosure:
    """Outputs by the names ``y`` and ``h_T``, gradients by those of the blocks, at ``bits`` of precision."""

    outputs: Mapping[str, Estimate]
    gradients: Mapping[str, Estimate]
    bits: int


@dataclass(frozen=True)
class Proof:
    """What was proved of an adjoint; nothing, for the ``reason``, where it is not ``ok``.

    An entry that is off by more than the widest union of its block is missed by one random direction with a probability
    of at most 3/2**16, because its coefficient takes 2**16 values of which 3 at most hide it, and by several with the
    product. A direction of its own misses nothing.
    """

    bits: int
    directions: int
    entries: int
    every: bool  # each entry has a direction of its own
    ulps: float  # the widest union, in units of the last place of float64
    reason: str = ""

    @property
    def ok(self) -> bool:
        """The adjoint is proved."""
        return not self.reason

    def __str__(self) -> str:
        along = "every entry" if self.every else f"{self.directions} random directions over {self.entries} entries"
        if not self.ok:
            return f"nothing is proved along {along}: {self.reason}"
        return f"proved along {along} at {self.bits} bits, to {self.ulps:.2g} units in the last place"


def gradients(cell: Cell, problem: Problem) -> dict[str, Estimate]:
    """The gradient of the pairing in every block, as the adjoint encloses it.

    Raises
    ------
    NotDifferentiableError
        When the cell has no derivative.
    """
    _require_gradient(cell)
    return dict(enclosure(cell, problem).gradients)


def enclosure(cell: Cell, problem: Problem) -> Enclosure:
    """Outputs and, where the cell has them, gradients; a block that ``LIMIT`` bits do not decide is ``unreliable``."""
    form, bits = FORMATS[problem.precision], BITS
    digits, negligible = form.digits + FINER, form.smallest * form.unit * 2.0**-FINER
    while True:
        with precision(bits):
            y, g = _both(cell, problem)
            undecided = {name: ~narrow(b, digits, negligible) for name, b in {**y, **g}.items()}
            if bits >= LIMIT or not any(np.any(u) for u in undecided.values()):
                known = {name: _estimate(name, b, undecided[name], bits) for name, b in {**y, **g}.items()}
                return Enclosure({n: known[n] for n in y}, {n: known[n] for n in g}, bits)
        bits *= 2


def prove(
    cell: Cell, problem: Problem, directions: int | None = None, *, backward: Backward | None = None, seed: int = 0
) -> Proof:
    """The cell's adjoint, or another claimed ``backward``, against the forward derivative of its step.

    Raises
    ------
    OracleDisagreementError
        When the adjoint is wrong: it and the forward derivative exclude each other.
    NotDifferentiableError
        When the cell has no derivative.
    ValueError
        As :func:`prove_adjoint`.
    """
    _require_gradient(cell)
    return prove_adjoint(
        lambda arguments: pairing(cell, problem, arguments),
        lambda arguments: _adjoint(cell, problem, arguments, backward),
        blocks(problem),
        directions,
        seed=seed,
    )


def prove_adjoint(
    forward: Callable[[dict[str, Any]], Any],
    backward: Callable[[dict[str, Any]], Mapping[str, Any]],
    arguments: Blocks,
    directions: int | None = None,
    *,
    seed: int = 0,
) -> Proof:
    """``backward``, the gradients by name, against the derivatives of ``forward``, a number; both of named arguments.

    ``directions`` is how many random ones each argument has; None is one for each entry where there are at most
    ``EVERY`` of them, else ``RANDOM``.

    Raises
    ------
    OracleDisagreementError
        When ``backward`` is wrong.
    ValueError
        When there is nothing to prove: the arguments have no entries, or ``directions`` is below 1.
    """
    entries = sum(value.size for value in arguments.values())
    _require_something(entries, directions)
    every = directions is None and entries <= EVERY
    rng = np.random.default_rng(seed)
    chosen = {
        name: _basis(value.shape) if every else _random(rng, RANDOM if directions is None else directions, value.shape)
        for name, value in arguments.items()
        if value.size
    }
    count, bits = sum(len(v) for v in chosen.values()), BITS
    while True:
        with precision(bits):
            unions = _unions(forward, backward, arguments, chosen)
        worst = max(unions, key=unions.__getitem__, default="")
        ulps = unions.get(worst, 0.0)
        if ulps < 1:
            return Proof(bits, count, entries, every, ulps)
        if bits >= LIMIT:
            reason = (
                f"at {bits} bits the union of two balls in {worst} is still {ulps:.2g} units in the last place wide"
            )
            return Proof(bits, count, entries, every, ulps, reason)
        bits *= 2


def _require_something(entries: int, directions: int | None) -> None:
    if not entries:
        raise ValueError("the arguments have no entries: there is no derivative to prove")
    if directions is not None and directions < 1:
        raise ValueError(f"directions is {directions}; it must be at least 1, or None")


def _require_gradient(cell: Cell) -> None:
    if not cell.differentiable:
        raise NotDifferentiableError(f"{cell.name} has no gradient to enclose; enclose its outputs alone.")


def _both(cell: Cell, problem: Problem) -> tuple[Held, Held]:
    """Outputs and gradients in the precision of the context."""
    arguments = _lifted(blocks(problem))
    y, final = outputs(cell, arguments, problem.lengths)
    named = {"y": y, **{f"{s}_T": v for s, v in zip(cell.states, final, strict=True)}}
    gradient = _adjoint(cell, problem, arguments) if cell.differentiable else {}
    return _lifted(named), _lifted(gradient)


def _adjoint(cell: Cell, problem: Problem, arguments: dict[str, Any], backward: Backward | None = None) -> Blocks:
    """The gradients by name, of BPTT or of a claimed backward pass."""
    states = [f"state.{k}" for k in range(len(cell.states))]
    params = {name: a for name, a in arguments.items() if name != "x" and name not in states}
    x, state = arguments["x"], tuple(arguments[name] for name in states)
    dy, dstate = lifted(problem.dy), tuple(map(lifted, problem.dstate))
    if backward is not None:
        return blocks_of(backward(params, x, state, dy, dstate))
    _, _, tape = unroll(cell, params, x, state, lengths=problem.lengths)
    return blocks_of(unroll_vjp(cell, params, tape, dy, dstate))


def _lifted(arrays: Mapping[str, Any]) -> Held:
    return {name: lifted(array) for name, array in arrays.items()}


def _estimate(name: str, balls: Balls, undecided: Any, bits: int) -> Estimate:
    value, error = interval(balls)
    if np.any(undecided):
        where = tuple(int(k) for k in np.argwhere(undecided)[0])
        return Estimate(
            value, error, "unreliable", NAME, _why(name, where, balls.all[where], float(error[where]), bits)
        )
    if not np.all(np.isfinite(error)):
        return Estimate(value, error, "unreliable", NAME, f"{name} leaves the range of float64")
    return Estimate(value, error, oracle=NAME)


def _why(name: str, where: tuple[int, ...], ball: Any, error: float, bits: int) -> str:
    place = f"{name}[{', '.join(map(str, where))}]"
    if not ball.is_finite():
        return f"{place} is not finite at {bits} bits"
    return f"at {bits} bits {place} is still known to +- {error:.2g} only: a kink, or rounding grows faster than that"


def _basis(shape: tuple[int, ...]) -> Any:
    size = int(np.prod(shape))
    return np.eye(size).reshape(size, *shape)


def _random(rng: np.random.Generator, count: int, shape: tuple[int, ...]) -> Any:
    return rng.integers(-SPREAD, SPREAD, size=(count, *shape)).astype(float)


def _unions(forward: Any, backward: Any, arguments: Blocks, chosen: Blocks) -> dict[str, float]:
    """The widest union of each block's two balls of dL/dv; all of them meet."""
    gradient, held = _lifted(backward(_lifted(arguments))), _lifted(arguments)
    return {name: _union(name, forward, gradient[name], held, v) for name, v in chosen.items()}


def _union(name: str, forward: Any, gradient: Balls, held: Held, directions: Any) -> float:
    K = len(directions)
    # every argument moves in runs of balls, most of them by 0: what is joined is then of one number system
    dots = {k: directions if k == name else np.zeros((1, *a.shape)) for k, a in held.items()}
    dot = forward({k: Dual(a, Runs(lifted(dots[k]))) for k, a in held.items()}).dot
    ahead = Balls(np.broadcast_to(dot.all.all, (K,)))
    back = (gradient * directions).reshape(K, -1).sum(axis=-1)
    if len(wrong := np.flatnonzero(apart(back, ahead))):
        _disprove(name, directions[wrong[0]], back.all[wrong[0]], ahead.all[wrong[0]], len(wrong), K)
    return float(np.max(widths(back, ahead)))


def _disprove(name: str, direction: Any, back: Any, ahead: Any, wrong: int, K: int) -> None:
    moved = np.argwhere(direction)
    place = f"{name}[{', '.join(map(str, moved[0]))}]" if len(moved) == 1 else f"a random direction of {name}"
    raise OracleDisagreementError(
        f"The adjoint and the forward derivative exclude each other along {place}, one of {wrong} of {K} directions: "
        f"the adjoint's is {back.str(17)}, the forward derivative {ahead.str(17)}. "
        "Both hold the truth unless the adjoint is wrong: look at step_vjp."
    )
