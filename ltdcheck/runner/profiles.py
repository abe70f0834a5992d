"""How much is tried: a profile says how many drawn examples follow the fixed ones."""

from __future__ import annotations

from dataclasses import dataclass

from ltdcheck.errors import UnknownNameError


@dataclass(frozen=True)
class Profile:
    """``examples`` of up to ``longest`` steps are drawn for each property, fewer if it makes several calls for one.

    A finding is made smaller in ``shrinks`` tries.
    ``large`` adds the fixed problem with more than 128 units and arrays of more than 32 768 entries.
    """

    name: str
    examples: int
    longest: int
    shrinks: int
    large: bool = True


_ALL = (Profile("quick", 4, 8, 40, large=False), Profile("default", 14, 12, 120), Profile("thorough", 200, 40, 400))
PROFILES = {p.name: p for p in _ALL}


def profile_named(name: str) -> Profile:
    """Look one up.

    Raises
    ------
    UnknownNameError
        When there is none of this name.
    """
    if name not in PROFILES:
        raise UnknownNameError("profile", name, list(PROFILES))
    return PROFILES[name]
