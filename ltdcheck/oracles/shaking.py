"""How far rounding can move an oracle: run it again with every operation off by a few units in the last place.

``Shaken`` is an array whose operations are each wrong at random while :func:`shaking` is on, whatever code performs
them: autograd's backward pass, complex arithmetic, a function that somebody else wrote. The spread of a few such runs
knows the conditioning of this very problem: it follows each entry, grows in chaotic regimes and shrinks in contracting
ones. It is a statistical statement, to first order in the rounding.

Each result is moved by at most ``SHAKE`` units in the last place of its terms (a sum is moved by the size of its terms,
not by what cancellation left of them), and by at most the smallest normal number, so that underflow is covered too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

EPS = float(np.finfo(float).eps)
TINY = float(np.finfo(float).tiny)
SHAKE = 8.0  # units in the last place; large enough that the noise of one operation does not round away
FACTOR = 4.0  # error over root mean square: with SHAKE, 64 times the rounding unit EPS/2 of every operation
COPIES = 8  # runs; their root mean square is below a fifth of the true one about once in 100 000 entries

_shaker: ContextVar[np.random.Generator | None] = ContextVar("_shaker", default=None)
_unit: ContextVar[tuple[float, float]] = ContextVar("_unit", default=(EPS, TINY))

# sums of products of entries of their arguments
MULTILINEAR = frozenset({np.dot, np.inner, np.outer, np.tensordot, np.einsum, np.trace, np.cumsum})
# without rounding of their own
EXACT = frozenset({np.negative, np.positive, np.absolute, np.maximum, np.minimum, np.sign, np.heaviside, np.conjugate})


@contextmanager
def shaking(seed: int, unit: float = EPS, floor: float = TINY) -> Iterator[None]:
    """Inside, operations on :class:`Shaken` arrays are off at random; the same seed gives the same numbers.

    ``unit`` is the machine epsilon whose rounding is imitated, ``floor`` the absolute error of every result; without
    it, what is exactly zero stays so.
    """
    token, measure = _shaker.set(np.random.default_rng(seed)), _unit.set((unit, floor))
    try:
        yield
    finally:
        _shaker.reset(token)
        _unit.reset(measure)


def spread(value: NDArray[Any], again: Callable[[], NDArray[Any]], seed: int = 0) -> NDArray[np.float64]:
    """The error of ``value`` from the rounding of the computation that gave it, in the shape of ``value``.

    ``again()`` is the same computation on :class:`Shaken` arrays, several copies along a new first axis. The error is
    infinite where a copy or the value is not finite.
    """
    with shaking(seed), np.errstate(all="ignore"):
        deviations = np.abs(np.asarray(again()) - value)
        error = FACTOR * root_mean_square(deviations) + 2 * EPS * np.abs(value) + TINY
    return np.where(np.isfinite(error), error, np.inf)


def root_mean_square(deviations: NDArray[Any]) -> NDArray[np.float64]:
    """Over the first axis; scaled first, so that squares of tiny numbers do not underflow."""
    largest = np.max(deviations, axis=0, initial=0.0)
    scaled = deviations / np.where(largest > 0, largest, 1.0)
    return np.asarray(largest * np.sqrt(np.mean(scaled**2, axis=0)))


class Shaken(np.ndarray):
    """An array, real or complex, whose operations are off at random while :func:`shaking` is on."""

    __array_priority__ = 1.0  # joined with plain arrays, the result is Shaken

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        """Compute with plain arrays, then move the result."""
        values = [plain(a) for a in inputs]
        result = getattr(ufunc, method)(*values, **options)
        if not isinstance(result, np.ndarray | np.generic) or result.dtype.kind not in "fc":
            return result
        result = np.asarray(result)
        generator = _shaker.get()
        if generator is not None and ufunc not in EXACT:
            result = _moved(result, _size(ufunc, method, values, result, options), generator)
        if out is not None:
            out[0][...] = result
            return out[0]
        return result.view(type(self))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Products and sums that NumPy computes without a ufunc are moved by the size of their terms."""
        if function not in MULTILINEAR:
            return super().__array_function__(function, types, args, kwargs)
        result = np.asarray(function(*_each(plain, args), **kwargs))
        generator = _shaker.get()
        if generator is not None and result.dtype.kind in "fc":
            result = _moved(result, function(*_each(_parts, args), **kwargs), generator)
        return result.view(type(self))

    def dot(self, other: Any, out: Any = None) -> Any:
        """As the function, which is moved."""
        return np.dot(self, other, out)

    def trace(self, *args: Any, **kwargs: Any) -> Any:
        """As the function, which is moved."""
        return np.trace(self, *args, **kwargs)

    def cumsum(self, *args: Any, **kwargs: Any) -> Any:
        """As the function, which is moved."""
        return np.cumsum(self, *args, **kwargs)


def _each(change: Callable[[Any], Any], args: Any) -> list[Any]:
    """Change the arrays among the arguments."""
    return [change(a) if isinstance(a, np.ndarray) else a for a in args]


def plain(a: Any) -> Any:
    """The array without its subclass."""
    return np.asarray(a) if isinstance(a, np.ndarray) else a


def shaken(a: Any, copies: int) -> Shaken:
    """``copies`` equal copies of ``a`` along a new first axis."""
    return cast(Shaken, np.repeat(np.asarray(a)[None], copies, axis=0).view(Shaken))


def _size(ufunc: np.ufunc, method: str, values: list[Any], result: NDArray[Any], options: dict[str, Any]) -> Any:
    """How large the terms are that were rounded; real and imaginary parts each for themselves."""
    if method == "reduce" or ufunc is np.matmul:
        return getattr(ufunc, method)(*map(_parts, values), **options)
    if result.dtype.kind == "c" and ufunc in (np.multiply, np.square):
        return np.multiply(_parts(values[0]), _parts(values[-1]))
    if result.dtype.kind == "c" and ufunc is np.divide:
        return np.multiply(_parts(values[0]), _parts(1 / np.asarray(values[1])))
    return _parts(result)


def _parts(a: Any) -> Any:
    """Absolute values of the real and of the imaginary part."""
    a = np.asarray(a)
    return np.abs(a.real) + 1j * np.abs(a.imag) if a.dtype.kind == "c" else np.abs(a)


def _moved(result: NDArray[Any], size: Any, generator: np.random.Generator) -> NDArray[Any]:
    """The result, off by at most SHAKE units of ``size``; what has overflowed has no last place, and stays."""
    unit, floor = _unit.get()

    def off(part: Any) -> Any:
        return (SHAKE * unit * part + floor) * generator.uniform(-1, 1, result.shape)

    size = np.asarray(size)
    moved = result + (off(size.real) + 1j * off(size.imag) if result.dtype.kind == "c" else off(size))
    finite = np.isfinite(result)
    return np.asarray(moved if finite.all() else np.where(finite, moved, result))


def slope_noise(result: Shaken, size: Any) -> Shaken:
    """A complex result whose imaginary part is off as well by at most SHAKE units of ``size``."""
    generator = _shaker.get()
    if generator is None:
        return result
    off = SHAKE * _unit.get()[0] * size * generator.uniform(-1, 1, result.shape)
    return cast(Shaken, (plain(result) + 1j * off).view(type(result)))
