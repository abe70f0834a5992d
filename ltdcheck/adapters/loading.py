"""From what a person typed, ``module:attr`` or ``path/to/file.py:attr``, to the object it names."""

from __future__ import annotations

import difflib
import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from ltdcheck.adapters.importing import FORMS, file_of, module_of, require_file
from ltdcheck.adapters.installing import INSTALL
from ltdcheck.adapters.keywords import parted, told
from ltdcheck.errors import TargetUnusableError


def load(spec: str, asked: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """The object that ``spec`` names. The folder of a file goes on ``sys.path``, and a file is executed once.

    In front may stand what the environment must hold before anything is imported, as in a shell:
    ``KERAS_BACKEND=torch keras.layers:LSTM``. Behind may stand what a class or factory is told besides the sizes:
    ``torch.nn:LSTM(num_layers=2)``. A program is told the ``cell`` and held to the ``limit``, in seconds, of ``asked``.

    Raises
    ------
    TargetUnusableError
        When there is no such module, file or attribute, or the file does not import.
    """
    spec = _with_environment(spec)
    if spec.startswith("exec:"):
        from ltdcheck.adapters.program_session import LIMIT, Command

        return Command.of(spec, asked.get("cell"), asked.get("limit", LIMIT))
    if spec.endswith(".onnx"):
        return _model(spec)
    spec, keywords = parted(spec)
    source, colon, attribute = spec.rpartition(":")
    if not (colon and source and attribute):
        raise TargetUnusableError(spec, "it does not say which attribute of which module or file is meant.", FORMS)
    module = file_of(spec, Path(source)) if _is_path(source) else module_of(spec, source)
    return told(_attribute(spec, module, attribute), keywords)


def _with_environment(spec: str) -> str:
    """Put what stands in front of a spec into the environment, and leave it away."""
    while assignment := re.match(r"([A-Za-z_]\w*)=(\S*)\s+", spec):
        os.environ[assignment[1]] = assignment[2]
        spec = spec[assignment.end() :]
    return spec


def _model(spec: str) -> Any:
    """A model of ONNX from a file.

    Raises
    ------
    TargetUnusableError
        When there is no such file, ONNX or ONNX Runtime is missing or too old, or the file is no model that is checked.
    """
    require_file(spec, Path(spec))
    try:
        onnx_file = importlib.import_module("ltdcheck.adapters.onnx_file")
    except ImportError as error:
        top = (error.name or "onnx").partition(".")[0]
        why = f"reading a model takes {top}, and importing it raised {type(error).__name__}: {error}."
        raise TargetUnusableError(spec, why, f"Install it: {INSTALL.get(top, INSTALL['onnx'])}") from error
    return onnx_file.read(spec)


def _is_path(source: str) -> bool:
    return source.endswith(".py") or "/" in source or "\\" in source


def _attribute(spec: str, module: ModuleType, dotted: str) -> Any:
    owner: Any = module
    for name in dotted.split("."):
        if not hasattr(owner, name):
            near = difflib.get_close_matches(name, [n for n in dir(owner) if not n.startswith("_")])
            fix = f"Did you mean {' or '.join(near)}?" if near else "Check the spelling."
            label = getattr(owner, "__name__", str(owner))
            raise TargetUnusableError(spec, f"{label} has no attribute {name!r}.", fix)
        owner = getattr(owner, name)
    return owner
