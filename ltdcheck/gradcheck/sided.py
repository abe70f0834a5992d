"""Complex numbers that take sides: a complex step through code that compares, clips and takes absolute values.

The imaginary part is an infinitesimal move along the direction, so numbers are ordered as dual numbers are: by their
real parts and, where these are equal, by the imaginary ones. ``max``, ``abs`` and ``x > 0`` then have the slope of the
side to which the point moves, which away from ties is the derivative. A tie of terms whose slopes differ is a kink at
this very point; it is counted, and its slopes can be mixed (:class:`~ltdcheck.adapters.functions.How`).

While :func:`~ltdcheck.oracles.shaking.shaking` is on, slopes are off as well by what they lose when they are formed
from results, as in ``1 - h*h`` and ``s*(1 - s)``.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import reduce
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ltdcheck.adapters.functions import How
from ltdcheck.errors import NotAnalyticError
from ltdcheck.gradcheck.sided_functions import FUNCTIONS
from ltdcheck.oracles.analytic import Analytic
from ltdcheck.oracles.shaking import plain, slope_noise

HOW: ContextVar[How] = ContextVar("HOW", default=How())  # noqa: B039  (its default is only read)

COMPARISONS = {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal}
LARGEST = {np.max, np.amax}
SMALLEST = {np.min, np.amin}
TOLD = {np.isnan, np.isfinite, np.isinf}
# functions in steps, and where they jump
STEPS: dict[Any, Any] = {
    np.sign: lambda a: a == 0,
    np.floor: lambda a: a == np.floor(a),
    np.ceil: lambda a: a == np.floor(a),
    np.trunc: lambda a: a == np.floor(a),
    np.rint: lambda a: a + 0.5 == np.floor(a + 0.5),
}
# f': of analytic functions that NumPy has no complex form of, or one that loses digits near the real axis
SLOPES: dict[Any, Any] = {
    np.log1p: lambda a: 1 / (1 + a),
    np.expm1: np.exp,
    np.log2: lambda a: 1 / (a * np.log(2)),
    np.log10: lambda a: 1 / (a * np.log(10)),
    np.exp2: lambda a: np.exp2(a) * np.log(2),
    np.tan: lambda a: 1 + np.tan(a) ** 2,
    np.arctan: lambda a: 1 / (1 + a * a),
    np.arcsin: lambda a: 1 / np.sqrt((1 - a) * (1 + a)),
    np.arccos: lambda a: -1 / np.sqrt((1 - a) * (1 + a)),
    np.arcsinh: lambda a: 1 / np.hypot(1, a),
    np.arctanh: lambda a: 1 / ((1 - a) * (1 + a)),
    np.cbrt: lambda a: 1 / (3 * np.cbrt(a) ** 2),
}


class Sided(Analytic):
    """A complex array whose comparisons look at the imaginary part where the real parts are equal.

    ``terms`` are those of a sum or difference of two.
    """

    terms: list[Any]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:  # noqa: PLR0911
        """Comparisons and what follows them; powers of any exponent; the rest is analytic."""
        values = [plain(a) for a in inputs]
        if method == "__call__" and not options.get("out"):
            if ufunc in COMPARISONS:
                return _compared(ufunc, *values)
            if ufunc in (np.maximum, np.minimum, np.fmax, np.fmin):
                return _chosen(values[0], values[1], larger=ufunc in (np.maximum, np.fmax)).view(Sided)
            if ufunc in (np.absolute, np.fabs):
                return _chosen(values[0], -values[0], larger=True).view(Sided)
            if ufunc in TOLD or ufunc in STEPS:
                return _step(ufunc, values[0])
            if ufunc in SLOPES:
                return _unary(ufunc, values[0])
            if ufunc in (np.power, np.float_power):
                return _power(*inputs)
            if ufunc in (np.logaddexp, np.hypot):
                return _LONGHAND[ufunc](*inputs)
        if ufunc in (np.maximum, np.minimum) and method == "reduce":
            return _extreme(values[0], larger=ufunc is np.maximum, **options)
        result = super().__array_ufunc__(ufunc, method, *inputs, **options)
        return _lost(ufunc, inputs, values, result) if method == "__call__" and isinstance(result, Sided) else result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Extremes and clipping; the rest is analytic."""
        if function in LARGEST or function in SMALLEST:
            return _extreme(plain(args[0]), *args[1:], larger=function in LARGEST, **kwargs)
        if function is np.clip:
            return args[0].clip(*args[1:], **kwargs)
        if function in FUNCTIONS:
            return FUNCTIONS[function](*args, **kwargs)
        if function is np.argmax:
            return plain(args[0]).argmax(*args[1:], **kwargs)  # NumPy orders complex numbers in just this way
        if function is np.argmin:
            return plain(args[0]).argmin(*args[1:], **kwargs)
        return super().__array_function__(function, types, args, kwargs)

    def __getitem__(self, key: Any) -> Sided:
        return cast(Sided, np.asarray(plain(self)[key]).view(Sided))

    def __abs__(self) -> Any:
        return np.absolute(self)

    def max(self, *args: Any, **kwargs: Any) -> Any:
        """The largest."""
        return _extreme(plain(self), *args, larger=True, **kwargs)

    def min(self, *args: Any, **kwargs: Any) -> Any:
        """The smallest."""
        return _extreme(plain(self), *args, larger=False, **kwargs)

    def clip(  # type: ignore[override]  # one signature for all of NumPy's
        self, a_min: Any = None, a_max: Any = None, **kwargs: Any
    ) -> Any:
        """Between two bounds, either of which may be absent."""
        low, high = kwargs.get("min", a_min), kwargs.get("max", a_max)
        result = self if low is None else np.maximum(self, low)
        return result if high is None else np.minimum(result, high)

    def round(self, *args: Any, **kwargs: Any) -> Any:
        """As the function."""
        return np.round(self, *args, **kwargs)

    def std(self, *args: Any, **kwargs: Any) -> Any:
        """As the function."""
        return np.std(self, *args, **kwargs)

    def var(self, *args: Any, **kwargs: Any) -> Any:
        """As the function."""
        return np.var(self, *args, **kwargs)

    def argmax(self, *args: Any, **kwargs: Any) -> Any:
        """Where the largest is."""
        return plain(self).argmax(*args, **kwargs)

    def argmin(self, *args: Any, **kwargs: Any) -> Any:
        """Where the smallest is."""
        return plain(self).argmin(*args, **kwargs)


