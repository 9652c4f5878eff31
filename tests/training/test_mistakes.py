"""What makes no sense in training is an error that says so."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers

X = np.ones((6, 2), "float32")
Y = np.ones((6, 1), "float32")


def model(**settings):
    made = ef.Sequential([layers.Dense(1)])
    made.compile(**{"optimizer": "sgd", "loss": "mse", **settings})
    return made


def softmax():
    made = ef.Sequential([layers.Dense(3, activation="softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy")
    return made


def two_outputs(loss):
    x = ef.Input((2,))
    made = ef.Model(x, [layers.Dense(1, name="height")(x), layers.Dense(1, name="width")(x)])
    made.compile("sgd", loss)
    return made


@pytest.mark.parametrize(
    ("train", "error", "words"),
    [
        (lambda: ef.Sequential([layers.Dense(1)]).fit(X, Y), ValueError, "compile the model first"),
        (lambda: ef.Sequential([layers.Dense(1)]).evaluate(X, Y), ValueError, "compile the model first"),
        (lambda: ef.Sequential([layers.Dense(1)]).train_on_batch(X, Y), ValueError, "compile the model first"),
        (lambda: model(optimizer=ef.optimizers.SGD(-0.1)), ValueError, "learning_rate=-0.1"),
        (lambda: model(optimizer="adamm"), ValueError, "Did you mean 'adam'"),
        (lambda: model(loss="mean_square_error"), ValueError, "Did you mean 'mean_squared_error'"),
        (lambda: model(metrics=["acuracy"]), ValueError, "Did you mean 'accuracy'"),
        (lambda: model(metrics=["loss"]), ValueError, "always reported"),
        (lambda: model(metrics=[3]), TypeError, "a name, an object or a config"),
        (lambda: model(loss=3), TypeError, "a name, an object or a config"),
        (lambda: model(steps_per_execution=0), ValueError, "steps_per_execution=0"),
        (lambda: model().fit(X, Y, epochs=0), ValueError, "epochs=0"),
        (lambda: model().fit(X, Y, epochs=-3), ValueError, "epochs=-3"),
        (lambda: model().fit(X, Y, epochs=1.5), TypeError, "epochs=1.5"),
        (lambda: model().fit(X, Y, batch_size=0), ValueError, "batch_size=0"),
        (lambda: model().fit(X, Y, verbose=7), ValueError, "verbose=7"),
        (lambda: model().fit(X, Y, validation_split=1.5), ValueError, "validation_split=1.5"),
        (lambda: model().fit(X, Y, validation_split=-0.1), ValueError, "validation_split=-0.1"),
        (lambda: model().fit(X, Y, validation_split=0.9), ValueError, "can't be split"),
        (lambda: model().fit(iter([(X, Y)]), validation_split=0.5), ValueError, "arrays only"),
        (lambda: model().fit(X, Y, steps_per_epoch=0), ValueError, "steps_per_epoch=0"),
        (lambda: model().fit(X, Y, shuffle="batches"), ValueError, "shuffle='batches'"),
        (lambda: model().fit(X, Y, validation_freq=0), ValueError, "validation_freq=0"),
        (lambda: model().fit(X, Y[:4]), ValueError, "x has 6, y has 4"),
        (lambda: model().fit(X[:0], Y[:0]), ValueError, "empty"),
        (lambda: model().fit(X), ValueError, "y is missing"),
        (lambda: model().fit(y=Y), TypeError, "expected arrays"),
        (lambda: model().fit(X, Y, callbacks=["early_stopping"]), TypeError, "expected Callback objects"),
        (lambda: model().predict(X[:0]), ValueError, "empty"),
        (lambda: model(loss=["mse", "mae"]).fit(X, Y), ValueError, "2 given for 1 output"),
        (lambda: two_outputs(["mse"]), ValueError, "1 given for 2 outputs"),
        (lambda: two_outputs({"heigth": "mse"}), ValueError, "Did you mean 'height'"),
        (lambda: two_outputs(["mse", "mse"]).fit(X, Y, verbose=0), ValueError, "2 outputs"),
        (lambda: softmax().fit(X, np.array([0, 1, 2, 3, 0, 1]), verbose=0), ValueError, "3 classes"),
        (lambda: softmax().fit(X, np.eye(3)[[0, 1, 2, 0, 1, 2]], verbose=0), ValueError, "class numbers"),
        (lambda: model().fit(X, np.ones((6, 4)), verbose=0), ValueError, "same shape"),
        (lambda: model(loss=None).fit(X, Y, verbose=0), ValueError, "there is no loss"),
    ],
)
def test_mistakes_have_clear_errors(train, error, words):
    with pytest.raises(error, match=words) as caught:
        train()
    assert len(str(caught.value)) <= 500


def test_a_step_must_return_a_dict():
    class Mine(ef.Sequential):
        def train_step(self, data):
            return 1.0

    mine = Mine([layers.Dense(1)])
    mine.compile("sgd", "mse")
    with pytest.raises(TypeError, match="must return a dict"):
        mine.fit(X, Y, verbose=0)


def test_a_loss_that_is_no_number_is_reported_with_its_cause():
    x = X.copy()
    x[3, 1] = np.nan
    with pytest.warns(UserWarning, match="x holds NaN"):
        model().fit(x, Y, verbose=0)
    with pytest.warns(UserWarning, match="learning rate may be too high") as seen:
        model(optimizer=ef.optimizers.SGD(1e30)).fit(X, Y, epochs=20, batch_size=1, verbose=0)
    assert len(seen) == 1


def test_after_an_error_the_model_is_usable():
    made = model()
    with pytest.raises(ValueError, match="same shape"):
        made.fit(X, np.ones((6, 4)), verbose=0)
    assert len(made.fit(X, Y, verbose=0).epoch) == 1
