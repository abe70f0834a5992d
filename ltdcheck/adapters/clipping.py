"""From somebody's clipping function to a rule: how it takes its gradients is found out by trying.

Forms: ``f(grads, threshold)`` over a list or a dict of arrays or of tensors, which returns new ones or works in place;
torch's ``f(parameters, threshold)``, which works on the ``.grad`` of what a list or a generator yields; those of optax,
of a threshold; those of TensorFlow, of lists or of one tensor; and an optimizer of keras with a clipping option.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ltdcheck.adapters.clipping_documented import DOCUMENTED
from ltdcheck.adapters.clipping_form import Form
from ltdcheck.adapters.clipping_forms import forms
from ltdcheck.adapters.clipping_origin import option_of, root
from ltdcheck.errors import TargetAnswer, TargetUnusableError
from ltdcheck.implementation import ClippingAnswer, ClippingRule
from ltdcheck.problem import Array, ClippingCall

USE = (
    "A clipping function is f(grads, threshold) over a list or dict of arrays, torch's f(parameters, threshold), a "
    "clipping function of optax or TensorFlow, or an optimizer of keras with one of its clipping options."
)
PROBE = ClippingCall({"g0": np.array([[3.0, -0.5, 0.25]]), "g1": np.array([-1.0, 2.0])}, 1.0, label="probe")


class FunctionRule(ClippingRule):
    """A function called in one of the forms."""

    def __init__(self, function: Callable[..., Any], name: str, kind: str, form: Form) -> None:
        self.function, self.name, self.kind, self.taken = function, name, kind, form
        self.form, self.containers = form.name, form.containers
        self.framework = root(function) if root(function) in DOCUMENTED else ""
        self.framework_version = str(getattr(sys.modules.get(self.framework), "__version__", ""))
        self.documented: Mapping[str, str] = DOCUMENTED.get(self.framework, {})

    def clip(self, call: ClippingCall) -> ClippingAnswer:
        """One call on fresh arrays."""
        with self.taken.computing(call.precision):
            return _parted(self._clip(_joined(call)), call) if self.taken.joined else self._clip(call)

    def _clip(self, call: ClippingCall) -> ClippingAnswer:
        given = {name: self.taken.wrap(group.astype(call.precision)) for name, group in call.groups.items()}
        container = call.container or self.containers[0]
        holder = dict(given) if container == "dict" else list(given.values())
        passed: Any = (value for value in given.values()) if container == "generator" else holder
        try:
            with np.errstate(all="ignore"):
                result = self.taken.call(self.function, passed, call.threshold)
        except Exception as error:  # noqa: BLE001  (whatever it raises is its answer)
            return ClippingAnswer({}, raised=f"{type(error).__name__}: {error}")
        new, returned = _taken_apart(result)
        groups = self._named(holder if new is None else new, call)
        inputs_after = {name: self.taken.read(value) for name, value in given.items()}
        in_place = new is None or _shares(groups, inputs_after)
        copies = {name: np.array(group) for name, group in groups.items()}
        return ClippingAnswer(copies, returned, None, in_place, None if in_place else inputs_after)

    def _named(self, found: Any, call: ClippingCall) -> dict[str, Array]:
        """The answer by the names of the call; a dict by its keys, anything else in order."""
        by_name = isinstance(found, Mapping) and set(found) == set(call.groups)
        values = [found[name] for name in call.groups] if by_name else list(found)
        if len(values) != len(call.groups):
            raise TargetAnswer(f"{self.name} was given {len(call.groups)} arrays and answers with {len(values)}")
        groups = {}
        for (name, group), value in zip(call.groups.items(), values, strict=True):
            groups[name] = self._read(value)
            if groups[name].shape != group.shape:
                raise TargetAnswer(f"{self.name} was given shape {group.shape} and answers with {groups[name].shape}")
        return groups

    def _read(self, value: Any) -> Array:
        try:
            return self.taken.read(value)
        except (AttributeError, TypeError, ValueError, RuntimeError) as error:
            raise TargetAnswer(f"{self.name} leaves {type(value).__name__} where a gradient was: {error}") from error


def adapt_clipping(function: Any, name: str, kind: str = "clip-norm") -> FunctionRule:
    """The rule of a clipping function that a person named.

    Raises
    ------
    TargetUnusableError
        When it cannot be called, or answers in none of the forms.
    """
    if not callable(function) and option_of(function) is None:
        raise TargetUnusableError(name, f"it is a {type(function).__name__}, which cannot be called.", USE)
    idle, reasons = None, []
    for form in forms(function):
        rule = FunctionRule(function, name, kind, form)
        try:
            answer = rule.clip(PROBE)
        except TargetAnswer as error:
            answer = ClippingAnswer({}, raised=str(error))
        if answer.raised is not None:
            reasons.append(f"{form.name}: {answer.raised}")
        elif any(np.any(answer.groups[k] != PROBE.groups[k]) for k in PROBE.groups):
            return rule
        else:
            idle = idle or rule  # it may clip in another form, or nothing at all
    if idle is not None:
        return idle
    raise TargetUnusableError(name, f"it takes gradients in none of the known forms ({'; '.join(reasons)}).", USE)


def _joined(call: ClippingCall) -> ClippingCall:
    """All entries as one array."""
    return call.with_(groups={"all": np.concatenate([np.zeros(0), *(group.ravel() for group in call.groups.values())])})


def _parted(answer: ClippingAnswer, call: ClippingCall) -> ClippingAnswer:
    """The answer about one array, by the names and shapes of the call."""

    def parts(groups: Mapping[str, Array]) -> dict[str, Array]:
        ends = np.cumsum([group.size for group in call.groups.values()])[:-1]
        pieces = np.split(groups["all"], ends)
        return {n: piece.reshape(g.shape) for (n, g), piece in zip(call.groups.items(), pieces, strict=True)}

    if answer.raised is not None:
        return answer
    after = None if answer.inputs_after is None else parts(answer.inputs_after)
    return replace(answer, groups=parts(answer.groups), inputs_after=after)


def _taken_apart(result: Any) -> tuple[Any, float | None]:
    """New gradients, or None where the call works in place; and the norm, returned beside them or alone."""
    if result is None or _is_scalar(result):
        return None, None if result is None else float(result)
    if isinstance(result, tuple) and len(result) == 2:
        for groups, norm in (result, result[::-1]):
            if isinstance(groups, list | tuple | dict) and (norm is None or _is_scalar(norm)):
                return groups, None if norm is None else float(norm)
    return result, None


def _is_scalar(value: Any) -> bool:
    return isinstance(value, int | float | np.generic) or getattr(value, "ndim", None) == 0


def _shares(groups: Mapping[str, Array], given: Mapping[str, Array]) -> bool:
    """The answer lives in the arrays that were given."""
    return any(np.shares_memory(group, given[name]) for name, group in groups.items() if group.size)
