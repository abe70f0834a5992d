"""Whether what one finding was put down to is behind another one too: all that its law asks is put to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ltdcheck.diagnosis.apart import placed, residual
from ltdcheck.diagnosis.forward import OF_NEITHER, OF_RIGHT, Outputs, of_outputs
from ltdcheck.diagnosis.hearing import Exchange, heard, put
from ltdcheck.diagnosis.pairs import both
from ltdcheck.diagnosis.restless import ID as NOISE
from ltdcheck.diagnosis.row_order import networks
from ltdcheck.diagnosis.search import asked_of, catalogue, limit_of
from ltdcheck.diagnosis.usual import fresh
from ltdcheck.faults.fault import Fault, Network
from ltdcheck.problem import Array, Params, Problem
from ltdcheck.properties.law import Property
from ltdcheck.properties.subject import Subject
from ltdcheck.reference.cell import Cell, State
from ltdcheck.reference.networks.unroll import Gradients
from ltdcheck.result import UNKNOWN, Diagnosis, Place

OF_FACTS = ("calls.arguments_stay", "gradients.present")  # that look at more than numbers
LOST = "precision-lost"


def explains(subject: Subject, problem: Problem, law: Property, where: Place, likely: Diagnosis) -> bool:
    """The reference with what ``likely`` names answers all that the law asks on this problem as the target does.

    Of a fault that explains the outputs alone, outputs are compared, and a finding ``where`` a gradient is wrong is
    none of its own. What has no exact answer, noise, explains what it is named for; so does what earlier calls leave
    and the arrangement of parameters, which are named by all that the law asks.

    Raises
    ------
    TargetFailure
        When the target does not answer.
    """
    if likely.fault == NOISE or law.id.startswith("layout.") or _of_the_past(subject, problem, likely):
        return True
    alone = OF_RIGHT in likely.sentence or OF_NEITHER in likely.sentence
    if alone and not _of_outputs(where):
        return False
    asked, _ = heard(law.check, subject, problem, ())
    if alone:
        subject, asked = Outputs(subject.implementation, subject.layout, subject.declared), of_outputs(asked)
    facts = law.id in OF_FACTS
    return any(_answers(subject, network, asked, likely, facts=facts) for network in _networks(subject, likely))


def _of_the_past(subject: Subject, problem: Problem, likely: Diagnosis) -> bool:
    """New instances are right: what is named was heard in all that the law asks in turn."""
    asked = [asked_of(subject, case) for case in (problem, fresh(subject, problem))]
    seen = residual(subject, Network(subject.cell), asked)
    return likely.fault != UNKNOWN and seen.far <= limit_of(problem.precision) and not seen.facts


def _of_outputs(where: Place) -> bool:
    return where.block == "y" or where.block.endswith("_T")


def _answers(subject: Subject, network: Network, asked: Sequence[Exchange], likely: Diagnosis, *, facts: bool) -> bool:
    """To rounding, each in its precision."""
    for exchange in asked:
        precision = "float32" if likely.fault == LOST else exchange.problems[0].precision
        seen = residual(subject, network, [exchange])
        if not seen.far < limit_of(precision) or (facts and seen.facts):
            return False
    return True


def _networks(subject: Subject, likely: Diagnosis) -> Iterator[Network]:
    """The reference with what is named: a fault, two at once, another order of rows, or factors of its gradients."""
    if likely.fault == UNKNOWN:
        yield from (network for network in networks(subject.cell) if likely.sentence.startswith(network.words))
        yield Scaled(subject.cell, *_factors(subject))
        return
    parts = [[one for one in catalogue(subject) if one.id == id] for id in likely.fault.split(" + ")]
    if len(parts) == 1:
        planted = (fault.plant(subject.cell) for fault in parts[0] if _says(fault, likely))
    else:
        planted = (both(subject.cell, first, second) for first in parts[0] for second in parts[1])
    yield from (network for network in planted if network is not None)


def _says(fault: Fault, likely: Diagnosis) -> bool:
    """Two places of a network may have a fault of one id."""
    return likely.sentence.startswith(fault.sentence.rstrip(".")) or likely.fault == LOST


# -- factors ---------------------------------------------------------------------------------------------------------


class Scaled(Network):
    """The right gradients, those of the input, of the initial state and of the parameters each times a number."""

    def __init__(self, cell: Cell, x: float, state: float, params: float) -> None:
        super().__init__(cell)
        self.factors = x, state, params

    def backward(self, params: Params, x: Array, state: State, dy: Array, dstate: State) -> Gradients:
        """The right ones, times these."""
        g, (of_x, of_state, of_params) = super().backward(params, x, state, dy, dstate), self.factors
        scaled = {name: value * value.dtype.type(of_params) for name, value in g.params.items()}
        return Gradients(scaled, g.x * g.x.dtype.type(of_x), tuple(s * s.dtype.type(of_state) for s in g.state), ())


def _factors(subject: Subject) -> tuple[float, float, float]:
    """Of the gradients that a new instance gives on a usual problem."""
    asked = asked_of(subject, fresh(subject))
    (problem,), (theirs,) = asked.problems, asked.answers
    (ours,) = put(asked, Network(subject.cell))
    if theirs.dx is None or ours.dx is None:
        return 1.0, 1.0, 1.0
    own = placed(subject, ours.dparams or {}, problem)
    params = [(own[name], g) for name, g in (theirs.dparams or {}).items()]
    states = list(zip(ours.dstate or (), theirs.dstate or (), strict=False))
    return _ratio([(ours.dx, theirs.dx)]), _ratio(states), _ratio(params)


def _ratio(pairs: Sequence[tuple[Array, Array]]) -> float:
    """The factor that brings the first of each pair nearest to the second; 1 where that is not a number."""
    if not pairs or any(np.shape(a) != np.shape(b) for a, b in pairs):
        return 1.0
    first, second = (np.concatenate([np.asarray(p[k], dtype=np.float64).reshape(-1) for p in pairs]) for k in (0, 1))
    square = float(first @ first)
    ratio = float(first @ second) / square if square else 1.0
    return ratio if np.isfinite(ratio) else 1.0
