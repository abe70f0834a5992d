"""In the process of a test suite: the passes of the target's class are replaced as soon as its file was executed."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ltdcheck.faults.fault import Network
from ltdcheck.implementation import Outputs
from ltdcheck.mutation.catalogue import plant_in
from ltdcheck.mutation.in_layout import InLayout
from ltdcheck.mutation.plan import PASSES, Plan
from ltdcheck.mutation.serving import Pull, Serving
from ltdcheck.problem import Problem

METHODS = ("forward", "backward", "apply", "__call__")


def network_of(plan: Plan) -> Network:
    """The reference with the fault of the plan, or without one.

    Raises
    ------
    LtdcheckError
        When the cell has nothing that this fault gets wrong.
    """
    if not plan.fault:
        return Network(plan.layout.cell)
    return plant_in(plan.layout.cell, plan.fault)[1]


def passes_of(framework: str) -> Any:
    """What replaces the passes of a class of this framework."""
    module, name = PASSES[framework]
    return getattr(importlib.import_module(f"ltdcheck.adapters.{module}"), name)


class _Reached(Serving):
    """Leaves a mark at the first call."""

    def __init__(self, implementation: InLayout, mark: str) -> None:
        super().__init__(implementation)
        self.mark = mark

    def forward(self, problem: Problem) -> tuple[Outputs, Pull]:
        """As it is, after the mark."""
        if self.mark:
            Path(self.mark).touch()
            self.mark = ""
        return super().forward(problem)


def plant(module: ModuleType, data: Mapping[str, Any]) -> None:
    """Replace the passes of the class that the plan names, of the instance, or of what the function makes."""
    plan = Plan.from_json(data)
    *owners, name = plan.seat.name.split(".")
    owner: Any = functools.reduce(getattr, owners, module)
    target = getattr(owner, name)
    if plan.seat.kind == "class":
        _replace(target, plan)
        return

    if plan.seat.kind == "instance":
        _replace_in(target, plan)
        return

    @functools.wraps(target)
    def make(*given: Any, **named: Any) -> Any:
        instance = target(*given, **named)
        _replace_in(instance, plan)
        return instance

    setattr(owner, name, make)


def _replace_in(instance: Any, plan: Plan) -> None:
    """Of this instance, and of no other of its class."""
    kind = type(instance)
    instance.__class__ = replaced = type(kind.__name__, (kind,), {"__module__": kind.__module__})
    _replace(replaced, plan)


def _replace(kind: Any, plan: Plan) -> None:
    right = InLayout(Network(plan.layout.cell), plan.layout)
    original = type(kind.__name__, (), {name: getattr(kind, name) for name in METHODS if hasattr(kind, name)})
    passes = passes_of(plan.seat.framework)(
        original, plan.form, right.parameters, lambda: _Reached(InLayout(network_of(plan), plan.layout), plan.reached)
    )
    for name, method in passes.methods().items():
        setattr(kind, name, method)
