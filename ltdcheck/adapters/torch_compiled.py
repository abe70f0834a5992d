"""Modules that torch has translated: by ``torch.compile``, ``torch.jit.script`` or ``torch.jit.trace``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import Parameter, Signature, signature
from typing import Any

MANY = 1 << 30


def untranslated(module: Any) -> Any:
    """The module that ``torch.compile`` was given, whose parameters and lines it shares; any other is itself."""
    return getattr(module, "_orig_mod", module)


@contextmanager
def translating() -> Iterator[None]:
    """However often shapes change, what is to be compiled is.

    After eight programs for the same lines torch goes on without compiling them, and what would then be checked is not
    what ``torch.compile`` makes of them.
    """
    dynamo = sys.modules.get("torch._dynamo")
    if dynamo is None:
        yield
        return
    with dynamo.config.patch(recompile_limit=MANY, accumulated_recompile_limit=MANY):
        yield


def signature_of(module: Any) -> Signature:
    """What the forward pass takes; of a traced module, which has no lines, what its schema says.

    Raises
    ------
    AttributeError
        When torch cannot call it: a forward pass in several versions, as of ``nn.LSTM``, that was scripted by itself.
    """
    forward = untranslated(module).forward
    try:
        return signature(forward)
    except ValueError:
        arguments = forward.schema.arguments[1:]  # without self
        return Signature([_parameter(argument) for argument in arguments])


def _parameter(argument: Any) -> Parameter:
    default = argument.default_value if argument.has_default_value() else Parameter.empty
    return Parameter(argument.name, Parameter.POSITIONAL_OR_KEYWORD, default=default)
