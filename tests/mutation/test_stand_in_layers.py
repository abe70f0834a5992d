"""What stands in for layers, for another direction, in half precision and in jax, answers as the target does."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx
from mutation.test_stand_in import executed

from ltdcheck.adapters.adapting import adapt
from ltdcheck.diagnosis.layers import recognise
from ltdcheck.errors import TargetUnusableError, UnknownNameError
from ltdcheck.mutation.catalogue import every, require_fault
from ltdcheck.mutation.choosing import candidates, showing
from ltdcheck.mutation.plan import Plan, Seat
from ltdcheck.mutation.planting import plant
from ltdcheck.mutation.seat import framework_of
from ltdcheck.oracles.rounding import expected
from ltdcheck.properties.compare import ratios
from ltdcheck.properties.subject import Subject
from ltdcheck.strategies.problems import Recipe, build

NETWORKS = str(Path(__file__).with_name("networks.py"))
TORCH = ("TwoBothWays", "FromTheEnd")
JAX = ("Functions", "OneRow")
MODULES = ("Compact", "Held")  # which go the way of OneRow


@cache
def plan_of(name: str) -> Plan:
    """As the command line finds it out, in this process; through JSON, as it travels."""
    kind = getattr(executed(NETWORKS), name)
    target: Any = adapt(kind, name)
    seat = Seat("", name, "class", framework_of(kind, target, name))
    plan = Plan(seat, target.form, recognise(target, name).layout)
    return Plan.from_json(json.loads(json.dumps(plan.to_json(), default=float)))


def planted(name: str, fault: str = "") -> Any:
    """The class with its passes replaced."""
    module = executed(NETWORKS)
    plant(module, replace(plan_of(name), fault=fault).to_json())
    return getattr(module, name)


@pytest.mark.parametrize(
    ("name", "precisions"),
    [
        *((name, ("float64",)) for name in TORCH),
        *((name, ("float32",)) for name in JAX),
        *(pytest.param(name, ("float32",), marks=pytest.mark.quality) for name in MODULES),
    ],
)
def test_the_reference_in_its_place_is_right(name: str, precisions: tuple[str, ...]) -> None:
    """Every output and gradient of the replaced class is within its bound."""
    subject = Subject(adapt(planted(name), name), plan_of(name).layout)
    if name == "TwoBothWays":
        precisions = (*precisions, "float16", "bfloat16")
    for recipe in (Recipe(), Recipe(T=1, B=1), Recipe(given_state=False, cotangent="h_T")):
        for precision in precisions:
            problem = subject.within(build(subject.cell, replace(recipe, precision=precision)))
            out = subject.run(problem)
            want = {**expected(subject.cell, problem).outputs, **subject.expected_gradients(problem)}
            got = {**subject.outputs(out), **subject.gradients(out)}
            for block, estimate in want.items():
                assert not (ratios(got[block], estimate) > 1).any(), (recipe, precision, block)


def test_a_fault_is_planted_in_one_cell_of_several() -> None:
    """One layer up, what comes from below is as it was; each fault has an id of its own."""
    cell = plan_of("TwoBothWays").layout.cell
    ids = [fault.id for fault in every(cell)]
    assert len(set(ids)) == len(ids)
    assert {"layer-fed-input", "nondeterministic", "bptt-carry-missing@layer2.back"} <= set(ids)
    x = torch.ones(3, 1, 4)
    wrong, right = planted("TwoBothWays", "gradient-doubled.W@layer2.back")(4, 5), planted("TwoBothWays")(4, 5)
    right.load_state_dict(wrong.state_dict())
    for net in (wrong, right):
        net(x)[0].sum().backward()
    for name, parameter in wrong.named_parameters():
        factor = 2 if name == "rnn.weight_hh_l1_reverse" else 1
        torch.testing.assert_close(parameter.grad, factor * right.get_parameter(name).grad, msg=name)


def test_a_name_means_all_its_places_or_one() -> None:
    """A row, a row and a site, and either in one place; what no fault is called is refused."""
    layout = plan_of("TwoBothWays").layout
    assert len(candidates(layout, ["gradient-doubled.W"], None, 0)) == 4
    assert [f.id for f in candidates(layout, ["gradient-doubled.W@layer1.ahead"], None, 0)] == [
        "gradient-doubled.W@layer1.ahead"
    ]
    for name in ("gradient-doubled", "gradient-doubled.W@layer1.ahead", "layer-fed-input"):
        require_fault(name)
    with pytest.raises(UnknownNameError, match="no-such"):
        require_fault("no-such@layer1")


def test_what_a_layer_leaves_behind_is_left_by_the_whole() -> None:
    """A state that leaks goes from one call to the next, and not within one."""
    net, x = planted("TwoBothWays", "state-leaks-between-calls")(4, 5), torch.ones(3, 1, 4)
    first, second = net(x)[0], net(x)[0]
    assert not torch.equal(first, second)


def test_half_precision_is_computed_in_single_and_changed_in_place() -> None:
    """Answers have the caller's dtype, and so has the input that a fault changes."""
    net = planted("TwoBothWays", "argument-mutated.x")(4, 5).to(torch.bfloat16)
    x = torch.ones(3, 1, 4, dtype=torch.bfloat16)
    y, _ = net(x)
    assert y.dtype == torch.bfloat16
    assert torch.equal(x, torch.full_like(x, 0.5))


