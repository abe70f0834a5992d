"""What is learned about a torch module before it is checked: its form, sizes, precisions, and weights out of sight."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch

from ltdcheck.adapters.blueprint import Blueprint
from ltdcheck.adapters.form import Call, Form, H, I
from ltdcheck.adapters.learning import learn
from ltdcheck.adapters.sizes import learn_with_sizes, probing
from ltdcheck.adapters.torch_compiled import signature_of, untranslated
from ltdcheck.errors import TargetUnusableError

DTYPES: dict[str, torch.dtype] = {
    "float64": torch.float64,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


LARGER = 11  # another hidden size, at which a projection shows whether it follows H


@contextmanager
def default_dtype(precision: str) -> Iterator[None]:
    """What the target creates without naming a dtype has the problem's precision."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(DTYPES[precision])
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def prepared(module: Any, precision: str) -> Any:
    """A new instance in the precision, in evaluation mode; frozen weights ask for gradients as all others do."""
    for parameter in module.parameters():
        if not parameter.is_leaf:  # a copy of a scripted module holds what was computed from the original's
            parameter.detach_()
    module = module.to(DTYPES[precision]).eval()
    for parameter in module.parameters():
        parameter.requires_grad_()
    return module


def device_of(module: Any) -> torch.device:
    """Where its parameters live: what it is given is moved there."""
    device: torch.device = next(module.parameters()).device
    return device


def learn_form(target: str, blueprint: Blueprint, precision: str) -> tuple[Form, int]:
    """The form, and the input size with which it was found.

    Raises
    ------
    TargetFailure
        When it raised, however it was called.
    TargetUnusableError
        When what it answers fits no form.
    """
    with default_dtype(precision), torch.no_grad():
        module = prepared(untranslated(blueprint.make(I, H)), precision)
        call = _call(module, target)
        shapes = [tuple(p.shape) for p in module.parameters()] if blueprint.fixed else None
        device = device_of(module)
        probe = probing(lambda values: torch.from_numpy(values).to(device, DTYPES[precision]))
        form, inputs = learn_with_sizes(call, probe, target, module, shapes)
        if any(form.narrow) and not blueprint.fixed:
            larger = prepared(untranslated(blueprint.make(I, LARGER)), precision)
            other = learn(replace(call, function=larger), probe, target, I, LARGER)
            require_same_projection(target, form, other)
        return form, inputs


def require_same_projection(target: str, form: Form, other: Form) -> None:
    """Refuse outputs whose width follows H, of two forms at different H.

    Raises
    ------
    TargetUnusableError
        When the widths differ.
    """
    if form.narrow != other.narrow:
        P, Q = max(form.narrow), max(other.narrow)
        why = f"its output is projected to {P} where H is {form.hidden} and to {Q} where H is {other.hidden}."
        fix = "Name a factory that projects to the same width for every hidden size, or an instance."
        raise TargetUnusableError(target, why, fix)


def _call(module: Any, target: str) -> Call:
    """What it can be called with.

    Raises
    ------
    TargetUnusableError
        When it can be called with nothing of the kind, or, scripted by itself, not at all.
    """

    def forward(*_arguments: Any) -> None:
        """Its signature is all that is read of it."""

    try:
        forward.__signature__ = signature_of(module)  # type: ignore[attr-defined]
    except AttributeError as error:
        why = f"torch cannot call it: {error}."
        raise TargetUnusableError(target, why, "Script a module that holds it, which torch can call.") from error
    return replace(Call.of(forward, target), function=module)


def is_quantised(module: Any) -> bool:
    """Some part of it holds integers for weights."""
    return any(".quantized" in type(part).__module__ for part in module.modules())


def unregistered(module: Any) -> list[str]:
    """Names of floating-point tensors, or modules, that no submodule has among its parameters and buffers."""
    known = {id(t) for t in (*module.parameters(), *module.buffers())}
    return sorted(
        f"{prefix}.{name}".lstrip(".")
        for prefix, part in module.named_modules()
        for name, value in vars(part).items()
        if not name.startswith("_") and any(id(t) not in known for t in _weights(value))
    )


def _weights(value: Any) -> list[Any]:
    if isinstance(value, torch.Tensor):
        return [value] if value.is_floating_point() and value.numel() else []
    if isinstance(value, torch.nn.Module):
        return list(value.parameters())
    if isinstance(value, dict):
        value = list(value.values())
    return [w for v in value for w in _weights(v)] if isinstance(value, (tuple, list)) else []
