"""What must matter to a target without a reference: each array, and each step's input, state and cotangent.

Which entries an answer depends on at one point is not known of it: a unit may be shut. So what has no effect on the
problem that is asked is tried on others, with more rows, steps and units, and it is wrong where it has none on any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from ltdcheck.problem import Array, Problem
from ltdcheck.properties.law import Disagreement, Evidence
from ltdcheck.properties.own_slopes import slope, whole
from ltdcheck.properties.subject import Subject
from ltdcheck.result import Place
from ltdcheck.strategies.problems import Recipe, build

OTHERS = 4  # problems that are tried besides
Change = Callable[[Problem], Problem]


def every_parameter(subject: Subject, problem: Problem) -> Evidence:
    """Each array as a whole."""

    def raised(name: str) -> Change:
        return lambda p: p.with_(params={n: v + 0.5 if n == name else v for n, v in p.params.items()})

    return _matter(subject, problem, {name: raised(name) for name in problem.params}, "parameter")


def every_input(subject: Subject, problem: Problem) -> Evidence:
    """The input of each step, and each feature of it."""
    T, _, I = problem.x.shape

    def at(step: int | slice, feature: int | slice) -> Change:
        def change(p: Problem) -> Problem:
            x = p.x.copy()
            x[step, :, feature] += 0.5
            return p.with_(x=x)

        return change

    every = slice(None)
    steps = {f"x at step {t + 1}": at(t, every) for t in range(T)}
    return _matter(subject, problem, {**steps, **{f"feature {k} of x": at(every, k) for k in range(I)}})


def every_state(subject: Subject, problem: Problem) -> Evidence:
    """Each array of the initial state."""

    def raised(k: int) -> Change:
        return lambda p: p.with_(state=tuple(s + 0.5 if j == k else s for j, s in enumerate(p.given_state)))

    return _matter(subject, problem, {f"{s}_0": raised(k) for k, s in enumerate(subject.cell.states)})


def every_cotangent(subject: Subject, problem: Problem) -> Evidence:
    """Those of the output at every step and of every final state change a gradient, where differences say so."""
    before = subject.gradients(subject.run(problem))
    compared = 0
    for name, dy, dstate in _losses(subject, problem):
        both = tuple(a + b for a, b in zip(problem.dstate, dstate, strict=True))
        after = subject.gradients(subject.run_again(problem.with_(dy=problem.dy + dy, dstate=both)))
        compared += 1
        if any(not np.array_equal(before[n], after[n], equal_nan=True) for n in before):
            continue
        due = slope(subject, problem.with_(dy=dy, dstate=dstate), whole(problem))
        if due.status == "ok" and abs(due.value) > due.error:
            return _no_effect(compared, f"d{name}", f"the cotangent of {name} has no effect on any gradient")
    return Evidence(compared)


def _losses(subject: Subject, problem: Problem) -> Iterator[tuple[str, Array, tuple[Array, ...]]]:
    """One cotangent at a time, the others zero."""
    none = tuple(np.zeros_like(d) for d in problem.dstate)
    for t in range(len(problem.dy)):
        dy = np.zeros_like(problem.dy)
        dy[t] = 0.5
        yield f"y at step {t + 1}", dy, none
    for k, name in enumerate(subject.cell.states):
        yield f"{name}_T", np.zeros_like(problem.dy), tuple(d + 0.5 if j == k else d for j, d in enumerate(none))


def _matter(subject: Subject, problem: Problem, changes: Mapping[str, Change], what: str = "") -> Evidence:
    """Each change moves an entry of an answer, on this problem or on another."""
    for name, change in changes.items():
        if not any(_moves(subject, asked, change) for asked in (problem, *_others(subject, problem))):
            shown = f"{what} {name}".strip()
            return _no_effect(len(changes), name, f"{shown} has no effect on any output")
    return Evidence(len(changes))


def _moves(subject: Subject, problem: Problem, change: Change) -> bool:
    before = subject.outputs(subject.run(problem, backward=False))
    after = subject.outputs(subject.run_again(change(problem), backward=False))
    return any(not np.array_equal(before[n], after[n], equal_nan=True) for n in before)


def _others(subject: Subject, problem: Problem) -> Iterator[Problem]:
    """Problems of at least three rows and steps, and four units where it has other sizes, with the same inputs."""
    sizes = problem.sizes
    H = sizes["H"] if subject.implementation.fixed_sizes else max(sizes["H"], 4)
    T, B = max(sizes["T"], 3), max(sizes["B"], 3)
    for k in range(OTHERS):
        recipe = Recipe(T=T, B=B, I=sizes["I"], H=H, seed=50 + k, precision=problem.precision)
        yield build(subject.cell, recipe)


def _no_effect(compared: int, name: str, text: str) -> Evidence:
    """Nothing changed where something must."""
    return Evidence(compared, disagreement=Disagreement(Place(name), "no change", "a change", 0.0, text))
