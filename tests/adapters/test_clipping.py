"""How a person's clipping function is called and read."""

from __future__ import annotations

import functools
import subprocess
import sys
from typing import Any

import keras
import numpy as np
import optax
import pytest
import tensorflow as tf
import torch
from targets.clipping import right, torch_forms

from ltdcheck.adapters import clipping_kind
from ltdcheck.adapters.clipping import adapt_clipping
from ltdcheck.errors import TargetAnswer, TargetUnusableError
from ltdcheck.implementation import ClippingAnswer
from ltdcheck.problem import ClippingCall

CALL = ClippingCall({"a": np.array([3.0, 0.0]), "b": np.array([[-4.0]]), "c": np.zeros((0, 2))}, 1.0)
EPS = float(np.finfo(float).eps)
TORCH_EPSILON = 1e-6  # that clip_grad_norm_ adds to the norm, as its documentation says
CLIPPED = {"a": [0.6, 0.0], "b": [[-0.8]]}


def check(answer: ClippingAnswer, epsilon: float = 0.0) -> None:
    """Norm 5 was clipped to 1, or to 5/(5 + epsilon); a quotient, a product and the expected decimal are rounded."""
    for name, expected in CLIPPED.items():
        np.testing.assert_allclose(answer.groups[name], expected, rtol=epsilon / 5 + 2 * EPS)
    assert answer.groups["c"].shape == (0, 2)


@pytest.mark.parametrize(
    ("name", "form", "in_place", "returned"),
    [
        ("clip_list", "a list of arrays", False, None),
        ("clip_dict", "a dict of arrays", False, 5.0),
        ("clip_in_place", "a list of arrays", True, 5.0),
        ("clip_dict_in_place", "a dict of arrays", True, None),
    ],
)
def test_the_form_is_found_by_trying(name: str, form: str, *, in_place: bool, returned: float | None) -> None:
    """List or dict, new arrays or in place, with the norm or without: each is read as it is meant."""
    rule = adapt_clipping(getattr(right, name), name)
    answer = rule.clip(CALL)
    check(answer)
    assert (rule.form, answer.in_place, answer.returned) == (form, in_place, returned)
    assert (answer.inputs_after is None) == in_place
    np.testing.assert_array_equal(CALL.groups["a"], [3.0, 0.0])


def test_the_precision_of_the_call_is_handed_over() -> None:
    """A float32 call gives float32 arrays to the function."""
    seen = []
    rule = adapt_clipping(lambda grads, _v: seen.append(grads[0].dtype) or [g / 2 for g in grads], "halves")
    rule.clip(CALL.with_(precision="float32"))
    assert seen[-1] == np.float32


def test_an_exception_is_part_of_the_answer() -> None:
    """What a function raises is kept in words; it is not raised here."""
    answer = adapt_clipping(right.clip_list, "clip").clip(CALL.with_(threshold=-1.0))
    assert answer.raised == "ValueError: threshold is -1.0; it must be positive"
    assert answer.groups == {}


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (7, "it is a int, which cannot be called"),
        (lambda: None, "takes 0 positional arguments"),
        (
            lambda grads, _v: [g.sum(keepdims=True) for g in grads],
            r"was given shape \(1, 3\) and answers with \(1, 1\)",
        ),
        (lambda grads, _v: list(grads)[:1], "was given 2 arrays and answers with 1"),
    ],
)
def test_what_cannot_be_checked_is_refused_with_the_reason(function: Any, why: str) -> None:
    """No callable, another signature, other shapes: one paragraph that says what is taken."""
    with pytest.raises(TargetUnusableError, match=why) as refused:
        adapt_clipping(function, "mine.py:clip")
    assert str(refused.value).startswith("mine.py:clip cannot be checked: ")
    assert refused.value.what_to_do.startswith("A clipping function is f(grads, threshold)")


def test_wrong_shapes_later_are_a_failure_of_the_target() -> None:
    """A function that answers rightly at first, and with another shape later, is told so."""
    rule = adapt_clipping(lambda grads, _v: [g / 2 if g.shape == (1, 3) else g.ravel() / 2 for g in grads], "ravels")
    with pytest.raises(TargetAnswer, match="was given shape"):
        rule.clip(CALL)


