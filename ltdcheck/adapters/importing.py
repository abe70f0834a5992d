"""Importing the module or file that a person named; what stands in the way is said."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from ltdcheck.adapters.installing import INSTALL
from ltdcheck.errors import TargetUnusableError

FORMS = "Name it as module:attr, such as torch.nn:LSTM, as path/to/file.py:attr, model.onnx, or exec:COMMAND."


def file_of(spec: str, path: Path) -> ModuleType:
    """Import a file, under its own name where that is free, so that what imports it by name gets the same module.

    Raises
    ------
    TargetUnusableError
        When there is no such file, or it does not import.
    """
    require_file(spec, path)
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


def require_file(spec: str, path: Path) -> None:
    """There is such a file.

    Raises
    ------
    TargetUnusableError
        When there is none.
    """
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


def module_of(spec: str, name: str) -> ModuleType:
    """Import a module by its name.

    Raises
    ------
    TargetUnusableError
        When there is none, or it does not import.
    """
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
