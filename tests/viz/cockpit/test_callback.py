"""`callbacks.Cockpit` beside a training."""

from __future__ import annotations

import math

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.core import observe, random
from viz.cockpit.callback import Cockpit

X = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
Y = (X[:, 0] > 0) + 0


def net(*body, optimizer="adam"):
    ef.utils.set_random_seed(1)
    model = ef.Sequential([layers.Input((6,)), *body, layers.Dense(2, activation="softmax")])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def trained(*callbacks):
    ef.utils.set_random_seed(2)
    body = layers.Dense(8, kernel_regularizer="l2"), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.4)
    model = net(*body)
    history = model.fit(X, Y, batch_size=16, epochs=3, verbose=0, callbacks=list(callbacks), validation_split=0.25)
    arrays = [v.numpy().tobytes() for v in (*model.variables, *model.optimizer.variables)]
    return arrays, history.history, str(random.get_state())


def test_a_measured_training_has_the_bits_of_one_that_is_not():
    cockpit = Cockpit(every=1, curvature=1, verbose=0)
    assert trained(cockpit) == trained()
    assert len(cockpit.history["step"]) == 8
    assert all(map(math.isfinite, cockpit.history["curvature"]))
    assert not observe.current()


def test_the_sentence_is_printed_in_the_end(capsys):
    model = net(layers.Dense(4))
    model.fit(X, Y, verbose=0, callbacks=[Cockpit(every=1)])
    assert capsys.readouterr().err.startswith("cockpit: ")
    model.fit(X, Y, verbose=0, callbacks=[Cockpit(every=1, verbose=0)])
    assert capsys.readouterr().err == ""


def test_it_measures_as_seldom_as_its_share_of_the_time_asks():
    cockpit = Cockpit(overhead=1e-9, verbose=0)
    net(layers.Dense(4)).fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[cockpit])
    assert cockpit.history["step"] == [2]
    assert math.isnan(cockpit.history["curvature"][0])


class Once(layers.Layer):
    """Its gradient is computed by NumPy, so that it has none itself."""

    def call(self, inputs):
        @ef.custom_gradient
        def function(x):
            def grad(upstream):
                if isinstance(upstream, ef.Tensor) and upstream.key is not None:
                    raise NotImplementedError("odd has no second derivative")
                return upstream

            return x * 1.0, grad

        return function(inputs)


def test_what_has_no_second_derivative_is_told(capsys):
    cockpit = Cockpit(every=1, curvature=1)
    net(layers.Dense(4), Once()).fit(X, Y, verbose=0, callbacks=[cockpit])
    assert "odd has no second derivative" in cockpit.refusal
    assert "odd has no second derivative" in capsys.readouterr().err
    assert math.isfinite(cockpit.history["alpha"][0])


def attention(inputs):
    return layers.Flatten()(layers.MultiHeadAttention(2, 2)(inputs, inputs))


def through(*body):
    def run(x):
        for layer in body:
            x = layer(x)
        return x

    return run


@pytest.mark.parametrize(
    "body",
    [
        through(layers.LSTM(3)),
        through(layers.GRU(3, dropout=0.2)),
        through(layers.Conv1D(3, 2, activation="relu"), layers.MaxPooling1D(), layers.Flatten()),
        attention,
        through(layers.LayerNormalization(), layers.Dense(3, activation="gelu"), layers.Flatten()),
    ],
    ids=["lstm", "gru", "conv", "attention", "layer norm"],
)
def test_usual_layers_have_a_curvature(body):
    ef.utils.set_random_seed(0)
    inputs = ef.Input((6,))
    model = ef.Model(inputs, layers.Dense(2, activation="softmax")(body(layers.Reshape((3, 2))(inputs))))
    model.compile("sgd", "sparse_categorical_crossentropy")
    cockpit = Cockpit(every=1, curvature=1, verbose=0)
    model.fit(X, Y, verbose=0, callbacks=[cockpit])
    assert cockpit.refusal is None
    assert cockpit.history["curvature"][0] > 0


def test_tensorboard_and_the_live_page_are_told(tmp_path):
    shown = []

    class Page(observe.Observer):
        wants_ops = False

        def show_measured(self, values, words):
            shown.append((values, words))

    board = ef.callbacks.TensorBoard(str(tmp_path), write_graph=False)
    cockpit = Cockpit(every=1, curvature=1, verbose=0)
    with observe.observing(Page()):
        net(layers.Dense(4)).fit(X, Y, verbose=0, callbacks=[board, cockpit])
    values, words = shown[-1]
    assert set(values) == {"cockpit/noise_scale", "cockpit/alpha", "cockpit/gradient_norm", "cockpit/curvature"}
    assert words == cockpit.advice
    written = b"".join(path.read_bytes() for path in (tmp_path / "train").iterdir())
    assert b"cockpit/alpha" in written
    assert cockpit.advice.encode() in written


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="parts=1"):
        Cockpit(parts=1)
    with pytest.raises(ValueError, match="every=0"):
        Cockpit(every=0)
    with pytest.raises(ValueError, match="overhead=0"):
        Cockpit(overhead=0)
    with pytest.raises(ValueError, match="curvature=-1"):
        Cockpit(curvature=-1)

    class Own(ef.Sequential):
        def train_step(self, data):
            return super().train_step(data)

    model = Own([layers.Input((6,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="Own has a train_step of its own"):
        model.fit(X, Y, verbose=0, callbacks=[Cockpit()])


def test_a_step_that_fails_leaves_nobody_listening():
    class Fails(layers.Layer):
        def call(self, inputs):
            if observe.current():
                raise RuntimeError("on purpose")
            return inputs

    model = net(Fails())
    with pytest.raises(RuntimeError, match="on purpose"):
        model.fit(X, Y, verbose=0, batch_size=16, callbacks=[Cockpit(every=1, verbose=0)])
    assert not observe.current()