def test_numpy_functions_need_no_torch() -> None:
    """Adapting a NumPy function does not import torch."""
    program = (
        "import sys, ltdcheck.adapters.clipping as c; c.adapt_clipping(lambda g, v: [x / 2 for x in g], 'halves');"
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_torch_takes_parameters_as_a_list_or_a_generator() -> None:
    """torch's function is called with parameters that hold gradients, and what it left in them is read."""
    for function in (torch.nn.utils.clip_grad_norm_, functools.partial(torch.nn.utils.clip_grad_norm_, foreach=False)):
        rule = adapt_clipping(function, "torch")
        assert (rule.framework, rule.form, rule.containers) == ("torch", "parameters with .grad", ("list", "generator"))
        for container in rule.containers:
            answer = rule.clip(CALL.with_(container=container))
            check(answer, TORCH_EPSILON)
            assert answer.in_place
            assert answer.returned == 5.0


def test_own_torch_functions_are_own() -> None:
    """A person's function over parameters or over tensors is found by trying, and documents nothing."""
    over_parameters = adapt_clipping(torch_forms.right, "right")
    over_tensors = adapt_clipping(torch_forms.on_tensors, "on_tensors")
    assert (over_parameters.form, over_tensors.form) == ("parameters with .grad", "a list of tensors")
    assert not over_parameters.framework
    assert not over_parameters.documented
    check(over_parameters.clip(CALL))
    check(over_tensors.clip(CALL))


def test_a_generator_that_is_read_twice_is_found() -> None:
    """The norm is right and nothing is scaled when a generator is handed over; a list does not show it."""
    rule = adapt_clipping(torch_forms.reads_a_generator_twice, "twice")
    check(rule.clip(CALL))
    np.testing.assert_array_equal(rule.clip(CALL.with_(container="generator")).groups["a"], [3.0, 0.0])


def check_in_both_precisions(rule: Any) -> None:
    """Norm 5 is clipped to 1 in the precision of the call; the given arrays stay."""
    check(rule.clip(CALL))
    single = rule.clip(CALL.with_(precision="float32"))
    # a norm, a quotient and a product, each rounded by half an eps, of a norm of 5 that is exact
    np.testing.assert_allclose(single.groups["a"], CLIPPED["a"], rtol=4 * float(np.finfo("float32").eps))
    assert single.groups["a"].dtype == np.float32
    np.testing.assert_array_equal(single.inputs_after["a"], [3.0, 0.0])


def test_optax_takes_the_threshold_first() -> None:
    """A function of optax returns a transformation, put to jax arrays, with 64 bits where the call has them."""
    rule = adapt_clipping(optax.clip_by_global_norm, "optax")
    assert (rule.framework, rule.framework_version) == ("optax", optax.__version__)
    assert rule.form == "a list of jax arrays"
    check_in_both_precisions(rule)
    assert clipping_kind(optax.clip_by_global_norm, None) == "clip-norm"
    assert clipping_kind(optax.clip, None) == "clip-value"
    assert clipping_kind(optax.clip_by_block_rms, None) is None


def test_tensorflow_clips_a_list_or_one_tensor() -> None:
    """A norm over one tensor is over all entries in one; the joint one returns the norm."""
    joint, alone = (adapt_clipping(f, "tf") for f in (tf.clip_by_global_norm, tf.clip_by_norm))
    assert (joint.form, alone.form) == ("a list of TensorFlow tensors", "one tensor")
    for rule in (joint, alone):
        check_in_both_precisions(rule)
    assert joint.clip(CALL).returned == 5.0
    value = adapt_clipping(tf.clip_by_value, "tf", "clip-value").clip(CALL)
    np.testing.assert_array_equal(value.groups["a"], [1.0, 0.0])
    np.testing.assert_array_equal(value.groups["b"], [[-1.0]])
    names = ("clip_by_global_norm", "clip_by_norm", "clip_by_value")
    assert [clipping_kind(getattr(tf, name), None) for name in names] == ["clip-norm", "clip-norm", "clip-value"]


def test_optimizers_of_keras_clip_by_their_options() -> None:
    """An optimizer with one of three options is a clipping rule of that kind; without one it is none."""
    for option in ("clipnorm", "global_clipnorm"):
        optimizer = keras.optimizers.Adam(**{option: 3.0})
        assert clipping_kind(optimizer, None) == "clip-norm"
        check_in_both_precisions(adapt_clipping(optimizer, "keras"))
    by_value = keras.optimizers.SGD(clipvalue=3.0)
    assert clipping_kind(by_value, None) == "clip-value"
    np.testing.assert_array_equal(adapt_clipping(by_value, "keras", "clip-value").clip(CALL).groups["b"], [[-1.0]])
    assert clipping_kind(keras.optimizers.SGD(), None) is None
