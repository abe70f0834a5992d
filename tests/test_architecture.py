"""The import arrows of ARCHITECTURE.md: every import in the package, wherever it stands, points downwards.

A module belongs to the part whose name is the longest prefix of its own. Each part says which other parts and which
third-party packages its modules may import. Imports inside functions, under TYPE_CHECKING, and by a constant name
through ``import_module`` count like any other.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

NOUNS = ("errors", "estimate", "implementation", "mutant", "problem", "result")
FRAMEWORKS = (
    "equinox", "flax", "haiku", "jax", "keras", "onnx", "onnxruntime", "optax", "reservoirpy", "tensorflow", "torch",
)  # fmt: skip
BELOW_PROPERTIES = (*NOUNS, "reference", "oracles", "strategies", "faults")
BELOW_DIAGNOSIS = (*BELOW_PROPERTIES, "adapters", "properties", "dynamics")
COMMANDS = ("cli_compare", "cli_mutate", "cli_report", "cli_run", "cli_vectors")
BELOW_API = (*BELOW_DIAGNOSIS, "diagnosis", "runner", "mutation", "reporting")


@dataclass(frozen=True)
class Part:
    """What the modules of one part may import besides the part itself and the standard library."""

    parts: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


PARTS = {
    # 0 the nouns
    **{noun: Part(NOUNS, ("numpy",)) for noun in NOUNS},
    # 1 the truth; a number system brings the package that defines it
    "reference": Part(NOUNS, ("numpy", "scipy")),
    "reference.numbers": Part((*NOUNS, "reference"), ("numpy", "scipy", "autograd", "flint")),
    # 2 independent of each other
    "oracles": Part((*NOUNS, "reference"), ("numpy", "scipy", "autograd")),
    "strategies": Part((*NOUNS, "reference"), ("numpy", "hypothesis")),
    "adapters": Part((*NOUNS, "reference"), ("numpy", "cloudpickle", *FRAMEWORKS)),
    "faults": Part((*NOUNS, "reference"), ("numpy", "autograd")),
    # 3 laws; no adapter, and no framework by name
    "properties": Part(BELOW_PROPERTIES, ("numpy", "scipy")),
    "gradcheck": Part((*NOUNS, "reference", "oracles", "adapters", "properties"), ("numpy", "autograd", "flint")),
    "dynamics": Part(BELOW_PROPERTIES, ("numpy", "scipy")),
    # 4 what happens in a run; the runner asks for a diagnosis of what it finds
    "diagnosis": Part(BELOW_DIAGNOSIS, ("numpy", "scipy")),
    "runner": Part(
        (*BELOW_DIAGNOSIS, "diagnosis"), ("numpy", "scipy", "hypothesis", "cloudpickle", "dask", "distributed")
    ),
    "vectors": Part(BELOW_DIAGNOSIS, ("numpy",)),
    "mutation": Part((*BELOW_DIAGNOSIS, "diagnosis", "runner"), ("numpy",)),
    # 5 pure functions of a record
    "reporting": Part(NOUNS, ("jinja2", "markupsafe", "rich")),
    # 6 the ways in
    "api": Part(BELOW_API, ("numpy",)),
    "catalogue": Part(BELOW_API),
    "cli": Part((*BELOW_API, *COMMANDS, "api", "catalogue", ""), ("click", "rich")),
    "cli_compare": Part((*BELOW_API, "cli_run"), ("click",)),
    "cli_mutate": Part(BELOW_API, ("click",)),
    "cli_report": Part((*BELOW_API, "cli_run"), ("click",)),
    "cli_run": Part(BELOW_API, ("click",)),
    "cli_vectors": Part((*BELOW_API, "vectors"), ("click", "rich")),
    "pytest_plugin": Part((*NOUNS, "api", ""), ("pytest",)),
    "experiments": Part((*NOUNS, "api", ""), ("numpy", "scipy")),
    "__main__": Part(("cli",)),
    "": Part((*NOUNS, "api", "gradcheck", "pytest_plugin")),  # ltdcheck/__init__.py
}


def part_of(module: str) -> str | None:
    """The part that ``module``, named without the package, belongs to; ``""`` is the package itself."""
    words = module.split(".")
    prefixes = (".".join(words[:k]) for k in range(len(words), 0, -1))
    return next((prefix for prefix in prefixes if prefix in PARTS), None)


def modules(package: Path) -> dict[str, Path]:
    """Every module by its name without the package's."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        words = path.relative_to(package).with_suffix("").parts
        found[".".join(words[:-1] if words[-1] == "__init__" else words)] = path
    return found


