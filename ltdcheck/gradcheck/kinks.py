"""Several entries at a kink, which are right one by one and wrong together.

At ``max(a, b)`` with a = b each entry may have any slope from 0 to 1; but both cannot have 1, for max grows by 1 where
both do. So entries that pass by themselves, at a kink, are compared along random directions that move them together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ltdcheck.gradcheck.directions import weights
from ltdcheck.gradcheck.slopes import Slopes, Stepped
from ltdcheck.gradcheck.trial import Compared, Trials

Floats = NDArray[np.float64]
TOGETHER = 4  # directions: where two signs matter, all are alike with probability 1/8


def joint(kinked: Floats, generator: np.random.Generator) -> Floats:
    """Directions (TOGETHER, n) along which all entries move that the rows of ``kinked`` (k, n) move one by one.

    The first moves all of them forward.
    """
    signs = weights(generator, (TOGETHER, len(kinked)))
    signs[0] = np.abs(signs[0])
    return np.asarray(signs @ kinked)


def between(slopes: Slopes, stepped: Stepped, G: Floats, bound: Floats) -> bool:
    """Whether G (m, n) lies between the slopes ahead and back also along directions of all entries at kinks.

    ``bound`` (m, n) is what each entry may be off by.
    """
    kinks = stepped.kinks
    if np.count_nonzero(kinks) < 2:
        return True
    V = joint(np.eye(len(kinks))[kinks], np.random.default_rng(0))
    sides = slopes.sides(V)
    if sides is None:
        return False
    ahead, back = sides
    got, allowed = V @ G.T, np.abs(V) @ bound.T
    within = (np.minimum(ahead, back) - allowed <= got) & (got <= np.maximum(ahead, back) + allowed)
    return bool(np.all(within))


def outside(trials: Trials, entries: Compared, generator: np.random.Generator) -> Compared | None:
    """A direction of all entries at kinks whose slope lies outside all that f has there; None if there is none.

    ``entries`` are comparisons of single entries that passed. A direction that meets more ties than are tried one by
    one says nothing.
    """
    for row in np.unique(entries.row):
        kinked = entries.v[entries.kink & (entries.row == row)]
        if len(kinked) < 2:
            continue
        for v in joint(kinked, generator):
            found = trials.one(int(row), v)
            if found.ratio > 1 and found.complete:
                careful = trials.one(int(row), v, careful=True)
                if careful.ratio > 1:
                    return careful
    return None
