"""What type checkers and editors see of our functions: `make check` reads this file, and refuses an idle `ignore`."""

from __future__ import annotations

import inspect
import typing
from typing import Any, assert_type

import numpy
import pytest

import viz
from eagerflow import (
    GradientTape,
    Model,
    Sequential,
    Tensor,
    Variable,
    applications,
    callbacks,
    grad,
    layers,
    losses,
    metrics,
    ops,
    optimizers,
)


def test_results_have_types() -> None:
    x = Tensor([[1.0, 2.0]])
    assert_type(ops.exp(x), Tensor)
    assert_type(ops.expand_dims(x, 0), Tensor)
    assert_type(ops.slogdet(ops.eye(2)), tuple[Tensor, ...])
    assert_type(losses.huber(x, x), Tensor)
    assert_type(layers.Conv2D(4, 3), layers.Conv2D)
    assert_type(losses.MeanSquaredError(), losses.MeanSquaredError)
    assert_type(Sequential([layers.Dense(1)]).predict(x, verbose=0), numpy.ndarray)


def test_states_and_scores_come_as_types_say() -> None:
    x = ops.ones((2, 3, 4))
    lstm = layers.LSTM(2, return_state=True)(x)
    assert_type(lstm, tuple[Tensor, Tensor, Tensor])
    assert type(lstm) is tuple
    assert len(lstm) == 3
    gru = layers.GRU(2, return_state=True)(x)
    assert_type(gru, tuple[Tensor, Tensor])
    assert type(gru) is tuple
    assert len(gru) == 2
    both = layers.Bidirectional(layers.LSTM(2), merge_mode=None)(x)
    assert_type(both, tuple[Tensor, Tensor])
    assert type(both) is tuple
    assert len(both) == 2
    many = layers.Bidirectional(layers.LSTM(2, return_state=True))(x)
    assert_type(many, tuple[Tensor, ...])
    assert type(many) is tuple
    assert len(many) == 5
    scores = layers.MultiHeadAttention(1, 2)(x, x, return_attention_scores=True)
    assert_type(scores, tuple[Tensor, Tensor])
    assert type(scores) is tuple
    assert len(scores) == 2
    assert_type(layers.LSTM(2)(x), Tensor)
    assert isinstance(layers.LSTM(2)(x), Tensor)


def test_calls_of_layers_have_arguments() -> None:
    x = ops.ones((2, 3))
    with pytest.raises(TypeError, match="positional"):
        layers.Dense(4)(x, None, None)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="trainin"):
        layers.LSTM(4)(ops.ones((2, 3, 4)), trainin=True)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="same tensor twice"):
        layers.MultiHeadAttention(2, 8)(ops.ones((2, 3, 4)))  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="mask"):
        layers.Dense(4)(x, mask=None)  # type: ignore[call-arg]


def test_gradients_have_the_structure_that_types_say() -> None:
    w, b = Variable([1.0, 2.0]), Variable(3.0)
    with GradientTape(persistent=True) as tape:
        loss = (w * w).sum() + b * b
    assert_type(tape.gradient(loss, w), Tensor)
    assert_type(tape.gradient(loss, [w, b]), list[Tensor | Any])
    assert type(tape.gradient(loss, [w, b])) is list
    assert_type(tape.gradient(loss, (w, b)), tuple[Tensor | Any, ...])
    assert type(tape.gradient(loss, (w, b))) is tuple
    assert_type(tape.gradient(loss, {"w": w}), dict[str, Tensor | Any])
    assert type(tape.gradient(loss, {"w": w})) is dict
    assert_type(grad(ops.square)(2.0), Tensor)
    assert isinstance(grad(ops.square)(2.0), Tensor)
    assert_type(grad(lambda of: of["x"] * 2)({"x": 1.0}), dict[str, Any])
    assert type(grad(lambda of: of["x"] * 2)({"x": 1.0})) is dict


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
        layers.Conv2D(4, 3, padding="causal")
    with pytest.raises(ValueError, match="causal"):
        layers.Conv3D(4, 3, padding="causal")
    with pytest.raises(ValueError, match="causal"):
        layers.SeparableConv2D(4, 3, padding="causal")


def test_words_that_are_written_where_they_are_used_are_known() -> None:
    with pytest.raises(ValueError, match="stats"), viz.trace(stats="ful"):  # type: ignore[call-overload]
        pass
    with pytest.raises(ValueError, match="padding"):
        layers.Conv2D(4, 3, padding="smae")  # a `str`, which other functions may hand on


def test_words_that_a_picture_is_asked_for_are_known() -> None:
    with viz.trace() as t:
        ops.exp(1.0)
    with pytest.raises(ValueError, match="view"):
        t.draw(view="fwd")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="by"):
        t.top(by="tme")  # type: ignore[arg-type]


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
