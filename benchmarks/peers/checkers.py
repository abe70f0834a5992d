"""The gradient checkers, each asked as its documentation says, with its own tolerances.

Those that answer with numbers and no verdict are judged by what their documentation or users do with the numbers:
``tf.test.compute_gradient`` by ``assertAllClose`` as in the example of its documentation (1e-6, absolute and relative);
``numdifftools`` by ``numpy.allclose`` as in all of its examples (1e-5 relative, 1e-8 absolute);
``scipy.optimize.check_grad`` by 1.5e-5, the five decimals that scikit-learn's tests ask of it.

Checkers that draw random numbers start from the seed 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import autograd.test_util
import chex
import jax.test_util
import numdifftools
import numpy as np
import scipy.optimize
import tensorflow as tf
import torch

import ltdcheck
from benchmarks.peers.case import Framework
from benchmarks.peers.frameworks.jax import Jax
from benchmarks.peers.frameworks.numpy import NumPy
from benchmarks.peers.frameworks.tensorflow import TensorFlow
from benchmarks.peers.frameworks.torch import Torch

SCIPY = 1.5e-5


@dataclass(frozen=True)
class Answer:
    """``ok`` is None for undecided; ``evaluations`` where the checker counts them itself."""

    ok: bool | None
    evaluations: int | None = None
    told: str = ""


@dataclass(frozen=True)
class Checker:
    """``ask`` takes a function and its arguments; ``entrywise`` is a peer that compares every entry of the gradient."""

    name: str
    framework: Framework
    ask: Callable[[Callable[..., Any], list[Any]], Answer]
    entrywise: bool = False

    @property
    def own(self) -> bool:
        """One of ours."""
        return self.ask is ours


def torch_slow(f: Callable[..., Any], arguments: list[Any]) -> Answer:
    """Every entry."""
    return Answer(torch.autograd.gradcheck(f, arguments, raise_exception=False))


def torch_fast(f: Callable[..., Any], arguments: list[Any]) -> Answer:
    """One random projection."""
    torch.manual_seed(0)
    return Answer(torch.autograd.gradcheck(f, arguments, fast_mode=True, raise_exception=False))


def with_jax(f: Callable[..., Any], arguments: list[Any]) -> Answer:
    """One direction, forward and reverse."""
    return asserted(lambda: jax.test_util.check_grads(f, arguments, order=1))


def with_chex(f: Callable[..., Any], arguments: list[Any]) -> Answer:
    """jax's, with another tolerance."""
    return asserted(lambda: chex.assert_numerical_grads(f, arguments, order=1))


def with_autograd(f: Callable[..., Any], arguments: list[Any]) -> Answer:
    """One random projection, of all arguments."""
    np.random.seed(0)  # noqa: NPY002  (the generator that autograd draws from)
    every = tuple(range(len(arguments)))
    return asserted(lambda: autograd.test_util.check_grads(f, every, modes=["rev"], order=1)(*arguments))


def with_tensorflow(f: Callable[..., Any], arguments: list[Any]) -> Answer:
    """Every entry of the Jacobians."""
    theirs, numeric = tf.test.compute_gradient(f, arguments)
    return asserted(lambda: tf.test.TestCase().assertAllClose(theirs, numeric))


def with_scipy(framework: Framework) -> Callable[[Callable[..., Any], list[Any]], Answer]:
    """The norm of the difference of the Jacobians, of the same function in the same framework."""

    def ask(f: Callable[..., Any], arguments: list[Any]) -> Answer:
        value, jacobian, x = framework.flat(f, arguments)
        return Answer(bool(scipy.optimize.check_grad(value, jacobian, x) <= SCIPY))

    return ask


def with_numdifftools(f: Callable[..., Any], arguments: list[Any]) -> Answer:
    """Every entry of the Jacobians."""
    value, gradient, x = NumPy().flat(f, arguments)
    theirs = gradient(x)
    # NumPy's default tolerances, as in numdifftools' documentation; the table's caption says so
    return Answer(bool(np.allclose(numdifftools.Jacobian(value)(x).reshape(theirs.shape), theirs)))


def ours(f: Callable[..., Any], arguments: list[Any]) -> Answer:
    """The framework's own gradient."""
    report = ltdcheck.check_gradient(f, tuple(arguments))
    return Answer(report.ok, report.evaluations, str(report))


def asserted(check: Callable[[], object]) -> Answer:
    """Whether an assertion holds."""
    try:
        check()
    except AssertionError as refusal:
        return Answer(ok=False, told=str(refusal))
    return Answer(ok=True)


def checkers() -> list[Checker]:
    """The peers, and ours in each framework that it knows."""
    warnings.filterwarnings(
        "ignore", "Input #.* requires gradient and is not a double", UserWarning
    )  # torch's, asked on
    numpy, pytorch, xla = NumPy(), Torch(), Jax()
    return [
        Checker("torch gradcheck", pytorch, torch_slow, entrywise=True),
        Checker("the same, fast", pytorch, torch_fast),
        Checker("jax check_grads", xla, with_jax),
        Checker("chex", xla, with_chex),
        Checker("autograd", numpy, with_autograd),
        Checker("tf", TensorFlow(), with_tensorflow, entrywise=True),
        Checker("scipy, NumPy", numpy, with_scipy(numpy), entrywise=True),
        Checker("scipy, torch", pytorch, with_scipy(pytorch), entrywise=True),
        Checker("scipy, jax", xla, with_scipy(xla), entrywise=True),
        Checker("numdifftools", numpy, with_numdifftools, entrywise=True),
        Checker("**ltdcheck**, NumPy", numpy, ours),
        Checker("**ltdcheck**, torch", pytorch, ours),
        Checker("**ltdcheck**, jax", xla, ours),
    ]