def sided(real: Any, imaginary: Any) -> Sided:
    """``real + i*imaginary``."""
    return cast(Sided, np.asarray(np.asarray(real, dtype=float) + 1j * np.asarray(imaginary)).view(Sided))


def _tied(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    """Where two terms are equal and move apart."""
    return np.asarray((a.real == b.real) & (a.imag != b.imag))


def _chosen(a: Any, b: Any, *, larger: bool) -> NDArray[Any]:
    """The larger or the smaller of each pair; at a tie by the side, or mixed."""
    a, b = np.broadcast_arrays(np.asarray(a, dtype=complex), np.asarray(b, dtype=complex))
    tied, how = _tied(a, b), HOW.get()
    best = np.maximum(a, b) if larger else np.minimum(a, b)
    if not how.met(tied):
        return np.asarray(best)
    share = how.shares(tied)
    return np.asarray(np.where(tied, a.real + 1j * (share * a.imag + (1 - share) * b.imag), best))


def _compared(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    a, b = np.broadcast_arrays(np.asarray(a, dtype=complex), np.asarray(b, dtype=complex))
    tied, how = _tied(a, b), HOW.get()
    answer = ufunc(a, b)
    return np.where(tied, how.shares(tied) >= 0.5, answer) if how.met(tied) else answer


def _extreme(
    a: NDArray[Any], axis: Any = None, out: Any = None, *, larger: bool, keepdims: Any = False, **_: Any
) -> Any:
    """NumPy orders complex numbers by real parts, then by imaginary ones."""
    result = np.asarray((np.max if larger else np.min)(a, axis=axis, keepdims=True))
    equal, how = a.real == result.real, HOW.get()
    most = np.max(np.where(equal, a.imag, -np.inf), axis=axis, keepdims=True)
    least = np.min(np.where(equal, a.imag, np.inf), axis=axis, keepdims=True)
    tied = np.asarray(most != least)
    if how.met(tied):
        share = how.shares(tied)
        result = np.where(tied, result.real + 1j * (share * most + (1 - share) * least), result)
    if not keepdims:
        result = result.reshape(np.max(a.real, axis=axis).shape)
    return result.view(Sided)


def _step(ufunc: np.ufunc, a: NDArray[Any]) -> Any:
    """Slope 0 between jumps; what is no number has none.

    Raises
    ------
    NotAnalyticError
        At a jump.
    """
    if ufunc in TOLD:
        return ufunc(a.real)
    if np.any(STEPS[ufunc](a.real) & (a.imag != 0)):
        raise NotAnalyticError(f"a jump of {ufunc.__name__} at x")
    return sided(ufunc(a.real), np.zeros(a.shape))


def _unary(ufunc: np.ufunc, a: NDArray[Any]) -> Any:
    with np.errstate(all="ignore"):
        value, slope = ufunc(a.real), SLOPES[ufunc](a.real)
    return sided(value, slope * a.imag) * 1.0  # rounded as any operation


def _power(base: Any, exponent: Any) -> Any:
    """``a**p`` with a constant p has the slope ``p*a**(p-1)``; with one that moves, ``a`` must be positive."""
    p = plain(exponent)
    if np.asarray(p).dtype.kind == "c":
        return np.exp(exponent * np.log(sided(plain(base).real, np.imag(plain(base)))))
    a = np.asarray(plain(base))
    if np.any((a.real < 0) & (p != np.round(p))):
        raise NotAnalyticError("power of a negative number with an exponent that is not whole: it has no real value")
    slope = np.where(p == 0, 0.0, p * np.power(a.real, np.where(p == 0, 1.0, p - 1.0)))
    return sided(np.power(a.real, p), slope * a.imag) * 1.0


def _lost(ufunc: np.ufunc, inputs: Any, values: list[Any], result: Sided) -> Sided:
    """Shaken as well by what a slope loses that is formed from the result, or by other terms.

    That of tanh is formed as 1 - h*h, with an absolute error; one of ``1 + e`` and ``1 - s`` from a number that has
    lost the digits of e below those of 1. The exponential makes an error of its argument a relative one, and the same
    difference may be formed of terms that round by their own size: ``exp(o - max(o))/sum(..)`` is
    ``exp(o - logsumexp(o))``, which is off by a relative u*abs(o) however close o lies to its largest.
    """
    if ufunc is np.tanh:
        return cast(Sided, slope_noise(result, 2 * np.abs(values[0].imag)))
    if ufunc is np.exp:
        terms = getattr(inputs[0], "terms", values)
        with np.errstate(all="ignore"):
            size, slope = (reduce(np.maximum, (np.abs(part(a)) for a in terms)) for part in (np.real, np.imag))
            return cast(Sided, slope_noise(result, np.nan_to_num(plain(result).real * size * slope)))
    if ufunc in (np.add, np.subtract):
        result.terms = values  # (an attribute of this array alone: its views have none)
        for one, term in (values, values[::-1]):
            if np.ndim(one) == 0 and one == 1 and np.asarray(term).dtype.kind == "c":
                with np.errstate(all="ignore"):
                    lost = np.minimum(np.abs(plain(result)) / np.abs(term.real), 1 / np.finfo(float).eps)
                return cast(Sided, slope_noise(result, lost * np.abs(term.imag)))
    return result


def _logaddexp(a: Any, b: Any) -> Any:
    top = np.maximum(np.real(plain(a)), np.real(plain(b)))
    return np.log(np.exp(a - top) + np.exp(b - top)) + top


_LONGHAND: dict[Any, Any] = {np.logaddexp: _logaddexp, np.hypot: lambda a, b: np.sqrt(a * a + b * b)}
