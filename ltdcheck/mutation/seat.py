"""Where a target stands and how it is called, found out in a worker process."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from ltdcheck.adapters.adapting import adapt, adapter_of
from ltdcheck.adapters.form import Form, H, I
from ltdcheck.adapters.loading import load
from ltdcheck.errors import TargetUnusableError
from ltdcheck.mutation.plan import PASSES, Seat, form_from_json, form_to_json
from ltdcheck.runner.isolation import Worker

STANDING = (
    "Name a NumPy class, a torch module, an object of jax with init and apply, or a module of equinox or flax: faults "
    "are planted in these."
)
WHAT_TO_NAME = "Name a class, an instance, or a function (input_size, hidden_size) that makes one, in a Python file."


def require_python(spec: str) -> None:
    """Refuse what no test suite imports.

    Raises
    ------
    TargetUnusableError
        For a program, and for a model of ONNX.
    """
    bare = _without_environment(spec)
    what = "a program" if bare.startswith("exec:") else "a model file" if bare.endswith(".onnx") else ""
    if what:
        why = f"it is {what}, and faults are planted in Python objects, in the process in which your tests import them."
        raise TargetUnusableError(spec, why, WHAT_TO_NAME)


def seat_of(spec: str, timeout: float) -> tuple[Seat, Form]:
    """Of a target that can be loaded.

    Raises
    ------
    TargetUnusableError
        When it is no class and no function of a Python file.
    TargetFailure
        When it does not answer.
    """
    with Worker({"spec": spec}, opener=f"{__name__}:opened", timeout=timeout) as worker:
        told, _ = worker.call("seat")
    return Seat(**told["seat"]), form_from_json(told["form"])


def opened(source: Mapping[str, Any], live: object | None = None) -> Any:
    """The handler in the worker process."""
    spec = source["spec"]

    def answer(method: str, header: Any, arrays: Any) -> Any:
        found: Any = load(spec)
        network: Any = adapt(found, spec)
        framework = framework_of(found, network, spec)
        if not isinstance(found, type) and adapter_of(found) is not None:
            seat = Seat(_file_of_module(spec), spec.rpartition(":")[2], "instance", framework)
        else:
            kind: Literal["class", "factory"] = "class" if isinstance(found, type) else "factory"
            seat = Seat(_file_of(found, spec), found.__qualname__, kind, framework)
        return {"seat": asdict(seat), "form": form_to_json(network.form)}, {}

    return answer


def framework_of(found: Any, network: Any, spec: str) -> str:
    """One of ``PASSES``.

    Raises
    ------
    TargetUnusableError
        When nothing can stand in for what the target is, or makes.
    """
    if network.framework in ("numpy", "torch", "jax"):
        return str(network.framework)
    made = found if adapter_of(found) else network.blueprint.make(I, H)
    framework, kind = adapter_of(made), made if isinstance(made, type) else type(made)
    if framework not in PASSES:
        why = f"it is of {network.framework}, and nothing stands in for its layers."
        raise TargetUnusableError(spec, why, STANDING)
    if kind.__module__.partition(".")[0] == "flax":
        why = f"{kind.__name__} is called in a form of flax's own, with a carry."
        raise TargetUnusableError(spec, why, "Name a module of your own that holds it and is called with (x, state).")
    return framework


def _without_environment(spec: str) -> str:
    """A spec without the variables that may stand in front of it."""
    return re.sub(r"^([A-Za-z_]\w*=\S*\s+)*", "", spec)


def _file_of_module(spec: str) -> str:
    """The file that, when it is executed, makes what a spec names by its place."""
    source = _without_environment(spec).rpartition(":")[0]
    named = getattr(sys.modules.get(source), "__file__", None) or source
    if not named.endswith(".py"):
        raise TargetUnusableError(spec, f"{source} is no Python file, whose execution could be seen.", WHAT_TO_NAME)
    return str(Path(named).resolve())


def _file_of(found: Any, spec: str) -> str:
    """The file that, when it is executed, makes the class or function."""
    module = sys.modules.get(getattr(found, "__module__", ""))
    file = getattr(module, "__file__", None) or ""
    name = getattr(found, "__qualname__", "")
    if not name or "<locals>" in name or not file.endswith(".py"):
        raise TargetUnusableError(spec, f"it is a {type(found).__name__}, not one that a file defines.", WHAT_TO_NAME)
    return str(Path(file).resolve())
