"""What makes no sense in training is an error that says so."""

from __future__ import annotations

import warnings

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


def named_outputs(loss):
    x = ef.Input((2,))
    made = ef.Model(x, {name: layers.Dense(1, name=f"to_{name}")(x) for name in ("age", "sex")})
    made.compile("sgd", loss)
    return made


@pytest.mark.parametrize("method", ["fit", "evaluate"])
@pytest.mark.parametrize(("loss"), ["mse", {"age": "mse", "sex": "binary_crossentropy"}])
def test_an_output_without_a_target_is_named(method, loss):
    train = getattr(named_outputs(loss), method)
    with pytest.raises(ValueError, match=r"y: no target for output 'sex'; got age\. Pass one"):
        train(X, {"age": Y}, verbose=0)


def test_an_output_without_a_loss_needs_no_target():
    assert named_outputs({"age": "mse"}).evaluate(X, {"age": Y}, verbose=0) >= 0


def test_a_loss_that_takes_no_target_is_given_none():
    class Size(ef.losses.Loss):
        def __call__(self, y_true, y_pred, sample_weight=None):
            assert y_true is None
            return ef.ops.mean(y_pred**2)

    named_outputs({"age": "mse", "sex": Size()}).fit(X, {"age": Y}, verbose=0)


@pytest.mark.parametrize(
    ("train", "error", "words"),
    [
        (lambda: ef.Sequential([layers.Dense(1)]).train_on_batch(X, Y), ValueError, "compile the model first"),
        (lambda: model(metrics=["loss"]), ValueError, "always reported"),
        (lambda: model(metrics=[3]), TypeError, "a name, an object or a config"),
        (lambda: model().fit(X, Y, initial_epoch=-1), ValueError, "initial_epoch=-1"),
        (lambda: model().fit(X, Y, validation_split=-0.1), ValueError, "validation_split=-0.1"),
        (lambda: model().fit(X, Y, validation_split=0.9), ValueError, "can't be split"),
        (lambda: model().fit(X, Y, steps_per_epoch=0), ValueError, "steps_per_epoch=0"),
        (lambda: model().fit(X, Y, validation_freq=0), ValueError, "validation_freq=0"),
        (lambda: model().fit(y=Y), TypeError, "expected arrays"),
        (lambda: two_outputs({"heigth": "mse"}), ValueError, "Did you mean 'height'"),
        (lambda: two_outputs(["mse", "mse"]).fit(X, Y, verbose=0), ValueError, "2 outputs"),
        (lambda: model().fit(X, np.ones((6, 4, 2)), verbose=0), ValueError, "same shape"),
        (lambda: model(loss=None).fit(X, Y, verbose=0), ValueError, "there is no loss"),
    ],
)
def test_mistakes_have_clear_errors(train, error, words):
    with pytest.raises(error, match=words) as caught:
        train()
    assert len(str(caught.value)) <= 500


def test_after_an_error_the_model_is_usable():
    made = model()
    with pytest.raises(ValueError, match="same shape"):
        made.fit(X, np.ones((6, 4, 2)), verbose=0)
    assert len(made.fit(X, Y, verbose=0).epoch) == 1


# -- what the user's own functions are called with


class CountsWithoutWeights(ef.metrics.Metric):
    def __init__(self):
        super().__init__(name="count")
        self.total = self.add_weight(name="total", initializer="zeros")

    def update_state(self, y_true, y_pred):
        self.total.assign_add(ef.ops.sum(y_true))

    def result(self):
        return self.total


class CalledLoss(ef.losses.Loss):
    def __call__(self, y_true, y_pred):
        return ef.ops.mean((y_true - y_pred) ** 2)


class UnpacksTwo(ef.Sequential):
    def train_step(self, data):
        x, y = data
        return {"loss": ef.ops.mean(self(x) - y)}


class HookWithoutEpoch(ef.callbacks.Callback):
    def on_epoch_end(self, logs):
        print(logs)


class HookOfAnotherName(ef.callbacks.Callback):
    def on_epoch_start(self, epoch, logs=None):
        print(epoch)


