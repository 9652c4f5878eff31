"""Everything on Keras' `Model`, with Keras' numbers; the fixture was made by tests/fixtures/make_model_features.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef

FIXTURES = Path(__file__).parents[1] / "fixtures"
_spec = importlib.util.spec_from_file_location("make_model_features", FIXTURES / "make_model_features.py")
assert _spec is not None
assert _spec.loader is not None
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)


@pytest.fixture(scope="module")
def expected():
    with np.load(FIXTURES / "model_features.npz") as stored:
        return dict(stored)


def test_the_fixture_holds_every_case(expected):
    assert {key.partition("|")[0] for key in expected} == set(made.CASES)


@pytest.mark.filterwarnings("ignore:No gradient for")
@pytest.mark.parametrize("name", made.CASES)
def test_it_is_as_in_keras(name, expected, device):
    found = made.CASES[name](ef)
    wanted = {k.partition("|")[2]: v for k, v in expected.items() if k.partition("|")[0] == name}
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        if value.dtype.kind == "U":
            assert np.array(found[key]).tolist() == value.tolist(), key
        else:
            np.testing.assert_allclose(found[key], value, rtol=1e-4, atol=1e-5, err_msg=key)


# What Keras' backends write differently: steps of one's own


X, Y = made.A, made.REALS


def two_layers(kind=ef.Sequential, **settings):
    model = kind([ef.layers.Input((3,)), ef.layers.Dense(4, activation="tanh"), ef.layers.Dense(2)])
    made.set_weights(model)
    model.compile(**{"optimizer": "adam", "loss": "mse", "metrics": ["mae"], **settings})
    return model


class OwnStep(ef.Sequential):
    """The `train_step` of Keras' guides."""

    def train_step(self, data):
        x, y, sample_weight = ef.utils.unpack_x_y_sample_weight(data)
        with ef.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss, sample_weight=x.shape[0])
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


@pytest.mark.parametrize("weights", [None, made.FIRST])
def test_a_train_step_of_ones_own_gives_the_numbers_of_the_usual_one(weights):
    own, usual = two_layers(OwnStep), two_layers()
    options = {**made.QUIET, "epochs": 3, "sample_weight": weights, "validation_data": (X[:5], Y[:5])}
    found, wanted = own.fit(X, Y, **options).history, usual.fit(X, Y, **options).history
    assert list(found) == list(wanted)
    for name, values in wanted.items():
        assert found[name] == pytest.approx(values, rel=1e-6)
    assert np.array_equal(made.flat(own.get_weights()), made.flat(usual.get_weights()))


def test_test_steps_and_predict_steps_of_ones_own():
    class Mine(ef.Sequential):
        def test_step(self, data):
            return {"rows": float(len(data[0]))}

        def predict_step(self, data):
            return {"twice": 2 * super().predict_step(data), "rows": ef.ops.ones((len(data), 1))}

    model = two_layers(Mine)
    assert model.evaluate(X, Y, batch_size=8, verbose=0, return_dict=True) == {"rows": 6.0}
    history = model.fit(X, Y, validation_data=(X, Y), **made.QUIET).history
    assert history["val_rows"] == [6.0]
    found = model.predict(X, batch_size=8, verbose=0)
    assert np.allclose(found["twice"], 2 * model(X).numpy())
    assert found["rows"].shape == (made.ROWS, 1)


def test_metrics_kept_as_attributes_begin_anew_with_each_epoch():
    class Counting(ef.Sequential):
        def __init__(self, *args):
            super().__init__(*args)
            self.batches = ef.metrics.Sum(name="batches")

        def train_step(self, data):
            self.batches.update_state(1.0)
            return {**super().train_step(data), "batches": self.batches.result()}

    model = two_layers(Counting)
    assert model.fit(X, Y, **{**made.QUIET, "epochs": 3}).history["batches"] == [3.0, 3.0, 3.0]
    assert [m.name for m in model.metrics] == ["loss", "mae", "batches"]


def test_training_stops_where_a_step_says_so():
    class Stopping(ef.Sequential):
        def train_step(self, data):
            self.stop_training = True
            return super().train_step(data)

    model = two_layers(Stopping)
    assert model.fit(X, Y, **{**made.QUIET, "epochs": 5}).epoch == [0]
    assert int(model.optimizer.iterations) == 1


def test_terms_added_outside_of_layers_are_told():
    model = two_layers()
    model.add_loss(ef.ops.sum(model.layers[0].kernel * 0 + 1))
    assert [float(term) for term in model.losses] == [12.0]
    with pytest.raises(ValueError, match="not among its inputs"):
        model.add_loss(ef.Input(()))


def test_before_compile_everything_can_be_asked_for():
    model = ef.Sequential([ef.layers.Dense(1)])
    assert (model.compiled, model.optimizer, model.loss, model.history) == (False, None, None, None)
    assert (model.metrics, model.metrics_names, model.stop_training) == ([], [], False)
    model.compile(loss="mse", metrics=["mae"])
    assert (model.get_metrics_result(), model.metrics_names) == ({"loss": 0.0, "mae": 0.0}, ["loss", "mae"])