def imports(tree: ast.AST, package: str, parent: str) -> Iterator[tuple[str, int]]:
    """Full dotted names, with lines, of all that a module imports; ``parent`` is what one leading dot means."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                words = parent.split(".")
                base = [*words[: len(words) - level + 1], *([module] if module else [])] if level else [module or ""]
                yield from ((".".join([*base, alias.name]), node.lineno) for alias in names)
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
                if node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
                    name = node.args[0].value
                    yield (package + name if name.startswith(".") else name), node.lineno


def violations(package: Path) -> list[str]:
    """One sentence for each module that no part claims, and for each import that its part does not allow."""
    known, found = modules(package), []
    for module, path in known.items():
        part = part_of(module)
        if part is None:
            found.append(f"{module} belongs to no part: place it in PARTS")
            continue
        parent = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for name, line in imports(ast.parse(path.read_text()), package.name, f"{package.name}.{parent}".rstrip(".")):
            if not allowed(name, part, package.name, known):
                found.append(f"{module or package.name}:{line} imports {name}, which {part or package.name} may not")
    return found


def allowed(name: str, part: str, package: str, known: dict[str, Path]) -> bool:
    """Whether a module of ``part`` may import ``name``."""
    top, _, inner = name.partition(".")
    if top != package:
        return top in sys.stdlib_module_names or top in PARTS[part].packages
    if inner == "__version__":
        return True
    while inner and inner not in known:  # a name inside a module
        inner = inner.rpartition(".")[0]
    target = part_of(inner)
    return target is None or target == part or any(covers(above, target) for above in PARTS[part].parts)


def covers(permitted: str, target: str) -> bool:
    """A permission for a part holds for the parts inside it; the package itself has none inside."""
    return target == permitted or (permitted != "" and target.startswith(f"{permitted}."))


def test_imports_point_downwards() -> None:
    """No module of the installed package imports what its layer may not, and every module has a layer."""
    spec = importlib.util.find_spec("ltdcheck")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    assert len(modules(package)) > 20
    assert violations(package) == []


PLANTED = {
    "an oracle in the reference": ("reference/x.py", "from ltdcheck.oracles import tape"),
    "a library in the reference": ("reference/x.py", "import hypothesis"),
    "a package of a number system outside numbers": ("reference/cells/x.py", "import autograd"),
    "inside a function": ("oracles/x.py", "def f():\n    from ltdcheck.strategies import draw"),
    "under TYPE_CHECKING": (
        "strategies/x.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import ltdcheck.faults.lstm",
    ),
    "siblings by a relative import": ("faults/x.py", "from ..adapters import torch"),
    "siblings by a relative import in an __init__": ("faults/__init__.py", "from ..adapters import torch"),
    "an adapter in a property": ("properties/x.py", "from ltdcheck import adapters"),
    "a framework in a property": ("properties/x.py", "import torch.nn as nn"),
    "a framework by its name": ("dynamics/x.py", "from importlib import import_module\nimport_module('torch')"),
    "the package by a relative name": (
        "oracles/x.py",
        "import importlib\nimportlib.import_module('.faults', 'ltdcheck')",
    ),
    "reporting in a diagnosis": ("diagnosis/x.py", "import ltdcheck.reporting"),
    "reporting in the runner": ("runner/x.py", "from ltdcheck.reporting.html import render"),
    "what computes in reporting": ("reporting/x.py", "import numpy"),
    "the reference in reporting": ("reporting/x.py", "from ltdcheck.reference import ops"),
    "the command line below it": ("api.py", "from ltdcheck.cli import main"),
    "the pytest plugin in the command line": ("cli.py", "from ltdcheck import pytest_plugin"),
    "the facade below it": ("runner/x.py", "import ltdcheck"),
    "a noun that knows a cell": ("problem.py", "from ltdcheck.reference.cell import Cell"),
    "a module that no part claims": ("helpers.py", ""),
    "a folder that no part claims": ("utils/x.py", ""),
}


@pytest.mark.parametrize(("path", "source"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_violation_is_found(tmp_path: Path, path: str, source: str) -> None:
    """Each kind of upward arrow, written into a small package, is reported once, with its module."""
    package = small_package(tmp_path)
    assert violations(package) == []
    (package / path).parent.mkdir(parents=True, exist_ok=True)
    (package / path).write_text(source)
    (found,) = violations(package)
    assert found.startswith(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))


def small_package(folder: Path) -> Path:
    """A package in which every arrow points downwards, with the modules that the planted imports name."""
    sources = {
        "__init__.py": "from ltdcheck.api import check",
        "api.py": "from ltdcheck import reporting\nfrom ltdcheck.runner import run",
        "problem.py": "import numpy",
        "pytest_plugin.py": "import ltdcheck",
        "cli.py": "from ltdcheck import __version__, api",
        "reference/cell.py": "from __future__ import annotations\nfrom ltdcheck.problem import Problem",
        "reference/numbers/boxes.py": "import autograd.numpy as anp\nfrom .. import cell",
        "adapters/torch.py": "def f():\n    import torch\n    from ..problem import Problem",
        "faults/lstm.py": "import ltdcheck.reference.numbers.boxes\nfrom ltdcheck import __version__",
        "oracles/tape.py": "from . import dual",
        "strategies/draw.py": "",
        "runner/run.py": "from ltdcheck.diagnosis import explain\nfrom ltdcheck.adapters.torch import f",
        "diagnosis/explain.py": "from ltdcheck.faults import lstm",
        "reporting/html.py": "import jinja2, json",
    }
    for path, source in sources.items():
        file = folder / "ltdcheck" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
        (file.parent / "__init__.py").touch()
    return folder / "ltdcheck"


def test_adapters_are_short() -> None:
    """Each is read in one sitting; those of the gradient checker's functions are no adapters of networks."""
    spec = importlib.util.find_spec("ltdcheck.adapters")
    assert spec is not None
    assert spec.origin is not None
    files = [file for file in Path(spec.origin).parent.glob("*.py") if not file.name.startswith("functions")]
    assert len(files) > 40
    assert {file.name: n for file in files if (n := len(file.read_text().splitlines())) >= 150} == {}
