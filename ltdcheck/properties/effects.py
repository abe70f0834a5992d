"""The twin of every equality: what a comparison speaks of must be seen to matter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ltdcheck.problem import Array, Problem
from ltdcheck.properties import own_effects
from ltdcheck.properties.compare import ratios
from ltdcheck.properties.law import Disagreement, Evidence, law
from ltdcheck.properties.subject import Subject
from ltdcheck.properties.values import beyond
from ltdcheck.reference.networks.unroll import unroll, unroll_vjp
from ltdcheck.result import Place


@law("effects.every_parameter", questions=4)
def every_parameter(subject: Subject, problem: Problem) -> Evidence:
    """Every part of every parameter array changes the output where the reference says that it must."""
    problem = subject.within(problem)
    if subject.unreferenced:
        return own_effects.every_parameter(subject, problem)
    H, I = problem.sizes["H"], problem.sizes["I"]

    def changes() -> Iterator[tuple[str, Problem]]:
        for block in subject.cell.blocks(H):
            params = {n: v.copy() for n, v in problem.params.items()}
            part = block.of(params[block.array])
            part += 0.5
            yield block.name, problem.with_(params=subject.layout.within(params, I, H))

    unseen = [
        f"{array} ({source})"
        for array, layout in subject.layout.arrays.items()
        for source, roles in zip(layout.sources, layout.roles, strict=True)
        if "" in roles
    ]
    if unseen:
        where = Place(unseen[0].split(" ")[0], target_block=unseen[0].split(" ")[0])
        text = f"part of {unseen[0]} has no effect on any output"
        return Evidence(compared=1, disagreement=Disagreement(where, "no effect", "an effect", 0.0, text))
    return _matter(subject, problem, changes())


@law("effects.every_input", questions=4)
def every_input(subject: Subject, problem: Problem) -> Evidence:
    """The input at every step, and every feature of it, changes the output from that step on."""
    problem = subject.within(problem)
    if subject.unreferenced:
        return own_effects.every_input(subject, problem)

    def changes() -> Iterator[tuple[str, Problem]]:
        T, _, I = problem.x.shape
        for t in range(T):
            x = problem.x.copy()
            x[t] += 0.5
            yield f"x at step {t + 1}", problem.with_(x=x)
        for k in range(I):
            x = problem.x.copy()
            x[:, :, k] -= 0.5
            yield f"feature {k} of x", problem.with_(x=x)

    return _matter(subject, problem, changes())


@law("effects.every_state", questions=2)
def every_state(subject: Subject, problem: Problem) -> Evidence:
    """Every array of the initial state changes the output: it is read, and carried."""
    problem = subject.within(problem)
    if not subject.implementation.takes_state:
        return Evidence(not_applicable="it takes no initial state")
    if subject.unreferenced:
        return own_effects.every_state(subject, problem)

    def changes() -> Iterator[tuple[str, Problem]]:
        given = problem.given_state
        for k, name in enumerate(subject.cell.states):
            state = tuple(s + 0.5 if j == k else s for j, s in enumerate(given))
            yield f"{name}_0", problem.with_(state=state)

    return _matter(subject, problem, changes())


@law("effects.every_cotangent", questions=4)
def every_cotangent(subject: Subject, problem: Problem) -> Evidence:
    """The cotangents of the output at every step and of every final state change the gradient of the input."""
    unseen = "the gradient of the input, in which effects are looked for, is not looked at" * ("x" in subject.without)
    if unseen or not subject.has_backward:
        return Evidence(not_applicable=unseen or subject.forward_only)
    problem = subject.within(problem)
    if subject.unreferenced:
        return own_effects.every_cotangent(subject, problem)
    if limit := beyond(subject, problem):
        return limit
    right = subject.expect(problem).gradients["x"]
    if right.status != "ok":
        return Evidence(undecided=f"the gradient of x is beyond {problem.precision}", left_out=1)
    before = subject.gradients(subject.run(problem))["x"]
    _, _, tape = unroll(subject.cell, problem.params, problem.x, problem.given_state)
    compared = 0
    for name, changed, after in subject.run_each(_other_losses(subject, problem)):
        wanted = unroll_vjp(subject.cell, problem.params, tape, changed.dy, changed.dstate).x
        must = ratios(wanted, right) > 2
        if not must.any():
            continue
        compared += 1
        if not _moved(before, subject.gradients(after)["x"], must):
            text = f"the cotangent of {name} has no effect on the gradient of the input"
            where = Place(f"d{name}", target_block="")
            return Evidence(compared, disagreement=Disagreement(where, "no change", "a change", 0.0, text))
    return Evidence(compared) if compared else Evidence(undecided="no change of it moves the reference either")


def _other_losses(subject: Subject, problem: Problem) -> Iterator[tuple[str, Problem]]:
    """The problem with one cotangent changed."""
    for t in range(len(problem.dy)):
        dy = problem.dy.copy()
        dy[t] += 0.5
        yield f"y at step {t + 1}", problem.with_(dy=dy)
    for k, name in enumerate(subject.cell.states):
        dstate = tuple(d + 0.5 if j == k else d for j, d in enumerate(problem.dstate))
        yield f"{name}_T", problem.with_(dstate=dstate)


def _matter(subject: Subject, problem: Problem, changes: Iterator[tuple[str, Problem]]) -> Evidence:
    """Each change moves the target's answer where it moves the reference's by more than both bounds."""
    subject.ahead(problem, backward=subject.has_backward)
    if limit := beyond(subject, problem):
        return limit
    before = subject.outputs(subject.run(problem, backward=subject.has_backward))
    right = {name: e for name, e in subject.expect(problem).outputs.items() if e.status == "ok"}
    compared = 0
    for name, changed, out in subject.run_each(changes, backward=False):
        after = subject.outputs(out)
        y, final, _ = unroll(subject.cell, changed.params, changed.x, changed.given_state)
        wanted = {"y": y, **{f"{s}_T": v for s, v in zip(subject.cell.states, final, strict=True)}}
        must = {n: ratios(wanted[n], right[n]) > 2 for n in right}
        if not any(m.any() for m in must.values()):
            continue
        compared += 1
        if not any(_moved(before[n], after[n], must[n]) for n in right):
            where = Place(name, target_block="")
            text = f"{name} has no effect on any output"
            return Evidence(compared, disagreement=Disagreement(where, "no change", "a change", 0.0, text))
    return Evidence(compared) if compared else Evidence(undecided="no change of it moves the reference either")


def _moved(before: Array, after: Array, must: Array) -> bool:
    return before.shape == after.shape and bool(np.any((before != after) & must))
