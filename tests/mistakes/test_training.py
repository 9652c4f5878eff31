"""Mistakes in training: compile, fit, evaluate, predict, callbacks, losses, metrics, optimizers, data."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import callbacks, layers, losses, metrics, ops, optimizers
from tests.mistakes.checking import Mistake, check

X = np.ones((6, 2), "float32")
Y = np.ones((6, 1), "float32")
LABELS = np.array([0, 1, 2, 0, 1, 2])


def model(**settings):
    made = ef.Sequential([layers.Dense(1, name="head")])
    made.compile(**{"optimizer": "sgd", "loss": "mse", **settings})
    return made


def classifier(loss="sparse_categorical_crossentropy"):
    made = ef.Sequential([layers.Dense(3, activation="softmax")])
    made.compile("sgd", loss)
    return made


def fit(*args, **kwargs):
    return model().fit(*args, verbose=0, **kwargs)


def frozen():
    made = ef.Sequential([ef.Input((2,)), layers.Dense(1)])
    made.trainable = False
    made.compile("sgd", "mse")
    return made


def test_a_model_without_trainable_weights_is_told_what_to_do():
    with pytest.warns(UserWarning, match=r"no trainable weights.*Set model\.trainable = True, or that of the layers"):
        frozen().fit(X, Y, verbose=0)
    after_compile = model()
    after_compile.build((None, 2))
    after_compile.trainable = False
    with pytest.warns(UserWarning, match="frozen after compile.*GAN") as caught:
        after_compile.fit(X, Y, verbose=0)
    assert caught[0].filename == __file__


def two_outputs(loss):
    x = ef.Input((2,))
    made = ef.Model(x, [layers.Dense(1, name="height")(x), layers.Dense(1, name="width")(x)])
    made.compile("sgd", loss)
    return made


class Raises(callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"]


class StepOfNothing(ef.Sequential):
    def train_step(self, data):
        return 3


class StepWithoutReturn(ef.Sequential):
    def train_step(self, data):
        pass

    test_step = train_step


def step_of_ones_own(kind=StepWithoutReturn):
    made = kind([layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


def endless():
    return ef.data.Dataset.from_tensor_slices((X, Y)).batch(2).repeat()


def generator_used_up():
    data = iter([(X, Y)])
    made = model()
    made.fit(data, verbose=0)
    made.fit(data, verbose=0)


def swapped_pair():
    weight = ef.Variable([1.0])
    optimizers.SGD().apply_gradients([(weight, ef.ops.ones(1))])


def forgotten(y_true, y_pred):
    pass


def of_two_inputs():
    a, b = ef.Input((2,), name="a"), ef.Input((2,), name="b")
    made = ef.Model([a, b], layers.Dense(1)(layers.add([a, b])))
    made.compile("sgd", "mse")
    return made


COMPILE: dict[str, Mistake] = {
    "a loss in the place of the optimizer": (
        lambda: ef.Sequential([layers.Dense(1)]).compile("mse", "adam"),
        ValueError,
        ("'mse'", "that is a loss", "compile(optimizer, loss)"),
    ),
    "metrics in the place of loss_weights": (
        lambda: model(loss_weights=["mae"]).fit(X, Y, verbose=0),
        TypeError,
        ("loss_weights", "metrics=[...]"),
    ),
    "a loss of one argument": (
        lambda: model(loss=lambda y_pred: y_pred),
        TypeError,
        ("(y_true, y_pred)", "takes (y_pred)"),
    ),
    "pairs of a variable and its gradient": (swapped_pair, TypeError, ("the gradient comes first",)),
    "gradients without their weights": (
        lambda: optimizers.SGD().apply_gradients([ef.ops.ones(3)]),
        ValueError,
        ("SGD.apply_gradients", "apply_gradients(zip(gradients, weights))", "apply(gradients, weights)"),
    ),
    "a loss of predictions and targets": (
        lambda: losses.SparseCategoricalCrossentropy()(np.ones((6, 3)), LABELS),
        ValueError,
        ("swapped", "The target comes first"),
    ),
    "a loss of predictions and targets of other shapes": (
        lambda: losses.CategoricalCrossentropy()(np.ones((6, 3)), LABELS),
        ValueError,
        ("swapped", "loss(y_true, y_pred)"),
    ),
    "fewer outputs than targets": (
        lambda: losses.MeanSquaredError()(np.ones((6, 4)), np.ones((6, 3))),
        ValueError,
        ("float32[6, 4]", "4 targets per row need as many outputs: Dense(4)"),
    ),
    "an unknown optimizer": (lambda: model(optimizer="adamm"), ValueError, ("adamm", "Did you mean 'adam'")),
    "an optimizer's class": (lambda: model(optimizer=3), TypeError, ("3",)),
    "an unknown loss": (lambda: model(loss="mean_square_error"), ValueError, ("Did you mean 'mean_squared_error'",)),
    "a number as loss": (lambda: model(loss=3), TypeError, ("3",)),
    "an unknown metric": (lambda: model(metrics=["acuracy"]), ValueError, ("Did you mean 'accuracy'",)),
    "two losses for one output": (lambda: model(loss=["mse", "mae"]).fit(X, Y), ValueError, ("2",)),
    "a loss for an output that isn't there": (
        lambda: two_outputs({"hight": "mse", "width": "mse"}).fit(X, [Y, Y]),
        ValueError,
        ("hight", "height"),
    ),
    "one loss too few": (lambda: two_outputs(["mse"]).fit(X, [Y, Y]), ValueError, ("1", "2")),
    "an unknown argument": (lambda: model(optimiser="sgd"), TypeError, ("optimiser", "Did you mean 'optimizer'")),
    "no steps per execution": (lambda: model(steps_per_execution=0), ValueError, ("steps_per_execution=0",)),
}
FIT: dict[str, Mistake] = {
    "a generator of numbers, where batches are wanted": (
        lambda: frozen().predict(i for i in range(3)),
        ValueError,
        ("got int64[]. One number is no batch", "(x, y)"),
    ),
    "text, for a model that begins with an Input": (
        lambda: frozen().predict(np.array([["a", "b"], ["c", "d"]])),
        TypeError,
        ("takes numbers; got <U1[2, 2]: 'a' at [0, 0]", "TextVectorization"),
    ),
    "text, for a Dense layer": (
        lambda: fit(np.array([["a", "b"]] * 6), Y),
        TypeError,
        ("head", "takes numbers; got <U1[6, 2]: 'a' at [0, 0]"),
    ),
    "numbers written as text": (lambda: frozen().predict(np.array([["1", "2"]])), TypeError, ("x.astype('float32')",)),
    "a dict of a number": (lambda: fit({"x": 1}, Y), ValueError, ("x['x']: expected an array", "got 1")),
    "fit before compile": (
        lambda: ef.Sequential([layers.Dense(1)]).fit(X, Y),
        ValueError,
        ("compile", "model.compile("),
    ),
    "evaluate before compile": (lambda: ef.Sequential([layers.Dense(1)]).evaluate(X, Y), ValueError, ("compile",)),
    "one example without a batch axis": (
        lambda: ef.Sequential([ef.Input((2,)), layers.Dense(1)]).predict(X[0]),
        ValueError,
        ("A single example needs a batch axis: x[None]",),
    ),
    "one example of another length": (
        lambda: ef.Sequential([ef.Input((3,)), layers.Dense(1)]).predict(X[0]),
        ValueError,
        ("got float32[2]. A batch has two axes: (examples, 3).",),
    ),
    "negative epochs": (lambda: fit(X, Y, epochs=-3), ValueError, ("epochs=-3",)),
    "fractional epochs": (lambda: fit(X, Y, epochs=1.5), TypeError, ("epochs=1.5",)),
    "epochs as text": (lambda: fit(X, Y, epochs="3"), TypeError, ("epochs='3'",)),
    "no batch": (lambda: fit(X, Y, batch_size=0), ValueError, ("batch_size=0",)),
    "a fractional batch": (lambda: fit(X, Y, batch_size=2.5), TypeError, ("batch_size=2.5",)),
    "a split above 1": (lambda: fit(X, Y, validation_split=1.5), ValueError, ("validation_split=1.5",)),
    "a split that leaves nothing": (lambda: fit(X, Y, validation_split=0.99), ValueError, ("6 samples",)),
    "a split of batches": (lambda: fit(iter([(X, Y)]), validation_split=0.5), ValueError, ("validation_data",)),
    "verbose of 7": (lambda: model().fit(X, Y, verbose=7), ValueError, ("verbose=7",)),
    "shuffle as text": (lambda: fit(X, Y, shuffle="yes"), ValueError, ("shuffle='yes'",)),
    "no targets": (lambda: fit(X), ValueError, ("y is missing",)),
    "targets of another length": (lambda: fit(X, Y[:4]), ValueError, ("6", "4")),
    "weights of another length": (lambda: fit(X, Y, sample_weight=np.ones(3)), ValueError, ("sample_weight", "3")),
    "no samples": (lambda: fit(X[:0], Y[:0]), ValueError, ("x, y has no samples",)),
    "data of text": (lambda: fit(np.array([["a"] * 2] * 6), Y), (TypeError, ValueError), ("text",)),
    "data of objects": (lambda: fit(np.array([[{}]] * 6, object), Y), (TypeError, ValueError), ("object",)),
    "ragged data": (lambda: fit([[1, 2], [3]], Y[:2]), (TypeError, ValueError), ("x",)),
    "a number as data": (lambda: fit(3, Y), (TypeError, ValueError), ("x", "int", "array")),
    "a path as data": (lambda: fit("data.csv", Y), (TypeError, ValueError), ("x", "str", "array")),
    "inputs of another width": (
        lambda: (m := model(), m.fit(X, Y, verbose=0), m.fit(np.ones((6, 5)), Y, verbose=0)),
        ValueError,
        ("head", "5"),
    ),
    "labels beyond the classes": (
        lambda: classifier().fit(X, LABELS + 5, verbose=0),
        (ValueError, IndexError),
        ("7", "3"),
    ),
    "negative labels": (lambda: classifier().fit(X, LABELS - 1, verbose=0), (ValueError, IndexError), ("-1",)),
    "labels as numbers for one-hot": (
        lambda: classifier("categorical_crossentropy").fit(X, LABELS, verbose=0),
        ValueError,
        ("sparse_categorical",),
    ),
    "one-hot labels for numbers": (
        lambda: classifier().fit(X, np.eye(3)[LABELS], verbose=0),
        ValueError,
        ("categorical_crossentropy",),
    ),
    "a negative class weight": (
        lambda: classifier().fit(X, LABELS, class_weight={0: -1.0}, verbose=0),
        ValueError,
        ("class_weight", "1"),
    ),
    "class weights as a list": (
        lambda: classifier().fit(X, LABELS, class_weight=[1, 1, 1], verbose=0),
        (TypeError, ValueError),
        ("class_weight",),
    ),
    "callbacks by name": (lambda: fit(X, Y, callbacks=["early_stopping"]), TypeError, ("early_stopping", "Callback")),
    "a callback's class": (
        lambda: fit(X, Y, callbacks=[callbacks.EarlyStopping]),
        TypeError,
        ("EarlyStopping", "(...)"),
    ),
    "a callback that raises": (lambda: fit(X, Y, callbacks=[Raises()]), KeyError, ("val_loss",)),
    "a generator used twice": (generator_used_up, ValueError, ("no batch", "generator")),
    "y beside batches": (lambda: fit(iter([(X, Y)]), Y), (TypeError, ValueError), ("y",)),
    "batches of four": (lambda: fit(iter([(X, Y, Y, Y)])), (TypeError, ValueError), ("sample_weight",)),
    "validation data of four": (
        lambda: fit(X, Y, validation_data=(X, Y, Y, Y)),
        (TypeError, ValueError),
        ("(x, y, sample_weight)", "4"),
    ),
    "a step that returns a number": (
        lambda: (m := StepOfNothing([layers.Dense(1)]), m.compile("sgd", "mse"), m.fit(X, Y, verbose=0)),
        TypeError,
        ("dict", "int"),
    ),
    "a training step without a return": (
        lambda: step_of_ones_own().fit(X, Y, verbose=0),
        TypeError,
        ("train_step", "dict", "{'loss': loss}"),
    ),
    "one training step without a return": (
        lambda: step_of_ones_own().train_on_batch(X, Y),
        TypeError,
        ("train_step", "dict"),
    ),
    "a test step without a return": (
        lambda: step_of_ones_own().evaluate(X, Y, verbose=0),
        TypeError,
        ("test_step", "dict"),
    ),
    "validation data without targets": (
        lambda: fit(X, Y, validation_data=X),
        ValueError,
        ("validation_data", "validation_data=(x, y)"),
    ),
    "one input for two": (
        lambda: of_two_inputs().fit(X, Y, verbose=0),
        ValueError,
        ("['a', 'b']", "Pass a list", "dict"),
    ),
    "one label for each sequence": (
        lambda: classifier().fit(np.ones((6, 5, 2)), LABELS, verbose=0),
        ValueError,
        ("[6, 5, 3]", "Flatten", "return_sequences"),
    ),
    "a metric without a return": (
        lambda: model(metrics=[forgotten]).fit(X, Y, verbose=0),
        TypeError,
        ("'forgotten'", "return"),
    ),
    "arrays that aren't in a tuple": (
        lambda: ef.data.Dataset.from_tensor_slices(X, Y),
        TypeError,
        ("from_tensor_slices((x, y))",),
    ),
    "names for class numbers": (
        lambda: ef.utils.to_categorical(np.array(["a", "b"])),
        ValueError,
        ("class numbers", "np.unique(x, return_inverse=True)[1]"),
    ),
    "a Dataset without batches": (
        lambda: fit(ef.data.Dataset.from_tensor_slices((X, Y))),
        ValueError,
        ("axes", ".batch(32)"),
    ),
    "an endless Dataset to train on": (lambda: fit(endless()), ValueError, ("no end", "steps_per_epoch")),
    "an endless Dataset to validate on": (
        lambda: fit(X, Y, validation_data=endless()),
        ValueError,
        ("no end", "validation_steps"),
    ),
    "an endless Dataset to evaluate": (
        lambda: model().evaluate(endless(), verbose=0),
        ValueError,
        ("evaluate", "no end", "pass steps"),
    ),
    "an endless Dataset to predict": (
        lambda: model().predict(endless(), verbose=0),
        ValueError,
        ("predict", "no end", "pass steps"),
    ),
    "an unknown argument of fit": (lambda: fit(X, Y, epoch=3), TypeError, ("epoch", "epochs")),
    "predict on nothing": (lambda: model().predict(X[:0], verbose=0), ValueError, ("x has no samples",)),
    "no rows to evaluate": (lambda: model().evaluate(X[:0], Y[:0], verbose=0), ValueError, ("x, y has no samples",)),
    "predictions of a shape that broadcasts": (
        lambda: (m := ef.Sequential([layers.Dense(3)]), m.compile("sgd", "mse"), m.fit(X, np.ones((6, 2)), verbose=0)),
        ValueError,
        ("[6, 2]", "[6, 3]"),
    ),
}
PARTS: dict[str, Mistake] = {
    "a negative learning rate": (lambda: optimizers.SGD(-0.1), ValueError, ("learning_rate", "-0.1")),
    "a learning rate of text": (lambda: optimizers.SGD("0.1"), (TypeError, ValueError), ("learning_rate", "0.1")),
    "a learning rate of NaN": (lambda: optimizers.Adam(float("nan")), ValueError, ("learning_rate", "nan")),
    "a momentum above 1": (lambda: optimizers.SGD(0.1, momentum=1.5), ValueError, ("momentum", "1.5")),
    "beta above 1": (lambda: optimizers.Adam(beta_1=1.5), ValueError, ("beta_1", "1.5")),
    "two ways to clip": (lambda: optimizers.Adam(clipnorm=1.0, clipvalue=1.0), ValueError, ("clip",)),
    "an unknown argument of Adam": (
        lambda: optimizers.Adam(learning_rat=0.1),
        (TypeError, ValueError),
        ("learning_rat", "learning_rate"),
    ),
    "an optimizer's name from PyTorch": (lambda: optimizers.Adam().step(), AttributeError, ("step", "apply")),
    "gradients of another number": (
        lambda: optimizers.SGD().apply([ef.Tensor([1.0])], [ef.Variable([1.0]), ef.Variable([1.0])]),
        ValueError,
        ("1", "2"),
    ),
    "gradients of another shape": (
        lambda: optimizers.SGD().apply([ef.Tensor([1.0, 2.0])], [ef.Variable([1.0])]),
        ValueError,
        ("gradient", "(2,)", "(1,)"),
    ),
    "no gradients at all": (lambda: optimizers.SGD().apply([None], [ef.Variable([1.0])]), ValueError, ("no gradient",)),
    "a decay of 0 steps": (
        lambda: optimizers.schedules.ExponentialDecay(0.1, 0, 0.9),
        ValueError,
        ("decay_steps", "0"),
    ),
    "bounds and values that don't fit": (
        lambda: optimizers.schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]),
        ValueError,
        ("PiecewiseConstantDecay", "2 values"),
    ),
    "predictions of another shape": (
        lambda: losses.MeanSquaredError()(Y, np.ones((6, 2))),
        UserWarning,
        ("(batch, 1)", "(batch, 2)"),
    ),
    "tensors that a loss is made with": (
        lambda: losses.MeanSquaredError(ops.ones((6, 1)), ops.ones((6, 1))),
        ValueError,
        ("MeanSquaredError(reduction=float32[6, 1])", "MeanSquaredError()(x)"),
    ),
    "labels that aren't whole": (
        lambda: losses.SparseCategoricalCrossentropy()(np.array([0.5]), np.ones((1, 3)) / 3),
        (TypeError, ValueError),
        ("0.5",),
    ),
    "smoothing above 1": (
        lambda: losses.CategoricalCrossentropy(label_smoothing=2.0),
        ValueError,
        ("label_smoothing", "2.0"),
    ),
    "a metric of no classes": (lambda: metrics.MeanIoU(num_classes=0), ValueError, ("num_classes", "0")),
    "thresholds above 1": (lambda: metrics.Precision(thresholds=1.5), ValueError, ("thresholds", "1.5")),
    "an unknown curve": (lambda: metrics.AUC(curve="RUC"), ValueError, ("curve", "RUC")),
    "k of 0": (lambda: metrics.TopKCategoricalAccuracy(k=0), ValueError, ("k", "0")),
    "EarlyStopping of an unknown mode": (
        lambda: callbacks.EarlyStopping(mode="maximum"),
        ValueError,
        ("mode", "maximum"),
    ),
    "negative patience": (lambda: callbacks.EarlyStopping(patience=-1), ValueError, ("patience", "-1")),
    "a number for the rate that a schedule decides": (
        lambda: setattr(optimizers.SGD(optimizers.schedules.CosineDecay(0.1, 10)), "learning_rate", 0.1),
        TypeError,
        ("CosineDecay decides", "no number can be set", "another schedule"),
    ),
    "a schedule that is no function": (lambda: callbacks.LearningRateScheduler(0.1), TypeError, ("schedule", "float")),
    "a checkpoint of another ending": (
        lambda: callbacks.ModelCheckpoint("best.txt"),
        ValueError,
        ("best.txt", ".keras"),
    ),
    "an initializer's negative width": (
        lambda: ef.initializers.RandomNormal(stddev=-1.0),
        ValueError,
        ("stddev", "-1"),
    ),
    "a batch of 0 in a data set": (
        lambda: ef.data.Dataset.from_tensor_slices(X).batch(0),
        ValueError,
        ("batch_size", "0"),
    ),
    "an empty shuffle buffer": (
        lambda: ef.data.Dataset.from_tensor_slices(X).shuffle(0),
        ValueError,
        ("buffer_size", "0"),
    ),
    "slices of several lengths": (lambda: ef.data.Dataset.from_tensor_slices((X, Y[:2])), ValueError, ("6", "2")),
    "classes below the labels": (lambda: ef.utils.to_categorical([0, 5], num_classes=3), ValueError, ("5", "3")),
}


@pytest.mark.parametrize("name", COMPILE)
def test_compile(name):
    check(COMPILE[name])


@pytest.mark.parametrize("name", FIT)
def test_fit_and_its_kin(name):
    check(FIT[name])


@pytest.mark.parametrize("name", PARTS)
def test_optimizers_losses_metrics_callbacks_data(name):
    check(PARTS[name])


def test_a_callback_that_waits_for_a_misspelt_number_is_shown_at_the_users_line():
    with pytest.warns(UserWarning, match="val_los") as caught:
        model().fit(X, Y, verbose=0, callbacks=[callbacks.EarlyStopping(monitor="val_los")])
    assert caught[0].filename == __file__


def test_variables_that_were_taken_before_the_model_was_built_are_missed():
    model, optimizer = ef.Sequential([ef.layers.Dense(1)]), optimizers.SGD()
    early = model.trainable_variables
    with ef.GradientTape() as tape:
        loss = ef.ops.mean(model(ef.ops.ones((4, 3))) ** 2)
    with pytest.raises(ValueError, match=r"no pairs.*trainable_variables after its first call"):
        optimizer.apply_gradients(zip(tape.gradient(loss, early), early))
    assert int(optimizer.iterations) == 0
