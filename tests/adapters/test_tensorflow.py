"""The TensorFlow adapter: modules, compiled or not, and what TensorFlow's own fused operator does wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from adapters.cases import problem_for

from ltdcheck.adapters.adapting import adapt
from ltdcheck.errors import TargetUnusableError
from ltdcheck.oracles.rounding import expected
from ltdcheck.reference.cells import Elman


class Tanh(tf.Module):  # type: ignore[misc,name-defined]
    """A right layer, time-major; its weights lie in an attribute, a dict and a list."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.U = tf.Variable(tf.zeros((input_size, hidden_size), tf.float64))
        self.cell = {"W": tf.Variable(tf.zeros((hidden_size, hidden_size), tf.float64))}
        self.biases = [tf.Variable(tf.zeros(hidden_size, tf.float64))]

    def __call__(self, x: Any, state: Any = None) -> Any:
        h = tf.zeros((x.shape[1], self.U.shape[1]), x.dtype) if state is None else state
        ys = []
        for x_t in tf.unstack(x):
            h = tf.tanh(x_t @ self.U + h @ self.cell["W"] + self.biases[0])
            ys.append(h)
        return tf.stack(ys), h


class Compiled(Tanh):
    """The same, as a graph."""

    __call__ = tf.function(Tanh.__call__)


@pytest.mark.parametrize("make", [Tanh, Compiled, Tanh(4, 6)], ids=["eager", "tf.function", "instance"])
def test_a_module_agrees_with_the_reference(make: Any) -> None:
    """Outputs and gradients are the reference's; weights are named by the attributes that lead to them."""
    it = adapt(make, "it")
    problem = problem_for(it)
    assert tuple(it.precisions) == ("float64",)
    assert list(it.parameters(4, 6)) == ["U", "cell.W", "biases.0"]
    given = {"U": problem.params["U"].T, "W": problem.params["cell.W"].T, "b": problem.params["biases.0"]}
    truth = expected(Elman(), problem.with_(params=given))
    for out in (it.run(problem), it.run_back_again(problem)):
        assert out.facts == {}
        assert out.dparams is not None
        got = {"U": out.dparams["U"].T, "W": out.dparams["cell.W"].T, "b": out.dparams["biases.0"], "x": out.dx}
        for name, array in got.items():
            assert array is not None
            assert np.all(np.abs(array - truth.gradients[name].value) <= truth.gradients[name].error), name
        assert np.all(np.abs(out.y - truth.outputs["y"].value) <= truth.outputs["y"].error)


def test_a_module_without_variables_is_refused() -> None:
    """There is nothing to check a gradient of."""
    with pytest.raises(TargetUnusableError, match="no variables that are trained"):
        adapt(tf.Module(), "it")


def test_the_gradient_of_tensorflows_second_fused_lstm_is_of_the_other_gate_order() -> None:
    """BlockLSTMV2 reads its gates as i f c o; its registered gradient is that of BlockLSTM, which reads i c f o.

    One step of one unit from c = 0: the output does not depend on the forget gate, and the gradient says that it does.
    """
    one = lambda *shape: tf.ones(shape)  # noqa: E731
    w, b, zero = tf.Variable(tf.constant([[1.0, 2.0, -1.0, 0.5], [0.0] * 4])), tf.zeros(4), tf.zeros(1)
    with tf.GradientTape() as tape:
        h = tf.raw_ops.BlockLSTMV2(
            seq_len_max=tf.constant(1, tf.int64), x=one(1, 1, 1), cs_prev=tf.zeros((1, 1)), h_prev=tf.zeros((1, 1)),
            w=w, wci=zero, wcf=zero, wco=zero, b=b, cell_clip=0.0, use_peephole=False,
        )[-1]  # fmt: skip
    _, of_forget, of_candidate, _ = tape.gradient(h, w).numpy()[0]

    def output(forget: float, candidate: float) -> float:
        i, o = (1 / (1 + np.exp(-np.array([1.0, 0.5])))).tolist()
        return float(o * np.tanh(i * np.tanh(candidate) + 0.0 * forget))

    np.testing.assert_allclose(
        h.numpy()[0, 0, 0], output(2.0, -1.0), rtol=1e-6
    )  # not derived: some eight eps of float32
    slope = (output(2.0, -1.0 + 1e-6) - output(2.0, -1.0 - 1e-6)) / 2e-6
    assert of_candidate == 0.0  # it should be the slope
    np.testing.assert_allclose(of_forget, slope, rtol=1e-5)  # it should be 0; not derived: of a difference in float64
