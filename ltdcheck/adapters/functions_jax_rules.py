"""What jax's operations do to complex numbers that are ordered as dual numbers are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from ltdcheck.adapters.functions import How
from ltdcheck.errors import NotAnalyticError


def moves(value: Any) -> bool:
    """Whether it is complex."""
    return str(getattr(value, "dtype", np.dtype(type(value)))).startswith("complex")


def raised(value: Any) -> Any:
    """In complex numbers, if it holds any but counts."""
    value = np.asarray(value)
    return value.astype(complex) if value.dtype.kind in "fc" else value


# -- ties ----------------------------------------------------------------------------------------------------


def _pair(a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Two terms, and the sign of their difference as dual numbers."""
    a, b = np.broadcast_arrays(*(np.asarray(c).astype(complex) for c in (a, b)))
    return a, b, np.where(a.real != b.real, np.sign(a.real - b.real), np.sign(a.imag - b.imag))


def _tied(a: Any, b: Any) -> Any:
    return np.asarray((a.real == b.real) & (a.imag != b.imag))


def _chosen(how: How, a: Any, b: Any, sign: float) -> Any:
    a, b, order = _pair(a, b)
    best, tied = np.where(sign * order >= 0, a, b), _tied(a, b)
    if how.met(tied):
        share = how.shares(tied)
        best = np.where(tied, share * a + (1 - share) * b, best)
    return jnp.asarray(best)


def _compared(holds: Callable[[Any], Any]) -> Callable[..., Any]:
    def compare(how: How, params: Any, a: Any, b: Any) -> Any:
        a, b, order = _pair(a, b)
        answer, tied = holds(order), _tied(a, b)
        return jnp.asarray(np.where(tied, how.shares(tied) >= 0.5, answer) if how.met(tied) else answer)

    return compare


def _extreme(sign: float) -> Callable[..., Any]:
    def extreme(how: How, params: Any, a: Any) -> Any:
        axes = params["axes"]
        rest = [k for k in range(a.ndim) if k not in axes]
        parts = np.moveaxis(np.asarray(a), rest, range(len(rest))).reshape(*(a.shape[k] for k in rest), -1)
        best = parts[..., 0]
        for k in range(1, parts.shape[-1]):
            best = np.asarray(_chosen(how, best, parts[..., k], sign))
        return jnp.asarray(best)

    return extreme


def _window_extreme(sign: float) -> Callable[..., Any]:
    def extreme(how: How, params: Any, a: Any) -> Any:
        if any(n != 1 for n in (*params["base_dilation"], *params["window_dilation"])):
            raise NotAnalyticError("a window with holes")
        size, outside = params["window_dimensions"], complex(-np.inf if sign > 0 else np.inf)
        padded = np.pad(np.asarray(a), params["padding"], constant_values=outside)
        every = tuple(slice(None, None, step) for step in params["window_strides"])
        windows = np.lib.stride_tricks.sliding_window_view(padded, size)[every]
        return _extreme(sign)(how, {"axes": tuple(range(a.ndim, 2 * a.ndim))}, windows)

    return extreme


def _running_extreme(sign: float) -> Callable[..., Any]:
    def extreme(how: How, params: Any, a: Any) -> Any:
        axis, flipped = params["axis"], slice(None, None, -1 if params["reverse"] else 1)
        found = list(np.moveaxis(np.asarray(a), axis, 0)[flipped])
        for k in range(1, len(found)):
            found[k] = np.asarray(_chosen(how, found[k - 1], found[k], sign))
        return jnp.asarray(np.moveaxis(np.stack(found)[flipped], 0, axis))

    return extreme


def _sorted(how: How, params: Any, *arrays: Any) -> tuple[Any, ...]:
    """In the order of the first array's real parts."""
    if params["num_keys"] != 1:
        raise NotAnalyticError("a sort by several keys")
    axis = params["dimension"]
    order = np.argsort(np.real(arrays[0]), axis=axis, kind="stable")
    found = tuple(np.take_along_axis(np.asarray(a), order, axis) for a in arrays)
    _refuse_ties(found[0], axis)
    return tuple(map(jnp.asarray, found))


