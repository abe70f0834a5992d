"""Initial values of recurrent networks (S48), and of the forget gate's bias (S12).

Every function draws from the generator it is given and returns new arrays. ``W`` is square, (H, H).

- ``with_spectral_radius``: ``W * radius/rho(W)``, rho the largest modulus of an eigenvalue;
- ``identity``: W = scale*I (Le et al. 2015; CSC321);
- ``orthogonal``: uniform over the orthogonal matrices, from the QR decomposition of a normal matrix whose R has a
  positive diagonal (Mezzadri 2007);
- ``sparse``: exactly 15 inputs a unit (Martens 2010), the rest zero;
- ``with_forget_bias``: b_f = 1 (Gers et al. 2000; Jozefowicz et al. 2015);
- ``of_pmb``: the three of Pascanu, Mikolov, Bengio: sigmoid, basic tanh, smart tanh.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ltdcheck.reference.arguments import require_positive
from ltdcheck.reference.cell import Cell

Array = NDArray[np.float64]
Params = dict[str, NDArray[Any]]

CONNECTIONS = 15


def with_spectral_radius(W: Array, radius: float) -> Array:
    """W (H, H) scaled so that its spectral radius is ``radius``; GBC-draft 10.7.1.

    A matrix without units has none, and is returned as it is.

    Raises
    ------
    ValueError
        For a radius that is not positive, a W that is not square, and a W whose only eigenvalue is 0.
    """
    require_positive("radius", radius)
    if W.ndim != 2 or W.shape[0] != W.shape[1]:
        raise ValueError(f"W has shape {W.shape}; a spectral radius needs a square matrix")
    if not W.size:
        return W.copy()
    rho = _radius(W)
    if rho == 0:
        raise ValueError("W is nilpotent: its spectral radius is 0, and no factor makes it another")
    return np.asarray(W * (radius / rho))


def identity(H: int, scale: float = 1.0) -> Array:
    """``scale * I``, (H, H)."""
    return scale * np.eye(H)


def orthogonal(rng: Generator, H: int) -> Array:
    """A uniformly drawn orthogonal matrix, (H, H): ``Q'@Q = I``."""
    Q, R = np.linalg.qr(rng.standard_normal((H, H)))
    return np.asarray(Q * np.where(np.diagonal(R) < 0, -1.0, 1.0))


def sparse(rng: Generator, shape: tuple[int, int], *, connections: int = CONNECTIONS, deviation: float = 1.0) -> Array:
    """Exactly ``connections`` normal entries in every row, at drawn places, and zeros elsewhere; (units, inputs).

    Raises
    ------
    ValueError
        When there are more connections than inputs, or fewer than none; for a deviation that is not positive.
    """
    require_positive("deviation", deviation)
    units, inputs = shape
    if not 0 <= connections <= inputs:
        raise ValueError(f"connections is {connections}; a unit with {inputs} inputs has from 0 to {inputs}")
    places = np.argsort(rng.random(shape), axis=1)[:, :connections]
    W = np.zeros(shape)
    np.put_along_axis(W, places, deviation * rng.standard_normal((units, connections)), axis=1)
    return W


def with_forget_bias(cell: Cell, params: Params, value: float = 1.0) -> Params:
    """The parameters with the forget gate's bias b_f set to ``value``; a cell without such a gate is refused.

    Raises
    ------
    ValueError
        When the cell has no gate f.
    """
    if "f" not in cell.gates_of("b"):
        raise ValueError(f"cell is {cell.name}, with the gates {cell.gates}; it has no forget gate f")
    b = np.array(params["b"])
    H = len(b) // len(cell.gates_of("b"))
    k = cell.gates_of("b").index("f")
    b[k * H : (k + 1) * H] = value
    return {**params, "b": b}


def of_pmb(
    rng: Generator, shapes: dict[str, tuple[int, ...]], kind: Literal["sigmoid", "basic tanh", "smart tanh"]
) -> Params:
    """The initialisation of an experiment of PMB: matrices normal with the deviation below, biases 0.

    ``sigmoid`` 0.01; ``basic tanh`` 0.1; ``smart tanh`` 0.01, and W rescaled to the spectral radius 0.95. The second
    number of the source's N(0, .) is read as the standard deviation, as its own code does.

    Raises
    ------
    ValueError
        For a kind that is none of the three.
    """
    deviations = {"sigmoid": 0.01, "basic tanh": 0.1, "smart tanh": 0.01}
    if kind not in deviations:
        raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(deviations)}")
    drawn: Params = {
        name: np.zeros(shape) if len(shape) == 1 else deviations[kind] * rng.standard_normal(shape)
        for name, shape in shapes.items()
    }
    return {**drawn, "W": with_spectral_radius(drawn["W"], 0.95)} if kind == "smart tanh" else drawn


def _radius(W: Array) -> float:
    """The spectral radius; 0 where the rounding of W alone could make all that is computed.

    An eigenvalue with unit vectors x and y on its sides moves by ``||E||/abs(y'x)`` when W moves by E; computing it is
    as moving W by some H*eps*||W||, and by H times that where H eigenvalues fall together.
    """
    from scipy.linalg import eig  # a twentieth of a second, which no check of a network costs

    values, left, right = eig(W, left=True, right=True)
    k = int(np.argmax(np.abs(values)))
    rho, along = float(np.abs(values[k])), float(np.abs(np.vdot(left[:, k], right[:, k])))
    H = len(W)
    return rho if rho * along > H * H * np.finfo(float).eps * np.linalg.norm(W) else 0.0
