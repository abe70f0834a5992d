"""What stands in for a target answers as it does, keeps its class and parameters, and suffers its fault."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.stand_in import CannotStandInError
from ltdcheck.diagnosis.identify import identify
from ltdcheck.faults.fault import Network
from ltdcheck.mutation.in_layout import InLayout
from ltdcheck.mutation.plan import Plan, Seat
from ltdcheck.mutation.planting import plant
from ltdcheck.oracles.rounding import expected
from ltdcheck.properties.compare import ratios
from ltdcheck.properties.subject import Subject
from ltdcheck.strategies.problems import Recipe, build

ROOT = Path(__file__).parents[2]
TARGETS = [
    ("examples/my_lstm.py", "MyLSTM"),
    ("examples/my_torch_lstm.py", "MyLSTM"),
    ("examples/my_gru.py", "MyGRU"),
    ("tests/targets/torch_layouts.py", "LSTMBatchFirst"),
    ("tests/targets/numpy_gru_layouts.py", "KerasAfter"),
    ("tests/targets/numpy_elman_layouts.py", "Rows"),
]
Planted = Callable[..., ModuleType]


def executed(path: str) -> ModuleType:
    """A module of its own, so that no other test meets its replaced class."""
    spec = importlib.util.spec_from_file_location("standing", ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["standing"] = importlib.util.module_from_spec(spec)  # where dataclasses look it up
    spec.loader.exec_module(module)
    return module


def plan_of(module: ModuleType, name: str) -> Plan:
    """As the command line finds it out, in this process; through JSON, as it travels."""
    target = adapt(getattr(module, name), name)
    seat = Seat("", name, "class", target.framework)
    plan = Plan(seat, target.form, identify(target, name).layout)
    return Plan.from_json(json.loads(json.dumps(plan.to_json())))


def planted(path: str, name: str, fault: str = "") -> tuple[type, Plan]:
    """The class with its passes replaced."""
    module = executed(path)
    plan = plan_of(module, name)
    plant(module, replace(plan, fault=fault).to_json())
    return getattr(module, name), plan


@pytest.mark.parametrize(("path", "name"), TARGETS)
def test_the_reference_in_its_place_is_right(path: str, name: str) -> None:
    """Every output and gradient of the replaced class is within its bound, in both precisions."""
    kind, plan = planted(path, name)
    subject = Subject(adapt(kind, name), plan.layout)
    for recipe in (Recipe(), Recipe(T=1, B=1, precision="float32"), Recipe(given_state=False, cotangent="h_T")):
        problem = subject.within(build(subject.cell, recipe))
        out = subject.run(problem)
        want = {**expected(subject.cell, problem).outputs, **subject.expected_gradients(problem)}
        got = {**subject.outputs(out), **subject.gradients(out)}
        for block, estimate in want.items():
            assert not (ratios(got[block], estimate) > 1).any(), (recipe, block)


@pytest.mark.parametrize(("path", "name"), TARGETS[:3])
def test_the_layout_is_undone(path: str, name: str) -> None:
    """What the target's arrays add up to is what they were spread from."""
    plan = plan_of(executed(path), name)
    problem = build(plan.layout.cell, Recipe())
    params = plan.layout.within(problem.params, 4, 6)
    back = plan.layout.from_target(plan.layout.to_target(params, 4, 6), 4, 6)
    assert all(np.array_equal(back[block], params[block]) for block in params)
    assert InLayout(Network(plan.layout.cell), plan.layout).parameters(4, 6).keys() == plan.layout.arrays.keys()


def test_a_class_stays_what_it_was() -> None:
    """Its parameters, name and constructor are its own; a call in a form that it was not seen to have is refused."""
    kind, _ = planted("examples/my_torch_lstm.py", "MyLSTM")
    net = kind(3, 4)
    assert kind.__name__ == "MyLSTM"
    assert {name: tuple(p.shape) for name, p in net.named_parameters()} == {"weight": (7, 16), "bias": (16,)}
    with pytest.raises(CannotStandInError, match="x has the shape"):
        net(torch.ones(2, 3))
    with pytest.raises(CannotStandInError, match="complex64"):
        net(torch.ones(2, 1, 3, dtype=torch.complex64))
    with pytest.raises(CannotStandInError, match="x has 2 columns"):
        net.float()(torch.ones(2, 1, 2))


def loss_of(net: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The sum of all outputs."""
    return net(x)[0].sum()


def test_a_fault_of_the_call_reaches_the_caller() -> None:
    """The caller's own input is changed."""
    kind, _ = planted("examples/my_torch_lstm.py", "MyLSTM", "argument-mutated.x")
    x = torch.ones(2, 1, 3)
    kind(3, 4)(x)
    assert torch.equal(x, torch.full((2, 1, 3), 0.5))
    numpy_kind, _ = planted("examples/my_lstm.py", "MyLSTM", "argument-mutated.x")
    array = np.ones((2, 1, 3))
    numpy_kind(3, 4).forward(array)
    assert (array == 0.5).all()


def test_a_missing_gradient_is_missing() -> None:
    """torch says None, and a NumPy class has no entry."""
    kind, _ = planted("examples/my_torch_lstm.py", "MyLSTM", "weight-detached.b")
    net = kind(3, 4)
    loss_of(net, torch.ones(2, 1, 3)).backward()
    assert net.bias.grad is None
    assert net.weight.grad is not None


def test_what_a_fault_keeps_between_calls_is_kept() -> None:
    """A state that leaks makes the second call another, after a backward pass too; a new instance has no past."""
    kind, _ = planted("examples/my_torch_lstm.py", "MyLSTM", "state-leaks-between-calls")
    net, x = kind(3, 4), torch.ones(2, 1, 3)
    first = net(x)[0]
    first.sum().backward()
    second = net(x)[0]
    assert not torch.equal(first, second)
    other = kind(3, 4)
    other.load_state_dict(net.state_dict())
    assert torch.equal(other(x)[0], first)


def test_a_second_backward_pass_is_asked_as_such() -> None:
    """With the fault of a spent tape it gives half the gradient of x."""
    kind, _ = planted("examples/my_torch_lstm.py", "MyLSTM", "tape-changed-by-backward")
    x = torch.ones(2, 1, 3, requires_grad=True)
    loss = loss_of(kind(3, 4), x)
    first, second = (torch.autograd.grad(loss, x, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(second, first / 2)


def test_a_cotangent_that_is_expanded_is_seen_as_such() -> None:
    """The gradient of a sum comes with stride 0, which a fault of memory order reads as zeros; a product does not."""
    kind, _ = planted("examples/my_torch_lstm.py", "MyLSTM", "strides-ignored.dy")
    right, _ = planted("examples/my_torch_lstm.py", "MyLSTM")
    x = torch.ones(2, 1, 3)
    wrong_net, net = kind(3, 4), right(3, 4)
    net.load_state_dict(wrong_net.state_dict())
    for loss, same in ((lambda y: y.sum(), False), (lambda y: (y * torch.ones(2, 1, 4)).sum(), True)):
        grads = []
        for each in (wrong_net, net):
            each.zero_grad()
            loss(each(x)[0]).backward()
            grads.append(each.weight.grad.clone())
        assert torch.equal(*grads) == same
