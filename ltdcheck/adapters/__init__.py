"""From what a person named to what can be asked: loading, recognising, translating. One file a framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ltdcheck.adapters.clipping_origin import OPTIONS, option_of
from ltdcheck.errors import TargetUnusableError

if TYPE_CHECKING:
    from ltdcheck.adapters.serving import Handler

# functions that are known to clip: by the last part of their module's name and their own
_CLIPPING = {
    ("clip_grad", "clip_grad_norm_"): "clip-norm",
    ("clip_grad", "clip_grad_value_"): "clip-value",
    ("clip_ops", "clip_by_global_norm"): "clip-norm",
    ("clip_ops", "clip_by_norm"): "clip-norm",
    ("clip_ops", "clip_by_value"): "clip-value",
    ("_clipping", "clip_by_global_norm"): "clip-norm",
    ("_clipping", "clip"): "clip-value",
}


def open_target(source: Mapping[str, Any], live: object | None = None) -> Handler:
    """The handler that answers about a target, in the worker process.

    ``source`` holds ``spec``, as typed at the command line, or, where the object itself is given as ``live``, its
    ``name``; and, if declared, ``cell``.

    Raises
    ------
    TargetUnusableError
        When ``spec`` names nothing that can be loaded.
    """
    from ltdcheck.adapters.loading import load
    from ltdcheck.adapters.serving import Network

    name = source.get("name") or source.get("spec") or "the target"
    obj = load(source["spec"], source) if live is None else live
    kind = clipping_kind(obj, source.get("cell"))
    if kind is None:
        return Network(obj, name)
    if source.get("spec", "").startswith("exec:"):
        why = f"a program is asked for a network, and not to clip ({kind})."
        raise TargetUnusableError(name, why, "Name a Python function.")
    from ltdcheck.adapters.clipping import adapt_clipping
    from ltdcheck.adapters.serving_clipping import Clipping

    return Clipping(lambda: adapt_clipping(obj, name, kind))


def clipping_kind(obj: object, cell: str | None) -> str | None:
    """``clip-norm`` or ``clip-value`` where this is declared or known; None for everything else."""
    if cell is not None:
        return cell if cell.startswith("clip-") else None
    if option := option_of(obj):
        return OPTIONS[option]
    module = str(getattr(obj, "__module__", "")).rpartition(".")[2]
    return _CLIPPING.get((module, str(getattr(obj, "__name__", ""))))
