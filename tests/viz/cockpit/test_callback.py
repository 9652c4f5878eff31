"""`callbacks.Cockpit` beside a training."""

from __future__ import annotations

import math

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.core import observe, random
from viz.cockpit.callback import Cockpit, advice
from viz.cockpit.probe import (
    LONGEST,
    HessianProducts,
    Noise,
    NoiseMean,
    Probe,
    Side,
    alpha,
    largest_eigenvalue,
    noise_of,
)

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


def test_estimates_of_the_noise_are_unbiased():
    rng, true, rows = np.random.default_rng(0), np.array([1.0, -2.0, 0.5]), 4
    deviations = np.array([2.0, 1.0, 3.0])
    found = []
    for _ in range(4000):
        parts = true + rng.normal(size=(4, rows, 3)) * deviations
        found.append(noise_of([[part.mean(axis=0)] for part in parts], rows))
    assert np.mean([each.variance for each in found]) == pytest.approx(np.square(deviations).sum(), rel=0.03)
    assert np.mean([each.squared for each in found]) == pytest.approx(np.square(true).sum(), rel=0.03)


def test_two_parts_give_the_estimators_of_the_paper():
    halves = [np.array([3.0, 1.0]), np.array([1.0, -2.0])]
    small, big, of_halves = 8, 16, np.mean([h @ h for h in halves])
    whole = np.mean(halves, axis=0)
    squared = (big * whole @ whole - small * of_halves) / (big - small)
    variance = (of_halves - whole @ whole) / (1 / small - 1 / big)
    assert noise_of([[h] for h in halves], small) == pytest.approx(Noise(variance, squared))


def test_the_noise_scale_is_the_ratio_of_means():
    noise = NoiseMean(keeps=0.5)
    assert math.isnan(noise.scale)
    noise.add(Noise(4.0, 2.0))
    assert noise.scale == 2.0
    noise.add(Noise(8.0, 1.0))
    assert noise.scale == pytest.approx((4.0 / 4 + 8.0 / 2) / (2.0 / 4 + 1.0 / 2))
    noise.add(Noise(math.nan, 1.0))
    assert noise.scale == 5.0
    noise.add(Noise(8.0, -9.0))
    assert noise.scale == math.inf  # no gradient can be told from the noise


@pytest.mark.parametrize("length", [0.1, 0.5, 1.0, 1.7, 2.0, 3.0])
def test_the_step_length_on_a_parabola_is_exact(length):
    """A step that goes `length` times as far as the minimum."""

    def value(t):
        return 3.0 * (1 - length * t) ** 2 + 7, -6.0 * length * (1 - length * t)

    for variances in ((0.0, 0.0), (0.1, 2.0)):
        found = alpha(Side(*value(0.0), *variances), Side(*value(1.0), *variances))
        assert found == pytest.approx(length - 1)


def test_steps_without_a_minimum_ahead():
    assert alpha(Side(1.0, -1.0), Side(-1.0, -3.0)) == -1.0  # it falls ever steeper
    assert alpha(Side(1.0, 1.0), Side(3.0, 3.0)) == LONGEST  # uphill
    assert alpha(Side(1.0, -1.0), Side(100.0, 1000.0)) == LONGEST
    assert math.isnan(alpha(Side(1.0, -1.0), Side(math.nan, 1.0)))
    assert alpha(Side(1.0, 0.0), Side(1.0, 0.0)) == 0.0  # nothing moved


def test_the_largest_eigenvalue_is_that_of_the_matrix():
    rng = np.random.default_rng(1)
    for size in (1, 2, 30):
        matrix = rng.normal(size=(size, size))
        matrix = matrix + matrix.T
        value, vector = largest_eigenvalue(lambda v, m=matrix: m @ v, size, steps=60, tolerance=1e-9)
        assert value == pytest.approx(np.linalg.eigvalsh(matrix)[-1])
        assert matrix @ vector == pytest.approx(value * vector, abs=1e-4)


def test_the_hessian_of_a_network_is_that_of_finite_differences():
    ef.utils.set_random_seed(0)
    model = ef.Sequential([layers.Input((3,)), layers.Dense(4, activation="tanh"), layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    variables = model.trainable_variables
    products = HessianProducts(lambda: ef.ops.mean(ef.ops.square(model(x))), variables)
    matrix = np.stack([products(row) for row in np.eye(products.size)])
    assert matrix == pytest.approx(matrix.T, abs=1e-5)
    before = [v.numpy().astype("float64") for v in variables]
    direction = [np.random.default_rng(i).normal(size=v.shape) for i, v in enumerate(variables)]

    def gradient(step):
        for v, b, d in zip(variables, before, direction):
            v.assign(b + step * d)
        with ef.GradientTape() as tape:
            loss = ef.ops.mean(ef.ops.square(model(x)))
        return np.concatenate([g.numpy().reshape(-1) for g in tape.gradient(loss, variables)])

    numeric = (gradient(1e-2) - gradient(-1e-2)) / 2e-2
    assert matrix @ np.concatenate([d.reshape(-1) for d in direction]) == pytest.approx(numeric, abs=5e-3)


def quadratic(rate):
    """A linear model on squared error: its loss is a parabola, whose Hessian is known."""
    rng = np.random.default_rng(2)
    x = (rng.normal(size=(64, 5)) * [1.0, 2.0, 0.5, 3.0, 1.0]).astype("float32")
    y = rng.normal(size=(64, 1)).astype("float32")
    model = ef.Sequential([layers.Input((5,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(ef.optimizers.SGD(rate), "mse")
    return model, x, y


def test_the_noise_of_a_linear_model_is_that_of_its_rows():
    model, x, y = quadratic(0.0)
    rows = -2 * x * y
    probe = Probe(model, (ef.Tensor(x), ef.Tensor(y)), parts=64)
    assert probe.noise.variance == pytest.approx(np.cov(rows.T).trace(), rel=1e-4)


def test_the_words_fit_the_numbers():
    assert "mostly noise" in advice(32, 1000.0, 0.0)
    assert "beyond measure" in advice(32, math.inf, 0.0)
    assert "larger than they need be" in advice(512, 10.0, 0.0)
    assert "fits (noise scale 40)" in advice(32, 40.0, 0.0)
    assert "Nothing is known" in advice(1, math.nan, 0.0)
    assert "room for a larger rate" in advice(32, 40.0, -0.9)
    assert "lower the rate" in advice(32, 40.0, 1.5)
    assert "stable below 0.2" in advice(32, 40.0, 0.0, curvature=10.0, rate=0.5)
    assert "so the rate fits" in advice(32, 40.0, 0.1, curvature=10.0, rate=0.1)
