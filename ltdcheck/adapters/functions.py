"""Functions of arrays in any framework, as functions of one vector of float64 numbers.

A ``Function`` puts the arrays of a tree one behind the other, in the order of the tree, and says of each block its
name, shape and precision. It translates; what the numbers mean is the business of :mod:`ltdcheck.gradcheck`.

A tuple is a list of arguments, ``f(*x)``; an array, list or dict is one argument, ``f(x)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Rows = NDArray[np.float64]  # of vectors
SHAKE = 8.0  # units by which an operation is off that rounds at random, as in ltdcheck.oracles.shaking
Named = list[tuple[str, NDArray[Any]]]  # the arrays of a tree


@dataclass(frozen=True)
class Block:
    """One array of a tree: ``eps`` is the machine epsilon of its dtype, ``tiny`` its smallest normal number."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    eps: float
    tiny: float

    @property
    def size(self) -> int:
        """Its entries."""
        return prod(self.shape)


@dataclass
class How:
    """How one evaluation is done, and what was met on the way.

    With ``seed``, every operation is off at random by a few units of ``unit``. ``share`` decides ties, as that of
    ``max(a, a)``: None by the direction in which the point moves, else the first term's slope counts by so much.
    ``choices`` decides them one by one, by its bits. ``ties`` counts those whose slopes differ. With ``copies``,
    so many evaluations that round differently are made at once, and answers have a new first axis.
    With ``rows``, so many points are; ``tied`` says then which of them met a tie.
    """

    seed: int | None = None
    unit: float = float(np.finfo(float).eps)
    share: float | None = None
    choices: int | None = None
    ties: int = 0
    copies: int = 0
    rows: int = 0
    tied: NDArray[np.bool_] | None = None

    def met(self, tied: NDArray[np.bool_]) -> bool:
        """Count ties; whether they are to be mixed."""
        self._first = self.ties
        self.ties += int(np.sum(tied))
        if self.rows and self.ties > self._first:
            self._locate(tied)
        return self.ties > self._first and not (self.share is None and self.choices is None)

    def _locate(self, tied: NDArray[np.bool_]) -> None:
        """What is tied moves, so that it has an axis for the points; where that is not told from others, it is all."""
        axes = [k for k, n in enumerate(tied.shape) if n == self.rows]
        rest = tuple(k for k in range(tied.ndim) if k not in axes)
        met = np.any(tied, axis=rest) if len(axes) == 1 else np.ones(self.rows, dtype=bool)
        self.tied = met if self.tied is None else self.tied | met

    def shares(self, tied: NDArray[np.bool_]) -> Vector:
        """The share of the first term in each tie that was last met, in the shape of ``tied``."""
        shares = np.zeros(tied.shape)
        if self.choices is None:
            shares[tied] = self.share
        else:
            shares[tied] = [(self.choices >> k) & 1 for k in range(self._first, self.ties)]
        return shares


class Function(Protocol):
    """A function from vectors (n,) to vectors (m,), whatever it is written in."""

    framework: str
    f: Callable[..., Any]
    blocks: Sequence[Block]
    outputs: Sequence[Block]
    point: Vector
    first: Vector  # f(point), from the call that told the outputs
    evaluations: int  # runs of the code of f, and of a given gradient, on whatever numbers; one for all rows or copies

    @property
    def own(self) -> str:
        """What gives the framework's own gradient; "" where there is none."""
        ...

    def value(self, x: Vector, *, raised: bool = False) -> Vector:
        """f(x), in the precision of x, or in float64 where f takes it."""
        ...

    def step(self, x: Vector, dx: Vector, how: How) -> Vector:
        """The imaginary part of f(x + i*dx), with the comparisons of dual numbers.

        Raises
        ------
        NotAnalyticError
            When f does what has no such meaning.
        """
        ...

    def steps(self, x: Vector, D: Rows, how: How) -> Rows:
        """As step, for every row of D (d, n) at once, (d, m).

        Raises
        ------
        NotAnalyticError
            Also when f does not run on many points at once.
        """
        ...

    def answer(self, g: Callable[..., Any], x: Vector, how: How | None = None) -> Named:
        """The arrays that another function of the same arguments returns; with ``how``, rounded at random.

        Raises
        ------
        NotAnalyticError
            When ``how`` asks for what the code does not do.
        """
        ...

    def pull(self, x: Vector, C: Rows, how: How | None = None) -> Rows:
        """The framework's own vector-Jacobian products with the rows of C (q, m), from one forward pass; (q, n).

        Raises
        ------
        NotAnalyticError
            When ``how`` asks for copies and f does not run on several at once.
        """
        ...

    def twice(self, C: Rows) -> tuple[Vector, Rows, Rows]:
        """f(point) from the forward pass of a pull there, what it gives, and what another pull there gives.

        As much of it as tells a gradient that is not the same twice: all rows, or the first.
        """
        ...

    def push(self, x: Vector, direction: Vector, how: How | None = None) -> Vector:
        """The framework's own Jacobian-vector product, (m,)."""
        ...

    def gradient_function(self) -> Callable[..., Any]:
        """The framework's own gradient of the only output, as a function of the same arguments."""
        ...


