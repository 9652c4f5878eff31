"""`viz.find_lr` finds a rate that trains, says why, and leaves the model as it was."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from eagerflow.core import random
from tests.viz.picture.shown import pictures, words
from viz.rates.sweep import judged

RNG = np.random.default_rng(0)
X = RNG.normal(size=(512, 8)).astype("float32")
Y = (X[:, 0] + X[:, 1] > 0).astype("int32") + (X[:, 2] > 0.5).astype("int32")


def made(optimizer="adam"):
    ef.utils.set_random_seed(1)
    model = ef.Sequential([layers.Input((8,)), layers.Dense(32, activation="relu"), layers.Dense(3)])
    model.compile(optimizer, ef.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def test_the_rate_lies_where_the_loss_falls_fastest_and_trains():
    model = made()
    found = viz.find_lr(model, X, Y)
    assert 1e-3 < found.rate < 0.1
    assert f"{found.rate:.1e}" in found.reason
    assert len(found.rates) == len(found.losses)
    model.optimizer.learning_rate = found.rate
    losses = model.fit(X, Y, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize("kind", ["arrays", "data set", "schedule"])
def test_the_training_that_follows_is_the_same(kind):
    def history(asked):
        rate = ef.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9) if kind == "schedule" else 0.01
        model = made(ef.optimizers.SGD(rate, momentum=0.9))
        data = (X, Y) if kind != "data set" else (ef.data.Dataset.from_tensor_slices((X, Y)).shuffle(512).batch(32),)
        if asked:
            viz.find_lr(model, *data, steps=30)
        return model.fit(*data, epochs=2, verbose=0).history, random.get_state()["eagerflow"]

    assert history(asked=True) == history(asked=False)


def test_it_stops_where_the_loss_runs_away():
    model = made("sgd")
    model.compile("sgd", "mse")
    found = viz.find_lr(model, X, np.tile(X[:, :1], 3), high=1e4)
    assert found.diverged_at is not None
    assert len(found.rates) < 100
    assert "on it explodes" in found.reason


def test_a_loss_that_does_not_fall_gives_no_rate_and_the_reason():
    found = judged(np.geomspace(1e-6, 1, 60), 1 + 0.01 * RNG.normal(size=60), diverged=False)
    assert found.rate is None
    assert "fell at no rate" in found.reason


def test_a_valley_gives_a_rate_on_its_slope():
    rates = np.geomspace(1e-5, 1, 80)
    losses = np.where(rates < 1e-3, 2.0, np.where(rates < 1e-1, 2 - 0.8 * (np.log10(rates) + 3), 0.4 + 10 * rates))
    found = judged(rates, losses, diverged=False)
    assert 1e-3 < found.rate < 1e-1
    assert found.lowest_at == pytest.approx(0.1, rel=0.5)


def test_it_shows_itself(tmp_path):
    found = viz.find_lr(made(), X, Y, steps=40)
    drawn = found.draw(tmp_path / "rates.svg", theme="dark").read_text()
    assert drawn.count("<circle") == len([v for v in found.losses if np.isfinite(v)])
    assert pictures(found._repr_html_())[0].count("<circle") == drawn.count("<circle")
    assert found.to_dict()["rate"] == found.rate
    with pytest.raises(ValueError, match=r"must end in \.svg, \.png or \.pdf"):
        found.draw(tmp_path / "rates.jpg")


def test_a_model_of_several_optimizers_names_what_it_reports():
    class Two(ef.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.own = ef.optimizers.SGD(0.1)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            with ef.GradientTape() as tape:
                loss = ((self(data[0]) - data[1]) ** 2).mean()
            self.own.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"error": loss}

    model = Two()
    model.compile(loss="mse")
    target = X[:, :1]
    assert viz.find_lr(model, X, target, steps=40, monitor="error").rate > 1e-4
    assert model.own.iterations == 0
    with pytest.raises(ValueError, match="reports error"):
        viz.find_lr(model, X, target)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"low": 1.0, "high": 0.1}, "0 < low < high"),
        ({"steps": 3}, "10 batches or more"),
        ({"steps": 30.5}, "10 batches or more"),
    ],
)
def test_wrong_arguments_are_named(given, words):
    with pytest.raises(ValueError, match=words):
        viz.find_lr(made(), X, Y, **given)


def test_what_cannot_be_done_is_refused():
    with pytest.raises(ValueError, match="compile the model first"):
        viz.find_lr(ef.Sequential([layers.Dense(1)]), X, Y)
    model = ef.Sequential([layers.Dense(3)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="isn't built"):
        viz.find_lr(model, (batch for batch in [(X, Y)]))


def test_a_notebook_shows_the_reason_once_in_words_that_make_a_sentence():
    rates = [10.0 ** (i / 10 - 4) for i in range(40)]
    found = judged(rates, [1.0 - 0.9 * min(1.0, rate) for rate in rates], diverged=True)
    assert "; it falls from 0.99" in found.reason
    assert ", its lowest, at " in found.reason
    assert found.reason.endswith("on it explodes")
    (light,) = pictures(found._repr_html_())
    assert words(found._repr_html_()) == ""
    assert found.reason.split(";")[0] in light


def test_what_is_no_model_of_eagerflow_is_refused_by_its_class():
    class Sequential:
        optimizer = loss = None

    with pytest.raises(TypeError, match=r"find_lr: expected a model of eagerflow; got a .*Sequential"):
        viz.find_lr(Sequential(), np.ones((8, 2)), np.ones((8, 1)))
