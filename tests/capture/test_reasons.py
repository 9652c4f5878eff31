"""Why a step runs eagerly is said in words that its author knows."""

from __future__ import annotations

import functools
import typing
import warnings

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from tests.capture.steps import many

X = ef.Tensor([1.0, 2.0])
Names = typing.Literal["relu", "tanh"]


def reason(step):
    """What the warning of a captured step says."""
    captured = ef.function(step)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        many(captured, X)
    (told,) = [str(each.message) for each in caught if "runs eagerly" in str(each.message)]
    assert captured.why_eager in told
    return told


def test_results_that_are_computed_again_are_told_with_what_to_do():
    again = ef.remat(ops.tanh)

    def step(x):
        with ef.GradientTape() as tape:
            tape.watch(x)
            y = again(x)
        return tape.gradient(y, x)

    assert "computes results again for the gradient (remat)" in reason(step)


def test_results_that_the_standard_library_keeps_are_no_hindrance():
    step = ef.function(lambda x: getattr(ops, typing.get_args(Names)[1])(x))
    np.testing.assert_array_equal(many(step, X).numpy(), ops.tanh(X).numpy())
    assert step.why_eager is None
    assert step.replays


def test_an_argument_that_only_a_shown_signature_has_is_not_proposed_again():
    class Wrapped(ef.Model):
        @functools.wraps(ef.Model.call)
        def call(self, inputs):
            return inputs

    with pytest.raises(TypeError, match="has shown another function") as refused:
        Wrapped()(X, training=True)
    assert "Did you mean" not in str(refused.value)


def test_texts_that_come_anew_with_each_call_are_named_as_the_reason():
    turn = ef.layers.TextVectorization(10, output_sequence_length=4)
    turn.adapt(np.array(["a b c", "b d"]))
    step = ef.function(lambda x: turn(x) * 2)
    for _ in range(4):
        step(np.array(["a b", "c"]))
    assert step.replays == 0
    assert "texts" in step.why_eager


def test_calls_with_other_values_of_the_weights_are_told():
    layer = ef.layers.Dense(2)
    layer.build((None, 2))
    values = [variable.value for variable in layer.trainable_variables]

    def scoped(x):
        with ef.StatelessScope(zip(layer.trainable_variables, values)):
            return layer(x[None])

    assert "values for a while (stateless_call)" in reason(lambda x: layer.stateless_call(values, [], x[None])[0])
    assert "values for a while (StatelessScope)" in reason(scoped)
