"""The methods and arguments of Keras 2 that tutorials use with models."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = np.arange(12) % 3
ONE_HOT = np.eye(3, dtype="float32")[Y]
pytestmark = pytest.mark.usefixtures("keras_2")


def model(**settings):
    ef.utils.set_random_seed(0)
    made = ef.Sequential([layers.Dense(4, input_dim=3), layers.Dense(3, activation="softmax")])
    made.compile(**{"optimizer": "adam", "loss": "categorical_crossentropy", "metrics": ["acc"], **settings})
    return made


def batches():
    while True:
        for start in (0, 4, 8):
            yield X[start : start + 4], ONE_HOT[start : start + 4]


def test_generators_have_methods_of_their_own():
    old, new = model(), model()
    found = old.fit_generator(
        batches(),
        steps_per_epoch=3,
        epochs=2,
        verbose=0,
        workers=2,
        max_queue_size=5,
        use_multiprocessing=True,
        validation_data=(X, ONE_HOT),
        callbacks=[ef.callbacks.LambdaCallback()],
    )
    wanted = new.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0, validation_data=(X, ONE_HOT))
    assert found.history == wanted.history
    assert old.evaluate_generator(batches(), steps=3) == new.evaluate(batches(), steps=3, verbose=0)
    assert np.array_equal(old.predict_generator(batches(), 3), new.predict(batches(), steps=3, verbose=0))


def test_arguments_about_loading_change_nothing():
    old, new = model(), model()
    loading = {"workers": 4, "use_multiprocessing": True, "max_queue_size": 3}
    found = old.fit(X, ONE_HOT, nb_epoch=2, verbose=0, shuffle=False, **loading)
    assert found.history == new.fit(X, ONE_HOT, epochs=2, verbose=0, shuffle=False).history
    assert old.evaluate(X, ONE_HOT, verbose=0, **loading) == new.evaluate(X, ONE_HOT, verbose=0)
    assert np.array_equal(old.predict(X, verbose=0, **loading), new.predict(X, verbose=0))
    with pytest.raises(TypeError, match="older name of 'epochs'"):
        old.fit(X, ONE_HOT, nb_epoch=2, epochs=2)
    with pytest.raises(TypeError, match="wrokers"):
        old.fit(X, ONE_HOT, wrokers=2)


def test_signatures_stay_the_present_ones():
    assert "workers" not in inspect.signature(ef.Model.fit).parameters
    assert list(inspect.signature(ef.Model.fit).parameters)[:4] == ["self", "x", "y", "batch_size"]


def test_arguments_of_compile_that_decide_nothing():
    made = model(sample_weight_mode="temporal", experimental_run_tf_function=False)
    assert made.fit(X, ONE_HOT, verbose=0).epoch == [0]


def test_classes_and_probabilities():
    made = model()
    chances = made.predict_proba(X)
    assert np.array_equal(made.predict_classes(X), chances.argmax(axis=1))
    one = ef.Sequential([layers.Dense(1, activation="sigmoid")])
    assert np.array_equal(one.predict_classes(X), (one.predict(X, verbose=0) > 0.5).astype("int32"))


class Older(ef.Sequential):
    """A model with the `train_step` that tutorials of TensorFlow 2 show."""

    def train_step(self, data):
        x, y = data
        with ef.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compiled_loss(y, y_pred, regularization_losses=self.losses)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        self.compiled_metrics.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_a_step_with_compiled_loss_and_metrics_is_the_usual_one():
    histories = []
    for kind in (Older, ef.Sequential):
        ef.utils.set_random_seed(0)
        made = kind([layers.Input((3,)), layers.Dense(3, activation="softmax", kernel_regularizer="l2")])
        made.compile("adam", "categorical_crossentropy", metrics=["mae"])
        histories.append(made.fit(X, ONE_HOT, batch_size=5, epochs=3, verbose=0).history)
    assert histories[0] == histories[1]


def test_compiled_loss_and_metrics_by_themselves():
    made = model(metrics=["mae"])
    assert [m.name for m in made.compiled_metrics.metrics] == ["mae"]
    made.compiled_metrics.update_state(ONE_HOT, ONE_HOT + 1)
    assert made.get_metrics_result() == {"mae": 1.0}
    made.compiled_metrics.reset_state()
    assert float(made.get_metrics_result()["mae"]) == 0.0
    with pytest.raises(ValueError, match="there is no loss; pass loss"):
        model(loss=None).compiled_loss(ONE_HOT, ONE_HOT)
    with pytest.raises(ValueError, match="compiled_loss: compile the model first"):
        _ = ef.Sequential([layers.Dense(1)]).compiled_loss


def test_stateful_layers_forget():
    made = ef.Sequential([layers.SimpleRNN(2, stateful=True, batch_input_shape=(2, 3, 1))])
    x = np.ones((2, 3, 1), "float32")
    first, second = made(x).numpy(), made(x).numpy()
    assert not np.allclose(first, second)
    made.reset_states()
    assert np.array_equal(made(x).numpy(), first)
