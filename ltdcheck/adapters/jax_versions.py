"""Which versions of jax and of the frameworks on it are supported."""

from __future__ import annotations

from importlib.metadata import version

from ltdcheck.adapters.installing import INSTALL
from ltdcheck.errors import TargetUnusableError

OLDEST = {"dm-haiku": (0, 0, 16), "equinox": (0, 13), "flax": (0, 12), "keras": (3, 12), "jax": (0, 10)}


def refuse_older(package: str, target: str) -> str:
    """The version of an installed framework.

    Raises
    ------
    TargetUnusableError
        When the framework, or jax, is older than what is supported.
    """
    for name in ("jax", package):
        oldest = OLDEST[name]
        if _numbers(version(name)) < oldest:
            why = f"{name} {version(name)} is too old: {'.'.join(map(str, oldest))} or newer is needed."
            extra = INSTALL[name.removeprefix("dm-")]
            raise TargetUnusableError(target, why, f"Upgrade it: {extra.replace('install', 'install -U', 1)}")
    return str(version(package))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())
