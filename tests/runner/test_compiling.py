"""A target that compiles a program for every size: it is asked about few sizes, and what is wrong with it is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import pytest
from jax import lax

from ltdcheck.adapters.adapting import adapt
from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Implementation, Outputs
from ltdcheck.problem import Problem
from ltdcheck.properties.law import properties, property_named
from ltdcheck.reference.cells import Elman
from ltdcheck.runner.cases import LONG
from ltdcheck.runner.examiners import CellExaminer, Options
from ltdcheck.runner.profiles import profile_named
from ltdcheck.runner.session import Session
from ltdcheck.runner.subjects import Opened, Target, identified


class Counted(Network):
    """A right network, and the sizes along some axes, and precisions, of all that it was asked."""

    def __init__(self, compiles: str) -> None:
        super().__init__(Elman())
        self.compiles = compiles
        self.asked: set[tuple[Any, ...]] = set()

    def run(self, problem: Problem, *, backward: bool = True, fresh: bool = False) -> Outputs:
        """As the network."""
        axes = self.compiles or "TBIH"
        self.asked.add((problem.precision, *(problem.sizes[axis] for axis in axes)))
        return super().run(problem, backward=backward, fresh=fresh)


def opened(it: Implementation) -> Opened:
    """The target, identified, in this process."""
    return identified(Opened(Target("it"), it))  # type: ignore[arg-type]  # it is isolated elsewhere


@pytest.mark.parametrize(("compiles", "most"), [("BIH", 6), ("TBIH", 20)])
def test_few_programs_are_asked_for(compiles: str, most: int) -> None:
    """In each precision of the sizes at which it was identified and one row of them; of many rows and all 1 in one.

    Where the number of steps counts, there are those of what laws cut, join and leave away as well.
    """
    it = Counted(compiles)
    examiner = CellExaminer(opened(it), Options(profile_named("quick")))
    for prop in properties("cell"):
        if prop.id not in LONG:  # of a thousand steps, of which each precision has one
            assert examiner.examine(prop).failing is None, prop.id
    assert len(it.asked) <= most


class Forgets:
    """A layer of tanh units, whose gradient stops ten steps before the end."""

    def init(self, _key: Any, input_size: int, hidden_size: int) -> Any:
        """Its weights."""
        return {"U": jnp.zeros((input_size, hidden_size)), "W": jnp.zeros((hidden_size, hidden_size))}

    def apply(self, params: Any, x: Any, state: Any = None) -> Any:
        """(T, B, I) to (T, B, H)."""

        def step(h: Any, at: tuple[Any, Any]) -> Any:
            t, x_t = at
            h = jnp.where(t == len(x) - 10, lax.stop_gradient(h), h)
            h = jnp.tanh(x_t @ params["U"] + h @ params["W"])
            return h, h

        first = jnp.zeros((x.shape[1], len(params["W"])), x.dtype) if state is None else state
        h, y = lax.scan(step, first, (jnp.arange(len(x)), x))
        return y, h


def test_what_only_a_long_sequence_shows_is_found_and_named() -> None:
    """The forward pass is right, and so are gradients of short sequences."""
    it = adapt(Forgets, "it")
    assert it.compiles == "TBIH"
    session = Session(opened(it), Options(replace(profile_named("quick"), shrinks=0)))
    plan = [property_named(id) for id in ("values.forward_agrees", "gradients.backward_agrees")]
    forward, backward = (session.check(prop, plan) for prop in plan)
    assert (forward.status, backward.status) == ("passed", "failed")
    assert backward.finding is not None
    assert [one.fault for one in backward.finding.diagnosis][:1] == ["bptt-truncated.10"]
