"""Programs of jax, compiled when they are asked for, and traced anew where that may show something else.

jax compiles anew for every shape, which takes longer than all else in a check; so programs are compiled without the
passes that make them fast, but for very large ones, and the first one in single precision (or in the one precision that
a target has), at whose sizes most is asked: that is what XLA makes for users.

Without ``jax.jit`` the lines of a target run at every call, and with it once. A network is traced twice at its first
shape, and anew for the next instances: where two traces differ, it is from then on traced anew at every call, so that
what its lines keep or draw shows as it does without.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ltdcheck.adapters.jax_facts import Observed
from ltdcheck.adapters.jax_fold import Answers, Given

SMALL = 1 << 20  # entries of x and y in a program that runs faster than it compiles
LOOKS = {"an instance": 1, "a new instance": 2, "new parameters": 2, "a first state": 2}  # how often it is looked again

QUICKLY = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_parallel_codegen_split_count": 1,
    "xla_cpu_use_fusion_emitters": False,
}

Whole = Callable[[Given, Any], Answers]


class Compiler:
    """Programs by what they were traced for, for all instances of a network."""

    def __init__(self) -> None:
        self._made: dict[Any, tuple[Trace, Callable[..., Any]]] = {}
        self._left = dict(LOOKS)
        self.varies = False  # the same lines said one thing and then another
        self.trees: dict[Any, Any] = {}  # the shapes of the parameters by the sizes of an instance
        self.steps: defaultdict[Any, set[int]] = defaultdict(set)  # in the programs of a cell, by all else
        self.observed: dict[Any, Observed] = {}
        self.programs = 0  # that were compiled
        self.as_for_users: Any = None  # the key of the program that is

    def compiled(self, key: Any, whole: Whole, given: Given, *, new: bool, usual: bool = False) -> Callable[..., Any]:
        """The program for this key, traced anew where that may show something else.

        The first ``usual`` one is compiled as it is for users.
        """
        if key in self._made and not (self.varies or (new and self.looks("a new instance"))):
            return self._made[key][1]
        trace = Trace(whole, given)
        if not self.varies and self.looks("an instance"):
            self.varies = Trace(whole, given).text != trace.text
        if key in self._made and self._made[key][0].text == trace.text:
            return self._made[key][1]
        self.varies = self.varies or key in self._made
        self.programs += 1
        if usual and self.as_for_users is None:
            self.as_for_users = key
        quickly = key != self.as_for_users and given.dy.size + given.x.size <= SMALL
        options = QUICKLY if quickly and jax.default_backend() == "cpu" else None
        self._made[key] = trace, trace.traced.lower().compile(compiler_options=options)
        return self._made[key][1]

    def looks(self, at: str) -> bool:
        """It looks once more."""
        self._left[at] -= 1
        return self._left[at] >= 0


class Trace:
    """A program as jax traced it, not compiled."""

    def __init__(self, whole: Whole, given: Given) -> None:
        self.traced: Any = jax.jit(partial(whole)).trace(given, np.int32(0))  # jax knows a function that it traced

    @cached_property
    def text(self) -> Any:
        """What two traces of the same lines share; addresses are no part of that."""
        jaxpr = self.traced.jaxpr
        return re.sub(r"0x[0-9a-f]+", "", str(jaxpr)), *(_bytes(constant) for constant in jaxpr.consts)


def _bytes(constant: Any) -> Any:
    if not hasattr(constant, "dtype"):
        return repr(constant)
    is_key = jnp.issubdtype(constant.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(constant) if is_key else constant).tobytes()
