"""A function whose gradient is checked twice: as it is, and with one error planted in it.

Each is written once, over the operations of a ``Framework``. The planted error is a linear map in the backward pass at
one place of the function, ``plant``, or a part of the backward pass that is left out, ``cut``; the values are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


Flat = tuple[Callable[[Array], Array], Callable[[Array], Array], Array]


class Framework(Protocol):
    """The operations that the functions are written in, besides ``+``, ``*`` and ``@`` of matrices."""

    def array(self, a: Array) -> Any:
        """A constant of the framework's own kind."""
        ...

    def arguments(self, values: Sequence[Array]) -> list[Any]:
        """What a gradient is taken to."""
        ...

    def tanh(self, z: Any) -> Any:
        """Its values."""
        ...

    def relu(self, z: Any) -> Any:
        """With a slope of 0 at 0."""
        ...

    def sum(self, z: Any) -> Any:
        """Of all entries."""
        ...

    def stop(self, z: Any) -> Any:
        """z as a constant."""
        ...

    def bent(self, z: Any, M: Any) -> Any:
        """z; its backward pass takes the cotangent g, flattened, to M g, and its forward mode t to M.T t."""
        ...

    def passes(self, f: Callable[..., Any], arguments: Sequence[Any]) -> object:
        """One forward pass and one backward pass, not compiled."""
        ...

    def flat(self, f: Callable[..., Any], arguments: Sequence[Any]) -> Flat:
        """f from one vector of NumPy's to another, its Jacobian by the framework, and the vector."""
        ...

    def counted(self, f: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[[], int]]:
        """f, and how often it was called."""
        ...


def parted(x: Any, arguments: Sequence[Any]) -> list[Any]:
    """A vector as the parts that it was joined from, in the shapes of the arguments."""
    ends = np.cumsum([int(np.prod(a.shape)) for a in arguments])
    return [x[end - int(np.prod(a.shape)) : end].reshape(a.shape) for end, a in zip(ends, arguments, strict=True)]


@dataclass(frozen=True)
class Writing:
    """What a function is written with: a framework, and whether the error is planted."""

    framework: Framework
    wrong: bool
    dtype: type[np.floating[Any]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.framework, name)

    def constant(self, a: Any) -> Any:
        """In the precision of the case."""
        return self.framework.array(np.asarray(a, self.dtype))

    def plant(self, z: Any, M: Array) -> Any:
        """z, whose cotangent is M times what it should be where the gradient is wrong."""
        return self.framework.bent(z, self.constant(M)) if self.wrong else z

    def cut(self, z: Any) -> Any:
        """z, which passes no gradient on where the gradient is wrong."""
        return self.framework.stop(z) if self.wrong else z


@dataclass(frozen=True)
class Case:
    """``function(w, *arguments)``; ``error`` says what is planted."""

    name: str
    error: str
    function: Callable[..., Any]
    arguments: Mapping[str, Array]
    dtype: type[np.floating[Any]] = np.float64

    def written(self, framework: Framework, *, wrong: bool) -> Callable[..., Any]:
        """The function of its arguments alone."""
        w = Writing(framework, wrong, self.dtype)
        return lambda *arguments: self.function(w, *arguments)

    def values(self) -> list[Array]:
        """The arguments in the precision of the case."""
        return [np.asarray(a, self.dtype) for a in self.arguments.values()]

    @property
    def entries(self) -> int:
        """Numbers that a gradient is taken to."""
        return sum(a.size for a in self.arguments.values())
