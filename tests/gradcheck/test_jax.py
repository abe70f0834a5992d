"""Gradients of jax functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sampled import one_in

from ltdcheck import check_gradient


def vector(size: int = 5) -> Any:
    """Random numbers."""
    return jnp.asarray(np.random.default_rng(size).normal(size=size), jnp.float32)


def backward(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """x**2 whose backward pass is changed."""

    @jax.custom_vjp
    def square(x: Any) -> Any:
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, cotangent: (change(2 * x * cotangent),))
    return lambda x: square(x).sum()


def rnn(p: Any) -> Any:
    """The sum of the last state."""

    def step(h: Any, x: Any) -> Any:
        h = jnp.tanh(p["W"] @ h + p["U"] @ x)
        return h, h

    return jax.lax.scan(step, p["h_0"], p["x"])[0].sum()


RIGHT = {
    "own": lambda x: jnp.tanh(x).sum(),
    "custom": backward(lambda g: g),
    "kinks": lambda x: (jax.nn.relu(x - x[0]) + jnp.abs(x) + jnp.clip(x, -0.5, 0.5)).sum(),
    "largest": lambda x: jnp.max(x) + jnp.min(x * x),
    "softmax": lambda x: jax.nn.log_softmax(x)[2] + jax.nn.logsumexp(x),
    "activations": lambda x: (jax.nn.gelu(x) + jax.nn.softplus(x) + jax.nn.sigmoid(x) + jax.nn.elu(x)).sum(),
    "jitted": jax.jit(lambda x: jnp.linalg.norm(x) + jnp.cumsum(x)[3] ** 3),
    "loops": lambda x: jax.lax.fori_loop(0, 3, lambda k, y: jnp.sin(y), x).sum(),
    "outputs": lambda x: (jnp.outer(x, x), x[0]),
}
WRONG = {
    "factor": backward(lambda g: g * 1.001),
    "zero": backward(jnp.zeros_like),
    "one entry": backward(lambda g: g.at[2].multiply(1.001)),
    "stopped": lambda x: (jax.lax.stop_gradient(x) * x).sum(),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_gradient_is_right(name: str) -> None:
    """jax's own gradients of its own operations, in float32."""
    report = check_gradient(RIGHT[name], vector())
    assert report.ok is True, str(report)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_gradient_is_wrong(name: str) -> None:
    """Backward passes that lose, scale or cut."""
    report = check_gradient(WRONG[name], vector())
    assert report.ok is False, str(report)


@pytest.mark.parametrize("wide", one_in(2, [False, True]))
def test_a_gradient_that_vanished_over_lags(wide: bool) -> None:  # noqa: FBT001
    """Zeros for h_0 are found; the right gradient, of 1e-8, is accepted."""
    random = np.random.default_rng(1)
    shapes = {"W": (4, 4), "U": (4, 2), "h_0": (4,), "x": (3, 2)}
    with jax.enable_x64(wide):
        dtype = jnp.float64 if wide else jnp.float32
        p = {
            name: jnp.asarray((0.002 if name == "W" else 0.2) * random.normal(size=shape), dtype)
            for name, shape in shapes.items()
        }
        report = check_gradient(rnn, p, budget=24)
        assert report.ok is True, str(report)
        gradient = dict(jax.grad(rnn)(p))
        report = check_gradient(rnn, p, {**gradient, "h_0": 0 * gradient["h_0"]}, budget=24)
        assert [b.block for b in report.blocks if b.wrong] == ["h_0"], str(report)


def test_forward_mode_and_second_order() -> None:
    """jax's own jvp, and the derivative of its gradient."""
    report = check_gradient(lambda x: jnp.tanh(x) * x[0], vector(3), mode="forward")
    assert report.ok is True, str(report)
    report = check_gradient(lambda x: jnp.prod(jnp.tanh(x)), vector(3), order=2)
    assert report.ok is True, str(report)


def test_several_outputs_of_a_network() -> None:
    """One product alone and the same among others may round differently, which is no chance."""
    W = jnp.asarray(0.3 * np.random.default_rng(2).normal(size=(8, 8)), jnp.float32)
    report = check_gradient(lambda x: jnp.tanh(jnp.tanh(jnp.tanh(x @ W) @ W) @ W), vector(8))
    assert report.ok is True, str(report)


@pytest.mark.parametrize("f", [lambda o: jax.nn.logsumexp(o) - o[2], lambda o: -jax.nn.log_softmax(o)[2]])
def test_an_exponential_of_a_difference_that_is_formed_otherwise(f: Callable[[Any], Any]) -> None:
    """exp(o - logsumexp(o)) of scores of a thousand is right though it rounds more than what jax computes."""
    o = (1000 + np.random.default_rng(0).standard_normal(5)).astype(np.float32)
    top = np.max(o)
    gradient = np.exp(o - (np.log(np.sum(np.exp(o - top))) + top)) - np.eye(5, dtype=np.float32)[2]
    report = check_gradient(f, jnp.asarray(o), gradient)
    assert report.ok is True, str(report)
    assert check_gradient(f, jnp.asarray(o), gradient * np.float32(1.02)).ok is False


def test_a_convolution_by_complex_step() -> None:
    """jax's own of complex numbers loses the smaller part of what differs much in size."""
    with jax.enable_x64(True):
        x = jnp.asarray(np.random.default_rng(0).normal(size=6))
        f: Callable[[Any], Any] = lambda x: (jnp.convolve(x, jnp.array([0.2, 0.5, -0.3])) ** 2).sum()  # noqa: E731
        report = check_gradient(f, x)
        assert report.ok is True, str(report)
        assert report.blocks[0].oracle == "complex step"
        assert check_gradient(f, x, jax.grad(f)(x).at[1].multiply(1 + 1e-6)).ok is False


def test_orders_by_complex_step() -> None:
    """Sorts, the largest of windows and the largest so far choose by the real parts."""

    def f(x: Any) -> Any:
        pooled = jax.lax.reduce_window(x.reshape(2, 3), -jnp.inf, jax.lax.max, (2, 2), (1, 1), "SAME")
        mean = jax.lax.reduce_window(x, 0.0, jax.lax.add, (2,), (1,), "VALID")
        first = jax.lax.top_k(x, 3)[0]
        return jnp.sum(jnp.sort(x)[2:] ** 3) + jnp.sum(first**2) + jnp.sum(pooled**2) + jnp.sum(mean**2)

    x = jnp.asarray(np.random.default_rng(0).normal(size=6), jnp.float32)
    report = check_gradient(f, x)
    assert report.ok is True, str(report)
    assert report.blocks[0].oracle == "complex step"
    assert check_gradient(f, x, jax.grad(f)(x).at[1].multiply(1.001)).ok is False
