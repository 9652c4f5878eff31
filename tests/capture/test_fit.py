"""`compile(jit_compile=True)`: `fit`, `evaluate` and `predict` replay their steps, and give the same bits."""

from __future__ import annotations

import copy
import cProfile
import pickle
import types
import warnings

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(70, 6)).astype("float32"), RNG.integers(0, 3, (70,))


def model(kind=ef.Sequential, **compiled):
    ef.utils.set_random_seed(3)
    made = kind(
        [
            layers.Input((6,)),
            layers.Dense(8, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ]
    )
    made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **compiled)
    return made


def everything(made, **options):
    """What a training, an evaluation and a prediction give, and the weights."""
    history = made.fit(X, Y, batch_size=16, epochs=3, verbose=0, validation_split=0.2, **options).history
    ended = made.evaluate(X, Y, batch_size=16, verbose=0)
    return history, ended, made.predict(X, batch_size=16, verbose=0).tolist(), [w.tolist() for w in made.get_weights()]


def replays(made):
    return {name: step.replays for name, step in made.captured_steps.items()}


def test_everything_has_the_same_bits():
    captured = model(jit_compile=True)
    assert everything(captured) == everything(model())
    found = replays(captured)
    assert found["the training step"] >= 6  # of 9 with 16 rows and 3 with 8; two of each are recorded
    assert min(found["the test step"], found["the prediction"]) > 0


