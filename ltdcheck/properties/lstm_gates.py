"""What the LSTM's gates are for: passing on, remembering, adding, erasing, overwriting (C30, C31, C32)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.problem import Problem
from ltdcheck.properties.compare import merged
from ltdcheck.properties.held import EPS, NO_STEP, at_most, equals
from ltdcheck.properties.law import Evidence, law
from ltdcheck.properties.saturated import FUNCTION, affine, driven, logistic
from ltdcheck.reference import jacobians
from ltdcheck.reference.cell import Cell
from ltdcheck.reference.cells.lstm import LSTM
from ltdcheck.reference.networks.unroll import run, unroll

Array = NDArray[Any]

OTHER = Evidence(not_applicable="it speaks of the LSTM's gates")
THROUGH = {"f": 1, "i": -1, "o": -1}
SETTINGS = {"remember": (1, -1), "add": (1, 1), "erase": (-1, -1), "overwrite": (-1, 1)}  # signs of f and i


@law("lstm.pass_through", about="reference")
def pass_through(cell: Cell, problem: Problem) -> Evidence:
    """With f = 1, i = 0, o = 0 the cell state and its gradient pass every step unchanged, to the last bit (C30).

    Biases hold the gates there exactly. The output is then 0 and no gradient enters or leaves the cell.
    """
    if not isinstance(cell, LSTM):
        return OTHER
    problem = driven(cell, problem, THROUGH)
    y, (_, c), g = run(cell, problem)
    return merged(
        equals("c_T", c, problem.given_state[1], message="a closed cell does not keep its state"),
        equals("dc_0", g.state[1], problem.dstate[1], message="a closed cell does not pass its gradient on"),
        equals("y", y, 0 * y, message="a shut output gate lets something out"),
        equals("dx", g.x, 0 * g.x, message="shut gates let a gradient through to the input"),
    )


@law("lstm.pass_through_at_gate_values", about="reference")
def pass_through_at_gate_values(cell: Cell, problem: Problem) -> Evidence:
    """The adjoint of one step, evaluated at the gate values f = 1, i = 0, o = 0, returns dc to the last bit (C30).

    The gates are set, not driven: nothing is assumed of the logistic.
    """
    if not isinstance(cell, LSTM):
        return OTHER
    h, c = problem.given_state
    shut, opened, g = np.zeros_like(c), np.ones_like(c), np.tanh(c)
    saved = (h, c, np.concatenate([shut, opened, shut], axis=-1), g, c, np.tanh(c))
    dz, (dh, dc), _ = cell.step_vjp(problem.params, saved, problem.dstate)
    return merged(
        equals("dc", dc, problem.dstate[1], message="the gradient does not pass unchanged"),
        equals("dh", dh, 0 * dh, message="gates without slope pass a gradient to the output before"),
        equals("dz", dz, 0 * dz, message="gates without slope pass a gradient to the input"),
    )


@law("lstm.pass_through_limit", about="reference")
def pass_through_limit(cell: Cell, problem: Problem) -> Evidence:
    """As the biases grow the gradient of c_0 approaches that of c_T, as fast as exp(-bias) (C30).

    The bound follows the adjoint step by step with every gate's distance from its limit, and slope, at most exp(-bias).
    """
    if not isinstance(cell, LSTM):
        return OTHER
    evidence = []
    for by in (4.0, 8.0, 16.0, 32.0):
        near = driven(cell, problem, THROUGH, by)
        _, _, g = run(cell, near)
        distance = np.max(np.abs(g.state[1] - problem.dstate[1]), initial=0.0)
        message = f"with biases of {by:g} the gradient is further from passing through than the gates allow"
        evidence.append(at_most("abs(dc_0 - dc_T)", distance, _limit(near, np.exp(-by)), message))
    return merged(*evidence)


def _limit(problem: Problem, e: float) -> float:
    """A bound on abs(dc_0 - dc_T) over all units, when every gate is within ``e`` of its limit."""
    p = problem.params
    W = float(np.max(np.abs(p["W"]).sum(axis=0), initial=0.0))
    P = float(np.max(np.abs(p["p"]), initial=0.0)) if "p" in p else 0.0
    C = float(np.max(np.abs(problem.given_state[1]), initial=0.0)) + len(problem.x)
    R = float(np.max(np.abs(p["R"]).sum(axis=0), initial=0.0)) if "R" in p else 1.0
    dh, dc = (float(np.max(np.abs(d), initial=0.0)) for d in problem.dstate)
    apart = 0.0
    for dy in problem.dy[::-1]:
        dh += float(np.max(np.abs(dy), initial=0.0))
        da_o = R * dh * e  # abs(tanh) is at most 1
        entered = R * dh * e + P * da_o  # dm*o*(1 - k*k), and through the output gate's peephole
        reached_c = dc + entered
        da_i, da_f, da_g = reached_c * e, reached_c * C * e, reached_c * e
        lost = entered + reached_c * e + P * (da_i + da_f + da_o)  # dc*(1 - f), and through the peepholes
        rounded = 16 * EPS * (dc + lost)
        apart += lost + rounded
        dc += lost + rounded
        dh = W * max(da_i, da_f, da_o, da_g)
    return apart


@law("lstm.four_settings", about="reference")
def four_settings(cell: Cell, problem: Problem) -> Evidence:
    """f and i, each 0 or 1, make the cell remember, add, erase, overwrite: c' = c, c + g, 0, g (C31).

    Remembering and erasing are exact; the candidate g is computed anew, and may round differently.
    """
    if not isinstance(cell, LSTM):
        return OTHER
    if not len(problem.x):
        return NO_STEP
    return merged(*(_setting(cell, problem, name, f, i) for name, (f, i) in SETTINGS.items()))


def _setting(cell: LSTM, problem: Problem, name: str, f: int, i: int) -> Evidence:
    problem = driven(cell, problem, {"f": f, "i": i})
    p, state = problem.params, problem.given_state
    H = problem.sizes["H"]
    evidence = []
    for x, z in zip(problem.x, cell.drive(p, problem.x), strict=True):
        h, c = state
        state, _ = cell.step(p, z, state)
        a, error = affine(p, slice(3 * H, 4 * H), x, h)
        g = np.tanh(a) if cell.candidate == "tanh" else logistic(a)
        kept, added = (c if f > 0 else 0 * c), (g if i > 0 else 0 * g)
        bound = (error + FUNCTION + EPS * np.abs(c)) if i > 0 else 0.0
        evidence.append(equals("c", state[1], kept + added, bound, f"with f and i set to {name}, the cell does not"))
    return merged(*evidence)


@law("lstm.cell_path_is_diag_f", about="reference")
def cell_path_is_diag_f(cell: Cell, problem: Problem) -> Evidence:
    """Along the cell-state path the Jacobian of a step is diag(f), with no other factor (C32).

    It is that of c' by c at a given h; peepholes, which add a path through the gates, are set to zero.
    """
    if not isinstance(cell, LSTM):
        return OTHER
    if not len(problem.x):
        return NO_STEP
    params = {k: v if k != "p" else np.zeros_like(v) for k, v in problem.params.items()}
    H = problem.sizes["H"]
    y, _, _ = unroll(cell, params, problem.x, problem.given_state)
    before = np.concatenate([problem.given_state[0][None], y])[:-1]  # h_0 .. h_{T-1}
    a, error = affine(params, slice(H, 2 * H), problem.x, before)
    f = logistic(a + cell.forget_offset)
    path = jacobians.step_jacobians(cell, params, problem.x, problem.given_state)[..., -H:, -H:]
    eye = np.eye(H)
    bound = eye * (error + EPS * np.abs(a) + FUNCTION)[..., None, :]
    return equals("d c_t / d c_{t-1}", path, eye * f[..., None, :], bound, "the cell's path has another factor than f")