def words(text: str) -> frozenset[str]:
    """The words of a text, as names of operations."""
    return frozenset(text.split())


@dataclass(frozen=True)
class Constant:
    """An array of a tree that is handed over as it is, such as indices; it has no gradient."""

    value: Any


def held(f: Callable[..., Any], x: Any) -> Any:
    """The tree with what has no gradient held constant: integers and booleans, where something else moves."""
    found = [leaf for _, leaf in leaves(x)]
    if not hasattr(f, "named_parameters") and all(counts(leaf) for leaf in found):
        return x
    return rebuilt(x, (Constant(leaf) if counts(leaf) else leaf for leaf in found))


def counts(leaf: Any) -> bool:
    """Whether it holds integers or booleans."""
    dtype = getattr(leaf, "dtype", None)
    if isinstance(dtype, np.dtype):
        return dtype.kind in "iub"
    name = str(type(leaf).__name__ if dtype is None else dtype)
    return name.removeprefix("torch.").rstrip("0123456789") in ("int", "uint", "bool")


def leaves(tree: Any, name: str = "x") -> Iterator[tuple[str, Any]]:
    """The arrays of a tree of tuples, lists and dicts, with names such as ``x[0]`` and ``layer.W``."""
    match tree:
        case dict():
            for key, part in tree.items():
                yield from leaves(part, str(key) if name == "x" else f"{name}.{key}")
        case tuple() | list():
            for k, part in enumerate(tree):
                yield from leaves(part, f"{name}[{k}]")
        case None | Constant():
            return
        case _:
            yield name, tree


def rebuilt(tree: Any, parts: Iterator[Any]) -> Any:
    """The tree with other arrays in the places of its own."""
    match tree:
        case dict():
            return type(tree)({key: rebuilt(part, parts) for key, part in tree.items()})
        case tuple() if hasattr(tree, "_fields"):
            return type(tree)(*(rebuilt(part, parts) for part in tree))
        case tuple() | list():
            return type(tree)(rebuilt(part, parts) for part in tree)
        case None:
            return None
        case Constant():
            return tree.value
        case _:
            return next(parts)


def called(f: Callable[..., Any], x: Any) -> Any:
    """``f(*x)`` for a tuple of arguments, else ``f(x)``."""
    return f(*x) if type(x) is tuple else f(x)


def split(x: NDArray[Any], blocks: Sequence[Block]) -> list[NDArray[Any]]:
    """The vector as the arrays of its blocks."""
    ends = np.cumsum([block.size for block in blocks])
    return [part.reshape(b.shape) for part, b in zip(np.split(x, ends[:-1]), blocks, strict=True)]


def stacked(rows: Rows, blocks: Sequence[Block]) -> list[NDArray[np.float64]]:
    """Each row as the arrays of its blocks, (rows, *shape)."""
    parts = zip(np.split(rows, np.cumsum([b.size for b in blocks])[:-1], axis=1), blocks, strict=True)
    return [np.ascontiguousarray(part).reshape(len(rows), *b.shape) for part, b in parts]


def joined(arrays: Sequence[Any]) -> Vector:
    """The arrays one behind the other, in float64."""
    return np.concatenate([np.asarray(a, dtype=float).reshape(-1) for a in arrays]) if arrays else np.zeros(0)


def refuse_other_numbers(name: str, dtype: str, *, real: bool) -> None:
    """An array that is differentiated holds real floating-point numbers.

    Raises
    ------
    ValueError
        When it holds integers, booleans, complex numbers or objects.
    """
    if not real:
        raise ValueError(
            f"{name} holds {dtype}, which has no gradient: give real floating-point numbers, and let f close over "
            "others"
        )


def function_of(
    f: Callable[..., Any], x: Any, otherwise: Callable[[Callable[..., Any], Any, Any], Function]
) -> Function:
    """The function in the framework of ``x``'s arrays, of a module, or of the values of f.

    Where that is NumPy, what ``otherwise`` makes of f, x and f(x).
    """
    framework = _framework([f, *(leaf for _, leaf in leaves(x))])
    if framework:
        return _in(framework, f, x)
    copies = rebuilt(x, (np.array(leaf) for _, leaf in leaves(x)))  # f may write into them
    answer = called(f, copies)
    framework = _framework([leaf for _, leaf in leaves(answer)])
    function = _in(framework, f, x) if framework else otherwise(f, x, answer)
    function.evaluations += 1
    return function


def _in(framework: str, f: Callable[..., Any], x: Any) -> Function:
    if framework == "torch":
        from ltdcheck.adapters.functions_torch import TorchFunction

        return TorchFunction(f, x)
    from ltdcheck.adapters.functions_jax import JaxFunction

    return JaxFunction(f, x)


def _framework(things: Sequence[Any]) -> str:
    """Whose objects they are; asked of their classes, so that no framework is imported for it."""
    for thing in things:
        tops = {cls.__module__.partition(".")[0] for cls in type(thing).__mro__}
        if "torch" in tops:
            return "torch"
        if tops & {"jax", "jaxlib"}:
            return "jax"
    return ""
