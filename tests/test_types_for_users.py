"""What type checkers and editors see of our functions: `make check` reads this file, and refuses an idle `ignore`."""

from __future__ import annotations

import inspect
import typing
from typing import assert_type

import numpy
import pytest

import viz
from eagerflow import Model, Sequential, Tensor, applications, callbacks, layers, losses, metrics, ops, optimizers


def test_results_have_types() -> None:
    x = Tensor([[1.0, 2.0]])
    assert_type(ops.exp(x), Tensor)
    assert_type(ops.expand_dims(x, 0), Tensor)
    assert_type(ops.slogdet(ops.eye(2)), tuple[Tensor, ...])
    assert_type(losses.huber(x, x), Tensor)
    assert_type(layers.Conv2D(4, 3), layers.Conv2D)
    assert_type(losses.MeanSquaredError(), losses.MeanSquaredError)
    assert_type(Sequential([layers.Dense(1)]).predict(x, verbose=0), numpy.ndarray)


def test_editors_know_the_input_of_a_lambda() -> None:
    layers.Lambda(lambda x, by: x * by, arguments={"by": 2.0})
    first, any_function = typing.get_overloads(layers.Lambda.__init__)
    assert inspect.signature(first).parameters["function"].annotation == "Callable[[Tensor], Any]"
    assert inspect.signature(any_function).parameters["function"].annotation == "Callable[..., Any]"


def test_arguments_have_names() -> None:
    x = ops.ones((1, 4, 4, 1))
    with pytest.raises(TypeError, match="stride"):
        ops.max_pool(x, 2, stride=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="axiss"):
        ops.expand_dims(x, axiss=0)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="deltas"):
        losses.huber(x, x, deltas=2.0)  # type: ignore[call-arg]


def test_only_sequences_may_be_padded_in_front() -> None:
    layers.Conv1D(4, 3, padding="causal")
    layers.SeparableConv1D(4, 3, padding="causal")
    with pytest.raises(ValueError, match="causal"):
        layers.Conv2D(4, 3, padding="causal")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="causal"):
        layers.Conv3D(4, 3, padding="causal")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="causal"):
        layers.SeparableConv2D(4, 3, padding="causal")  # type: ignore[arg-type]


def test_arguments_of_training_have_types() -> None:
    with pytest.raises((TypeError, ValueError), match="learning_rate"):
        optimizers.Adam("fast")  # type: ignore[arg-type]
    optimizers.Adam(optimizers.schedules.CosineDecay(0.1, 10))
    model = Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile(optimizers.SGD(1), "mse")
    x, y = ops.ones((4, 2)), ops.ones((4, 1))
    model.fit(x, y, verbose=0, callbacks=callbacks.TerminateOnNaN())
    model.fit(x, y, verbose=False, callbacks=[callbacks.TerminateOnNaN(), callbacks.History()])
    with pytest.raises((TypeError, ValueError), match="TerminateOnNaN"):
        model.fit(x, y, verbose=0, callbacks=callbacks.TerminateOnNaN)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="verbose"):
        model.fit(x, y, verbose="silent")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="step"):
        viz.diagnose(model, x, y, step=3)  # type: ignore[call-arg]


def test_architectures_have_typed_arguments() -> None:
    small = applications.MobileNet(weights=None, alpha=0.25, include_top=False, input_shape=(32, 32, 3))
    assert_type(small, Model)
    with pytest.raises(ValueError, match="classes"):
        applications.ResNet50(weights=None, classes="ten")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="alpha"):
        applications.ResNet50(weights=None, alpha=0.5)  # type: ignore[call-arg]


def test_what_is_no_layer_graph_or_attribute_is_seen() -> None:
    model = Sequential([layers.Input((2,)), layers.Dense(1)])
    with pytest.raises(TypeError, match="Dense"):
        model.add("Dense")  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError), match="Input"):
        Model(numpy.ones((2, 2)), layers.Input((2,)))  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="update"):
        metrics.Accuracy().update  # type: ignore[attr-defined]  # noqa: B018
    assert_type(metrics.TopKCategoricalAccuracy(3).k, int)
    assert_type(metrics.AUC().true_positives, Tensor)
