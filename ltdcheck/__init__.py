"""Conformance suite and gradient checker for recurrent networks.

The names below are imported when they are first used, so that ``import ltdcheck`` costs next to nothing and the pytest
plugin can be installed everywhere.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ltdcheck.api import Report, check, check_clipping, compare
    from ltdcheck.errors import NonConformanceError
    from ltdcheck.gradcheck import GradientReport, check_gradient
    from ltdcheck.implementation import Implementation, Outputs
    from ltdcheck.problem import Problem
    from ltdcheck.pytest_plugin import conformance

__version__ = "0.1.0"

__all__ = [
    "GradientReport",
    "Implementation",
    "NonConformanceError",
    "Outputs",
    "Problem",
    "Report",
    "__version__",
    "check",
    "check_clipping",
    "check_gradient",
    "compare",
    "conformance",
]

# name: where it is defined
_PUBLIC = {
    "GradientReport": "ltdcheck.gradcheck:GradientReport",
    "Implementation": "ltdcheck.implementation:Implementation",
    "NonConformanceError": "ltdcheck.errors:NonConformanceError",
    "Outputs": "ltdcheck.implementation:Outputs",
    "Problem": "ltdcheck.problem:Problem",
    "Report": "ltdcheck.api:Report",
    "check": "ltdcheck.api:check",
    "check_clipping": "ltdcheck.api:check_clipping",
    "check_gradient": "ltdcheck.gradcheck:check_gradient",
    "compare": "ltdcheck.api:compare",
    "conformance": "ltdcheck.pytest_plugin:conformance",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PUBLIC[name].split(":")
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return sorted({*globals(), *__all__})
