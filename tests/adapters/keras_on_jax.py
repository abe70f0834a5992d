"""Print how many programs three calls of a layer are compiled to, two of them of new instances."""

from __future__ import annotations

import keras
import numpy as np

from ltdcheck.adapters.adapting import adapt
from ltdcheck.problem import Problem

it = adapt(keras.layers.SimpleRNN, "it")
params = {name: np.full(shape, 0.5) for name, shape in it.parameters(4, 6).items()}
h = (np.ones((3, 6)),)
problem = Problem(params, np.ones((5, 3, 4)), h, np.ones((5, 3, 6)), h, "float32")
for fresh in (False, True, True):
    it.run(problem, fresh=fresh)
print(it.compiler.programs)  # type: ignore[attr-defined]