def _top(how: How, params: Any, a: Any) -> tuple[Any, Any]:
    """The first k in descending order, and where they are."""
    axis = params.get("axis", a.ndim - 1)
    order = np.argsort(-np.real(a), axis=axis, kind="stable")
    found = np.take_along_axis(np.asarray(a), order, axis)
    _refuse_ties(found, axis)
    first = (slice(None),) * (axis % a.ndim) + (slice(params["k"]),)
    return jnp.asarray(found[first]), jnp.asarray(order[first].astype(np.int32))


def _refuse_ties(found: Any, axis: int) -> None:
    tied = (np.diff(np.real(found), axis=axis) == 0) & (np.diff(np.imag(found), axis=axis) != 0)
    if np.any(tied):
        raise NotAnalyticError("a sort of equal numbers")


def _slope(value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Callable[..., Any]:
    def rule(how: How, params: Any, a: Any) -> Any:
        real = jnp.real(a)
        return value(real) + 1j * slope(real) * jnp.imag(a)

    return rule


def _select(how: How, params: Any, which: Any, *cases: Any) -> Any:
    return lax.select_n(which, *(raised(case) for case in cases))


def _converted(how: How, params: Any, a: Any) -> Any:
    """Counts do not move; every other precision stays the widest."""
    dtype = params["new_dtype"]
    return a if jnp.issubdtype(dtype, jnp.inexact) else jnp.real(a).astype(dtype)


def _power(how: How, params: Any, a: Any, p: Any) -> Any:
    if moves(p):
        return jnp.exp(p * jnp.log(raised(a)))
    real, p = jnp.real(a), jnp.asarray(p)
    if bool(jnp.any((real < 0) & (p != jnp.round(p)))):
        raise NotAnalyticError("power of a negative number with an exponent that is not whole: it has no real value")
    slope = jnp.where(p == 0, 0.0, p * real ** jnp.where(p == 0, 1.0, p - 1.0))
    return real**p + 1j * slope * jnp.imag(a)


def _no_slope(value: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda how, params, a: value(jnp.real(a))


RULES: dict[str, Callable[..., Any]] = {
    "max": lambda how, params, a, b: _chosen(how, a, b, 1.0),
    "min": lambda how, params, a, b: _chosen(how, a, b, -1.0),
    "abs": lambda how, params, a: _chosen(how, a, -a, 1.0),
    "clamp": lambda how, params, low, a, high: _chosen(how, _chosen(how, a, low, 1.0), high, -1.0),
    "reduce_max": _extreme(1.0),
    "reduce_min": _extreme(-1.0),
    "reduce_window_max": _window_extreme(1.0),
    "reduce_window_min": _window_extreme(-1.0),
    "cummax": _running_extreme(1.0),
    "cummin": _running_extreme(-1.0),
    "sort": _sorted,
    "top_k": _top,
    "gt": _compared(lambda s: s > 0),
    "ge": _compared(lambda s: s >= 0),
    "lt": _compared(lambda s: s < 0),
    "le": _compared(lambda s: s <= 0),
    "eq": _compared(lambda s: s == 0),
    "ne": _compared(lambda s: s != 0),
    "sign": _no_slope(jnp.sign),
    "floor": _no_slope(jnp.floor),
    "ceil": _no_slope(jnp.ceil),
    "round": _no_slope(jnp.round),
    "is_finite": _no_slope(jnp.isfinite),
    "select_n": _select,
    "convert_element_type": _converted,
    "pow": _power,
    "log1p": _slope(jnp.log1p, lambda a: 1 / (1 + a)),
    "expm1": _slope(jnp.expm1, jnp.exp),
    "exp2": _slope(jnp.exp2, lambda a: jnp.exp2(a) * jnp.log(2.0)),
    "erf": _slope(lax.erf, lambda a: 2 / jnp.sqrt(jnp.pi) * jnp.exp(-a * a)),
    "erfc": _slope(lax.erfc, lambda a: -2 / jnp.sqrt(jnp.pi) * jnp.exp(-a * a)),
    "cbrt": _slope(jnp.cbrt, lambda a: 1 / (3 * jnp.cbrt(a) ** 2)),
}
