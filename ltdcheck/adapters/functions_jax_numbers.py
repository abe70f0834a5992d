"""A program of jax, operation by operation, on other numbers: rounded at random, or complex with sides.

The program is traced in float64, so that it holds what f does whatever its precision. Complex numbers are ordered as
dual numbers are (:mod:`ltdcheck.gradcheck.sided`); what has no meaning on them is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend import core

from ltdcheck.adapters.functions import SHAKE, How, words
from ltdcheck.adapters.functions_jax_rules import RULES, moves, raised
from ltdcheck.errors import NotAnalyticError

ARRANGING = words(
    """
    broadcast_in_dim reshape squeeze expand_dims transpose slice dynamic_slice dynamic_update_slice concatenate pad
    gather scatter rev copy copy_p select_n stop_gradient split iota convert_element_type device_put
    sharding_constraint optimization_barrier tie_in
    """
)
EXACT = ARRANGING | words(
    """
    neg abs max min sign clamp reduce_max reduce_min reduce_window_max reduce_window_min top_k cummax cummin
    floor ceil round sort argmax argmin eq ne gt ge
    lt le is_finite and or not
    """
)
ANALYTIC = (ARRANGING - {"sharding_constraint"}) | words(
    """
    add sub mul div neg add_any exp sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh logistic square
    integer_pow dot_general conv_general_dilated reduce_sum reduce_window_sum cumsum
    cumprod reduce_prod triangular_solve scatter-add
    scatter_add mul_add
    """
)
POSITIVE = {"log", "sqrt", "rsqrt"}
LINEAR = words(
    """
    dot_general reduce_sum reduce_window_sum conv_general_dilated cumsum
    """
)
INNER = ("jaxpr", "call_jaxpr", "fun_jaxpr")


def interpret(program: Any, arguments: Sequence[Any], how: How) -> list[Any]:
    """The results of a closed program."""
    return _Run(how).closed(program, list(arguments))


class _Run:
    def __init__(self, how: How) -> None:
        self.how, self.random = how, np.random.default_rng(how.seed)
        self._terms: dict[int, tuple[Any, list[Any]]] = {}  # of sums and differences, by the identity of the result

    def closed(self, program: Any, arguments: list[Any]) -> list[Any]:
        """Operation by operation."""
        if not hasattr(program, "consts"):
            return self._open(program, [], arguments)
        return self._open(program.jaxpr, program.consts, arguments)

    def _open(self, program: Any, constants: Sequence[Any], arguments: list[Any]) -> list[Any]:
        known: dict[Any, Any] = {}
        known.update(zip(program.constvars, constants, strict=True))
        known.update(zip(program.invars, arguments, strict=True))
        for equation in program.eqns:
            values = [v.val if isinstance(v, core.Literal) else known[v] for v in equation.invars]
            known.update(zip(equation.outvars, self._equation(equation, values), strict=True))
        return [v.val if isinstance(v, core.Literal) else known[v] for v in program.outvars]

    def _equation(self, equation: Any, values: list[Any]) -> list[Any]:
        name, params = equation.primitive.name, equation.params
        if name in CONTROL:
            return CONTROL[name](self, params, values)
        inner = next((params[key] for key in INNER if key in params), None)
        if inner is not None and name not in LINEAR:
            return self.closed(inner, values)
        if any(moves(v) for v in values):
            return self._moving(equation, name, values)
        return self._rounded(name, equation, values, _bound(equation, values))

    def _moving(self, equation: Any, name: str, values: list[Any]) -> list[Any]:
        """An operation on complex numbers."""
        if name in RULES:
            found = RULES[name](self.how, equation.params, *values)
            return self._rounded(name, equation, values, list(found) if isinstance(found, tuple) else [found])
        if name not in ANALYTIC and name not in POSITIVE:
            raise NotAnalyticError(
                f"{name}: not known to be analytic, so a complex step could return a wrong derivative"
            )
        if name in POSITIVE and not bool(np.all(np.real(values[0]) > 0)):
            raise NotAnalyticError(f"{name} at or below 0")
        complexes = [raised(v) for v in values]
        results = self._rounded(name, equation, complexes, _bound(equation, complexes))
        return results if self.how.seed is None else [self._losing(name, values, results[0]), *results[1:]]

    def _losing(self, name: str, values: list[Any], result: Any) -> Any:
        """Off as well by what an exponential loses whose argument is formed of other terms, as in `sided._lost`."""
        if name in ("add", "sub"):
            self._terms[id(result)] = result, values
        if name != "exp":
            return result
        _, terms = self._terms.get(id(values[0]), (None, values))
        size, slope = (np.maximum.reduce(np.broadcast_arrays(*map(part, terms))) for part in (_real, _imaginary))
        lost = np.nan_to_num(np.asarray(result).real * size * slope)
        return result + 1j * self._share(lost.shape) * lost

    def _rounded(self, name: str, equation: Any, values: list[Any], results: list[Any]) -> list[Any]:
        if self.how.seed is None or name in EXACT:
            return results
        sizes = _bound(equation, [_size(v) for v in values]) if name in LINEAR else [_size(r) for r in results]
        return [self._off(r, s) for r, s in zip(results, sizes, strict=True)]

    def _off(self, result: Any, size: Any) -> Any:
        if not _holds_numbers(result):
            return result
        result, size = np.asarray(result), np.asarray(size)
        size = np.where(np.isfinite(size), size, 0.0)  # infinity does not round
        off = self._share(result.shape) * size.real
        return result + (off + 1j * self._share(result.shape) * size.imag if result.dtype.kind == "c" else off)

    def _share(self, shape: tuple[int, ...]) -> Any:
        return SHAKE * self.how.unit * self.random.uniform(-1, 1, shape)

    def scan(self, params: dict[str, Any], values: list[Any]) -> list[Any]:
        """A loop over the first axis."""
        fixed, carried = params["num_consts"], params["num_carry"]
        constants, carry, rows = values[:fixed], values[fixed : fixed + carried], values[fixed + carried :]
        order = range(params["length"])
        collected: list[list[Any]] = []
        for k in reversed(order) if params["reverse"] else order:
            answers = self.closed(params["jaxpr"], [*constants, *carry, *(row[k] for row in rows)])
            carry = answers[:carried]
            collected.append(answers[carried:])
        if params["reverse"]:
            collected.reverse()
        return [*carry, *(jnp.stack(column) for column in zip(*collected, strict=True))]

    def loop(self, params: dict[str, Any], values: list[Any]) -> list[Any]:
        """A loop with a condition."""
        a, b = params["cond_nconsts"], params["body_nconsts"]
        asked, fixed, carry = values[:a], values[a : a + b], values[a + b :]
        while bool(self.closed(params["cond_jaxpr"], [*asked, *carry])[0]):
            carry = self.closed(params["body_jaxpr"], [*fixed, *carry])
        return carry

    def branch(self, params: dict[str, Any], values: list[Any]) -> list[Any]:
        """One of several programs."""
        chosen = int(np.clip(int(values[0]), 0, len(params["branches"]) - 1))
        return self.closed(params["branches"][chosen], values[1:])


CONTROL: dict[str, Callable[..., list[Any]]] = {"scan": _Run.scan, "while": _Run.loop, "cond": _Run.branch}


def _bound(equation: Any, values: Sequence[Any]) -> list[Any]:
    params = dict(equation.params)
    if equation.primitive.name == "conv_general_dilated" and any(moves(v) for v in values):
        return [_convolved(equation.primitive, params, *values)]
    if "preferred_element_type" in params and any(moves(v) for v in values):
        params = {**params, "preferred_element_type": jnp.dtype("complex128")}
    if "out_dtype" in params and any(moves(v) for v in values):
        params = {**params, "out_dtype": None}
    answer = equation.primitive.bind(*values, **params)
    return list(answer) if equation.primitive.multiple_results else [answer]


def _convolved(primitive: Any, params: dict[str, Any], a: Any, w: Any) -> Any:
    """By the product rule: jax's own of complex numbers adds the parts up, which loses the smaller one."""
    params = {**params, "preferred_element_type": jnp.dtype("float64")}

    def convolved(one: Any, other: Any) -> Any:
        return np.asarray(primitive.bind(jnp.asarray(one, dtype=float), jnp.asarray(other, dtype=float), **params))

    (a, b), (w, v) = ((np.real(part), np.imag(part)) for part in (a, w))
    return jnp.asarray(convolved(a, w) + 1j * (convolved(b, w) + convolved(a, v)))


def _real(value: Any) -> Any:
    return np.abs(np.real(value))


def _imaginary(value: Any) -> Any:
    return np.abs(np.imag(value))


def _holds_numbers(value: Any) -> bool:
    """Real or complex ones; no counts, and no keys of random numbers."""
    return bool(jnp.issubdtype(getattr(value, "dtype", np.dtype(type(value))), np.inexact))


def _size(value: Any) -> Any:
    if not _holds_numbers(value):
        return value
    value = np.asarray(value)
    return np.abs(value.real) + 1j * np.abs(value.imag) if value.dtype.kind == "c" else np.abs(value)
