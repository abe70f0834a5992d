"""NumPy code as a function of one vector; its own gradient is autograd's, where it is written over autograd.numpy."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdcheck.adapters.functions import (
    Block,
    How,
    Named,
    Rows,
    Vector,
    called,
    counts,
    joined,
    leaves,
    rebuilt,
    refuse_other_numbers,
    split,
    stacked,
)
from ltdcheck.errors import NotAnalyticError
from ltdcheck.gradcheck.many import HIDDEN, Many
from ltdcheck.gradcheck.sided import HOW, Sided, sided
from ltdcheck.oracles.analytic import imaginary
from ltdcheck.oracles.shaking import Shaken, shaking

NO_GRADIENT = (
    "there is no gradient to check: f is NumPy code without one of its own. Give gradient=, an array like x or a "
    "function of x, or write f over autograd.numpy, torch or jax."
)


class NumPyFunction:
    """``f`` at ``x``, an array or a tree of arrays."""

    framework: str = "NumPy"

    def __init__(self, f: Callable[..., Any], x: Any, answer: Any = None) -> None:
        """``answer`` is f(x), where it is known."""
        self.f, self.tree, self.evaluations = f, x, 0
        parts = [(name, np.asarray(part)) for name, part in leaves(x)]
        self.blocks: Sequence[Block] = [block(name, part) for name, part in parts]
        self.point = joined([part for _, part in parts])
        answer = self._called(f, self.point) if answer is None else answer
        answers = [(name, np.asarray(part)) for name, part in leaves(answer, "y")]
        self.outputs: Sequence[Block] = [block(name, part) for name, part in answers]
        self.first = joined([part for _, part in answers])

    @cached_property
    def own(self) -> str:
        """autograd, where f runs on its boxes."""
        return "autograd" if self._traced else ""

    @cached_property
    def _traced(self) -> Any:
        """autograd's pullback at the point and its value; None where f leaves its boxes."""
        from autograd import make_vjp
        from autograd.tracer import isbox

        answers: list[Any] = []

        def flat(parts: Any) -> Any:
            answers.append(self._flat(parts))
            return answers[0]

        try:
            with np.errstate(all="ignore"):
                traced = make_vjp(flat)(tuple(self.arrays(self.point, raised=False)))
        except Exception:  # noqa: BLE001  (whatever a box makes plain NumPy code raise)
            return None
        return traced if isbox(answers[0]) else None

    def twice(self, C: Rows) -> tuple[Vector, Rows, Rows]:
        """autograd's: the first from the pass that told whether f runs on its boxes."""
        pulled, value = self._traced
        with np.errstate(all="ignore"):
            rows = _backward(pulled, C, value.dtype)
        return np.asarray(value, dtype=float), rows, self.pull(self.point, C[:1])

    def value(self, x: Vector, *, raised: bool = False) -> Vector:
        """f(x), in the precision of x or in float64."""
        return joined([part for _, part in leaves(self._called(self.f, x, raised=raised))])

    def step(self, x: Vector, dx: Vector, how: How) -> Vector:
        """The imaginary part of f(x + i*dx)."""
        parts = zip(split(x, self.blocks), split(dx, self.blocks), strict=True)
        return joined([_imaginary(part) for part in self._moved((sided(*part) for part in parts), how)])

    def steps(self, x: Vector, D: Rows, how: How) -> Rows:
        """As step, for every row of D at once."""
        parts = zip(split(x, self.blocks), stacked(D, self.blocks), strict=True)
        points = (Many(sided(a, move[None])) for a, move in parts)
        answers = self._moved(points, how)
        if not all(isinstance(part, Many) for part in answers):
            raise NotAnalyticError("f returns a number that has left the many runs")
        return np.asarray(_rows([np.asarray(_imaginary(part.held)) for part in answers], 1, len(D))[0])

    def _moved(self, arguments: Iterator[Any], how: How) -> list[Any]:
        """What f returns of complex arguments."""
        token = HOW.set(how)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"), _rounding(how):
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                return [part for _, part in leaves(self.run(self.f, rebuilt(self.tree, arguments)))]
        except (np.exceptions.ComplexWarning, TypeError, ValueError, AttributeError) as refusal:
            raise NotAnalyticError(f"f does not run on complex arrays: {refusal}") from None
        finally:
            HOW.reset(token)

    def answer(self, g: Callable[..., Any], x: Vector, how: How | None = None) -> Named:
        """The arrays that g returns; rounded at random they are computed in float64."""
        if how is None:
            return [(name, np.asarray(part)) for name, part in leaves(self._called(g, x))]
        with _rounding(how):
            arguments = self._shaken(x, how)
            answers = list(leaves(self.run(g, rebuilt(self.tree, iter(arguments)))))
        if not all(isinstance(part, Many if how.copies else Shaken) for _, part in answers):
            raise NotAnalyticError("the gradient does not return what its operations gave")
        if how.copies:
            return [(name, np.asarray(part.held)[:, 0]) for name, part in answers]
        return [(name, np.asarray(part)) for name, part in answers]

    def _shaken(self, x: Vector, how: How) -> list[Any]:
        parts = split(x.copy(), self.blocks)
        if not how.copies:
            return [part.view(Shaken) for part in parts]
        return [Many(np.repeat(part[None, None], how.copies, axis=0).view(Shaken)) for part in parts]

    def gradient_function(self) -> Callable[..., Any]:
        """autograd's gradient as a function of the same arguments."""
        from autograd import make_vjp

        def gradient(*arguments: Any) -> Any:
            tree = arguments[0] if len(arguments) == 1 else arguments
            parts = tuple(part for _, part in leaves(tree) if not counts(part))
            pulled, value = make_vjp(self._flat)(parts)
            return list(pulled(np.ones(np.shape(value))))

        return gradient

    def pull(self, x: Vector, C: Rows, how: How | None = None) -> Rows:
        """autograd's vector-Jacobian products."""
        from autograd import make_vjp

        import ltdcheck.gradcheck.many_boxes  # (lets autograd run on many arrays that round at random)
        import ltdcheck.oracles.tape  # noqa: F401

        with _rounding(how), np.errstate(all="ignore"):
            arguments = self._shaken(x, how) if how else self.arrays(x, raised=False)
            if how is not None and how.copies:
                return self._copied(arguments, C, how.copies)
            pulled, value = make_vjp(self._flat)(tuple(arguments))
            return _backward(pulled, C, value.dtype)

    def _copied(self, arguments: list[Any], C: Rows, copies: int) -> NDArray[np.float64]:
        """Products in many copies, (copies, q, n)."""
        from autograd import make_vjp

        try:
            found = make_vjp(self._flat)(tuple(arguments))[0](Many(C[None]))
        except (TypeError, ValueError, AttributeError) as refusal:
            raise NotAnalyticError(f"f does not run on many arrays at once: {refusal}") from None
        held = [part.held if isinstance(part, Many) else np.asarray(part)[(None,) * HIDDEN] for part in found]
        return _rows(held, copies, len(C))

    def push(self, x: Vector, direction: Vector, how: How | None = None) -> Vector:
        """NumPy has no forward mode.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError("mode='forward' asks for the framework's own forward mode, which NumPy has none of")

    def _flat(self, parts: Any) -> Any:
        import autograd.numpy as anp

        answers = [part for _, part in leaves(self.run(self.f, rebuilt(self.tree, iter(parts))))]
        flat = [anp.reshape(part, (-1,)) for part in answers]
        return flat[0] if len(flat) == 1 else anp.concatenate(flat)

    def _called(self, g: Callable[..., Any], x: Vector, *, raised: bool = False) -> Any:
        return self.run(g, rebuilt(self.tree, iter(self.arrays(x, raised=raised))))

    def run(self, g: Callable[..., Any], tree: Any) -> Any:
        """g, counted, of whatever numbers are in the places of x."""
        self.evaluations += 1
        return called(g, tree)

    def arrays(self, x: Vector, *, raised: bool) -> list[NDArray[Any]]:
        """The arguments; copies, so that nobody's array is written to."""
        return [p.astype(float if raised else b.dtype) for p, b in zip(split(x, self.blocks), self.blocks, strict=True)]


