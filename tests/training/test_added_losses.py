"""`model.add_loss(tensor)` and, in programs of Keras 2, `model.add_metric(tensor)` with symbolic tensors."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops

X = np.random.default_rng(7).normal(size=(24, 3)).astype("float32")


def model():
    ef.utils.set_random_seed(4)
    x = ef.Input((3,), name="x")
    hidden = ef.layers.Dense(4, activation="tanh", name="hidden")(x)
    y = ef.layers.Dense(3, name="y")(hidden)
    made = ef.Model(x, y)
    made.add_loss(ops.mean(ops.square(x - y)))
    made.add_loss([0.1 * ops.mean(ops.square(hidden))])
    return made


def expected(made):
    hidden = np.tanh(X @ made.get_layer("hidden").kernel.numpy() + made.get_layer("hidden").bias.numpy())
    y = hidden @ made.get_layer("y").kernel.numpy() + made.get_layer("y").bias.numpy()
    return ((X - y) ** 2).mean() + 0.1 * (hidden**2).mean()


def test_the_terms_are_computed_in_each_call_and_trained():
    made = model()
    made.compile("adam")
    assert made.evaluate(X, batch_size=24, verbose=0) == pytest.approx(expected(made), rel=1e-5)
    before = made.get_weights()
    history = made.fit(X, epochs=5, batch_size=8, verbose=0, validation_data=(X, None)).history
    assert history["loss"][-1] < history["loss"][0]
    assert history["val_loss"][-1] == pytest.approx(expected(made), rel=1e-5)
    assert all((a != b).any() for a, b in zip(before, made.get_weights()))


def test_they_add_to_the_compiled_loss():
    made = model()
    made.compile("sgd", "mae")
    y = made.predict(X, verbose=0)
    assert made.evaluate(X, y + 2, batch_size=24, verbose=0) == pytest.approx(2 + expected(made), rel=1e-5)


def test_the_model_shows_only_what_leads_to_its_outputs():
    assert [layer.name for layer in model().layers] == ["x", "hidden", "y"]


def test_a_layer_that_only_a_term_needs_is_trained_and_saved_too(tmp_path):
    made = model()
    made.add_loss(ops.mean(ef.layers.Dense(1, name="critic")(made.output)))
    assert len(made.trainable_weights) == 6
    made.compile("sgd")
    made.save(tmp_path / "m.keras")
    again = ef.models.load_model(tmp_path / "m.keras")
    assert [w.name for w in again.weights] == [w.name for w in made.weights]
    assert again.evaluate(X, verbose=0) == pytest.approx(made.evaluate(X, verbose=0), rel=1e-6)


@pytest.mark.parametrize("way", ["clone", "json", "keras", "pickle"])
def test_copies_have_the_terms(way, tmp_path):
    made = model()
    made.compile("sgd")
    if way == "clone":
        again = ef.models.clone_model(made)
    elif way == "json":
        again = ef.models.model_from_json(made.to_json())
    elif way == "keras":
        made.save(tmp_path / "m.keras")
        again = ef.models.load_model(tmp_path / "m.keras")
    else:
        again = pickle.loads(pickle.dumps(made))
    again.set_weights(made.get_weights())
    again.compile("sgd")
    assert again.evaluate(X, batch_size=24, verbose=0) == pytest.approx(expected(made), rel=1e-5)


def test_a_term_from_elsewhere_is_refused_and_leaves_the_model_as_it_was():
    made = model()
    with pytest.raises(ValueError, match="not among its inputs"):
        made.add_loss(ops.mean(ef.Input((2,))))
    made.compile("sgd")
    assert made.evaluate(X, batch_size=24, verbose=0) == pytest.approx(expected(made), rel=1e-5)


def test_metrics_are_refused_outside_of_programs_of_keras_2():
    made = model()
    with pytest.raises(NotImplementedError, match=r"gone since Keras 3"):
        made.add_metric(ops.mean(made.output), name="m")
    with pytest.raises(NotImplementedError, match=r"gone since Keras 3"):
        ef.layers.Dense(1).add_metric(1.0, name="m")


def test_metrics_of_a_model_are_reported(keras_2):
    made = model()
    made.add_metric(ops.mean(made.output), name="level", aggregation="mean")
    made.compile("sgd")
    assert made.fit(X, epochs=2, verbose=0).history.keys() == {"loss", "level"}
    wanted = made.predict(X, verbose=0).mean()
    assert made.evaluate(X, batch_size=24, verbose=0, return_dict=True)["level"] == pytest.approx(wanted, abs=1e-6)


def test_metrics_of_a_layer_are_reported(keras_2):
    class Watched(ef.layers.Layer):
        def call(self, x):
            self.add_metric(ops.max(x), name="top")
            return x

    made = ef.Sequential([ef.Input((3,)), Watched()])
    made.compile("sgd", "mse")
    found = made.evaluate(X, X, batch_size=24, verbose=0, return_dict=True)
    assert found["top"] == pytest.approx(X.max(), rel=1e-6)


def test_a_metric_needs_a_name(keras_2):
    with pytest.raises(ValueError, match="expected a name"):
        model().add_metric(1.0)
    with pytest.raises(ValueError, match="'mean' for the aggregation"):
        model().add_metric(1.0, name="m", aggregation="sum")


def of_an_autoencoder():
    """Its loss is of what is inside of a nested model, as in many variational autoencoders."""
    ef.utils.set_random_seed(4)
    x = ef.Input((3,), name="x")
    code = ef.layers.Dense(2, activation="tanh", name="code")(x)
    inner = ef.Model(x, code, name="encoder")
    outer = ef.Model(x, ef.Model(x, inner(x), name="around")(x), name="outer")
    made = ef.Model(x, ef.layers.Dense(3, name="back")(outer(x)))
    made.add_loss(ops.mean(ops.square(code)))
    made.compile("sgd", "mse")
    return made


def test_a_file_of_a_loss_over_layers_of_a_nested_model_gives_a_model_that_shares_them(tmp_path):
    made = of_an_autoencoder()
    made.fit(X, X, epochs=2, verbose=0)
    made.save(tmp_path / "model.keras")
    again = ef.models.load_model(tmp_path / "model.keras")
    assert again.evaluate(X, X, verbose=0) == made.evaluate(X, X, verbose=0)
    assert again.count_params() == made.count_params()
    for each in (made, again):
        each.fit(X, X, epochs=2, verbose=0, shuffle=False)
    assert all((a == b).all() for a, b in zip(again.get_weights(), made.get_weights(), strict=True))
