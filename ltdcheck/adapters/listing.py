"""What adapters there are: each with the package that it is for, here or not, and what it takes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.util import find_spec

from ltdcheck.adapters.adapting import BASES
from ltdcheck.adapters.installing import INSTALL

OWN = ("numpy_class", "program", "clipping")  # take what no framework makes
_OTHERS = ("jax",)  # found by its methods, as it has no base class
_OF = {"flax_linen": "flax", "flax_nnx": "flax"}


def adapters() -> Iterator[tuple[str, str, str]]:
    """Name, title, and the package's version, how to install it, or "" where none is needed; nothing is imported."""
    for name in dict.fromkeys([*OWN, *_OTHERS, *BASES.values()]):
        yield name, _title(name), "" if name in OWN else _found(_OF.get(name, name))


def _title(name: str) -> str:
    """The first line of the module's docstring."""
    source = (files("ltdcheck.adapters") / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0].rstrip(".:")


def _found(package: str) -> str:
    if find_spec(package) is None:
        return f"not installed: {INSTALL[package]}"
    for name in (package, f"{package}-cpu", f"dm-{package}"):  # as distributions call themselves
        try:
            return f"{package} {version(name)}"
        except PackageNotFoundError:
            continue
    return f"{package}, of no known version"