def test_class_and_sample_weights():
    given = {"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}, "sample_weight": RNG.random(70)}
    assert everything(model(jit_compile=True), **given) == everything(model(), **given)


def test_single_steps():
    found = []
    for captures in (True, False):
        made = model(jit_compile=captures)
        steps = [made.train_on_batch(X[:16], Y[:16]) for _ in range(6)]
        found.append((np.array(steps).tolist(), np.array(made.predict_on_batch(X[:5])).tolist()))
        assert made.jit_compile is captures
        assert made.run_eagerly is not captures
    assert found[0] == found[1]


class ItsWay(ef.Sequential):
    """A training step of the user's own, as guides for Keras 3 write it."""

    def train_step(self, data):
        x, y = data
        with ef.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_a_train_step_of_ones_own():
    captured = model(ItsWay, jit_compile=True)
    assert everything(captured) == everything(model(ItsWay))
    assert replays(captured)["train_step"] >= 6


def _gives(number):
    return lambda *given: {"loss": ops.mean(given[-1][0]) * 0.0 + number}


def _on_the_class(made):
    type(made).train_step, type(made).test_step = _gives(1.0), _gives(2.0)


def _on_the_model(made):
    made.train_step, made.test_step = _gives(1.0), _gives(2.0)


def _as_a_method(made):
    made.train_step, made.test_step = types.MethodType(_gives(1.0), made), types.MethodType(_gives(2.0), made)


@pytest.mark.parametrize("exchange", [_on_the_class, _on_the_model, _as_a_method])
def test_a_step_that_is_exchanged_within_an_epoch_counts_when_the_eager_one_does(exchange):
    def logs(captures):
        class Own(ItsWay):
            def test_step(self, data):
                return {"loss": ops.mean(self(data[0], training=False))}

        made, found = model(Own, jit_compile=captures), []

        def change(batch, logs):
            found.append(dict(logs))
            if len(found) == 6:
                exchange(made)

        callback = ef.callbacks.LambdaCallback(on_train_batch_end=change)
        for _ in range(3):  # 4 batches each
            history = made.fit(X[:64], Y[:64], batch_size=16, validation_data=(X, Y), verbose=0, callbacks=[callback])
            found.append(history.history)
        return found, made

    captured, made = logs(True)
    assert captured == logs(False)[0]
    assert "accuracy" in captured[7], "the second epoch ends as it began"
    assert captured[-1] == {"loss": [1.0], "val_loss": [2.0]}
    assert replays(made)["train_step"] >= 4


class Reads(ef.Sequential):
    """Looks at its loss in each step."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        self.seen = float(loss)
        return loss


def test_a_step_that_reads_values_runs_eagerly_and_says_so():
    made = model(Reads, jit_compile=True)
    with pytest.warns(UserWarning, match=r"the training step runs eagerly, not captured: .*test_fit.py:\d+"):
        made.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    assert replays(made)["the training step"] == 0


def test_freezing_between_fits_counts():
    made = model(jit_compile=True)
    made.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    made.layers[0].trainable = False
    before = made.layers[0].get_weights()[0].copy()
    made.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    assert (made.layers[0].get_weights()[0] == before).all()


def test_a_weight_that_is_added_between_fits_counts():
    losses = []
    for jit_compile in (False, True):
        ef.utils.set_random_seed(1)
        made = model(jit_compile=jit_compile)
        made.fit(X, Y, batch_size=16, epochs=2, verbose=0)
        made.layers[0].add_weight(shape=(2,), initializer="ones", regularizer="l2", name="late")
        losses.append(made.fit(X, Y, batch_size=16, epochs=2, verbose=0).history["loss"])
    assert losses[0] == losses[1]
    assert made.layers[0].weights[-1].numpy().tolist() != [1.0, 1.0]


def test_fitting_again_and_again_is_no_change():
    made = model(jit_compile=True)
    for _ in range(12):
        made.fit(X[:64], Y[:64], batch_size=32, verbose=0)
        made.evaluate(X[:64], Y[:64], batch_size=32, verbose=0)
        made.predict(X[:64], batch_size=32, verbose=0)
    assert replays(made)["the training step"] >= 24 - 3


def test_a_profiler_listens_as_it_likes():
    made, profile = model(jit_compile=True), cProfile.Profile()
    made.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    replayed = replays(made)["the training step"]
    profile.enable()
    made.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    made.fit(X, Y, batch_size=7, epochs=2, verbose=0)  # another shape, which isn't captured meanwhile
    profile.disable()
    assert profile.getstats()
    assert replays(made)["the training step"] > replayed


def test_losses_of_layers_are_those_of_the_last_step():
    class Adds(layers.Layer):
        def call(self, inputs):
            self.add_loss(ef.ops.sum(inputs**2))
            return inputs

    made = ef.Sequential([Adds(), layers.Dense(1)])
    made.compile("sgd", "mse", jit_compile=True)
    for i in range(6):
        made.train_on_batch(X[i : i + 4], X[i : i + 4, :1])
        assert float(made.losses[0]) == pytest.approx(float((X[i : i + 4] ** 2).sum()), rel=1e-5)
    assert replays(made)["the training step"] == 3


def test_it_can_be_switched_saved_and_copied(tmp_path):
    made = model(jit_compile=True)
    made.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    path = tmp_path / "model.keras"
    made.save(path)
    for again in (ef.models.load_model(path), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert again.jit_compile
        assert again.evaluate(X, Y, verbose=0) == made.evaluate(X, Y, verbose=0)
    made.jit_compile = False
    assert made.run_eagerly
    made.jit_compile = True
    assert replays(made) == {}


def test_run_eagerly_wins_and_auto_is_eager():
    assert not model(jit_compile=True, run_eagerly=True).jit_compile
    assert not model(jit_compile="auto").jit_compile
    assert not model().jit_compile


def test_observers_see_every_op_of_a_captured_model():
    made = model(jit_compile=True)
    made.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    with viz.trace() as trace:
        made.train_on_batch(X[:16], Y[:16])
    assert {"dense", "masked_scale", "normalize_batch"} <= {op.name for op in trace.ops}


@pytest.mark.parametrize("dtype", ["uint8", "bool", "float32", "int64"])
def test_labels_of_any_type_are_captured(dtype):
    made = ef.Sequential([layers.Dense(2, activation="softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=True)
    assert made.captured_steps == {}
    made.fit(X, np.arange(len(X)).astype(dtype) % 2 if dtype != "bool" else np.arange(len(X)) % 2 == 0, 4, 3, verbose=0)
    step = made.captured_steps["the training step"]
    assert step.replays
    assert step.why_eager is None


def of_two_outputs(**compiled):
    ef.utils.set_random_seed(3)
    a = ef.Input((6,))
    hidden = layers.Dense(4, activation="tanh")(a)
    outputs = {"p": layers.Dense(1, name="p")(hidden), "q": layers.Dense(3, activation="softmax", name="q")(hidden)}
    made = ef.Model(a, outputs)
    made.compile("adam", {"p": "mse", "q": "sparse_categorical_crossentropy"}, loss_weights={"p": 0.5}, **compiled)
    return made


def test_losses_of_several_outputs_are_captured():
    found = []
    for options in ({}, {"jit_compile": True}):
        made = of_two_outputs(**options)
        history = made.fit(X, {"p": X[:, :1], "q": Y}, epochs=3, verbose=0).history
        found.append((history, made.evaluate(X, {"p": X[:, :1], "q": Y}, verbose=0), made.get_weights()[0].tolist()))
    assert found[0] == found[1]
    assert {"loss", "p_loss", "q_loss"} == set(history)
    assert made.captured_steps["the training step"].why_eager is None
    assert made.captured_steps["the training step"].replays > 3


def test_labels_are_looked_at_in_each_replay():
    made = ef.Sequential([layers.Dense(2, activation="softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy", jit_compile=True)
    for _ in range(5):
        made.train_on_batch(X[:4], np.zeros(4, "float32"))
    with pytest.raises(ValueError, match=r"expected class numbers 0, 1, 2, ...; got 0.5"):
        made.train_on_batch(X[:4], np.full(4, 0.5, "float32"))


def test_other_values_of_jit_compile_are_refused():
    with pytest.raises(ValueError, match=r"jit_compile='yes'.*expected True, False or \"auto\""):
        ef.Sequential([layers.Dense(2)]).compile(jit_compile="yes")


def in_epochs(make, change, epochs=4, **fitted):
    """The losses of single epochs, eagerly and captured, and the captured model; `change` comes between epochs."""
    found = []
    for options in ({}, {"jit_compile": True}):
        ef.utils.set_random_seed(3)
        made, changed = make(options)
        losses = []
        for epoch in range(epochs):
            losses += made.fit(X[:64], X[:64, :1], batch_size=8, verbose=0, **fitted).history["loss"]
            change(changed, epoch)
        found.append(losses)
    return (*found, made)


def of_half_precision(options):
    ef.config.set_dtype_policy("mixed_float16")
    made = ef.Sequential([layers.Input((6,)), layers.Dense(4, activation="relu"), layers.Dense(1, dtype="float32")])
    made.compile("adam", "mse", **options)
    ef.config.set_dtype_policy("float32")
    return made, None


def of_normalized_kernels(options):
    made = ef.Sequential([layers.Input((6,)), layers.SpectralNormalization(layers.Dense(4)), layers.Dense(1)])
    made.compile("adam", "mse", **options)
    return made, None


def of_augmented_pictures(options):
    warps = [layers.RandomRotation(0.1), layers.RandomZoom(0.2, fill_mode="constant"), layers.RandomTranslation(0.2, 0)]
    made = ef.Sequential([layers.Input((6,)), layers.Reshape((3, 2, 1)), *warps, layers.Flatten(), layers.Dense(1)])
    made.compile("adam", "mse", **options)
    return made, None


@pytest.mark.parametrize("make", [of_half_precision, of_normalized_kernels, of_augmented_pictures])
def test_these_are_captured_too(make):
    eager, captured, made = in_epochs(make, lambda changed, epoch: None)
    assert captured == eager
    step = made.captured_steps["the training step"]
    assert step.why_eager is None
    assert step.replays > 25


def test_what_was_changed_between_runs_is_named():
    made = ef.Sequential([layers.Input((6,)), layers.Dropout(0.1, name="drops"), layers.Dense(1)])
    made.compile("sgd", "mse", jit_compile=True)

    def change(epoch, logs):
        made.layers[0].rate = 0.1 * epoch

    own = ef.callbacks.LambdaCallback(on_epoch_begin=change)
    with pytest.warns(UserWarning, match=r"drops.rate was changed between them"):
        made.fit(X[:8], X[:8, :1], batch_size=8, epochs=6, verbose=0, callbacks=[own])


class SkippedAtTimes(layers.Layer):
    """Stochastic depth, with NumPy's random numbers."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(5)

    def call(self, inputs, training=False):
        if training and np.random.rand() < 0.4:  # noqa: NPY002 - as users' programs do
            return inputs
        return inputs + self.dense(inputs)


def test_layers_that_numpys_draws_skip_stay_eager():
    found = []
    for captures in (False, True):
        ef.utils.set_random_seed(3)
        model = ef.Sequential([layers.Input((5,)), SkippedAtTimes(), SkippedAtTimes(), layers.Dense(1)])
        model.compile("sgd", "mse", jit_compile=captures)
        data = np.random.default_rng(1).normal(size=(40, 5)), np.ones((40, 1))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            history = model.fit(*data, batch_size=4, epochs=2, verbose=0)
        found.append(history.history["loss"])
    assert found[0] == found[1]
    assert any("the step draws from numpy.random" in str(each.message) for each in caught)


@pytest.mark.parametrize("from_logits", [False, True])
def test_a_label_out_of_range_is_told_alike_by_eager_and_by_captured_steps(from_logits):
    x, y = np.ones((32, 6), "float32"), np.zeros(32, "int64")
    said = []
    for captured in (False, True):
        model = ef.Sequential([ef.Input((6,)), ef.layers.Dense(3, activation=None if from_logits else "softmax")])
        loss = ef.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
        model.compile("adam", loss, jit_compile=captured)
        for _ in range(4):
            model.train_on_batch(x, y)
        with pytest.raises(ValueError, match="from 0 to 2") as caught:
            model.train_on_batch(x, y + 7)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert said[0].startswith("sparse_categorical_crossentropy(target=int64[32], output=float32[32, 3]): target: ")