class AsksForValidation(ef.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        assert logs["val_loss"] < 1


def of_gamma(gamma=2.0):
    return lambda y_true, y_pred: ef.ops.mean(abs(y_true - y_pred) ** gamma)


def test_what_users_functions_are_called_with():
    with pytest.raises(TypeError, match=r"CountsWithoutWeights\.update_state .* sample_weight=None\)"):
        model(weighted_metrics=[CountsWithoutWeights()]).fit(X, Y, sample_weight=np.ones(6), verbose=0)
    with pytest.raises(TypeError, match=r"compile\(loss=CalledLoss\).*Override call\(self, y_true, y_pred\)"):
        model(loss=CalledLoss())
    with pytest.raises(TypeError, match=r"takes two arguments.*call it: loss=of_gamma\(\)"):
        model(loss=of_gamma)
    with pytest.raises(TypeError, match=r"loss=<lambda>\(gamma=\.\.\.\)"):
        model(loss=lambda gamma: of_gamma(gamma))
    with pytest.raises(TypeError, match=r"HookWithoutEpoch\.on_epoch_end .*\(epoch, logs\).*\(self, epoch, logs=None"):
        model().fit(X, Y, verbose=0, callbacks=[HookWithoutEpoch()])
    with pytest.warns(UserWarning, match=r"HookOfAnotherName\.on_epoch_start is never called.*'on_epoch_begin'"):
        model().fit(X, Y, verbose=0, callbacks=[HookOfAnotherName()])
    with pytest.raises(KeyError, match=r"no 'val_loss'; it has loss\. .*validation_data"):
        model().fit(X, Y, verbose=0, callbacks=[AsksForValidation()])


def test_a_step_that_unpacks_too_few_parts_is_told_what_it_was_given():
    made = UnpacksTwo([layers.Dense(1)])
    made.compile("sgd")
    with pytest.raises(ValueError, match=r"train_step was given \(x, y, sample_weight\).*unpack_x_y_sample_weight"):
        made.fit(X, Y, sample_weight=np.ones(6), verbose=0)
    with pytest.raises(ValueError, match=r"train_step was given \(x\)"):
        made.fit([X], verbose=0)


def test_classes_by_name_are_refused():
    with pytest.raises(TypeError, match=r"class_weight: .* got the class 'cat'"):
        softmax().fit(X, np.arange(6) % 3, class_weight={"cat": 1.0, 1: 2.0}, verbose=0)
    with pytest.raises(TypeError, match=r"class_weight: .* got "):
        softmax().fit(X, np.arange(6) % 3, class_weight={0: None}, verbose=0)


def test_rows_of_unequal_lengths_in_an_array_of_objects_are_to_be_padded():
    with pytest.raises(ValueError, match=r"x: .*unequal lengths \(3, 2\).*pad_sequences"):
        model().fit(np.array([[1, 2, 3], [4, 5]], dtype=object), Y[:2], verbose=0)


def test_more_steps_than_batches_are_told_of_in_keras_2_too(keras_2):
    data = ef.data.Dataset.from_tensor_slices((X, Y)).batch(2)
    with pytest.warns(UserWarning, match="5 steps were asked for, and the data have 3 batches: they are gone through"):
        model().fit(data, steps_per_epoch=5, epochs=3, verbose=0)


@pytest.mark.parametrize(
    "empty",
    [
        ef.data.Dataset.from_tensor_slices((X, Y)).batch(8, drop_remainder=True),
        ef.data.Dataset.from_tensor_slices((X, Y)).filter(lambda x, y: x[0] > 1).batch(2),
    ],
)
def test_an_empty_dataset_is_not_taken_for_a_generator(empty):
    for use in (model().fit, model().evaluate, model().predict):
        with pytest.raises(ValueError, match=r"gave no batch.*fewer rows than one batch.*filter") as caught:
            use(empty, verbose=0)
        assert "generator" not in str(caught.value)


def test_empty_validation_data_are_named():
    batches = ef.data.Dataset.from_tensor_slices((X, Y)).batch(3)
    with pytest.raises(ValueError, match=r"^fit\(validation_data=\.\.\.\): the data gave no batch"):
        model().fit(batches, validation_data=batches.skip(2), verbose=0)


@pytest.mark.parametrize(
    ("last", "name"),
    [
        ([layers.Dense(1, activation="softmax", name="out")], 'Dense "out"'),
        ([layers.Dense(1), layers.Activation("softmax", name="out")], 'Activation "out"'),
        ([layers.Dense(1), layers.Softmax(name="out")], 'Softmax "out"'),
        (
            [layers.Reshape((1, 1, 2)), layers.Conv2D(1, 1, activation="softmax", name="out"), layers.Flatten()],
            "Conv2D",
        ),
    ],
    ids=["Dense", "Activation", "Softmax", "Conv2D"],
)
@pytest.mark.parametrize("begins", [False, True], ids=["built in fit", "built before"])
def test_a_softmax_over_one_unit_is_told_once_with_sigmoid(last, name, begins):
    fresh = [type(layer).from_config(layer.get_config()) for layer in last]

    def train():
        made = ef.Sequential([*([ef.Input((2,))] if begins else []), *fresh])
        made.compile("sgd", "binary_crossentropy")
        made.fit(X, Y[:, :1], epochs=2, verbose=0)

    with pytest.warns(UserWarning, match="always 1") as seen:
        train()
    (only,) = seen
    assert str(only.message).startswith(name)
    assert 'activation="sigmoid"' in str(only.message)
    assert only.filename == __file__


def test_a_softmax_over_several_units_or_over_keys_of_attention_is_left_alone():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = ef.Sequential([ef.Input((2,)), layers.Dense(2, activation="softmax")])
        made.compile("sgd", "mse")
        made.fit(X, np.ones((len(X), 2)), verbose=0)
        layers.Softmax()(np.ones((2, 4, 1), "float32"))
        time = ef.Input((None,))
        layers.Softmax()(time)


def test_a_doctor_tells_of_such_a_softmax_in_its_own_words():
    made = ef.Sequential([layers.Dense(1, activation="softmax")])
    made.compile("sgd", "binary_crossentropy")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.fit(X, Y[:, :1], verbose=0, callbacks=[doctor := ef.callbacks.Doctor(verbose=0)])
    assert "loss_mismatch" in doctor.diagnosis.kinds


@pytest.mark.parametrize("asked", [{"metrics": ["mse"]}, {"weighted_metrics": ["mse"]}])
def test_an_error_of_a_metric_says_that_it_is_one(asked):
    made = ef.Sequential([layers.Dense(3, activation="softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy", **asked)
    with pytest.raises(ValueError, match="mean_squared_error: y_true and y_pred need the same shape") as caught:
        made.fit(X, np.arange(6) % 3, verbose=0)
    assert caught.value.__notes__[-1] == f"In the metric 'mse' of compile({next(iter(asked))}=...)."