def block(name: str, array: NDArray[Any]) -> Block:
    """The block of an array.

    Raises
    ------
    ValueError
        When it holds no real floating-point numbers.
    """
    if array.dtype.kind != "f":
        refuse_other_numbers(name, str(array.dtype), real=False)
    return Block(name, array.shape, *_limits(array.dtype))


@cache
def _limits(dtype: Any) -> tuple[str, float, float]:
    limits = np.finfo(dtype)
    return str(dtype), float(limits.eps), float(limits.tiny)


@contextmanager
def _rounding(how: How | None) -> Iterator[None]:
    if how is None or how.seed is None:
        yield
        return
    with shaking(how.seed, how.unit, floor=0.0), np.errstate(all="ignore"):
        yield


def _backward(pulled: Callable[[Any], Any], C: Rows, dtype: Any) -> Rows:
    return np.stack([joined([np.asarray(part) for part in pulled(c.astype(dtype))]) for c in C])


def _imaginary(part: Any) -> Any:
    """A result without an imaginary part does not depend on x, or has left the complex numbers."""
    if isinstance(part, Sided):
        return imaginary(part)
    if np.asarray(part).dtype.kind == "f" and not np.ndim(part):
        raise NotAnalyticError("f returns a plain number, which has left the complex numbers")
    return imaginary(part)


def _rows(held: Sequence[NDArray[Any]], copies: int, rows: int) -> NDArray[np.float64]:
    """The entries of arrays with two hidden axes, (copies, rows, n)."""
    flat = [np.asarray(part).reshape(*part.shape[:HIDDEN], -1) for part in held]
    return np.concatenate([np.broadcast_to(part, (copies, rows, part.shape[-1])) for part in flat], axis=-1)