def test_in_half_precision_alone_a_small_fault_cannot_show() -> None:
    """A part in ten thousand in one entry of a gradient is below its digits."""
    plan = plan_of("TwoBothWays")
    asked = candidates(
        plan.layout, ["gradient-scaled.slightly@layer1.ahead", "gradient-doubled.W@layer1.ahead"], None, 0
    )
    fine, coarse = (dict(_shown(plan, asked, p)) for p in ("float64", "bfloat16"))
    small, large = "gradient-scaled.slightly@layer1.ahead", "gradient-doubled.W@layer1.ahead"
    assert fine == {small: True, large: True}
    assert coarse == {small: False, large: True}


def _shown(plan: Plan, asked: Any, precision: str) -> list[tuple[str, bool]]:
    return [(fault.id, not why) for fault, why in showing(plan, asked, [precision], backward=True)]


def test_a_function_of_jax_leaves_nothing_behind() -> None:
    """Such a fault is left out with its reason, and one of its numbers is not."""
    plan = plan_of("Functions")
    asked = candidates(plan.layout, ["state-leaks-between-calls", "gradient-doubled.W"], None, 0)
    told = {fault.id: why for fault, why in showing(plan, asked, ["float64", "float32"], backward=True)}
    assert told["gradient-doubled.W"] == ""
    assert "keeps nothing between calls" in told["state-leaks-between-calls"]


def test_a_program_of_jax_goes_through_what_stands_in() -> None:
    """Compiled, differentiated and mapped over, it has the fault and nothing else."""
    net, wrong = planted("Functions")(), planted("Functions", "gradient-doubled.W")()
    params = net.init(jax.random.key(0), 2, 3)
    x = jnp.ones((4, 1, 2))

    def grads(net: Any) -> Any:
        return jax.jit(jax.grad(lambda p: net.apply(p, x)[0].sum()))(params)["cell"]

    right, doubled = grads(net), grads(wrong)
    np.testing.assert_array_equal(doubled["W"], 2 * right["W"])  # a power of two rounds nothing
    np.testing.assert_array_equal(doubled["U"], right["U"])
    several = jax.vmap(lambda x: net.apply(params, x)[0])(jnp.stack([x, -x]))
    np.testing.assert_array_equal(several[1], net.apply(params, -x)[0])


def test_a_layer_that_flax_calls_with_a_carry_is_refused() -> None:
    """What would stand in for it is called in another form."""

    def make(i: int, h: int) -> nnx.RNN:
        return nnx.RNN(nnx.GRUCell(i, h, rngs=nnx.Rngs(0)))

    with pytest.raises(TargetUnusableError, match="a form of flax's own"):
        framework_of(make, adapt(make, "make"), "make")


def test_half_precision_alone_is_refused() -> None:
    """Its digits do not tell one variant from another."""

    class Half(torch.nn.RNN):
        precisions = ("bfloat16",)

    with pytest.raises(TargetUnusableError, match="bfloat16 alone"):
        recognise(adapt(Half, "Half"), "Half")
