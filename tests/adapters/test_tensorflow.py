"""The TensorFlow adapter: modules, compiled or not, and TensorFlow's own fused operators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from adapters.cases import problem_for
from adapters.conforming import subject_of

from ltdcheck.adapters.adapting import adapt
from ltdcheck.adapters.tensorflow_factories import block_lstm, block_lstm_v2
from ltdcheck.diagnosis.layers import recognise
from ltdcheck.diagnosis.probe import SIZES
from ltdcheck.errors import TargetUnusableError
from ltdcheck.oracles.rounding import expected
from ltdcheck.properties.law import property_named
from ltdcheck.reference.cells import Elman
from ltdcheck.strategies.problems import Recipe, build


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


def test_gradients_go_by_the_names_of_the_parameters() -> None:
    """In whatever order the problem gives the parameters, each gradient is that of its own."""
    it = adapt(Tanh, "it")
    problem = problem_for(it)
    turned = problem.with_(params=dict(reversed(problem.params.items())))
    one, other = it.run(problem).dparams, it.run(turned).dparams
    assert one is not None
    assert other is not None
    assert {name: array.tolist() for name, array in one.items()} == {name: a.tolist() for name, a in other.items()}


def test_a_module_without_variables_is_refused() -> None:
    """There is nothing to check a gradient of."""
    with pytest.raises(TargetUnusableError, match="no variables that are trained"):
        adapt(tf.Module(), "it")


@pytest.mark.parametrize(
    ("make", "order", "right"), [(block_lstm, "order=i g f o", True), (block_lstm_v2, "order=i f g o", False)]
)
def test_tensorflows_fused_lstms_are_found_out(make: Any, order: str, *, right: bool) -> None:
    """Each with its gate order; the gradient of the second is not its own, as a witness shows without ltdcheck."""
    subject = subject_of(make)
    assert order in recognise(subject.implementation, "it").words
    problem = build(subject.cell, Recipe(3, 2, *SIZES, precision="float32"))
    assert property_named("values.forward_agrees").check(subject, problem).disagreement is None
    backward = property_named("gradients.backward_agrees").check(subject, problem)
    assert backward.compared
    assert (backward.disagreement is None) == right
