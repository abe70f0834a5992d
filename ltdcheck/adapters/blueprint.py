"""How instances of a target are made: from a class or factory with two sizes, or as copies of the one given."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ltdcheck.adapters.form import H, I
from ltdcheck.errors import TargetUnusableError

CONSTRUCTOR = "Let its constructor take (input_size, hidden_size), or name a factory that does."

Key = tuple[int, int, str]  # I, H, precision
Forms = Sequence[Callable[[Any, int, int], Any]]  # (class or factory, I, H) -> an instance


@dataclass
class Blueprint:
    """Instances by size and precision; each is made once and kept, unless a fresh one is asked for."""

    target: str
    make: Callable[[int, int], Any]
    fixed: bool = False  # copies of one instance, whose sizes are what they are
    _kept: dict[Key, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, obj: Any, target: str, forms: Forms | None = None) -> tuple[Blueprint, Any]:
        """A blueprint from a class or factory, and the first instance, of sizes I and H.

        ``forms`` are the ways to try of making one, likeliest first; without them, the two sizes by place or by name.

        Raises
        ------
        TargetUnusableError
            When every form of the call fails.
        """
        if forms is None:
            by_name = {"input_size", "hidden_size"} <= _names(obj)
            forms = (_by_name, _by_place) if by_name else (_by_place, _by_name)
        first: Exception | None = None
        for form in forms:
            try:
                instance = form(obj, I, H)
            except Exception as error:  # noqa: BLE001
                first = first or error
                continue
            return cls(target, lambda i, h, form=form: form(obj, i, h)), instance  # type: ignore[misc]
        why = f"its constructor, called with input_size={I}, hidden_size={H}, raised {type(first).__name__}: {first}."
        raise TargetUnusableError(target, why, CONSTRUCTOR)

    @classmethod
    def copies(cls, instance: Any, target: str) -> Blueprint:
        """A blueprint from one instance, of which every use gets a copy.

        Raises
        ------
        TargetUnusableError
            When it cannot be copied.
        """
        try:
            pristine = copy.deepcopy(instance)
        except Exception as error:
            why = f"copying this instance raised {type(error).__name__}: {error}."
            raise TargetUnusableError(target, why, "Name its class, or a factory, instead.") from error
        return cls(target, lambda _i, _h: copy.deepcopy(pristine), fixed=True)

    def instance(self, key: Key, *, fresh: bool, finish: Callable[[Any], Any]) -> Any:
        """The instance kept for these sizes and precision, or a new one; ``finish`` prepares a new one."""
        if fresh:
            return finish(self.make(*key[:2]))
        if key not in self._kept:
            self._kept[key] = finish(self.make(*key[:2]))
        return self._kept[key]


def _by_place(make: Any, i: int, h: int) -> Any:
    return make(i, h)


def _by_name(make: Any, i: int, h: int) -> Any:
    return make(input_size=i, hidden_size=h)


def _names(obj: Any) -> set[str]:
    try:
        return set(inspect.signature(obj).parameters)
    except (TypeError, ValueError):
        return set()
