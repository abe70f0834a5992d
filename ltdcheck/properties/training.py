"""Laws of training mode: what dropout between layers makes of the outputs, for a mask that is held.

A target is asked from a seed; the masks that it drew come with its answer, since what they are says nothing of what it
makes of them. Where they are not seen, nothing is decided.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np

from ltdcheck.faults.dropout import DROPOUT
from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Outputs
from ltdcheck.oracles.rounding import expected
from ltdcheck.problem import Array, Problem
from ltdcheck.properties.compare import compare, merged
from ltdcheck.properties.law import Disagreement, Evidence, law
from ltdcheck.properties.subject import Subject
from ltdcheck.properties.values import beyond
from ltdcheck.reference.networks.dropped import Dropped, dropped
from ltdcheck.reference.networks.layered import Layered
from ltdcheck.result import Place

# No bound: what is wrong was found against derived ones, and this only chooses the words for it. It is far above the
# rounding of either precision, and far below what another mask, or no mask, changes.
NEAR = 1e-4
ONE_LAYER = "it drops outputs in training, and is one layer: there is no place between layers"


@law("training.dropout_between_layers", about="training", reference=True)
def dropout_between_layers(subject: Subject, problem: Problem) -> Evidence:
    """In training the outputs of each layer but the last are masked and scaled, and so is the gradient, by one mask."""
    if not isinstance(subject.cell, Layered) or len(subject.cell.layers) < 2:
        return Evidence(not_applicable=ONE_LAYER)
    problem = subject.within(problem)
    if limit := beyond(subject, problem):
        return limit
    out = subject.train(problem, zlib.crc32(problem.x.tobytes()))
    if unseen := out.facts.get("unseen"):
        return Evidence(undecided=f"it draws its masks by {', '.join(unseen)}, which does not tell what they are")
    counts = sorted({len(masks) for masks in out.masks})
    due = len(subject.cell.layers) - 1
    if due not in counts:
        text = f"it draws {counts[0]} masks in training, where {due} are due: one for each layer but the last"
        return Evidence(disagreement=Disagreement(Place("y"), f"{counts[0]} masks", f"{due} masks", 0.0, text))
    networks = [fit for masks in out.masks if (fit := _masked(subject.cell, problem, masks)) is not None]
    if not networks:
        shapes = ", ".join(str(mask.shape) for mask in out.masks[0])
        return Evidence(undecided=f"the masks that it draws have the shapes {shapes}, and not those of what it masks")
    found = [_held(subject, problem, out, network) for network in networks]
    right = next((evidence for evidence in found if evidence.ok), None)
    return right or _named(subject, problem, out, networks, found[0])


def _masked(cell: Layered, problem: Problem, masks: tuple[Array, ...]) -> Dropped | None:
    """The reference with these masks; None where they are of other shapes."""
    T, B, _ = problem.x.shape
    I, H = problem.sizes["I"], problem.sizes["H"]
    wanted = [(T, B, cell.inputs(k, I, H)) for k in range(1, len(cell.layers))]
    return dropped(cell, masks) if [mask.shape for mask in masks] == wanted else None


def _held(subject: Subject, problem: Problem, out: Outputs, network: Dropped) -> Evidence:
    """Outputs and gradients against the reference with these masks."""
    wanted = expected(network, problem, backward=subject.has_backward)
    forward = compare(subject, problem, subject.outputs(out), wanted.outputs, "in training")
    if not (forward.ok and subject.has_backward):
        return forward
    gradients = subject.in_its_arrays(wanted.gradients, problem)
    return merged(forward, compare(subject, problem, subject.gradients(out), gradients, "in training"))


def _named(subject: Subject, problem: Problem, out: Outputs, networks: list[Dropped], wrong: Evidence) -> Evidence:
    """The disagreement, with the known fault that gives the target's answer."""
    assert wrong.disagreement is not None
    for fault in DROPOUT:
        for network in networks:
            if _answers(subject, problem, out, fault.plant(network)):
                text = f"in training: {fault.id}: {fault.sentence}"
                return replace(wrong, disagreement=replace(wrong.disagreement, message=text))
    return wrong


def _answers(subject: Subject, problem: Problem, out: Outputs, network: Network) -> bool:
    """A network with a fault answers as the target does, to most of its digits."""
    ours = network.run(problem, backward=subject.has_backward)
    I, H = problem.sizes["I"], problem.sizes["H"]
    pairs = [(ours.y, out.y), *zip(ours.state, out.state, strict=True)]
    if ours.dparams and out.dparams and ours.dx is not None and out.dx is not None:
        own = subject.layout.scatter(ours.dparams, I, H)
        pairs += [(ours.dx, out.dx), *((own[name], gradient) for name, gradient in out.dparams.items())]
    return all(np.allclose(a, b, rtol=NEAR, atol=NEAR * np.max(np.abs(b), initial=0.0)) for a, b in pairs)
