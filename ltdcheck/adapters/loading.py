"""From what a person typed, ``module:attr`` or ``path/to/file.py:attr``, to the object it names."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from ltdcheck.adapters.keywords import parted, told
from ltdcheck.errors import TargetUnusableError

# what installs a framework; an extra where ltdcheck has one
INSTALL = {
    **{name: f"pip install 'ltdcheck[{name}]'" for name in ("equinox", "flax", "haiku", "jax", "keras", "torch")},
    **dict.fromkeys(("onnx", "onnxruntime"), "pip install 'ltdcheck[onnx]'"),
    "tensorflow": "pip install 'ltdcheck[tensorflow]'",
    "optax": "pip install optax",
    "reservoirpy": "pip install reservoirpy",
}

FORMS = "Name it as module:attr, such as torch.nn:LSTM, as path/to/file.py:attr, model.onnx, or exec:COMMAND."


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
    module = _file(spec, Path(source)) if _is_path(source) else _module(spec, source)
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
    _require_file(spec, Path(spec))
    try:
        onnx_file = importlib.import_module("ltdcheck.adapters.onnx_file")
    except ImportError as error:
        top = (error.name or "onnx").partition(".")[0]
        why = f"reading a model takes {top}, and importing it raised {type(error).__name__}: {error}."
        raise TargetUnusableError(spec, why, f"Install it: {INSTALL.get(top, INSTALL['onnx'])}") from error
    return onnx_file.read(spec)


def _is_path(source: str) -> bool:
    return source.endswith(".py") or "/" in source or "\\" in source


def _file(spec: str, path: Path) -> ModuleType:
    """Import a file, under its own name where that is free, so that what imports it by name gets the same module."""
    _require_file(spec, path)
    path = path.resolve()
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == str(path):
            return module
    name = path.stem if _is_free(path) else f"ltdcheck_target_{path.stem}"
    _prepend(str(path.parent))
    described = importlib.util.spec_from_file_location(name, path)
    if described is None or described.loader is None:
        raise TargetUnusableError(spec, f"{path} is not a Python file.", FORMS)
    module = sys.modules[name] = importlib.util.module_from_spec(described)
    try:
        described.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _does_not_import(spec, str(path), error) from error
    return module


def _require_file(spec: str, path: Path) -> None:
    if not path.is_file():
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob(f"*{path.suffix}")])
        why = f"there is no file {path}." if not near else f"there is no file {path}, but there is {', '.join(near)}."
        raise TargetUnusableError(spec, why, "Check the path; it is relative to the current folder.")


def _is_free(path: Path) -> bool:
    """Importing the name of the file finds this file, or nothing."""
    if path.stem in sys.modules:
        return False
    try:
        found = importlib.util.find_spec(path.stem)
    except (ImportError, ValueError):
        return False
    return found is None or found.origin == str(path)


def _module(spec: str, name: str) -> ModuleType:
    _prepend(str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
            raise _does_not_import(spec, name, error) from error
        top = name.partition(".")[0]
        fix = f"Install it: {INSTALL[top]}" if top in INSTALL else "Check the spelling, or install what provides it."
        if top in sys.modules:
            why = f"{error.name.rpartition('.')[0]} has no module {error.name.rpartition('.')[2]}."
            raise TargetUnusableError(spec, why, "Check the spelling.") from error
        raise TargetUnusableError(spec, f"there is no module {top!r} in this Python.", fix) from error
    except (Exception, SystemExit) as error:
        raise _does_not_import(spec, name, error) from error


def _prepend(folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _does_not_import(spec: str, what: str, error: BaseException) -> TargetUnusableError:
    """The exception, and the line of the file, or the last line at all, where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    here = [f for f in frames if f.filename == what] or [f for f in frames if "importlib" not in f.filename]
    place = f"{here[-1].filename}, line {here[-1].lineno}" if here else what
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{error.filename}, line {error.lineno}"
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    top = (missing or "").partition(".")[0]
    fix = f"Install what it needs: {INSTALL[top]}" if top in INSTALL else "Make it import, then check it again."
    return TargetUnusableError(spec, f"importing it raised {type(error).__name__}: {error} ({place}).", fix)


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
